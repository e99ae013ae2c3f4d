"""Time, as an argument."""

from typing import Protocol

from goflat.domain.time import Instant


class Clock(Protocol):
    """Where the time of a run comes from."""

    def now(self) -> Instant:
        """The monotonic instant now."""
        ...
