"""Cancels that are late, leave something, or meet a fill or a trigger."""

from collections.abc import Iterator
from decimal import Decimal

from every_fault.fault import (
    BTC,
    CANCEL_WAITING,
    DONE,
    ETH,
    FOR_EVER,
    NOT_DONE,
    PARTIAL,
    Fault,
    cancel,
)
from goflat.venues.simulated import happenings, trouble
from goflat.venues.simulated.effects import CancelLate, CancelLeaves, FillFirst, Hang, Then
from goflat.venues.simulated.faults import Match
from goflat.venues.simulated.knobs import Claimed, Knobs


def both_books() -> Iterator[Fault]:
    yield Fault(name="a cancel that comes 0.3 s late", rules=((cancel(), CancelLate(seconds=0.3)),))
    yield Fault(
        name="a cancel of stops that comes 0.3 s late",
        rules=((cancel(CANCEL_WAITING), CancelLate(seconds=0.3)),),
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
        rules=((cancel(CANCEL_WAITING), FillFirst()),),
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
                Match(method="DELETE", path=CANCEL_WAITING, symbol=ETH, count=1),
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
