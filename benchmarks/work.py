"""The work that every contestant is given: what is open on the account when the clock starts."""

from dataclasses import dataclass
from decimal import Decimal

from goflat.venues.simulated.exchange import AccountSetup, Exchange
from goflat.venues.simulated.instruments import Instrument, synthetic_instruments
from goflat.venues.simulated.knobs import Knobs

ROUND_TRIP_MS = 20.0
LISTED = 500
"""How many instruments the venue lists: hundreds, as the real one does."""
QUANTITY = Decimal(100)
WALLET = Decimal(10) ** 10
"""In USDT: more than all positions need, so that margin is never the subject."""
STOPS_MOST = Knobs().most_conditional_orders
"""The venue takes no more of them, over all symbols."""
ENTRY_AWAY, PROFIT_AWAY, STOP_AWAY = Decimal("0.03"), Decimal("0.03"), Decimal("0.04")
"""How far from the mark price the orders rest, as a part of it: inside the venue's price band."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Work:
    """So many positions on as many symbols, long and short in turn.

    Beside each rest an order that could open more and one that takes profit on half; every second
    one has a protective stop, as far as the venue takes them. `round_trip_ms` is added to every
    request, `listed` is how many instruments the venue lists, never fewer than positions, and
    `fault` a name of `benchmarks.faults`.
    """

    positions: int
    round_trip_ms: float = ROUND_TRIP_MS
    listed: int = LISTED
    fault: str | None = None

    @property
    def instruments(self) -> tuple[Instrument, ...]:
        return tuple(synthetic_instruments(max(self.listed, self.positions)))

    @property
    def holdings(self) -> tuple["Holding", ...]:
        """What is held, instrument by instrument."""
        held = zip(range(self.positions), synthetic_instruments(self.positions), strict=True)
        return tuple(
            Holding(
                symbol=instrument.symbol,
                mark=instrument.mark,
                tick=instrument.tick,
                is_long=number % 2 == 0,
                has_stop=number < STOPS_MOST * 2 and (number % 2 == 1 or self.positions == 1),
            )
            for number, instrument in held
        )

    @property
    def conditional_orders(self) -> int:
        return sum(holding.has_stop for holding in self.holdings)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One position of the work, and where its orders rest."""

    symbol: str
    mark: Decimal
    tick: Decimal
    is_long: bool
    has_stop: bool

    @property
    def opens_with(self) -> str:
        return "BUY" if self.is_long else "SELL"

    @property
    def closes_with(self) -> str:
        return "SELL" if self.is_long else "BUY"

    def price(self, away: Decimal, *, gains: bool) -> Decimal:
        """A price so far from the mark, on the side on which the position gains or loses."""
        up = 1 if self.is_long is gains else -1
        return (self.mark * (1 + up * away)).quantize(self.tick)


def account() -> AccountSetup:
    """The account that holds it."""
    return AccountSetup(wallet=WALLET)


def lay_out(exchange: Exchange, work: Work) -> None:
    """Open the positions and place the orders, past the API, so that no limit is used up."""
    for holding in work.holdings:
        amount = QUANTITY if holding.is_long else -QUANTITY
        exchange.open_position(holding.symbol, amount)
        exchange.rest_order(
            holding.symbol,
            holding.opens_with,
            QUANTITY,
            holding.price(ENTRY_AWAY, gains=False),
        )
        exchange.rest_order(
            holding.symbol,
            holding.closes_with,
            QUANTITY / 2,
            holding.price(PROFIT_AWAY, gains=True),
            reduce_only=True,
        )
        if holding.has_stop:
            exchange.wait_order(
                holding.symbol,
                holding.closes_with,
                holding.price(STOP_AWAY, gains=False),
                close_position=True,
            )
