"""What happens on a bad day at a real venue, beyond the specification."""

from dataclasses import replace
from decimal import Decimal

from goflat.domain.position import OrderSide, PositionSide
from goflat.drill import books, words
from goflat.drill.scenario import QUICK, Scenario
from goflat.drill.setting import Holds, Rests, Setting, Wait, Waits
from goflat.drill.specified import TWO
from goflat.venues.simulated import trouble
from goflat.venues.simulated.faults import FillFirst, Match, Outcome, Reset
from goflat.venues.simulated.venue import SimulatedVenue

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ORDER = "/fapi/v1/order"
MARKET_LOT = Decimal(300_000)


def _lost_answers(venue: SimulatedVenue) -> None:
    def first(symbol: str) -> Match:
        return Match(method="POST", path=ORDER, symbol=symbol, count=1)

    venue.faults.add(first("BTCUSDT"), Reset(outcome=Outcome.EXECUTED))
    venue.faults.add(first("ETHUSDT"), trouble.unknown_outcome(Outcome.EXECUTED))


def _fills_first(venue: SimulatedVenue) -> None:
    match = Match(method="DELETE", path="/fapi/v1/allOpenOrders", symbol="BTCUSDT", count=1)
    venue.faults.add(match, FillFirst())


def _band(venue: SimulatedVenue) -> None:
    match = Match(method="POST", path=ORDER, symbol="BTCUSDT", parameters={"type": "MARKET"})
    venue.faults.add(match, trouble.price_band())


CONDITIONAL = Scenario(
    name="conditional-orders",
    title="Conditional orders present",
    shows="stops guard until closed, entries go",
    setting=Setting(
        positions=TWO.positions,
        conditional=(
            Waits(symbol="BTCUSDT", side=LONG),
            Waits(symbol="BTCUSDT", side=LONG, kind=Wait.PROFIT),
            Waits(symbol="BTCUSDT", side=LONG, kind=Wait.ENTRY),
            Waits(symbol="ETHUSDT", side=SHORT),
            Waits(symbol="BNBUSDT", side=LONG, kind=Wait.ENTRY),
        ),
    ),
    expected="entries are cancelled first; protective stops go once their position is closed",
    checks=(books.stops_stayed_until_closed, books.orders_went_before_closes),
)

HEDGE = Scenario(
    name="hedge-mode",
    title="Hedge mode",
    shows="long and short at once, no flip",
    setting=Setting(
        positions=(
            Holds(symbol="BTCUSDT", side=LONG, lots=4),
            Holds(symbol="BTCUSDT", side=SHORT, lots=2),
            Holds(symbol="ETHUSDT", side=SHORT),
        ),
        working=(
            Rests(symbol="BTCUSDT", side=OrderSide.BUY),
            Rests(symbol="BTCUSDT", side=OrderSide.SELL),
        ),
        conditional=(
            Waits(symbol="BTCUSDT", side=LONG),
            Waits(symbol="BTCUSDT", side=SHORT),
        ),
        hedge=True,
    ),
    expected="every row is closed by an order with its own position side, and nothing flips",
    checks=(
        words.counted(3, 0),
        books.both_sides_of("BTCUSDT"),
        books.stops_stayed_until_closed,
    ),
)

LOST_ANSWER = Scenario(
    name="lost-answer",
    title="An answer is lost after the order was executed",
    shows="asked about by id, never sent twice",
    setting=Setting(positions=TWO.positions),
    expected="each order is looked up by its client order id; nothing is sent a second time",
    trouble=_lost_answers,
    in_words="both closes execute; one answer is a reset connection, the other a 503",
    checks=(
        books.one_order_a_position,
        words.in_the_audit("ORDER_UNANSWERED", "ORDER_RESOLVED"),
    ),
)

FILL = Scenario(
    name="fill-during-run",
    title="A resting order fills during the run",
    shows="what the fill opened is closed, too",
    setting=TWO,
    expected="the bot's own order makes the position grow meanwhile, and all of it is closed",
    trouble=_fills_first,
    in_words="the resting order of BTCUSDT fills in the moment in which it is cancelled",
    checks=(books.position_grew_meanwhile,),
)

BAND = Scenario(
    name="price-band-refusal",
    title="The price band refuses the market order",
    shows="then a limit at the band, reduce-only",
    setting=Setting(positions=TWO.positions),
    expected="the next attempt is a limit order at the band that leaves nothing in the book",
    trouble=_band,
    in_words="market orders of BTCUSDT are refused with -4131",
    checks=(books.closed_by_a_limit_at_once, words.in_the_audit("ORDER_REJECTED", "RETRY")),
)

OVERSIZE = Scenario(
    name="above-market-lot",
    title="A quantity above the market lot",
    shows="split into orders that the venue takes",
    setting=Setting(
        positions=(Holds(symbol="ADAUSDT", side=LONG, quantity=Decimal(700_000)),),
        working=(Rests(symbol="ADAUSDT", side=OrderSide.BUY),),
    ),
    expected="three orders, none above the market lot, together the whole position",
    config=replace(QUICK, timeout_seconds=6.0),
    in_words="the position is 2.3 times what the venue takes in one market order",
    only_embedded="takes a position larger than a drill should pay for",
    checks=(books.split_within(MARKET_LOT),),
)

BAD_DAYS = (CONDITIONAL, HEDGE, LOST_ANSWER, FILL, BAND, OVERSIZE)
