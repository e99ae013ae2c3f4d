"""All that a guard may do about it. In the order in which they stand in a decision."""

from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from goflat.core.guarding.latch import Latch
from goflat.core.guarding.severity import Measures
from goflat.domain.position import LegKey


class Level(Enum):
    """How loudly something is told."""

    INFO = "info"
    WARNING = "warning"
    CRITICAL = "critical"


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
    """Begin a run, or begin the next one of the same id. `only`: these legs; None: the scope."""

    run_id: str
    measures: Measures
    reason: str
    only: frozenset[LegKey] | None = None


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


Effect: TypeAlias = SetLatch | ClearLatch | Fence | EndBots | StartRun | Alert | Refuse
