"""Armed or not, and why: what the guard says of one account, as data for people and programs."""

import asyncio

from goflat.core.guarding.post import Bot, Post
from goflat.core.guarding.pulse import Health
from goflat.core.guarding.states import PostState
from goflat.domain.time import LONG_AGO, NEVER, Instant
from goflat.guard.checker import Checker
from goflat.guard.kept_bots import KeptBots
from goflat.guard.sentry import Sentry
from goflat.guard.wire import Message

ALERTS_TOLD = 10


def status_of(sentry: Sentry, checker: Checker, kept: KeptBots) -> Message:
    """All that is known of an account now. Ages and lengths in seconds."""
    post, now = sentry.post, Instant(asyncio.get_running_loop().time())
    latch = post.latch
    return {
        "armed": post.state is PostState.ARMED,
        "state": post.state.name,
        "meaning": post.state.value,
        "why_not_armed": list(_why(post)),
        "latch": None
        if latch is None
        else {
            "run_id": latch.run_id,
            "severity": latch.severity.value,
            "reason": latch.reason,
            "by": latch.by,
            "since": latch.since,
        },
        "runs": post.runs,
        "is_running": post.is_running,
        "bypass_seconds_left": None if post.bypass_until == NEVER else post.bypass_until - now,
        "bots": {name: _bot(bot, kept, now) for name, bot in post.bots.items()},
        "triggers": {
            name: {
                "armed": standing.is_armed,
                "text": standing.text,
                "age_seconds": _age(standing.at, now),
            }
            for name, standing in post.standings.items()
        },
        "proofs": {
            "read_age_seconds": _age(checker.proofs.read_at, now),
            "examined_age_seconds": _age(checker.proofs.examined_at, now),
            "rehearsed_age_seconds": _age(checker.proofs.rehearsed_at, now),
            "problem": checker.proofs.problem,
        },
        "positions": len(checker.positions),
        "alerts": [
            {"level": alert.level.value, "about": alert.about, "text": alert.text}
            for alert in sentry.alerts[-ALERTS_TOLD:]
        ],
    }


def _why(post: Post) -> tuple[str, ...]:
    if post.latch is not None:
        return (f"latched: {post.latch.reason}",)
    if post.state is PostState.BYPASSED:
        return ("bypassed",)
    return post.why_not_armed


def _bot(bot: Bot, kept: KeptBots, now: Instant) -> Message:
    process = kept.process_of(bot.name)
    health = bot.pulse.health(now) if bot.pulse.last_progress is not None else Health.UNBEATEN
    return {
        "seen": bot.is_seen,
        "pid": None if process is None else process.pid,
        "hang_armed": health is not Health.UNBEATEN,
        "pulse": health.value,
        "progress_age_seconds": _age(bot.pulse.last_progress, now),
        "hang_seconds": bot.pulse.hang_seconds,
    }


def _age(at: Instant | None, now: Instant) -> float | None:
    return None if at is None or at == LONG_AGO else round(now - at, 3)
