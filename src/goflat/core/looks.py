"""The readings of a run: what is being read, what was read last, and when to read again.

A reading counts for what it shows at an instant after it began. So the only times kept here are
those at which requests set out; when an answer came back proves nothing.
"""

from dataclasses import dataclass
from enum import Enum

from goflat.core.evolve import replace
from goflat.core.steps import ReadOrders, ReadPositions
from goflat.domain.listing import Unreadable
from goflat.domain.order import Book
from goflat.domain.time import LONG_AGO, NEVER, Instant

IN_FLIGHT_MAX = 3
"""Requests for one list that may be under way at the same time."""

LATE_SECONDS = 0.4
"""After this long without an answer a list is asked for a second time."""

LATE_FACTOR = 1.25
"""How much longer than the last answer the next one takes before it counts as late."""


class Part(Enum):
    """The lists that together are one look at an account."""

    POSITIONS = "positions"
    WORKING = "working orders"
    CONDITIONAL = "conditional orders"

    @property
    def step(self) -> ReadPositions | ReadOrders:
        return _STEPS[self]

    @property
    def spacing_seconds(self) -> float:
        """Least time between two requests while something is still under way."""
        return 0.25 if self is Part.POSITIONS else 0.5

    @classmethod
    def of(cls, book: Book) -> "Part":
        return cls.WORKING if book is Book.WORKING else cls.CONDITIONAL


_STEPS: dict[Part, ReadPositions | ReadOrders] = {
    Part.POSITIONS: ReadPositions(),
    Part.WORKING: ReadOrders(Book.WORKING),
    Part.CONDITIONAL: ReadOrders(Book.CONDITIONAL),
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Look:
    """One list: requests under way, and the last that came back whole.

    `read_began` and `read_ended` belong to the newest reading that came back. `holes` are rows of
    it that could not be read. `not_before` holds the next request back after a failure.
    `is_single`: it could not be had at a second place.
    """

    part: Part
    in_flight: tuple[Instant, ...] = ()
    asked: Instant = LONG_AGO
    read_began: Instant = LONG_AGO
    read_ended: Instant = LONG_AGO
    holes: tuple[Unreadable, ...] = ()
    failures: int = 0
    not_before: Instant = LONG_AGO
    reason: str | None = None
    is_single: bool = False

    @property
    def has_answered(self) -> bool:
        """Whether the venue ever answered this, be it with a failure."""
        return self.read_began > LONG_AGO or self.failures > 0

    @property
    def took_seconds(self) -> float:
        """How long the newest answer was under way; zero before the first."""
        return 0.0 if self.read_began == LONG_AGO else self.read_ended - self.read_began

    def sent(self, now: Instant) -> "Look":
        return replace(self, in_flight=(*self.in_flight, now), asked=now)

    def came_back(self, began: Instant, now: Instant, holes: tuple[Unreadable, ...]) -> "Look":
        return replace(
            self,
            in_flight=self._without_one(),
            failures=0,
            reason=None,
            read_began=began,
            read_ended=now,
            holes=holes,
        )

    def overtaken(self) -> "Look":
        """One came back, and a newer one had come back before it."""
        return replace(self, in_flight=self._without_one())

    def failed(self, now: Instant, reason: str) -> "Look":
        failures = self.failures + 1
        wait = min(0.1 * 2 ** (failures - 1), 1.0)
        return replace(
            self,
            in_flight=self._without_one(),
            failures=failures,
            not_before=Instant(now + wait),
            reason=reason,
        )

    def _without_one(self) -> tuple[Instant, ...]:
        # Which of them answered does not matter: the count bounds them, the oldest times them.
        return self.in_flight[1:]

    def due_at(self, needed: Instant, now: Instant, *, busy: bool, hedges: bool) -> Instant:
        """When the next request may set out, so that a reading begun after `needed` comes.

        `busy`: acts are under way, so that another reading will be wanted soon. `hedges`: a
        second request may go out while the first one is late.
        """
        useful = sum(1 for began in self.in_flight if began >= needed)
        if self.in_flight and (not hedges or len(self.in_flight) >= IN_FLIGHT_MAX):
            return NEVER
        if useful:
            late = max(LATE_SECONDS, LATE_FACTOR * self.took_seconds)
            return Instant(self.asked + late * 2 ** (useful - 1))
        spaced = self.asked + self.part.spacing_seconds if busy else now
        return max(needed, now, self.not_before, Instant(spaced))
