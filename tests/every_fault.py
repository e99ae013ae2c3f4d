"""Every fault that the simulated venue has, each with how goflat's run has to end under it.

The account at the start: BTCUSDT long 0.5 with a resting entry, a resting reduce-only order and a
stop; ETHUSDT short 3 with a waiting entry; SOLUSDT with one resting order and no position.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal

from goflat.domain.outcome import LiquidationState
from goflat.venues.simulated import happenings, trouble
from goflat.venues.simulated.effects import (
    BookRunsOut,
    CancelLate,
    CancelLeaves,
    Delay,
    Dribble,
    Effect,
    ExecuteLate,
    FillFirst,
    Hang,
    LookupLag,
    Outcome,
    Raw,
    Reset,
    Say,
    Shape,
    Skew,
    Spoil,
    StalePositions,
    Then,
)
from goflat.venues.simulated.faults import Match
from goflat.venues.simulated.knobs import Claimed, Knobs, Oversize
from goflat.venues.simulated.venue import TEST_API_KEY, SimulatedVenue

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
EVERYTHING = frozenset({BTC, ETH, SOL})
ORDER, POSITIONS, TIME = "/fapi/v1/order", "/fapi/v3/positionRisk", "/fapi/v1/time"
WORKING, WAITING = "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"
DONE, NOT_DONE = Outcome.EXECUTED, Outcome.NOT_EXECUTED
COMPLETED, PARTIAL = LiquidationState.COMPLETED, LiquidationState.PARTIAL
FAILED = LiquidationState.FAILED
FOR_EVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    `ends` are the states in which a run may honestly end, `left` the instruments that are named
    then as not flat. `rules` hit requests, `happens` moves the venue before the run begins.
    `closes` is how many closes of BTCUSDT the venue may take, None where that does not matter.
    `not_yet` says why goflat does not stand this one so far.
    """

    name: str
    rules: tuple[tuple[Match, Effect], ...] = ()
    happens: Callable[[SimulatedVenue], None] = lambda _venue: None
    ends: tuple[LiquidationState, ...] = (COMPLETED,)
    left: frozenset[str] = frozenset()
    hedge: bool = False
    knobs: Knobs = field(default_factory=Knobs)
    timeout_seconds: float = 2.0
    quiet_seconds: float = 0.1
    latency_ms: float = 5.0
    closes: int | None = None
    not_yet: str = ""


def close(count: int | None = 1, first: int = 1) -> Match:
    """Closes of BTCUSDT: so many of them, from the first one on."""
    return Match(method="POST", path=ORDER, symbol=BTC, count=count, first=first)


def read(path: str, count: int | None = 1, first: int = 1) -> Match:
    return Match(method="GET", path=path, count=count, first=first)


def cancel(path: str = "/fapi/v1/allOpenOrders", count: int | None = 1) -> Match:
    return Match(method="DELETE", path=path, symbol=BTC, count=count)


CANCEL_ALGOS = "/fapi/v1/algoOpenOrders"


def closing(name: str, effect: Effect, count: int | None = 1, **more: object) -> Fault:
    """A fault that hits closes of BTCUSDT."""
    return Fault(name=name, rules=((close(count), effect),), **more)  # type: ignore[arg-type]


def refused_for_good(name: str, effect: Effect) -> Fault:
    """A close that is refused each time: what is left is named."""
    return closing(name, effect, None, ends=(PARTIAL,), left=frozenset({BTC}), timeout_seconds=1.5)


def both_outcomes(name: str, make: Callable[[Outcome], Effect]) -> Iterator[Fault]:
    """No answer that means anything, before and after the order was executed."""
    for outcome in (DONE, NOT_DONE):
        yield closing(f"{name}, {outcome.value}", make(outcome), closes=1)


def no_meaning() -> Iterator[Fault]:
    """Whether the close was executed is not said."""
    yield from both_outcomes("503 unknown error", trouble.unknown_outcome)
    yield from both_outcomes("408 backend timeout", trouble.backend_timeout)
    yield from both_outcomes("a connection that is reset", lambda o: Reset(outcome=o))
    yield from both_outcomes("silence", lambda o: Hang(seconds=FOR_EVER, outcome=o))
    yield from both_outcomes("a web page with status 200", trouble.html)
    yield from both_outcomes("a web page with status 502", lambda o: trouble.html(o, status=502))
    yield closing("a redirect", trouble.redirect("http://127.0.0.1:9/"))
    yield closing("JSON that stops in the middle", trouble.broken_json())
    yield closing("an answer in drops", Dribble(bytes_at_once=4, pause_seconds=0.2))
    yield closing("an answer after 1.2 s", Delay(answer_seconds=1.2))
    yield closing("an execution after 0.4 s", Delay(execute_seconds=0.4))
    yield Fault(
        name="503 unknown error, executed, and not found for 0.5 s",
        rules=(
            (close(), trouble.unknown_outcome(DONE)),
            (read(ORDER, None), LookupLag(seconds=0.5)),
        ),
        closes=1,
    )
    yield Fault(
        name="503 unknown error, executed 0.3 s later",
        rules=((close(), trouble.unknown_outcome(DONE)), (close(), ExecuteLate(seconds=0.3))),
    )


def a_no() -> Iterator[Fault]:
    """The close was surely not executed."""
    yield closing("503 service unavailable", trouble.unavailable())
    yield closing("503 internal error", trouble.internal_error())
    yield closing("503 overloaded, which spares what reduces", trouble.overloaded(), None)
    yield closing("503 overloaded, which spares nothing", Say(code=-1008, status=503))
    yield closing("429 for an order", trouble.throttled(1), timeout_seconds=3.0)
    yield closing("429 without Retry-After", trouble.throttled(None))
    yield closing("too many orders, wait 1 s", trouble.too_many_orders(1), timeout_seconds=3.0)
    yield closing("-1021 for an order", Skew(seconds=30))
    yield closing("-5028 of the matching engine", Say(code=-5028))
    yield closing("-2022 although there is something to reduce", Say(code=-2022))
    yield closing("-4118 for our own orders", Say(code=-4118))
    yield closing("-4131 for the price band", trouble.price_band())
    yield closing("-4116 for the client order id", Say(code=-4116))
    yield closing("-1111 for the precision", Say(code=-1111))
    yield closing("a code that nobody knows", Say(code=-9876, text="No."))
    yield closing("403 of a firewall", trouble.forbidden())
    yield refused_for_good("-4131 for every market and limit order", trouble.price_band())
    yield refused_for_good("-2022 for ever", Say(code=-2022))
    yield refused_for_good("-1122 for ever", Say(code=-1122))
    yield refused_for_good("-2019 for ever", Say(code=-2019))
    yield refused_for_good("silence for ever", Hang(seconds=FOR_EVER))
    yield refused_for_good("503 service unavailable for ever", trouble.unavailable())


def less_than_asked() -> Iterator[Fault]:
    """The close was executed in part, or the position is another one meanwhile."""
    half, nothing = Decimal("0.5"), Decimal(0)
    yield closing("a book that holds half of it", BookRunsOut(part=half))
    yield closing("a book that holds nothing of it", BookRunsOut(part=nothing))
    yield closing("a book that holds half of it, five times", BookRunsOut(part=half), 5)
    yield closing(
        "a book that never holds anything for a market order", BookRunsOut(part=nothing), None
    )
    yield Fault(
        name="an empty book",
        happens=lambda venue: venue.set_book(BTC, bids=()),
        ends=(PARTIAL,),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
    )
    yield Fault(
        name="a thin book with its best price outside the band",
        happens=lambda venue: venue.set_book(BTC, bids=[("50000", "10")]),
        ends=(PARTIAL,),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
    )
    for name, happening in (
        ("a forced liquidation of all of it", happenings.ForcedLiquidation(symbol=BTC)),
        (
            "a forced liquidation of a part",
            happenings.ForcedLiquidation(symbol=BTC, part=Decimal("0.4")),
        ),
        (
            "a price that falls through the stop",
            happenings.MarkMoves(symbol=BTC, price=Decimal(54_000)),
        ),
        (
            "a person who sells a part by hand",
            happenings.PositionOpens(symbol=BTC, amount=Decimal("-0.2")),
        ),
        (
            "a person who turns the position around by hand",
            happenings.PositionOpens(symbol=BTC, amount=Decimal("-0.9")),
        ),
        (
            "a person who buys more by hand",
            happenings.PositionOpens(symbol=BTC, amount=Decimal("0.7")),
        ),
    ):
        yield closing(f"{name}, just before the close", Then(happening=happening))
        yield closing(
            f"{name}, and an oversized close is refused",
            Then(happening=happening),
            knobs=Knobs(oversize_market_close=Oversize.REFUSE),
        )
    for times in (1, 3):
        yield Fault(
            name=f"a strategy that opens again, {times} times",
            happens=lambda venue, times=times: venue.perform(
                happenings.Reopens(symbol=BTC, times=times)
            ),
        )
    yield Fault(
        name="a strategy that opens again for ever",
        happens=lambda venue: venue.perform(
            happenings.Reopens(symbol=BTC, times=10_000, delay_seconds=0.01)
        ),
        ends=(PARTIAL,),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
    )


def sizes() -> Iterator[Fault]:
    """Quantities that one order does not take."""
    yield Fault(
        name="a quantity above the market lot",
        happens=lambda venue: venue.open_position(BTC, "250"),
    )
    yield Fault(
        name="dust below the smallest quantity",
        happens=lambda venue: venue.open_position(SOL, "0.004"),
        ends=(PARTIAL,),
        left=frozenset({SOL}),
        timeout_seconds=1.5,
    )
    yield Fault(
        name="less than the minimum notional, which reduce-only is spared",
        happens=lambda venue: venue.open_position(SOL, "0.01"),
    )
    yield Fault(
        name="less than the minimum notional in hedge mode, which is not spared",
        happens=lambda venue: venue.open_position(SOL, "0.01"),
        hedge=True,
        knobs=Knobs(hedge_close_needs_min_notional=True),
        ends=(PARTIAL,),
        left=frozenset({SOL}),
        timeout_seconds=1.5,
    )


def both_books() -> Iterator[Fault]:
    """Cancels that are late, leave something, or meet a fill or a trigger."""
    yield Fault(name="a cancel that comes 0.3 s late", rules=((cancel(), CancelLate(seconds=0.3)),))
    yield Fault(
        name="a cancel of stops that comes 0.3 s late",
        rules=((cancel(CANCEL_ALGOS), CancelLate(seconds=0.3)),),
    )
    yield Fault(name="a cancel that leaves one", rules=((cancel(), CancelLeaves(orders=1)),))
    yield Fault(
        name="a cancel that never cancels anything",
        rules=((cancel(count=None), CancelLeaves()),),
        ends=(PARTIAL,),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
    )
    yield Fault(name="a fill just before the cancel", rules=((cancel(), FillFirst()),))
    yield Fault(
        name="a fill of a part just before the cancel",
        rules=((cancel(), FillFirst(part=Decimal("0.5"))),),
    )
    yield Fault(
        name="a trigger just before the cancel",
        rules=((cancel(CANCEL_ALGOS), FillFirst()),),
    )
    for outcome in (DONE, NOT_DONE):
        yield Fault(
            name=f"503 unknown error for a cancel, {outcome.value}",
            rules=((cancel(), trouble.unknown_outcome(outcome)),),
        )
        yield Fault(
            name=f"silence for a cancel, {outcome.value}",
            rules=((cancel(), Hang(seconds=FOR_EVER, outcome=outcome)),),
        )
    yield Fault(
        name="silence for every cancel",
        rules=((cancel(count=None), Hang(seconds=FOR_EVER)),),
        ends=(PARTIAL,),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
    )
    yield Fault(
        name="stops in neither book for 0.3 s while they trigger",
        rules=((cancel(), Then(happening=happenings.TriggersFire(symbol=BTC))),),
        knobs=Knobs(triggering_seconds=0.3),
    )
    yield Fault(
        name="an entry that triggers after everything looked flat",
        rules=(
            (
                Match(method="DELETE", path=CANCEL_ALGOS, symbol=ETH, count=1),
                Then(happening=happenings.TriggersFire(symbol=ETH)),
            ),
        ),
        knobs=Knobs(triggering_seconds=0.2),
    )
    for claimed in (Claimed.REFUSE_4118, Claimed.REFUSE_2022, Claimed.KNOCK_OUT):
        yield Fault(
            name=f"a reduce-only order that claims the position, {claimed.value}",
            rules=((cancel(), CancelLate(seconds=0.2)),),
            knobs=Knobs(claimed_position=claimed),
        )
    for name, knobs in (
        ("no conditional order to cancel is an error", {"algo_cancel_all_when_empty_code": -2011}),
        ("stops that go with their position", {"closes_orphaned_stops": True}),
        ("replies as before 2026-06-30", {"replies_carry_average_price": True}),
        ("RESULT that still says NEW", {"result_still_says_new": True}),
        ("reduceOnly=false tolerated in hedge mode", {"hedge_tolerates_reduce_only_false": True}),
        ("a conditional order makes a row of positions", {"algo_orders_make_position_rows": True}),
    ):
        for hedge in (False, True):
            mode = "hedge" if hedge else "one-way"
            yield Fault(name=f"{name}, {mode}", knobs=Knobs(**knobs), hedge=hedge)  # type: ignore[arg-type]


def readings() -> Iterator[Fault]:
    """Lists that are old, spoilt, or do not come."""
    yield Fault(
        name="positions that are 0.3 s old",
        rules=((read(POSITIONS, None), StalePositions(seconds=0.3)),),
        quiet_seconds=0.4,
        closes=1,
    )
    yield Fault(
        name="orders that are not listed for 0.3 s",
        rules=((read(WORKING, None), LookupLag(seconds=0.3)),),
    )
    for shape in Shape:
        for path in (POSITIONS, WORKING, WAITING):
            yield Fault(
                name=f"{path.rpartition('/')[2]} spoilt once: {shape.value}",
                rules=((read(path), Spoil(shape=shape, size_bytes=9_000_000)),),
            )
    for shape in (Shape.NULLS, Shape.NO_FIELDS, Shape.NAN):
        for field_name in ("positionAmt", "positionSide", "symbol"):
            yield Fault(
                name=f"positionRisk with bad {field_name} in one row, once: {shape.value}",
                rules=(
                    (read(POSITIONS), Spoil(shape=shape, fields=(field_name,), row_symbol=BTC)),
                ),
            )
    yield Fault(
        name="positionRisk spoilt for ever",
        rules=((read(POSITIONS, None), Spoil(shape=Shape.CUT)),),
        ends=(PARTIAL,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="positionRisk without the row of one instrument, for ever",
        rules=((read(POSITIONS, None), Spoil(shape=Shape.NO_ROWS, row_symbol=BTC)),),
        ends=(PARTIAL, FAILED),
        left=frozenset({BTC}),
        timeout_seconds=1.5,
        not_yet="both looks ask one endpoint, so a row that it always leaves out is not missed",
    )
    yield Fault(
        name="openOrders that never answers",
        rules=((read(WORKING, None), Hang(seconds=FOR_EVER)),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="openAlgoOrders that never answers",
        rules=((read(WAITING, None), Hang(seconds=FOR_EVER)),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="503 for every first reading",
        rules=tuple((read(p), trouble.unavailable()) for p in (POSITIONS, WORKING, WAITING)),
    )
    for name, effect in (
        ("reset", Reset()),
        ("silent", Hang(seconds=FOR_EVER)),
        ("429, wait 1 s", trouble.throttled(1)),
        ("an hour away", Delay(answer_seconds=FOR_EVER)),
    ):
        yield Fault(
            name=f"every first reading: {name}",
            rules=tuple((read(path), effect) for path in (POSITIONS, WORKING, WAITING)),
            timeout_seconds=3.0,
        )
    yield Fault(
        name="an endpoint that is gone",
        rules=((read(POSITIONS, None), Raw(status=404, body=b"<h1>404</h1>")),),
        ends=(PARTIAL,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(name="round trips of 250 ms", latency_ms=250, timeout_seconds=3.0)
    yield Fault(
        name="exchangeInfo that never answers",
        rules=((read("/fapi/v1/exchangeInfo", None), Hang(seconds=FOR_EVER)),),
    )
    yield Fault(
        name="a clock that never answers",
        rules=((read(TIME, None), Hang(seconds=FOR_EVER)),),
    )
    for seconds in (-30, 30):
        yield Fault(
            name=f"a venue's clock {seconds} s off", rules=((Match(), Skew(seconds=seconds)),)
        )


def accounts() -> Iterator[Fault]:
    """Limits used up, keys and accounts that may no longer, instruments that do not trade."""
    yield Fault(
        name="every order of the account used up",
        happens=lambda venue: venue.perform(happenings.OrdersUsedUp()),
        ends=(COMPLETED, PARTIAL, FAILED),
        left=frozenset({BTC, ETH}),
    )
    yield Fault(
        name="all weight of the address used up",
        happens=lambda venue: venue.perform(happenings.WeightUsedUp()),
        ends=(COMPLETED, FAILED),
        left=EVERYTHING,
    )
    yield Fault(
        name="an address banned for two minutes",
        happens=lambda venue: venue.perform(happenings.AddressBanned()),
        ends=(FAILED,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="an address banned from the first close on",
        rules=((close(), Then(happening=happenings.AddressBanned())),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="an address banned for half a second",
        rules=((close(), Then(happening=happenings.AddressBanned(seconds=0.5))),),
        timeout_seconds=3.0,
    )
    yield Fault(
        name="a key that is revoked before the first close",
        rules=((close(), Then(happening=happenings.KeyRevoked(api_key=TEST_API_KEY))),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    for code, done in ((-4087, True), (-4400, True), (-4192, False), (-4088, False)):
        yield Fault(
            name=f"an account locked with {code}",
            happens=lambda venue, code=code: venue.perform(happenings.AccountLocks(code=code)),
            ends=(COMPLETED,) if done else (PARTIAL,),
            left=frozenset() if done else frozenset({BTC, ETH}),
            timeout_seconds=1.5,
        )
    for status in ("TRADING_HALT", "SETTLING", "CLOSE", "A_WORD_OF_TOMORROW"):
        yield Fault(
            name=f"an instrument in state {status}",
            happens=lambda venue, status=status: venue.set_status(BTC, status),
            ends=(PARTIAL,),
            left=frozenset({BTC}),
            timeout_seconds=1.5,
        )
    yield Fault(
        name="an instrument in state PRE_SETTLE, which lets positions be reduced",
        happens=lambda venue: venue.set_status(BTC, "PRE_SETTLE"),
    )
    yield Fault(
        name="an instrument that trades again after half a second",
        happens=lambda venue: (
            venue.halt(BTC),
            venue.perform(happenings.StatusChanges(symbol=BTC, status="TRADING"), 0.5),
        )[0],
    )
    for code in (-4061, -1106):
        for hedge in (False, True):
            mode = "hedge" if hedge else "one-way"
            yield closing(f"{code} once, {mode}", Say(code=code), hedge=hedge)
    yield Fault(
        name="a countdown of somebody else that cancels every order first",
        rules=((cancel(), Then(happening=happenings.OrdersVanish(symbol=BTC))),),
    )


EVERY_FAULT = (
    *no_meaning(),
    *a_no(),
    *less_than_asked(),
    *sizes(),
    *both_books(),
    *readings(),
    *accounts(),
)
