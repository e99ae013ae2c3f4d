"""What people ask for: take the latch off, switch it off for a while, take over what is left."""

from dataclasses import replace

from goflat.core.guarding.bots import rested
from goflat.core.guarding.effects import ClearLatch, Level, NoteRun, Refuse, RunPhase, StopRun
from goflat.core.guarding.events import BypassAsked, ResetAsked
from goflat.core.guarding.latch import may_reset
from goflat.core.guarding.post import Change, Post, can, told, turn
from goflat.core.guarding.pulse import Pulse
from goflat.core.guarding.states import PostTurn
from goflat.domain.time import NEVER, Instant

BYPASS_SECONDS_MAX = 8 * 3600.0
"""No bypass lasts longer, however it was asked for."""

BYPASS_SECONDS = 15 * 60.0
"""How long a bypass lasts where nobody says."""


def reset(post: Post, asked: ResetAsked) -> Change:
    """Take the latch off. Every bot has to be seen again before the account is armed."""
    refused = may_reset(
        post.latch,
        reason=asked.reason,
        is_proven_flat=asked.is_proven_flat,
        is_running=post.is_running or not can(post, PostTurn.RESET),
        force=asked.force,
    )
    if refused is not None:
        return post, (Refuse(text=refused.text),)
    bots = {
        name: replace(
            bot,
            is_seen=False,
            is_fenced=False,
            told_late=False,
            pulse=Pulse(hang_seconds=bot.pulse.hang_seconds),
        )
        for name, bot in post.bots.items()
    }
    unlatched = turn(
        post,
        PostTurn.RESET,
        latch=None,
        only=None,
        hold=None,
        was_armed=False,
        runs=0,
        left={},
        bots=bots,
    )
    text = f"reset by {asked.by}: {asked.reason}"
    return unlatched, (
        ClearLatch(by=asked.by, reason=asked.reason),
        told(Level.WARNING, "latch", text),
    )


def bypass(post: Post, asked: BypassAsked, now: Instant) -> Change:
    """Switch the guard off for a while. A person can trip it all the same."""
    if not asked.reason.strip():
        return post, (Refuse(text="a bypass needs a reason: --reason TEXT"),)
    if not 0 < asked.seconds <= BYPASS_SECONDS_MAX:
        hours = BYPASS_SECONDS_MAX / 3600
        return post, (Refuse(text=f"a bypass lasts more than 0 s and at most {hours:g} h"),)
    if not can(post, PostTurn.BYPASS):
        return post, (Refuse(text="latched: a reset is what is needed, not a bypass"),)
    until = Instant(now + asked.seconds)
    text = f"BYPASSED for {asked.seconds:g} s by {asked.by}: {asked.reason}"
    return turn(post, PostTurn.BYPASS, bypass_until=until), (told(Level.WARNING, "bypass", text),)


def rearm(post: Post, now: Instant) -> Change:
    """The bypass is over, and every pulse starts anew."""
    rearmed = turn(rested(post, now), PostTurn.REARM, bypass_until=NEVER)
    return rearmed, (told(Level.WARNING, "bypass", "the bypass is over"),)


def acknowledge(post: Post, by: str) -> Change:
    """Somebody takes over what is left: nothing more is sent, and the latch stays."""
    if post.latch is None or not can(post, PostTurn.ACKNOWLEDGE):
        return post, (Refuse(text="there is nothing to acknowledge: no run goes on"),)
    stops = (StopRun(),) if post.is_running else ()
    taken = turn(post, PostTurn.ACKNOWLEDGE, next_run_at=NEVER, is_running=False, hold=None)
    return taken, (
        *stops,
        NoteRun(latch=post.latch, phase=RunPhase.DONE, legs={}),
        told(Level.WARNING, "run", f"{by} takes over what is left"),
    )
