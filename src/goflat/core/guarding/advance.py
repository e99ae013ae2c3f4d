"""`advance(post, event, now, stamp)` says what a guarded account becomes and what to do.

Only a reset makes it less tripped, and no event is refused for coming twice.
"""

from dataclasses import dataclass, replace
from typing import assert_never

from goflat.core.guarding import bots, people, tripping
from goflat.core.guarding.effects import Effect, Level
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
    RunEnded,
    Slept,
    Ticked,
    TriggerRead,
    TripAsked,
    WasArmed,
)
from goflat.core.guarding.evidence import Verdict
from goflat.core.guarding.post import Change, Post, Stamp, arm_or_not, told
from goflat.core.guarding.states import PostState
from goflat.domain.time import NEVER, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDecision:
    """What the account became, what is done about it in this order, and when to ask again."""

    now_is: Post
    effects: tuple[Effect, ...] = ()
    wake_at: Instant = NEVER


def advance(post: Post, event: GuardEvent, now: Instant, stamp: Stamp) -> PostDecision:
    """Take one thing that happened; return everything that follows from it."""
    changed, effects = _react(post, event, now, stamp)
    changed, more = arm_or_not(changed, now)
    return PostDecision(now_is=changed, effects=effects + more, wake_at=changed.wakes_at)


def _react(post: Post, event: GuardEvent, now: Instant, stamp: Stamp) -> Change:
    match event:
        case Readiness(missing=missing):
            return replace(post, missing=missing), ()
        case BotSeen(bot=name):
            return bots.seen(post, name)
        case BotBeat():
            return bots.beat(post, event, now), ()
        case BotStopped():
            return bots.stopped(post, event, stamp)
        case BotEnded():
            return bots.ended(post, event, stamp)
        case TriggerRead():
            return _trigger_read(post, event, now, stamp)
        case TripAsked(by=by, reason=reason, severity=severity):
            return tripping.trip(post, reason, by, severity, stamp)
        case ResetAsked():
            return people.reset(post, event)
        case BypassAsked():
            return people.bypass(post, event, now)
        case Acknowledged(by=by):
            return people.acknowledge(post, by)
        case RunEnded():
            return tripping.run_ended(post, event, now)
        case HeldReading(positions=positions):
            return tripping.held(post, positions)
        case Resumed():
            return tripping.resume(post, event, now)
        case HandedOver():
            return tripping.take_over(post, event, stamp)
        case WasArmed(beaten):
            post = replace(post, was_armed=post.was_armed or post.latch is None)
            return bots.once_beaten(post, beaten, now), ()
        case Slept(seconds):
            return bots.without(post, seconds, now), ()
        case Ticked():
            return _tick(post, now, stamp)
        case _:
            assert_never(event)


def _trigger_read(post: Post, read: TriggerRead, now: Instant, stamp: Stamp) -> Change:
    before = post.standings.get(read.name)
    if before is None:
        return post, ()
    standing = before.read(read.verdict, read.text, now)
    post = replace(post, standings={**post.standings, read.name: standing})
    effects: tuple[Effect, ...] = ()
    if read.verdict is Verdict.UNREADABLE and before.verdict is not Verdict.UNREADABLE:
        text = f"trigger {read.name} could not be read and is NOT ARMED: {read.text}"
        effects = (told(Level.WARNING, read.name, text),)
    if not standing.trips:
        return post, effects
    reason = f"trigger {read.name}: {read.text}"
    tripped, more = tripping.trip_if_listening(post, reason, stamp, standing.trigger.severity)
    return tripped, effects + more


def _tick(post: Post, now: Instant, stamp: Stamp) -> Change:
    if post.state is PostState.BYPASSED and now >= post.bypass_until:
        return people.rearm(post, now)
    if post.is_held and post.hold is not None and post.hold.is_over(now):
        return tripping.quiet(post)
    if tripping.is_due(post, now):
        return tripping.go_on(post)
    return bots.feel_pulses(post, now, stamp)
