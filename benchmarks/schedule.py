"""Who runs when: contestants in turn, round after round, so that noise hits all of them alike."""

from collections.abc import Iterator
from dataclasses import dataclass

from benchmarks.contestants import CONTESTANTS
from benchmarks.work import LISTED, ROUND_TRIP_MS, Work

SLOW_FROM_POSITIONS = 50
"""From so many positions on, a contestant that throttles itself runs once: it takes half a minute,
and its throttle leaves no spread to speak of."""
SLOW_MOST_POSITIONS = 250
"""With more positions than that it does not run: minutes, to learn nothing new."""

USUAL = tuple(name for name, entrant in CONTESTANTS.items() if not entrant.is_extra)


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """One contestant's run at one work."""

    contestant: str
    work: Work
    round: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What is measured. `rounds` is how often each contestant runs at each work."""

    sizes: tuple[int, ...] = (1, 10, 100)
    round_trips_ms: tuple[float, ...] = (ROUND_TRIP_MS,)
    rounds: int = 5
    contestants: tuple[str, ...] = USUAL
    listed: int = LISTED
    faults: tuple[str | None, ...] = (None,)

    @property
    def works(self) -> tuple[Work, ...]:
        return tuple(
            Work(positions=size, round_trip_ms=ms, listed=self.listed, fault=fault)
            for ms in self.round_trips_ms
            for fault in self.faults
            for size in self.sizes
        )

    def turns(self) -> Iterator[Turn]:
        """Every run in its order. In each round another contestant is first."""
        for work in self.works:
            for number in range(1, self.rounds + 1):
                first = (number - 1) % len(self.contestants)
                for name in (*self.contestants[first:], *self.contestants[:first]):
                    if _takes_part(name, work, number):
                        yield Turn(contestant=name, work=work, round=number)


def _takes_part(name: str, work: Work, number: int) -> bool:
    if not CONTESTANTS[name].is_slow or work.positions < SLOW_FROM_POSITIONS:
        return True
    return number == 1 and work.positions <= SLOW_MOST_POSITIONS
