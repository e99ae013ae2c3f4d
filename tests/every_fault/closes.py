"""How a close is answered, and how much of it is executed."""

from collections.abc import Callable, Iterator
from decimal import Decimal

from every_fault.fault import (
    BTC,
    DONE,
    FOR_EVER,
    NOT_DONE,
    ORDER,
    PARTIAL,
    SOL,
    Fault,
    close,
    closing,
    read,
    refused_for_good,
)
from goflat.venues.simulated import happenings, trouble
from goflat.venues.simulated.effects import (
    BookRunsOut,
    Delay,
    Dribble,
    Effect,
    ExecuteLate,
    Hang,
    LookupLag,
    Outcome,
    Reset,
    Say,
    Skew,
    Then,
)
from goflat.venues.simulated.knobs import Knobs, Oversize


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
        name="a book that is empty for half a second",
        happens=lambda venue: (
            venue.perform(happenings.LiquidityChanges(symbol=BTC)),
            venue.perform(happenings.LiquidityChanges(symbol=BTC, per_level=Decimal(9)), 0.5),
        )[0],
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
        reopens=True,
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


def in_hedge_mode() -> Iterator[Fault]:
    """The same where a close is told by its side, and one that is too large is refused."""
    half, nothing = Decimal("0.5"), Decimal(0)
    for name, effect, more in (
        ("503 unknown error, executed", trouble.unknown_outcome(DONE), {"closes": 1}),
        ("503 unknown error, not executed", trouble.unknown_outcome(NOT_DONE), {"closes": 1}),
        ("-2022 although there is something to reduce", Say(code=-2022), {}),
        ("-4131 for the price band", trouble.price_band(), {}),
        ("a book that holds half of it", BookRunsOut(part=half), {}),
        ("a book that holds nothing of it", BookRunsOut(part=nothing), {}),
        (
            "a forced liquidation of a part",
            Then(happening=happenings.ForcedLiquidation(symbol=BTC, part=Decimal("0.4"))),
            {},
        ),
        (
            "a person who opens the other side by hand",
            Then(happening=happenings.PositionOpens(symbol=BTC, amount=Decimal("-0.3"))),
            {},
        ),
    ):
        yield closing(f"{name}, in hedge mode", effect, hedge=True, **more)
    yield refused_for_good("-2022 for ever, in hedge mode", Say(code=-2022), hedge=True)
