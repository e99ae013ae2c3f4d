"""What holds for every leg of a run."""

from dataclasses import dataclass

from goflat.core.manner import ORDINARY, Manner
from goflat.domain.time import Deadline, Instant

ANSWER_DOUBLINGS_MAX = 5

LAST_SPACING_SECONDS = 0.1
"""Least time between two attempts once there is none left to wait as long as would be right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every leg of a run. Lengths in seconds.

    `answer_seconds` None: an answer is waited for until the deadline, because asking again while
    the first call runs would be unsafe. `asks_by_id`: the venue can be asked about an order.
    """

    run_tag: str
    deadline: Deadline
    last_look_at: Instant
    max_retries: int
    retry_delay_seconds: float
    quiet_seconds: float
    valid_seconds: float
    answer_seconds: float | None
    asks_by_id: bool
    manner: Manner = ORDINARY

    def answer_by(self, now: Instant, silences: int) -> Instant:
        """How long an answer is waited for: twice as long after each silence."""
        if self.answer_seconds is None:
            return self.deadline.at
        doublings = min(silences, ANSWER_DOUBLINGS_MAX)
        return self.deadline.cap(now, self.answer_seconds * 2**doublings)

    def retry_at(self, now: Instant, seconds: float) -> Instant:
        """When to try again: in time for one more attempt, but never at once again and again."""
        latest = max(Instant(now + LAST_SPACING_SECONDS), self.last_look_at)
        return min(Instant(now + seconds), latest)
