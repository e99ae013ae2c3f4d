"""What a guard decides: every turn of an account, told the time, without a process or a socket."""

from decimal import Decimal

import pytest
from guarded import LONG, OTHER, armed, ended, guarded, holding, of, trip

from goflat.core.guarding.effects import (
    ClearLatch,
    EndBots,
    Fence,
    NoteRun,
    Refuse,
    RunPhase,
    SetLatch,
    StartRun,
    StopRun,
)
from goflat.core.guarding.events import (
    Acknowledged,
    BotBeat,
    BotEnded,
    BotSeen,
    BotStopped,
    BypassAsked,
    HandedOver,
    HeldReading,
    Readiness,
    ResetAsked,
    Resumed,
    Slept,
    TriggerRead,
    WasArmed,
)
from goflat.core.guarding.evidence import Trigger, Verdict
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.post import OnExit
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.domain.outcome import LegOutcome, LiquidationState

PARTIAL, FAILED = LiquidationState.PARTIAL, LiquidationState.FAILED
LATCH = Latch(run_id="liq_old", severity=Severity.FLATTEN, reason="before", by="x", since="then")


# --- armed or not -------------------------------------------------------------------------------


def test_a_guard_that_starts_before_its_bot_does_not_fire_and_says_so_again_and_again() -> None:
    it = guarded()
    it.tell(Readiness(missing=()))
    it.until(200)
    assert it.state == "WAITING"
    assert not it.runs
    assert len([text for text in it.alerts if "maker has not been seen" in text]) >= 3


def test_it_is_armed_once_everything_is_there_and_says_so_once() -> None:
    it = guarded()
    it.tell(BotSeen(bot="maker"), BotSeen(bot="stranger"), Readiness(missing=()))
    it.tell(Readiness(missing=()))
    assert it.state == "ARMED"
    assert it.alerts.count("armed") == 1


def test_what_goes_missing_disarms_loudly_and_still_lets_a_death_trip() -> None:
    it = armed()
    it.tell(Readiness(missing=("the key",)))
    assert it.state == "WAITING"
    assert it.alerts[-1] == "NOT ARMED: the key"
    it.tell(BotEnded(bot="maker", code=0))
    assert it.state == "TRIPPED"


# --- what trips by itself -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("on_exit", "code", "handed_over", "trips"),
    [
        (OnExit.ALWAYS, 0, True, True),
        (OnExit.NONZERO, 0, False, False),
        (OnExit.NONZERO, 1, True, True),
        (OnExit.NONZERO, None, False, True),
        (OnExit.HANDOVER, 0, False, True),
        (OnExit.HANDOVER, 1, True, False),
    ],
)
def test_which_end_trips_is_the_policy(
    on_exit: OnExit, code: int | None, handed_over: bool, trips: bool
) -> None:
    it = armed(on_exit=on_exit)
    it.tell(BotEnded(bot="maker", code=code, handed_over=handed_over))
    assert bool(it.runs) is trips


def test_an_end_counts_once_and_only_of_a_bot_that_was_seen() -> None:
    it = armed()
    it.tell(BotEnded(bot="maker", code=1), BotEnded(bot="maker", code=1))
    assert len(it.runs) == 1
    other = guarded()
    other.tell(BotEnded(bot="maker", code=1), BotEnded(bot="stranger", code=1))
    assert not other.runs


def test_silence_trips_at_its_limit_and_is_told_before() -> None:
    it = armed(beaten=True)
    it.until(0.99)
    assert it.state == "ARMED"
    it.until(2.9)
    assert "bot maker is late" in it.alerts
    assert it.state == "ARMED"
    it.until(3.0)
    assert it.state == "TRIPPED"
    assert it.alerts.count("bot maker is late") == 1


def test_the_same_progress_again_is_a_heart_and_no_brain() -> None:
    it = armed(beaten=True)
    for _ in range(40):
        it.tell(BotBeat(bot="maker", progress=1), after=0.1)
        it.tick()
    assert it.state == "TRIPPED"


def test_a_bot_that_never_beat_is_watched_for_its_death_alone() -> None:
    it = armed()
    it.until(10_000)
    it.tell(BotStopped(bot="maker", kernel_state="T"))
    assert it.state == "ARMED"


def test_a_stopped_bot_that_has_beaten_trips_at_once() -> None:
    it = armed(beaten=True)
    it.tell(BotStopped(bot="stranger", kernel_state="T"))
    assert it.state == "ARMED"
    it.tell(BotStopped(bot="maker", kernel_state="T"))
    assert it.state == "TRIPPED"


def test_the_time_in_which_the_guard_slept_is_no_evidence() -> None:
    it = armed(beaten=True)
    it.now = 60.0
    it.tell(Slept(59.5))
    it.tick()
    assert it.state == "ARMED"
    it.tick(after=2.6)
    assert it.state == "TRIPPED"
    unbeaten = armed()
    unbeaten.tell(Slept(5.0))
    assert unbeaten.state == "ARMED"


def test_a_beat_of_nobody_is_nothing() -> None:
    it = armed(beaten=True)
    before = it.post
    it.tell(BotBeat(bot="stranger", progress=5))
    assert it.post == before


# --- triggers -----------------------------------------------------------------------------------

TRIGGER = Trigger(name="loss", severity=Severity.REDUCE)


def test_a_trigger_fires_as_hard_as_it_was_set() -> None:
    it = armed(triggers=(TRIGGER,))
    it.tell(TriggerRead(name="loss", verdict=Verdict.CALM, text="fine"))
    assert it.post.standings["loss"].is_armed
    it.tell(TriggerRead(name="loss", verdict=Verdict.FIRES, text="too much"))
    assert it.runs[0].measures == MEASURES[Severity.REDUCE]


def test_a_trigger_that_cannot_be_read_says_so_once_and_does_not_trip() -> None:
    it = armed(triggers=(TRIGGER,))
    for _ in range(3):
        it.tell(TriggerRead(name="loss", verdict=Verdict.UNREADABLE, text="no answer"))
    it.tell(TriggerRead(name="unknown", verdict=Verdict.FIRES, text="?"))
    assert it.state == "ARMED"
    assert not it.post.standings["loss"].is_armed
    assert len([text for text in it.alerts if "NOT ARMED: no answer" in text]) == 1


def test_unreadable_trips_where_somebody_asked_for_that() -> None:
    it = armed(triggers=(Trigger(name="loss", trips_unreadable=True),))
    it.tell(TriggerRead(name="loss", verdict=Verdict.UNREADABLE, text="no answer"))
    assert it.state == "TRIPPED"


# --- the trip -----------------------------------------------------------------------------------


def test_a_trip_latches_then_freezes_then_runs_then_ends_the_bots() -> None:
    it = armed(bots=("maker", "taker"))
    followed = it.tell(trip())
    kinds = [type(effect) for effect in followed]
    assert kinds[:6] == [NoteRun, SetLatch, Fence, Fence, StartRun, EndBots]
    assert of(SetLatch, followed)[0].latch.run_id == it.runs[0].run_id


def test_a_person_trips_an_account_that_is_not_armed() -> None:
    it = guarded()
    it.tell(trip())
    assert it.state == "TRIPPED"


def test_the_same_trip_again_and_again_is_one() -> None:
    it = armed(beaten=True)
    it.tell(*[trip()] * 20, BotEnded(bot="maker", code=1))
    assert len(it.runs) == 1
    assert it.alerts.count("joined the trip under way: a test") == 19


def test_a_halt_latches_and_tells_and_leaves_the_bot_to_ask_the_latch() -> None:
    it = armed(beaten=True)
    followed = it.tell(trip(Severity.HALT))
    assert it.state == "LATCHED"
    assert not of(Fence, followed)
    assert not it.runs


def test_a_milder_trip_does_not_keep_a_harder_one_away() -> None:
    it = armed(beaten=True)
    it.tell(trip(Severity.HALT))
    it.until(3.0)
    assert it.state == "TRIPPED"
    assert it.post.latch is not None
    assert it.post.latch.severity is Severity.FLATTEN


def test_a_harder_trip_takes_over_the_run_under_its_id() -> None:
    it = armed()
    it.tell(trip(Severity.CANCEL), trip(Severity.REDUCE), trip(Severity.FLATTEN))
    assert [run.measures for run in it.runs] == [
        MEASURES[it] for it in (Severity.CANCEL, Severity.REDUCE, Severity.FLATTEN)
    ]
    assert len({run.run_id for run in it.runs}) == 1


def test_nothing_that_comes_after_makes_the_latch_milder() -> None:
    it = armed()
    it.tell(trip(), ended())
    it.until(61)
    it.tell(trip(Severity.HALT), trip(Severity.CANCEL))
    assert it.post.latch is not None
    assert it.post.latch.severity is Severity.FLATTEN
    assert it.runs[-1].measures == MEASURES[Severity.CANCEL]


def test_the_end_of_a_bot_that_we_froze_is_no_news() -> None:
    it = armed(beaten=True)
    it.tell(trip(Severity.CANCEL), BotEnded(bot="maker", code=None))
    it.tell(BotStopped(bot="maker", kernel_state="T"), BotBeat(bot="maker", progress=9))
    it.until(100)
    assert [run.measures for run in it.runs] == [MEASURES[Severity.CANCEL]]


def test_a_bot_frozen_by_a_milder_trip_is_not_felt_for() -> None:
    it = armed(beaten=True)
    it.tell(trip(Severity.CANCEL))
    it.until(50)
    assert len(it.runs) == 1


def test_a_bot_that_shows_up_during_the_run_is_frozen_as_the_others_were() -> None:
    it = guarded()
    it.tell(Resumed(latch=LATCH, phase=RunPhase.OPEN))
    assert [type(effect) for effect in it.tell(BotSeen(bot="maker"))] == [Fence, EndBots]
    it.tell(ended())
    assert not it.tell(BotSeen(bot="maker"))


# --- after the run ------------------------------------------------------------------------------


def test_it_goes_on_after_the_deadline_slower_and_slower_until_flat() -> None:
    it = armed()
    it.tell(trip())
    for wait in (1.0, 2.0, 4.0, 8.0, 16.0, 30.0, 30.0):
        it.tell(ended(PARTIAL, "1", LegOutcome.OPEN))
        assert it.state == "GOING_ON"
        runs = len(it.runs)
        it.until(it.now + wait - 0.01)
        assert len(it.runs) == runs
        it.until(it.now + 0.01)
        assert len(it.runs) == runs + 1
    it.tell(ended())
    assert it.state == "HOLDING"
    assert len({run.run_id for run in it.runs}) == 1


def test_a_trip_of_a_person_does_not_wait_for_the_next_run() -> None:
    it = armed()
    it.tell(trip(), ended(FAILED, "1"), trip())
    assert len(it.runs) == 2


def test_only_dust_is_as_flat_as_it_gets() -> None:
    it = armed()
    it.tell(trip(), ended(PARTIAL, "0.0001", LegOutcome.DUST))
    assert it.state == "HOLDING"
    assert "flat but for dust that the venue takes no order for" in it.alerts
    it.tell(HeldReading(positions=(holding(LONG, "0.0001"),)))
    assert len(it.runs) == 1


def test_a_run_that_nobody_waits_for_any_more_changes_nothing() -> None:
    it = armed()
    it.tell(ended())
    assert it.state == "ARMED"
    it.tell(trip(), ended(FAILED, "1"), Acknowledged(by="me"), ended())
    assert it.state == "LATCHED"


def test_a_milder_run_has_nothing_to_hold() -> None:
    it = armed()
    it.tell(trip(Severity.CANCEL), ended(LiquidationState.COMPLETED, "1", LegOutcome.LEFT))
    it.tick()
    assert it.state == "LATCHED"


# --- the hold -----------------------------------------------------------------------------------


def test_what_opens_again_is_closed_at_most_three_times() -> None:
    it = armed()
    it.tell(trip(), ended())
    for _ in range(5):
        it.tell(HeldReading(positions=(holding(),)), HeldReading(positions=(holding(),)))
        it.tell(ended())
    assert len(it.runs) == 1 + 3
    assert it.runs[-1].only == Remnant.of({LONG: Decimal(1)})
    assert len([text for text in it.alerts if text.startswith("foreign")]) == 1


def test_what_somebody_else_opened_is_told_once_and_left() -> None:
    it = armed()
    it.tell(trip(), ended())
    for _ in range(4):
        it.tell(HeldReading(positions=(holding(OTHER),)))
    assert len(it.runs) == 1
    assert it.alerts[-1].startswith("foreign: ETHUSDT SHORT 1")


def test_after_reduce_a_position_may_shrink_and_what_grows_is_closed() -> None:
    it = armed()
    it.tell(trip(Severity.REDUCE), ended(LiquidationState.COMPLETED, "2", LegOutcome.LEFT))
    it.tell(HeldReading(positions=(holding(LONG, "2"),)))
    assert len(it.runs) == 1
    it.tell(HeldReading(positions=(holding(LONG, "1.5"),)))
    it.tell(HeldReading(positions=(holding(LONG, "1.7"),)))
    assert it.runs[-1].only == Remnant.of({LONG: Decimal("0.2")})
    assert it.runs[-1].measures == MEASURES[Severity.FLATTEN]


def test_what_could_not_be_closed_again_goes_on_within_its_legs() -> None:
    it = armed()
    it.tell(trip(), ended(), HeldReading(positions=(holding(),)), ended(FAILED, "1"))
    assert it.state == "GOING_ON"
    it.until(it.now + 100)
    assert it.runs[-1].only == Remnant.of({LONG: Decimal(1)})
    it.tell(ended())
    it.tick()
    assert it.state == "LATCHED"


def test_the_hold_ends_and_the_latch_stays() -> None:
    it = armed(hold_seconds=10.0)
    it.tell(trip(), ended())
    it.until(9.9)
    assert it.state == "HOLDING"
    it.until(10)
    assert it.state == "LATCHED"
    it.tell(HeldReading(positions=(holding(),)))
    assert len(it.runs) == 1
    assert of(NoteRun, it.effects)[-1].phase is RunPhase.DONE


# --- resuming -----------------------------------------------------------------------------------


def test_an_open_run_is_resumed_under_its_id_within_what_it_named() -> None:
    left = Remnant.of({LONG: Decimal(1)})
    it = guarded()
    it.tell(Resumed(latch=LATCH, phase=RunPhase.OPEN, remnant=left))
    it.tell(Resumed(latch=LATCH, phase=RunPhase.OPEN, remnant=left))
    assert [(run.run_id, run.only) for run in it.runs] == [("liq_old", left)]


def test_by_policy_an_open_run_waits_for_a_person() -> None:
    it = guarded(asks_to_resume=True)
    it.tell(Resumed(latch=LATCH, phase=RunPhase.OPEN))
    it.until(1000)
    assert not it.runs
    it.tell(trip())
    assert [run.run_id for run in it.runs] == ["liq_old"]


def test_a_hold_goes_on_after_a_restart() -> None:
    it = guarded()
    it.tell(Resumed(latch=LATCH, phase=RunPhase.HELD, held={LONG: Decimal(0)}))
    assert it.state == "HOLDING"
    it.tell(HeldReading(positions=(holding(),)))
    assert it.runs[-1].only == Remnant.of({LONG: Decimal(1)})


def test_a_latch_alone_latches_and_runs_nothing() -> None:
    it = guarded()
    it.tell(Resumed(latch=LATCH, phase=RunPhase.DONE))
    assert (it.state, it.runs) == ("LATCHED", [])


def test_what_ended_while_no_guard_was_there_trips_the_next_one() -> None:
    it = guarded()
    it.tell(WasArmed(), BotSeen(bot="maker"), BotEnded(bot="maker", code=None))
    assert it.state == "TRIPPED"
    latched = guarded()
    latched.tell(Resumed(latch=LATCH, phase=RunPhase.DONE), WasArmed())
    latched.tell(BotSeen(bot="maker"), BotEnded(bot="maker", code=None))
    assert latched.state == "LATCHED"


def test_the_silence_of_a_bot_that_another_guard_heard_counts_from_now_on() -> None:
    it = guarded()
    it.tell(WasArmed(frozenset({"maker", "stranger"})), BotSeen(bot="maker"))
    it.until(2.9)
    assert not it.runs
    it.until(3.0)
    assert it.state == "TRIPPED"


def test_a_run_inside_of_a_bot_is_taken_over_under_its_id() -> None:
    left = Remnant.of({LONG: Decimal(1)})
    handed = HandedOver(run_id="liq_theirs", remnant=left, reason="the deadline")
    it = armed()
    it.tell(handed, handed)
    assert [(run.run_id, run.only) for run in it.runs] == [("liq_theirs", left)]


# --- people -------------------------------------------------------------------------------------


def reset(**more: object) -> ResetAsked:
    asked = {"by": "me", "reason": "understood", "is_proven_flat": True} | more
    return ResetAsked(**asked)  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("before", "asked", "why"),
    [
        ((), reset(), "nothing to reset"),
        ((trip(), ended()), reset(reason=" "), "needs a reason"),
        ((trip(),), reset(), "still under way"),
        ((trip(), ended(FAILED, "1")), reset(force=True), "still under way"),
        ((trip(), ended()), reset(is_proven_flat=False), "not proven flat"),
    ],
)
def test_a_reset_is_refused_with_what_would_be_accepted(
    before: tuple[object, ...], asked: ResetAsked, why: str
) -> None:
    it = armed()
    it.tell(*before)  # type: ignore[arg-type]
    (refusal,) = of(Refuse, it.tell(asked))
    assert why in refusal.text


@pytest.mark.parametrize("asked", [reset(), reset(is_proven_flat=False, force=True)])
def test_after_a_reset_every_bot_has_to_be_seen_again(asked: ResetAsked) -> None:
    it = armed(beaten=True)
    it.tell(trip(), ended())
    assert of(ClearLatch, it.tell(asked))
    assert it.state == "WAITING"
    it.until(100)
    assert len(it.runs) == 1
    it.tell(BotSeen(bot="maker"))
    assert it.state == "ARMED"


@pytest.mark.parametrize(("reason", "seconds"), [("", 60), ("why", 0), ("why", 8 * 3600 + 1)])
def test_a_bypass_without_reason_or_end_is_refused(reason: str, seconds: float) -> None:
    it = armed()
    it.tell(BypassAsked(by="me", reason=reason, seconds=seconds))
    assert it.state == "ARMED"


def test_a_bypass_lets_nothing_trip_but_a_person_and_always_ends() -> None:
    it = armed(beaten=True)
    it.tell(BypassAsked(by="me", reason="a test", seconds=900))
    it.until(899)
    it.tell(BotStopped(bot="maker", kernel_state="T"))
    assert it.state == "BYPASSED"
    it.until(900)
    assert it.state == "ARMED"
    it.until(903)
    assert it.state == "TRIPPED"
    other = armed()
    other.tell(BypassAsked(by="me", reason="a test", seconds=900), trip())
    assert other.state == "TRIPPED"


def test_a_latched_account_is_not_bypassed() -> None:
    it = armed()
    it.tell(trip(), BypassAsked(by="me", reason="a test", seconds=900))
    assert it.state == "TRIPPED"


def test_whoever_acknowledges_takes_over_and_stops_the_run() -> None:
    it = armed()
    it.tell(trip())
    assert of(Refuse, it.tell(Acknowledged(by="me")))
    it.tell(ended(FAILED, "1"))
    it.until(it.now + 1)
    followed = it.tell(Acknowledged(by="me"))
    assert of(StopRun, followed)
    assert it.state == "LATCHED"
    it.until(it.now + 1000)
    assert len(it.runs) == 2


# --- long times ---------------------------------------------------------------------------------

DAYS_30 = 30 * 24 * 3600


@pytest.mark.parametrize(("pause", "hang_seconds"), [(180.0, 240.0), (600.0, 700.0)])
def test_an_idle_bot_never_trips_in_30_days(pause: float, hang_seconds: float) -> None:
    it = armed(beaten=True, hang_seconds=hang_seconds)
    progress = 1
    while it.now < DAYS_30:
        progress += 1
        it.until(it.now + pause)
        it.tell(BotBeat(bot="maker", progress=progress))
    assert it.state == "ARMED"


def test_a_busy_bot_never_trips_in_30_days() -> None:
    """Never late by its own limit, which is all that the decision sees of how busy it is."""
    it = armed(beaten=True, hang_seconds=300.0)
    progress = 1
    while it.now < DAYS_30:
        progress += 17
        it.tell(BotBeat(bot="maker", progress=progress), after=250.0)
        it.tick()
    assert it.state == "ARMED"
