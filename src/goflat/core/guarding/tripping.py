"""The trip, the run, and what comes after it: go on until flat, then hold."""

from collections.abc import Iterable
from dataclasses import replace

from goflat.core.guarding.effects import (
    Effect,
    EndBots,
    Fence,
    Level,
    NoteRun,
    RunPhase,
    SetLatch,
    StartRun,
)
from goflat.core.guarding.events import HandedOver, Resumed, RunEnded
from goflat.core.guarding.hold import Hold, watch
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.post import Change, Post, Stamp, told, turn, with_bot
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.core.guarding.states import PostState, PostTurn
from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState
from goflat.domain.position import Position
from goflat.domain.time import NEVER, Instant

GO_ON_SECONDS = (1.0, 30.0)
"""The first and the longest wait between two runs that go on after the deadline."""

_BY_ITSELF = "goflat"
_BEYOND_US = frozenset({LegOutcome.FLAT, LegOutcome.DUST, LegOutcome.LEFT})


def trip_if_listening(
    post: Post, reason: str, stamp: Stamp, severity: Severity | None = None
) -> Change:
    """What happens by itself needs a guard that was armed; only a person trips any other."""
    severity = severity or post.terms.severity
    if not post.listens_to(severity):
        return post, ()
    return trip(post, reason, _BY_ITSELF, severity, stamp)


def trip(post: Post, reason: str, by: str, severity: Severity, stamp: Stamp) -> Change:
    """Latch, freeze, run, and only then end the bots. A trip on top of a trip joins it."""
    is_under_way = post.state in {PostState.TRIPPED, PostState.GOING_ON}
    if is_under_way and severity.rank <= post.answering.rank:
        return _join(post, reason)
    if post.latch is not None and not MEASURES[severity].runs:
        return post, (told(Level.INFO, "trip", f"latched already: {reason}"),)
    before = post.latch
    hardest = severity if before is None or severity.rank > before.severity.rank else None
    latch = Latch(
        run_id=before.run_id if before is not None and is_under_way else stamp.run_id,
        severity=severity if before is None or hardest is not None else before.severity,
        reason=reason,
        by=by,
        since=stamp.utc,
    )
    return _begin(post, latch, severity)


def _begin(post: Post, latch: Latch, severity: Severity, only: Remnant | None = None) -> Change:
    measures = MEASURES[severity]
    tripped = turn(
        post,
        PostTurn.TRIP,
        latch=latch,
        answering=severity,
        only=only,
        runs=1,
        is_running=measures.runs,
        left={},
        hold=None,
        next_run_at=NEVER,
        bypass_until=NEVER,
    )
    fenced = [name for name, bot in post.bots.items() if bot.is_seen and measures.fences]
    for name in fenced:
        tripped = with_bot(tripped, name, is_fenced=True)
    text = f"TRIPPED ({severity.value}) by {latch.by}: {latch.reason}"
    effects: list[Effect] = [SetLatch(latch), *map(Fence, fenced)]
    if measures.runs:
        effects += [_run(tripped), EndBots()] if fenced else [_run(tripped)]
        note = NoteRun(latch=latch, phase=RunPhase.OPEN, legs={})
    else:
        tripped = turn(turn(tripped, PostTurn.DONE), PostTurn.QUIET)
        note = NoteRun(latch=latch, phase=RunPhase.DONE, legs={})
    return tripped, (note, *effects, told(Level.CRITICAL, "trip", text))


def _join(post: Post, reason: str) -> Change:
    joined = told(Level.INFO, "trip", f"joined the trip under way: {reason}")
    if post.is_running:
        return post, (joined,)
    post, effects = go_on(post)
    return post, (joined, *effects)


def _run(post: Post) -> StartRun:
    assert post.latch is not None
    return StartRun(
        run_id=post.latch.run_id,
        measures=MEASURES[post.answering],
        reason=post.latch.reason,
        only=post.only,
    )


# --- after the run ------------------------------------------------------------------------------


def run_ended(post: Post, ended: RunEnded, now: Instant) -> Change:
    """A run came back: proven done, or it goes on after a while."""
    latch = post.latch
    if latch is None or not post.is_running:
        return post, ()
    post = replace(post, is_running=False, left={**post.left, **ended.left})
    if not _is_done(ended.result):
        return _left(post, ended.result, now)
    text = "proven flat" if ended.result.verified else f"done: {ended.result.state.value}"
    if any(leg.outcome is LegOutcome.DUST for leg in ended.result.legs):
        text = "flat but for dust that the venue takes no order for"
    done = turn(post, PostTurn.DONE, hold=post.hold or _hold(post, now), next_run_at=NEVER)
    note = NoteRun(latch=latch, phase=RunPhase.HELD, legs=post.left)
    return done, (note, told(Level.CRITICAL, "run", text))


def _is_done(result: LiquidationResult) -> bool:
    """Nothing is left that another run could do anything about."""
    if result.state is LiquidationState.COMPLETED:
        return True
    only_dust = bool(result.legs) and all(leg.outcome in _BEYOND_US for leg in result.legs)
    return only_dust and result.orders_failed == 0 and result.error_message is None


def _hold(post: Post, now: Instant) -> Hold:
    seconds = post.terms.hold_seconds if MEASURES[post.answering].holds else 0.0
    return Hold(legs=post.left, until=Instant(now + seconds))


def _left(post: Post, result: LiquidationResult, now: Instant) -> Change:
    first, longest = GO_ON_SECONDS
    wait = min(first * 2 ** min(post.runs - 1, 10), longest)
    left = turn(post, PostTurn.LEFT, next_run_at=Instant(now + wait))
    text = f"NOT FLAT after run {post.runs} ({result.state.value}); it goes on in {wait:g} s"
    return left, (told(Level.CRITICAL, "run", text),)


def go_on(post: Post) -> Change:
    """The deadline came before flat: the next run, of the same id."""
    going = replace(post, is_running=True, runs=post.runs + 1, next_run_at=NEVER)
    return going, (_run(going),)


def held(post: Post, positions: Iterable[Position]) -> Change:
    """Answer what grew again while the account is held."""
    if post.hold is None or not post.is_held:
        return post, ()
    seen = watch(post.hold, positions)
    foreign = tuple(
        told(
            Level.WARNING,
            f"foreign {position.key}",
            f"foreign: {position.key} {position.quantity} is open and is left alone",
        )
        for position in seen.foreign
    )
    post = replace(post, hold=seen.hold)
    if not seen.close:
        return post, foreign
    # What grew back is closed, whatever the trip itself was asked to do.
    again = replace(post, answering=Severity.FLATTEN, only=Remnant.of(seen.close))
    again, effects = go_on(again)
    names = ", ".join(map(str, seen.close))
    return again, (*foreign, told(Level.CRITICAL, "run", f"opened again: {names}"), *effects)


def quiet(post: Post) -> Change:
    """The hold is over: the latch alone stays."""
    assert post.latch is not None
    text = "the account is no longer watched for what opens again; it is latched"
    return turn(post, PostTurn.QUIET, hold=None), (
        NoteRun(latch=post.latch, phase=RunPhase.DONE, legs={}),
        told(Level.INFO, "hold", text),
    )


# --- what somebody else began -------------------------------------------------------------------


def resume(post: Post, found: Resumed, now: Instant) -> Change:
    """A guard that starts and finds a latch is latched; an open run goes on under its old id."""
    if post.latch is not None:
        return post, ()
    latch = found.latch
    tripped = turn(
        post,
        PostTurn.TRIP,
        latch=latch,
        answering=latch.severity,
        only=found.remnant,
        runs=1,
        bypass_until=NEVER,
        was_armed=not MEASURES[latch.severity].fences,
    )
    if found.phase is RunPhase.OPEN and MEASURES[latch.severity].runs:
        return _resume_open(tripped, latch)
    still = told(Level.WARNING, "latch", f"still latched: {latch.reason}")
    until = Instant(now + post.terms.hold_seconds)
    hold = Hold(legs=found.held, until=until) if found.phase is RunPhase.HELD else None
    holding = turn(tripped, PostTurn.DONE, left=found.held, hold=hold)
    return (turn(holding, PostTurn.QUIET) if hold is None else holding), (still,)


def _resume_open(tripped: Post, latch: Latch) -> Change:
    if tripped.terms.asks_to_resume:
        waiting = turn(tripped, PostTurn.LEFT)
        text = f"run {latch.run_id} is unfinished, and somebody has to say so: trip, or acknowledge"
        return waiting, (told(Level.CRITICAL, "run", text),)
    running = replace(tripped, is_running=True)
    text = f"resuming {latch.run_id}: {latch.reason}"
    return running, (_run(running), told(Level.CRITICAL, "run", text))


def take_over(post: Post, handed: HandedOver, stamp: Stamp) -> Change:
    """Go on with what a run inside of a bot left. Where a trip is under way it has it in hand."""
    if post.latch is not None:
        return post, (told(Level.INFO, "run", f"{handed.run_id} handed over; latched already"),)
    latch = Latch(
        run_id=handed.run_id,
        severity=Severity.FLATTEN,
        reason=handed.reason,
        by=_BY_ITSELF,
        since=stamp.utc,
    )
    return _begin(post, latch, Severity.FLATTEN, handed.remnant)


def is_due(post: Post, now: Instant) -> bool:
    """Whether the next run of a trip that goes on has its turn."""
    return post.state is PostState.GOING_ON and not post.is_running and now >= post.next_run_at
