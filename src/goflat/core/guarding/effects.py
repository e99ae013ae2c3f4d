"""All that a guard may do about it. In the order in which they stand in a decision."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from goflat.core.guarding.latch import Latch
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Measures
from goflat.domain.position import LegKey


class Level(Enum):
    """How loudly something is told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


class RunPhase(Enum):
    """How far a run had got, in the record that a restarted guard reads."""

    OPEN = "open"
    HELD = "held"
    DONE = "done"


@dataclass(frozen=True, slots=True, kw_only=True)
class NoteRun:
    """Make durable how far the run has got. It goes to the disk together with the latch.

    `legs` is what is held in phase HELD, and how much of it may be open.
    """

    latch: Latch
    phase: RunPhase
    legs: Mapping[LegKey, Decimal]


@dataclass(frozen=True, slots=True)
class SetLatch:
    """Make the latch durable. It stands before the first close, and is waited for at most 50 ms."""

    latch: Latch


@dataclass(frozen=True, slots=True)
class ClearLatch:
    """Take the latch off."""

    by: str
    reason: str


@dataclass(frozen=True, slots=True)
class Fence:
    """Freeze every process of a bot before anything is sent."""

    bot: str


@dataclass(frozen=True, slots=True)
class EndBots:
    """The run has begun: do with the frozen bots what the policy says."""


@dataclass(frozen=True, slots=True, kw_only=True)
class StartRun:
    """Begin a run, or the next one of the same id; one that is under way ends without a word.

    `only` None: the scope of the configuration.
    """

    run_id: str
    measures: Measures
    reason: str
    only: Remnant | None = None


@dataclass(frozen=True, slots=True)
class StopRun:
    """Somebody takes over: send nothing more."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Alert:
    """Tell a human. `about` names the same thing with the same word, so that it can be joined."""

    level: Level
    about: str
    text: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Refuse:
    """Answer whoever asked with a no and the reason."""

    text: str


Effect: TypeAlias = (
    NoteRun | SetLatch | ClearLatch | Fence | EndBots | StartRun | StopRun | Alert | Refuse
)
