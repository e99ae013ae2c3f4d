"""One guarded account, as a value: what is known of its bots and triggers, and how far a trip is.

De-energise to trip: what keeps it calm are proofs of life, and every doubt lets them run down.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import TypeAlias, assert_never

from goflat.core.guarding.effects import Alert, Effect, Level
from goflat.core.guarding.evidence import Standing
from goflat.core.guarding.hold import Hold
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.pulse import Pulse
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Severity
from goflat.core.guarding.states import POST, PostState, PostTurn
from goflat.domain.position import LegKey
from goflat.domain.time import NEVER, Instant

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
            case _:
                assert_never(self)


@dataclass(frozen=True, slots=True, kw_only=True)
class PostTerms:
    """How one account is guarded. Lengths in seconds.

    `asks_to_resume`: an open run that is found at the start waits for a person.
    """

    account: str
    severity: Severity = Severity.FLATTEN
    hold_seconds: float = 60.0
    asks_to_resume: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Stamp:
    """What the decision may need and cannot make: a new run id, and the time of day (UTC)."""

    run_id: str
    utc: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Bot:
    """A bot that trades on the account, as far as it is seen.

    `is_fenced`: we froze it ourselves, so its silence and its end are no news.
    """

    name: str
    pulse: Pulse
    on_exit: OnExit = OnExit.ALWAYS
    is_seen: bool = False
    has_ended: bool = False
    is_fenced: bool = False
    told_late: bool = False

    @property
    def next_doubt(self) -> Instant:
        """When it is worth looking at its pulse again, if no beat comes before."""
        due = self.pulse.trips_at if self.told_late else self.pulse.late_at
        return NEVER if due is None or self.has_ended or self.is_fenced else due


@dataclass(frozen=True, slots=True, kw_only=True)
class Post:
    """One guarded account.

    `latch` is the hardest that was asked for since the last reset; `answering` is what the newest
    run was asked for, and `only` what it was confined to. `left` is what runs acted on, and how
    much of each was open at last.
    """

    terms: PostTerms
    bots: Mapping[str, Bot]
    standings: Mapping[str, Standing]
    state: PostState = PostState.WAITING
    missing: tuple[str, ...] = ("not checked yet",)
    was_armed: bool = False
    waits_since: Instant | None = None
    latch: Latch | None = None
    answering: Severity = Severity.HALT
    only: Remnant | None = None
    runs: int = 0
    is_running: bool = False
    left: Mapping[LegKey, Decimal] = field(default_factory=dict)
    next_run_at: Instant = NEVER
    hold: Hold | None = None
    bypass_until: Instant = NEVER

    def listens_to(self, severity: Severity) -> bool:
        """Whether what happens by itself may trip that hard now.

        What was armed once is not disarmed by what goes missing, and a milder trip does not keep a
        harder one away.
        """
        if self.latch is not None:
            return self.was_armed and severity.rank > self.latch.severity.rank
        return self.state is PostState.ARMED or (self.state is PostState.WAITING and self.was_armed)

    @property
    def is_held(self) -> bool:
        """Whether what opens again is looked for now."""
        return self.state is PostState.HOLDING and not self.is_running

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
        if self.listens_to(self.terms.severity):
            instants += [bot.next_doubt for bot in self.bots.values()]
        if self.hold is not None and self.is_held:
            instants.append(self.hold.until)
        if self.state is PostState.WAITING and self.waits_since is not None:
            instants.append(Instant(self.waits_since + WAITING_ALERT_SECONDS))
        return min(instants)


Change: TypeAlias = tuple[Post, tuple[Effect, ...]]


def turn(post: Post, what: PostTurn, **changes: object) -> Post:
    """The only place where the state of a guarded account changes."""
    return replace(post, state=POST[post.state][what], **changes)  # type: ignore[arg-type]


def can(post: Post, what: PostTurn) -> bool:
    """Whether that turn can be taken from where it is."""
    return what in POST[post.state]


def with_bot(post: Post, name: str, **changes: object) -> Post:
    """The account with one of its bots changed."""
    bot = replace(post.bots[name], **changes)  # type: ignore[arg-type]
    return replace(post, bots={**post.bots, name: bot})


def told(level: Level, about: str, text: str) -> Alert:
    """Something for people."""
    return Alert(level=level, about=about, text=text)


def arm_or_not(post: Post, now: Instant) -> Change:
    """Armed only while everything is there; and whoever waits for something says so."""
    if post.state not in {PostState.WAITING, PostState.ARMED}:
        return replace(post, waits_since=None), ()
    why = post.why_not_armed
    before = post.state
    if not why:
        armed = turn(post, PostTurn.ARM, waits_since=None, was_armed=True)
        news = before is not PostState.ARMED
        return armed, (told(Level.INFO, "armed", "armed"),) if news else ()
    post = turn(post, PostTurn.UNARM)
    if before is PostState.ARMED or post.waits_since is None:
        return replace(post, waits_since=now), (_not_armed(why),)
    if now >= post.waits_since + WAITING_ALERT_SECONDS:
        return replace(post, waits_since=now), (_not_armed(why),)
    return post, ()


def _not_armed(why: Iterable[str]) -> Alert:
    return told(Level.WARNING, "armed", "NOT ARMED: " + "; ".join(why))
