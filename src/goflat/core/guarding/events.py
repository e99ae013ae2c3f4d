"""All that can happen to a guarded account."""

from dataclasses import dataclass
from typing import TypeAlias

from goflat.core.guarding.evidence import Verdict
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.severity import Severity
from goflat.domain.outcome import LiquidationResult
from goflat.domain.position import LegKey, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the switch could work now: keys, clock, filters, connections, proof tests.

    `missing` says in words what does not; empty: it could. `latch` is what the latch file says.
    """

    missing: tuple[str, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSeen:
    """A bot was attached: by its process, or by its first heartbeat."""

    bot: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotBeat:
    """A bot told how far its own loop has got, in answer to a challenge of ours."""

    bot: str
    progress: int


@dataclass(frozen=True, slots=True, kw_only=True)
class BotStopped:
    """The kernel shows a bot stopped, traced, or in a sleep that cannot be interrupted."""

    bot: str
    kernel_state: str


@dataclass(frozen=True, slots=True, kw_only=True)
class BotEnded:
    """A bot's process is gone. `code` is its exit status where that can be known.

    `handed_over`: it said before that it ends on purpose, and that its positions may stay.
    """

    bot: str
    code: int | None
    handed_over: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerRead:
    """A trigger was read, or could not be."""

    name: str
    verdict: Verdict
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class TripAsked:
    """Somebody pulls the switch. Never refused."""

    by: str
    reason: str
    severity: Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetAsked:
    """Somebody wants the latch off."""

    by: str
    reason: str
    is_proven_flat: bool
    force: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class BypassAsked:
    """Somebody switches the guard off for a while."""

    by: str
    reason: str
    seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Acknowledged:
    """Somebody takes over what is left."""

    by: str


@dataclass(frozen=True, slots=True, kw_only=True)
class RunEnded:
    """A run of this account came back. `touched` are the instruments and sides it closed."""

    result: LiquidationResult
    touched: frozenset[LegKey]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReading:
    """What is open while the account is held flat."""

    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A guard that starts found this latch. `is_open`: its run had not come to an end."""

    latch: Latch
    is_open: bool


@dataclass(frozen=True, slots=True)
class Ticked:
    """Time went by."""


GuardEvent: TypeAlias = (
    Readiness
    | BotSeen
    | BotBeat
    | BotStopped
    | BotEnded
    | TriggerRead
    | TripAsked
    | ResetAsked
    | BypassAsked
    | Acknowledged
    | RunEnded
    | HeldReading
    | Resumed
    | Ticked
)
