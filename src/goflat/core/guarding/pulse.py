"""Is the bot still there? Proof of life is progress of its own loop, and nothing else.

The limit is one fixed number, not a learned average, because an operator has to be able to say in
one sentence when this fires.
"""

from dataclasses import dataclass, replace
from enum import Enum

from goflat.domain.time import Instant

LATE_PART = 1 / 3
"""The part of the limit after which a missing beat is worth telling."""


class Health(Enum):
    """What the pulse says."""

    UNBEATEN = "it never sent progress: only its death can be seen"
    ALIVE = "on time"
    LATE = "progress is missing; tell somebody"
    SILENT = "no progress for too long"


@dataclass(frozen=True, slots=True, kw_only=True)
class Pulse:
    """When a bot last made progress. `hang_seconds` is the bound on the time between two.

    A beat that says the same progress as the one before is a sign of a heart, not of a brain: it
    does not count. Nor does anything that could not be read whole: every doubt lets it run down.
    """

    hang_seconds: float
    progress: int | None = None
    last_progress: Instant | None = None

    def beat(self, progress: int, now: Instant) -> "Pulse":
        """A beat came, and says how far the bot's own loop has got."""
        if progress == self.progress:
            return self
        return replace(self, progress=progress, last_progress=now)

    def rested(self, now: Instant) -> "Pulse":
        """Start the time anew without a beat: after a bypass."""
        return self if self.last_progress is None else replace(self, last_progress=now)

    def without(self, seconds: float, now: Instant) -> "Pulse":
        """Do not count so much of the silence: the guard itself was asleep."""
        if self.last_progress is None:
            return self
        return replace(self, last_progress=min(now, Instant(self.last_progress + seconds)))

    def health(self, now: Instant) -> Health:
        if self.last_progress is None:
            return Health.UNBEATEN
        if now < self.last_progress:
            raise ValueError("time went backwards: use a monotonic clock")
        if now >= self.last_progress + self.hang_seconds:
            return Health.SILENT
        if now >= self.last_progress + self.hang_seconds * LATE_PART:
            return Health.LATE
        return Health.ALIVE

    @property
    def late_at(self) -> Instant | None:
        """When it is worth telling that it is late, if no progress comes before."""
        if self.last_progress is None:
            return None
        return Instant(self.last_progress + self.hang_seconds * LATE_PART)

    @property
    def trips_at(self) -> Instant | None:
        """When it is silent for too long, if no progress comes before."""
        if self.last_progress is None:
            return None
        return Instant(self.last_progress + self.hang_seconds)
