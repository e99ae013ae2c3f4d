"""Whatever comes, in whatever order: nothing but a reset makes an account less tripped."""

from decimal import Decimal

from guarded import LONG, OTHER, Guarded, armed, ended, guarded, holding, of, trip
from hypothesis import given, settings
from hypothesis import strategies as st

from goflat.core.guarding.effects import ClearLatch, RunPhase, StartRun
from goflat.core.guarding.events import (
    Acknowledged,
    BotBeat,
    BotEnded,
    BotSeen,
    BotStopped,
    BypassAsked,
    GuardEvent,
    HandedOver,
    HeldReading,
    Readiness,
    ResetAsked,
    Resumed,
    Slept,
    Ticked,
    TriggerRead,
    WasArmed,
)
from goflat.core.guarding.evidence import Trigger, Verdict
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.post import OnExit
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Severity
from goflat.domain.outcome import LegOutcome, LiquidationState

BOTS = st.sampled_from(["maker", "taker", "stranger"])
SEVERITIES = st.sampled_from(Severity)
TRIGGERS = tuple(Trigger(name=severity.value, severity=severity) for severity in Severity)
OLD = st.builds(
    Latch,
    run_id=st.just("liq_old"),
    severity=SEVERITIES,
    reason=st.just("before"),
    by=st.just("x"),
    since=st.just("then"),
)
SIZES = st.sampled_from([Decimal("0.5"), Decimal(1), Decimal(3)])

EVENTS: st.SearchStrategy[GuardEvent] = st.one_of(
    st.builds(Readiness, missing=st.sampled_from([(), ("a key",)])),
    st.builds(BotSeen, bot=BOTS),
    st.builds(BotBeat, bot=BOTS, progress=st.integers(1, 5)),
    st.builds(BotStopped, bot=BOTS, kernel_state=st.just("T")),
    st.builds(BotEnded, bot=BOTS, code=st.sampled_from([None, 0, 1]), handed_over=st.booleans()),
    st.builds(
        TriggerRead,
        name=st.sampled_from([it.value for it in Severity]),
        verdict=st.sampled_from(Verdict),
        text=st.just("read"),
    ),
    st.builds(trip, severity=SEVERITIES),
    st.builds(
        ResetAsked,
        by=st.just("me"),
        reason=st.sampled_from(["", "why"]),
        is_proven_flat=st.booleans(),
        force=st.booleans(),
    ),
    st.builds(
        BypassAsked, by=st.just("me"), reason=st.just("why"), seconds=st.sampled_from([0.0, 60.0])
    ),
    st.builds(Acknowledged, by=st.just("me")),
    st.builds(
        ended,
        state=st.sampled_from(
            [LiquidationState.COMPLETED, LiquidationState.PARTIAL, LiquidationState.FAILED]
        ),
        left=st.sampled_from(["0", "1"]),
        outcome=st.sampled_from([None, *LegOutcome]),
    ),
    st.builds(
        HeldReading,
        positions=st.sampled_from([(), (holding(),), (holding(OTHER),), (holding(LONG, "9"),)]),
    ),
    st.builds(
        Resumed,
        latch=OLD,
        phase=st.sampled_from(RunPhase),
        remnant=st.sampled_from([None, Remnant.of({LONG: Decimal(1)})]),
        held=st.dictionaries(st.sampled_from([LONG, OTHER]), SIZES, max_size=2),
    ),
    st.builds(
        HandedOver,
        run_id=st.just("liq_theirs"),
        remnant=st.just(Remnant.of({LONG: Decimal(1)})),
        reason=st.just("left"),
    ),
    st.builds(WasArmed),
    st.builds(Slept, st.floats(0, 100)),
    st.builds(Ticked),
)
HAPPENINGS = st.lists(st.tuples(st.floats(0, 40), EVENTS), max_size=60)
ACCOUNTS = st.builds(
    guarded,
    bots=st.sampled_from([(), ("maker",), ("maker", "taker")]),
    on_exit=st.sampled_from(OnExit),
    triggers=st.just(TRIGGERS),
    severity=SEVERITIES,
    hold_seconds=st.sampled_from([1.0, 60.0]),
    asks_to_resume=st.booleans(),
)


def rank(it: Guarded) -> int:
    return -1 if it.post.latch is None else it.post.latch.severity.rank


@settings(max_examples=400)
@given(it=ACCOUNTS, happenings=HAPPENINGS)
def test_only_a_reset_makes_it_less_tripped(
    it: Guarded, happenings: list[tuple[float, GuardEvent]]
) -> None:
    for after, event in happenings:
        it.until(it.now + after)
        before = rank(it)
        followed = it.tell(event)
        if rank(it) < before:
            assert of(ClearLatch, followed)
            assert isinstance(event, ResetAsked)
        assert it.post.state.is_latched is (it.post.latch is not None)
        assert not it.post.is_running or of(StartRun, it.effects)


@settings(max_examples=200)
@given(happenings=HAPPENINGS, event=EVENTS.filter(lambda it: not isinstance(it, HeldReading)))
def test_the_same_thing_many_times_begins_no_more_runs_than_once(
    happenings: list[tuple[float, GuardEvent]], event: GuardEvent
) -> None:
    once, often = (
        armed(bots=("maker",), triggers=TRIGGERS),
        armed(bots=("maker",), triggers=TRIGGERS),
    )
    for after, before in happenings:
        for it in (once, often):
            it.until(it.now + after)
            it.tell(before)
    runs = len(once.runs)
    once.tell(event)
    often.tell(*[event] * 5)
    # A person may pull again what is latched and done with; whatever else comes, comes once.
    assert len(often.runs) - len(once.runs) <= (0 if len(once.runs) > runs else 1)


@given(seconds=st.floats(0.001, 8 * 3600), waits=st.lists(st.floats(1, 4000), max_size=20))
def test_a_bypass_always_ends(seconds: float, waits: list[float]) -> None:
    it = armed(beaten=True, hang_seconds=86_400.0)
    it.tell(BypassAsked(by="me", reason="why", seconds=seconds))
    for wait in waits:
        it.until(it.now + wait)
    it.until(max(it.now, seconds))
    assert it.state == "ARMED"
