"""One guarded account: `advance(post, event, now, wall)` says what it becomes and what to do.

De-energise to trip: what keeps it calm are proofs of life, and every doubt lets them run down. Only
a reset makes it less tripped, and no event is refused for coming twice.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from enum import Enum
from typing import TypeAlias, assert_never

from goflat.core.guarding.effects import (
    Alert,
    ClearLatch,
    Effect,
    EndBots,
    Fence,
    Level,
    Refuse,
    SetLatch,
    StartRun,
)
from goflat.core.guarding.events import (
    Acknowledged,
    BotBeat,
    BotEnded,
    BotSeen,
    BotStopped,
    BypassAsked,
    GuardEvent,
    HeldReading,
    Readiness,
    ResetAsked,
    Resumed,
    RunEnded,
    Ticked,
    TriggerRead,
    TripAsked,
)
from goflat.core.guarding.evidence import Standing, Verdict
from goflat.core.guarding.hold import Hold, watch
from goflat.core.guarding.latch import Latch, may_reset
from goflat.core.guarding.pulse import LATE_PART, Health, Pulse
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.core.guarding.states import POST, PostState, PostTurn
from goflat.domain.outcome import LiquidationState
from goflat.domain.position import LegKey, Position
from goflat.domain.time import NEVER, Instant

BYPASS_SECONDS_MAX = 8 * 3600.0
"""No bypass lasts longer, however it was asked for."""

GO_ON_SECONDS = (1.0, 30.0)
"""The first and the longest wait between two runs that go on after the deadline."""

WAITING_ALERT_SECONDS = 60.0
"""A guard that is not armed says so again after this long: it never waits unnoticed."""


class OnExit(Enum):
    """Which ends of a bot's process trip."""

    ALWAYS = "always"
    NONZERO = "nonzero"
    HANDOVER = "handover"

    def trips(self, *, code: int | None, handed_over: bool) -> bool:
        """Whether this end trips. A status that cannot be known is no clean one."""
        match self:
            case OnExit.ALWAYS:
                return True
            case OnExit.NONZERO:
                return code != 0
            case OnExit.HANDOVER:
                return not handed_over


@dataclass(frozen=True, slots=True, kw_only=True)
class PostTerms:
    """How one account is guarded. Lengths in seconds."""

    account: str
    on_exit: OnExit = OnExit.ALWAYS
    severity: Severity = Severity.FLATTEN
    hold_seconds: float = 60.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the decision may need and cannot make: a new run id, and the time of day (UTC)."""

    run_id: str
    utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that trades on the account, as far as it is seen."""

    name: str
    pulse: Pulse
    is_seen: bool = False
    has_ended: bool = False
    told_late: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One guarded account: what is known of its bots and triggers, and how far a trip has got."""

    terms: PostTerms
    bots: Mapping[str, Bot]
    standings: Mapping[str, Standing]
    state: PostState = PostState.WAITING
    missing: tuple[str, ...] = ("not checked yet",)
    was_armed: bool = False
    waits_since: Instant | None = None
    latch: Latch | None = None
    runs: int = 0
    is_running: bool = False
    touched: frozenset[LegKey] = frozenset()
    next_run_at: Instant = NEVER
    hold: Hold | None = None
    bypass_until: Instant = NEVER

    @property
    def is_live(self) -> bool:
        """Whether a trigger may trip. What was armed once is not disarmed by what goes missing."""
        return self.state is PostState.ARMED or (self.state is PostState.WAITING and self.was_armed)

    @property
    def why_not_armed(self) -> tuple[str, ...]:
        """What has to be there and is not, in words. Empty: it is armed, or could be."""
        unseen = tuple(
            f"bot {bot.name} has not been seen yet" for bot in self.bots.values() if not bot.is_seen
        )
        return self.missing + unseen

    @property
    def wakes_at(self) -> Instant:
        """When it wants to be asked again, if nothing happens before."""
        instants = [self.next_run_at, self.bypass_until]
        if self.is_live:
            instants += [_next_doubt(bot) for bot in self.bots.values()]
        if self.hold is not None:
            instants.append(self.hold.until)
        if self.state is PostState.WAITING and self.waits_since is not None:
            instants.append(Instant(self.waits_since + WAITING_ALERT_SECONDS))
        return min(instants)


def _next_doubt(bot: Bot) -> Instant:
    trips_at = bot.pulse.trips_at
    if trips_at is None or bot.has_ended:
        return NEVER
    if bot.told_late:
        return trips_at
    return Instant(trips_at - bot.pulse.hang_seconds * (1 - LATE_PART))


@dataclass(frozen=True, slots=True, kw_only=True)
class PostDecision:
    """What the account became, what is done about it in this order, and when to ask again."""

    now_is: Post
    effects: tuple[Effect, ...] = ()
    wake_at: Instant = NEVER


Change: TypeAlias = tuple[Post, tuple[Effect, ...]]


def advance(post: Post, event: GuardEvent, now: Instant, stamp: Stamp) -> PostDecision:
    """Take one thing that happened; return everything that follows from it."""
    changed, effects = _react(post, event, now, stamp)
    changed, more = _arm_or_not(changed, now)
    return PostDecision(now_is=changed, effects=effects + more, wake_at=changed.wakes_at)


def _react(post: Post, event: GuardEvent, now: Instant, stamp: Stamp) -> Change:
    match event:
        case Readiness(missing=missing):
            return replace(post, missing=missing), ()
        case BotSeen(bot=name):
            return _with_bot(post, name, is_seen=True, has_ended=False), ()
        case BotBeat():
            return _beat(post, event, now), ()
        case BotStopped(bot=name, kernel_state=letter):
            return _trip_if_armed(post, f"bot {name} is in kernel state {letter}", stamp)
        case BotEnded():
            return _ended(post, event, stamp)
        case TriggerRead():
            return _trigger_read(post, event, now, stamp)
        case TripAsked(by=by, reason=reason, severity=severity):
            return _trip(post, reason, by, severity, stamp)
        case ResetAsked():
            return _reset(post, event)
        case BypassAsked():
            return _bypass(post, event, now)
        case Acknowledged(by=by):
            return _acknowledge(post, by)
        case RunEnded():
            return _run_ended(post, event, now)
        case HeldReading(positions=positions):
            return _held(post, positions)
        case Resumed(latch=latch, is_open=is_open):
            return _resume(post, latch, is_open=is_open)
        case Ticked():
            return _tick(post, now, stamp)
        case _:
            assert_never(event)


def _turn(post: Post, turn: PostTurn, **changes: object) -> Post:
    """The only place where the state of a guarded account changes."""
    return replace(post, state=POST[post.state][turn], **changes)  # type: ignore[arg-type]


def _can(post: Post, turn: PostTurn) -> bool:
    return turn in POST[post.state]


# --- armed or not -------------------------------------------------------------------------------


def _arm_or_not(post: Post, now: Instant) -> Change:
    """Armed only while everything is there; and whoever waits for something says so."""
    if post.state not in {PostState.WAITING, PostState.ARMED}:
        return replace(post, waits_since=None), ()
    why = post.why_not_armed
    before = post.state
    if not why:
        armed = _turn(post, PostTurn.ARM, waits_since=None, was_armed=True)
        news = before is not PostState.ARMED
        return armed, (_alert(Level.INFO, "armed", "armed"),) if news else ()
    post = _turn(post, PostTurn.UNARM)
    if before is PostState.ARMED or post.waits_since is None:
        return replace(post, waits_since=now), (_not_armed(why),)
    if now >= post.waits_since + WAITING_ALERT_SECONDS:
        return replace(post, waits_since=now), (_not_armed(why),)
    return post, ()


def _not_armed(why: Iterable[str]) -> Alert:
    return _alert(Level.WARNING, "armed", "NOT ARMED: " + "; ".join(why))


def _alert(level: Level, about: str, text: str) -> Alert:
    return Alert(level=level, about=about, text=text)


# --- bots ---------------------------------------------------------------------------------------


def _with_bot(post: Post, name: str, **changes: object) -> Post:
    if name not in post.bots:
        return post
    bot = replace(post.bots[name], **changes)  # type: ignore[arg-type]
    return replace(post, bots={**post.bots, name: bot})


def _beat(post: Post, beat: BotBeat, now: Instant) -> Post:
    if beat.bot not in post.bots:
        return post
    pulse = post.bots[beat.bot].pulse.beat(beat.progress, now)
    if pulse is post.bots[beat.bot].pulse:
        return post
    return _with_bot(post, beat.bot, pulse=pulse, is_seen=True, has_ended=False, told_late=False)


def _ended(post: Post, end: BotEnded, stamp: Stamp) -> Change:
    if end.bot not in post.bots or post.bots[end.bot].has_ended:
        return post, ()
    fresh = Pulse(hang_seconds=post.bots[end.bot].pulse.hang_seconds)
    was_seen = post.bots[end.bot].is_seen
    ended = _with_bot(post, end.bot, is_seen=False, has_ended=True, pulse=fresh, told_late=False)
    status = "" if end.code is None else f" with status {end.code}"
    text = f"bot {end.bot} ended{status}"
    if not was_seen or not post.terms.on_exit.trips(code=end.code, handed_over=end.handed_over):
        return ended, (_alert(Level.INFO, end.bot, f"{text}; its positions stay"),)
    return _trip_if_armed(ended, text, stamp)


# --- triggers -----------------------------------------------------------------------------------


def _trigger_read(post: Post, read: TriggerRead, now: Instant, stamp: Stamp) -> Change:
    before = post.standings.get(read.name)
    if before is None:
        return post, ()
    standing = before.read(read.verdict, read.text, now)
    post = replace(post, standings={**post.standings, read.name: standing})
    effects: tuple[Effect, ...] = ()
    if read.verdict is Verdict.UNREADABLE and before.verdict is not Verdict.UNREADABLE:
        text = f"trigger {read.name} could not be read and is NOT ARMED: {read.text}"
        effects = (_alert(Level.WARNING, read.name, text),)
    if not standing.trips:
        return post, effects
    reason = f"trigger {read.name}: {read.text}"
    tripped, more = _trip_if_armed(post, reason, stamp, standing.trigger.severity)
    return tripped, effects + more


def _tick(post: Post, now: Instant, stamp: Stamp) -> Change:
    if post.state is PostState.BYPASSED and now >= post.bypass_until:
        return _rearm(post, now)
    if post.state is PostState.HOLDING and post.hold is not None and post.hold.is_over(now):
        quiet = _turn(post, PostTurn.QUIET, hold=None)
        return quiet, (_alert(Level.INFO, "hold", "the account is no longer held; it is latched"),)
    if post.state is PostState.GOING_ON and now >= post.next_run_at and not post.is_running:
        return _go_on(post)
    return _feel_pulses(post, now, stamp)


def _feel_pulses(post: Post, now: Instant, stamp: Stamp) -> Change:
    if not post.is_live:
        return post, ()
    effects: list[Effect] = []
    for bot in post.bots.values():
        health = Health.UNBEATEN if bot.has_ended else bot.pulse.health(now)
        if health is Health.SILENT:
            seconds = bot.pulse.hang_seconds
            text = f"bot {bot.name} made no progress for {seconds:g} s"
            tripped, more = _trip_if_armed(post, text, stamp)
            return tripped, (*effects, *more)
        if health is Health.LATE and not bot.told_late:
            post = _with_bot(post, bot.name, told_late=True)
            effects.append(_alert(Level.WARNING, bot.name, f"bot {bot.name} is late"))
    return post, tuple(effects)


# --- the trip -----------------------------------------------------------------------------------


def _trip_if_armed(
    post: Post, reason: str, stamp: Stamp, severity: Severity | None = None
) -> Change:
    """What happens by itself needs a guard that was armed; only a person trips any other."""
    if not post.is_live:
        return post, ()
    return _trip(post, reason, "goflat", severity or post.terms.severity, stamp)


def _trip(post: Post, reason: str, by: str, severity: Severity, stamp: Stamp) -> Change:
    """Latch, freeze, run, and only then end the bots. A trip on top of a trip joins it."""
    measures = MEASURES[severity]
    harder = post.latch is None or severity.rank > post.latch.severity.rank
    again = post.state in {PostState.HOLDING, PostState.LATCHED}
    if post.state.is_latched and not harder and not again:
        return post, (_alert(Level.INFO, "trip", f"joined the trip under way: {reason}"),)
    run_id = stamp.run_id if post.latch is None or again else post.latch.run_id
    latch = Latch(run_id=run_id, severity=severity, reason=reason, by=by, since=stamp.utc)
    fences = [Fence(bot.name) for bot in post.bots.values() if bot.is_seen and measures.fences]
    run = [StartRun(run_id=run_id, measures=measures, reason=reason)] if measures.runs else []
    told = _alert(Level.CRITICAL, "trip", f"TRIPPED ({severity.value}) by {by}: {reason}")
    tripped = _turn(
        post,
        PostTurn.TRIP,
        latch=latch,
        runs=1,
        is_running=measures.runs,
        hold=None,
        next_run_at=NEVER,
        bypass_until=NEVER,
    )
    if not measures.runs:
        tripped = _turn(_turn(tripped, PostTurn.DONE), PostTurn.QUIET)
    ends = [EndBots()] if measures.fences else []
    return tripped, (SetLatch(latch), *fences, *run, *ends, told)


# --- after the run ------------------------------------------------------------------------------


def _run_ended(post: Post, ended: RunEnded, now: Instant) -> Change:
    if not post.state.is_latched or post.latch is None:
        return post, ()
    severity = post.latch.severity
    post = replace(post, is_running=False, touched=post.touched | ended.touched)
    if ended.result.state in {LiquidationState.COMPLETED, LiquidationState.SKIPPED}:
        holds = MEASURES[severity].holds
        until = Instant(now + (post.terms.hold_seconds if holds else 0.0))
        hold = post.hold or Hold(legs=post.touched, until=until)
        if not _can(post, PostTurn.DONE):
            return post, ()
        text = "proven flat" if ended.result.verified else f"{ended.result.state.value}"
        return _turn(post, PostTurn.DONE, hold=hold), (_alert(Level.CRITICAL, "run", text),)
    if not _can(post, PostTurn.LEFT):
        return post, ()
    wait = min(GO_ON_SECONDS[0] * 2 ** min(post.runs - 1, 10), GO_ON_SECONDS[1])
    left = _turn(post, PostTurn.LEFT, next_run_at=Instant(now + wait))
    text = f"NOT FLAT after run {post.runs} ({ended.result.state.value}); it goes on"
    return left, (_alert(Level.CRITICAL, "run", text),)


def _go_on(post: Post) -> Change:
    assert post.latch is not None
    run = StartRun(
        run_id=post.latch.run_id,
        measures=MEASURES[post.latch.severity],
        reason=post.latch.reason,
    )
    return replace(post, is_running=True, runs=post.runs + 1, next_run_at=NEVER), (run,)


def _held(post: Post, positions: Iterable[Position]) -> Change:
    latch, hold = post.latch, post.hold
    if post.state is not PostState.HOLDING or hold is None or latch is None or post.is_running:
        return post, ()
    held = watch(hold, positions)
    foreign = tuple(
        _alert(
            Level.WARNING,
            f"foreign {position.key}",
            f"foreign: {position.key} {position.quantity} is open and is left alone",
        )
        for position in held.foreign
    )
    post = replace(post, hold=held.hold)
    if not held.close:
        return post, foreign
    run = StartRun(
        run_id=latch.run_id,
        measures=MEASURES[Severity.FLATTEN],
        reason="opened again while held flat",
        only=held.close,
    )
    return replace(post, is_running=True, runs=post.runs + 1), (*foreign, run)


def _resume(post: Post, latch: Latch, *, is_open: bool) -> Change:
    """A guard that starts and finds a latch is latched; an open run goes on under its old id."""
    tripped = _turn(post, PostTurn.TRIP, latch=latch, runs=1)
    measures = MEASURES[latch.severity]
    if not is_open or not measures.runs:
        latched = _turn(_turn(tripped, PostTurn.DONE), PostTurn.QUIET)
        return latched, (_alert(Level.WARNING, "latch", f"still latched: {latch.reason}"),)
    run = StartRun(run_id=latch.run_id, measures=measures, reason=latch.reason)
    told = _alert(Level.CRITICAL, "run", f"resuming {latch.run_id}: {latch.reason}")
    return replace(tripped, is_running=True), (run, told)


# --- people -------------------------------------------------------------------------------------


def _reset(post: Post, asked: ResetAsked) -> Change:
    refused = may_reset(
        post.latch,
        reason=asked.reason,
        is_proven_flat=asked.is_proven_flat,
        is_running=post.is_running or not _can(post, PostTurn.RESET),
        force=asked.force,
    )
    if refused is not None:
        return post, (Refuse(text=refused.text),)
    bots = {
        name: replace(bot, pulse=Pulse(hang_seconds=bot.pulse.hang_seconds), told_late=False)
        for name, bot in post.bots.items()
    }
    reset = _turn(
        post,
        PostTurn.RESET,
        latch=None,
        hold=None,
        was_armed=False,
        runs=0,
        touched=frozenset(),
        bots=bots,
    )
    told = _alert(Level.WARNING, "latch", f"reset by {asked.by}: {asked.reason}")
    return reset, (ClearLatch(by=asked.by, reason=asked.reason), told)


def _bypass(post: Post, asked: BypassAsked, now: Instant) -> Change:
    if not asked.reason.strip():
        return post, (Refuse(text="a bypass needs a reason: --reason TEXT"),)
    if not 0 < asked.seconds <= BYPASS_SECONDS_MAX:
        hours = BYPASS_SECONDS_MAX / 3600
        return post, (Refuse(text=f"a bypass lasts more than 0 s and at most {hours:g} h"),)
    if not _can(post, PostTurn.BYPASS):
        return post, (Refuse(text="latched: a reset is what is needed, not a bypass"),)
    until = Instant(now + asked.seconds)
    text = f"BYPASSED for {asked.seconds:g} s by {asked.by}: {asked.reason}"
    return _turn(post, PostTurn.BYPASS, bypass_until=until), (
        _alert(Level.WARNING, "bypass", text),
    )


def _rearm(post: Post, now: Instant) -> Change:
    bots = {name: replace(b, pulse=b.pulse.rested(now)) for name, b in post.bots.items()}
    rearmed = _turn(post, PostTurn.REARM, bots=bots, bypass_until=NEVER)
    return rearmed, (_alert(Level.WARNING, "bypass", "the bypass is over"),)


def _acknowledge(post: Post, by: str) -> Change:
    if not _can(post, PostTurn.ACKNOWLEDGE):
        return post, (Refuse(text="there is nothing to acknowledge"),)
    taken = _turn(post, PostTurn.ACKNOWLEDGE, next_run_at=NEVER)
    return taken, (_alert(Level.WARNING, "run", f"{by} takes over what is left"),)
