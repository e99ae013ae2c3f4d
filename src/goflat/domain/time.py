"""A moment, and the one promise about it."""

from dataclasses import dataclass
from typing import NewType

Instant = NewType("Instant", float)
"""Seconds on the monotonic clock of the run. Says nothing about the time of day."""

LONG_AGO = Instant(float("-inf"))
"""Before anything of the run."""

NEVER = Instant(float("inf"))
"""After everything: the wake-up call of something that waits for an answer only."""


@dataclass(frozen=True, slots=True, order=True)
class Deadline:
    """The instant at which what is true then is the answer.

    A deadline is a place in time, a timeout is a length. Every attempt gets the smaller of its
    own limit and what is left.
    """

    at: Instant

    @classmethod
    def after(cls, now: Instant, seconds: float) -> "Deadline":
        return cls(Instant(now + seconds))

    def has_passed(self, now: Instant) -> bool:
        return now >= self.at

    def left_seconds(self, now: Instant) -> float:
        """What is left, never below zero."""
        return max(0.0, self.at - now)

    def cap(self, now: Instant, seconds: float) -> Instant:
        """When one attempt must end: after `seconds`, and never after the deadline."""
        return min(self.at, Instant(now + seconds))
