"""The venue's time, kept by the local clock and what round trips have taught about it. Pure.

A signature carries the venue's time. Until it has been measured the local clock is believed; a
venue that disagrees says so before it executes anything.
"""

from collections.abc import Callable
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class ClockReading:
    """One measurement: venue time minus local time, and how long the round trip took.

    The true offset lies within half the round trip of this one.
    """

    offset_seconds: float
    round_trip_seconds: float


class VenueClock:
    """Local wall clock plus an offset. `generation` counts how often the offset was learnt."""

    def __init__(self, wall_clock: Callable[[], float]) -> None:
        self._wall_clock = wall_clock
        self.reading: ClockReading | None = None
        self.generation = 0

    def now_ms(self) -> int:
        """The venue's time in milliseconds, as far as it is known."""
        offset = 0.0 if self.reading is None else self.reading.offset_seconds
        return int((self._wall_clock() + offset) * 1000)

    def wall_seconds(self) -> float:
        """The local wall clock, in seconds since the epoch."""
        return self._wall_clock()

    def learn(self, readings: list[ClockReading]) -> ClockReading:
        """Keep the reading with the shortest round trip: the least room for error."""
        self.reading = min(readings, key=lambda reading: reading.round_trip_seconds)
        self.generation += 1
        return self.reading


def reading_of(*, wall_before: float, round_trip_seconds: float, server_ms: int) -> ClockReading:
    """The offset if the venue looked at its clock in the middle of the round trip."""
    return ClockReading(
        offset_seconds=server_ms / 1000 - (wall_before + round_trip_seconds / 2),
        round_trip_seconds=round_trip_seconds,
    )
