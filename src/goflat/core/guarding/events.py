"""All that can happen to a guarded account."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeAlias

from goflat.core.guarding.effects import RunPhase
from goflat.core.guarding.evidence import Verdict
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Severity
from goflat.domain.outcome import LiquidationResult
from goflat.domain.position import LegKey, Position


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether the switch could work now: keys, clock, filters, connections, proof tests.

    `missing` says in words what does not; empty: it could.
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
    """A run of this account came back.

    `left` are the instruments and sides that it acted on, and how much of each was open at last.
    """

    result: LiquidationResult
    left: Mapping[LegKey, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class HeldReading:
    """What is open while the account is held flat."""

    positions: tuple[Position, ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Resumed:
    """A guard that starts found this latch, and how far its run had got.

    `remnant` is what the record of an open run names as left; None: it had seen nothing yet.
    `held` is what was held, and how much of each may be open.
    """

    latch: Latch
    phase: RunPhase
    remnant: Remnant | None = None
    held: Mapping[LegKey, Decimal] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class HandedOver:
    """A run inside of a bot came to its deadline, and says what it left. It keeps its id."""

    run_id: str
    remnant: Remnant
    reason: str


@dataclass(frozen=True, slots=True)
class WasArmed:
    """A guard before this one was armed: what ended while none was there has ended all the same.

    `beaten` are the bots that had sent progress: their silence counts from now on.
    """

    beaten: frozenset[str] = frozenset()


@dataclass(frozen=True, slots=True)
class Slept:
    """The guard itself stood still for so long: that time is no evidence against anybody."""

    seconds: float


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
    | HandedOver
    | WasArmed
    | Slept
    | Ticked
)
