"""What is seen of the bots of an account: that they are there, beat, stop, fall silent and end."""

from collections.abc import Iterable
from dataclasses import replace

from goflat.core.guarding.effects import Effect, EndBots, Fence, Level
from goflat.core.guarding.events import BotBeat, BotEnded, BotStopped
from goflat.core.guarding.post import Change, Post, Stamp, told, with_bot
from goflat.core.guarding.pulse import Health, Pulse
from goflat.core.guarding.severity import MEASURES
from goflat.core.guarding.states import PostState
from goflat.core.guarding.tripping import trip_if_listening
from goflat.domain.time import Instant

_HEARD_BEFORE = -1
"""Progress that no bot can send, so that whatever it sends next is progress."""

_UNDER_WAY = frozenset({PostState.TRIPPED, PostState.GOING_ON})


def seen(post: Post, name: str) -> Change:
    """A bot is there: its process, or its first word.

    One that shows up while a run is under way would open again what the run closes: it is frozen as
    the others were.
    """
    if name not in post.bots:
        return post, ()
    is_fenced = post.state in _UNDER_WAY and MEASURES[post.answering].fences
    post = with_bot(post, name, is_seen=True, has_ended=False, is_fenced=is_fenced)
    return post, (Fence(name), EndBots()) if is_fenced else ()


def beat(post: Post, heard: BotBeat, now: Instant) -> Post:
    """A bot made progress. One that we froze ourselves is not listened to until it is seen."""
    bot = post.bots.get(heard.bot)
    if bot is None or bot.is_fenced:
        return post
    pulse = bot.pulse.beat(heard.progress, now)
    if pulse is bot.pulse:
        return post
    return with_bot(post, heard.bot, pulse=pulse, is_seen=True, has_ended=False, told_late=False)


def stopped(post: Post, found: BotStopped, stamp: Stamp) -> Change:
    """The kernel does not let it run. As with silence, that counts once it has beaten."""
    bot = post.bots.get(found.bot)
    if bot is None or bot.is_fenced or bot.has_ended or bot.pulse.last_progress is None:
        return post, ()
    text = f"bot {bot.name} is in kernel state {found.kernel_state}"
    return trip_if_listening(post, text, stamp)


def ended(post: Post, end: BotEnded, stamp: Stamp) -> Change:
    """A process is gone. Whether that trips is the policy's."""
    bot = post.bots.get(end.bot)
    if bot is None or bot.has_ended:
        return post, ()
    gone = with_bot(
        post,
        end.bot,
        is_seen=False,
        has_ended=True,
        told_late=False,
        pulse=Pulse(hang_seconds=bot.pulse.hang_seconds),
    )
    text = f"bot {end.bot} ended" + ("" if end.code is None else f" with status {end.code}")
    if bot.is_fenced:
        return gone, (told(Level.INFO, end.bot, text),)
    if not bot.is_seen or not bot.on_exit.trips(code=end.code, handed_over=end.handed_over):
        return gone, (told(Level.INFO, end.bot, f"{text}; its positions stay"),)
    return trip_if_listening(gone, text, stamp)


def feel_pulses(post: Post, now: Instant, stamp: Stamp) -> Change:
    """Tell of a bot that is late, and trip for one that has fallen silent."""
    if not post.listens_to(post.terms.severity):
        return post, ()
    effects: list[Effect] = []
    for bot in post.bots.values():
        if bot.is_fenced or bot.has_ended:
            continue
        health = bot.pulse.health(now)
        if health is Health.SILENT:
            text = f"bot {bot.name} made no progress for {bot.pulse.hang_seconds:g} s"
            tripped, more = trip_if_listening(post, text, stamp)
            return tripped, (*effects, *more)
        if health is Health.LATE and not bot.told_late:
            post = with_bot(post, bot.name, told_late=True)
            effects.append(told(Level.WARNING, bot.name, f"bot {bot.name} is late"))
    return post, tuple(effects)


def rested(post: Post, now: Instant) -> Post:
    """Every pulse starts anew: nobody listened meanwhile."""
    bots = {name: replace(bot, pulse=bot.pulse.rested(now)) for name, bot in post.bots.items()}
    return replace(post, bots=bots)


def once_beaten(post: Post, names: Iterable[str], now: Instant) -> Post:
    """Let the silence of these count from now on: another guard heard them beat."""
    for name in names:
        if name in post.bots:
            post = with_bot(post, name, pulse=post.bots[name].pulse.beat(_HEARD_BEFORE, now))
    return post


def without(post: Post, seconds: float, now: Instant) -> Post:
    """The guard itself stood still for so long, and heard nobody."""
    bots = {
        name: replace(bot, pulse=bot.pulse.without(seconds, now)) for name, bot in post.bots.items()
    }
    return replace(post, bots=bots)
