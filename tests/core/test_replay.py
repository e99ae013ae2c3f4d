"""A journal of (time, event, decision) replays to the same run, whatever the venue did."""

from dataclasses import replace
from decimal import Decimal

from core_values import LONG, SHORT, opener, stop, working
from hypothesis import given, settings
from hypothesis import strategies as st

from goflat.core.liquidation import advance, begin
from goflat.core.run import Liquidation
from goflat.core.verdict import judge
from goflat.domain.config import LiquidationConfig
from goflat.domain.outcome import LiquidationState
from goflat.domain.position import Position, PositionMode, PositionSide
from goflat.domain.scope import Everything
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError
from goflat.shell.clock import LoopClock
from goflat.shell.drive import drive
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.record import MemoryRecord, replay
from goflat.testing.virtual_time import run_virtual

SYMBOLS = ["BTCUSDT", "ETHUSDT", "SOLUSDT"]
VERBS = [
    "read_positions",
    "read_working_orders",
    "read_conditional_orders",
    "read_rules",
    "cancel_all",
    "cancel_conditional",
    "close",
    "query",
    "protect",
]
FAILURES: list[VenueError] = [
    NotSent("no road"),
    Unanswered("silence"),
    Throttled("slow", retry_after_seconds=0.3),
    Throttled("slow", retry_after_seconds=None, orders_only=True),
    *(Rejected("no", refusal=refusal) for refusal in Refusal),
]
ODD = st.builds(
    Misbehave,
    failure=st.sampled_from(FAILURES),
    delay=st.sampled_from([0.0, 0.3, 2.0]),
    after=st.booleans(),
)
HELD = st.lists(
    st.tuples(st.sampled_from(SYMBOLS), st.sampled_from(PositionSide), st.integers(1, 500)),
    max_size=4,
    unique_by=lambda held: held[:2],
)
ORDERS = st.lists(st.tuples(st.sampled_from(SYMBOLS), st.sampled_from("wos")), max_size=4)
FAULTS = st.lists(st.tuples(st.sampled_from(VERBS), ODD), max_size=8)


def account(held: list, orders: list, faults: list) -> PaperVenue:
    venue = PaperVenue(rules={symbol: rules_for(symbol) for symbol in SYMBOLS})
    for symbol, side, quantity in held:
        row = Position(
            symbol=symbol,
            side=side,
            quantity=Decimal(quantity),
            mode=PositionMode.HEDGE,
            mark_price=Decimal(100),
        )
        venue.positions[row.key] = row
    for n, (symbol, kind) in enumerate(orders):
        if kind == "w":
            venue.working.append(working(f"{n}", symbol))
        else:
            made = opener(f"{n}", symbol) if kind == "o" else stop(f"{n}", LONG, symbol)
            venue.conditional.append(replace(made, symbol=symbol))
    for verb, odd in faults:
        venue.script(verb, odd)
    return venue


async def run_on(venue: PaperVenue) -> tuple[Liquidation, Liquidation, MemoryRecord]:
    clock, record = LoopClock(), MemoryRecord()
    run = begin(
        correlation_id="liq_20260101_tag",
        scope=Everything(),
        config=LiquidationConfig(timeout_seconds=3.0),
        capabilities=venue.capabilities,
        now=clock.now(),
    )
    return run, await drive(run, venue, clock, record), record


@settings(max_examples=40)
@given(held=HELD, orders=ORDERS, faults=FAULTS)
def test_a_record_replays_to_the_same_run_decision_by_decision(
    held: list, orders: list, faults: list
) -> None:
    venue = account(held, orders, faults)

    run, end, record = run_virtual(run_on(venue))

    assert replay(run, record.turns) == end
    for turn in record.turns:
        decision = advance(run, turn.event, turn.now)
        assert decision == turn.decision
        run = decision.now_is
    result = judge(end, record.turns[-1].now)
    assert result == judge(run, record.turns[-1].now)
    if result.state is LiquidationState.COMPLETED:
        assert not venue.positions
        assert not venue.working
    assert record.turns[-1].now <= 3.0 + 1e-9


def test_part_of_a_record_replays_to_the_run_as_it_was_then() -> None:
    venue = account([("BTCUSDT", SHORT, 7)], [("BTCUSDT", "w")], [])

    run, _, record = run_virtual(run_on(venue))

    for n, turn in enumerate(record.turns, start=1):
        assert replay(run, record.turns[:n]) == turn.decision.now_is
    assert replay(run, []) == run
