"""How hard a trip hits: one grammar for triggers, the command line and the control socket."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType


class Severity(Enum):
    """The four levels, mildest first."""

    HALT = "halt"
    CANCEL = "cancel"
    REDUCE = "reduce"
    FLATTEN = "flatten"

    @property
    def rank(self) -> int:
        """Zero for the mildest. A trip joins a run only if it is not harder than it."""
        return _RANKS[self]


_RANKS = {severity: rank for rank, severity in enumerate(Severity)}


@dataclass(frozen=True, slots=True, kw_only=True)
class Measures:
    """What a level does. Every level latches and tells.

    `fences`: the bot is frozen first. `cancels` and `closes` say what the run does; `keeps_stops`
    leaves protective stops of positions that are not closed. `holds`: what re-opens afterwards is
    answered for a while.
    """

    fences: bool
    cancels: bool
    keeps_stops: bool
    closes: bool
    holds: bool

    @property
    def runs(self) -> bool:
        """Whether there is anything to do at the venue."""
        return self.cancels or self.closes


MEASURES: Mapping[Severity, Measures] = MappingProxyType(
    {
        Severity.HALT: Measures(
            fences=False, cancels=False, keeps_stops=True, closes=False, holds=False
        ),
        Severity.CANCEL: Measures(
            fences=True, cancels=True, keeps_stops=False, closes=False, holds=False
        ),
        Severity.REDUCE: Measures(
            fences=True, cancels=True, keeps_stops=True, closes=False, holds=True
        ),
        Severity.FLATTEN: Measures(
            fences=True, cancels=True, keeps_stops=True, closes=True, holds=True
        ),
    }
)
