"""What a trigger says, and what is done about one that cannot say anything.

Certain evidence trips alone: a death, a hang, an explicit trip, a limit that was read twice. A
trigger that cannot be read is no evidence: it alerts and is not armed, and trips only where
somebody asked for that. None can veto another.
"""

from dataclasses import dataclass, replace
from enum import Enum

from goflat.core.guarding.severity import Severity
from goflat.domain.time import Instant


class Verdict(Enum):
    """What one reading of a trigger came to."""

    CALM = "read, and calm"
    FIRES = "read, and fires"
    UNREADABLE = "could not be read"


@dataclass(frozen=True, slots=True, kw_only=True)
class Trigger:
    """One reason to act, as it was set. `name` is unique within its account."""

    name: str
    severity: Severity = Severity.FLATTEN
    trips_unreadable: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A trigger and what it last said. `text` is for people: how far it is from firing, or why."""

    trigger: Trigger
    verdict: Verdict | None = None
    text: str = "not read yet"
    at: Instant | None = None

    def read(self, verdict: Verdict, text: str, now: Instant) -> "Standing":
        return replace(self, verdict=verdict, text=text, at=now)

    @property
    def is_armed(self) -> bool:
        """Whether it would fire if its reason came true."""
        return self.verdict in {Verdict.CALM, Verdict.FIRES}

    @property
    def trips(self) -> bool:
        if self.verdict is Verdict.UNREADABLE:
            return self.trigger.trips_unreadable
        return self.verdict is Verdict.FIRES
