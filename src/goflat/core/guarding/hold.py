"""After the run: keep down what was brought down, and leave alone what somebody else opened.

For a while what grows again on the instruments and sides of this run is closed again, at most a few
times each. Anything else is foreign: reported, never closed, because a human may have opened it on
purpose.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from goflat.domain.position import LegKey, Position
from goflat.domain.time import Instant

CLOSES_MAX = 3
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is held, until when, and how often each was closed again.

    `legs` says how much of each may be open: nothing after a run that closed it, and what was left
    after one that only cancelled. It follows a position down and never up.
    """

    legs: Mapping[LegKey, Decimal]
    until: Instant
    closed_again: Mapping[LegKey, int] = field(default_factory=dict)
    foreign: frozenset[LegKey] = frozenset()

    def is_over(self, now: Instant) -> bool:
        return now >= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a reading during the hold means: close so much of these; these are newly foreign."""

    hold: Hold
    close: Mapping[LegKey, Decimal]
    foreign: tuple[Position, ...]


def watch(hold: Hold, positions: Iterable[Position]) -> Held:
    """Look at what is open while the account is held."""
    close: dict[LegKey, Decimal] = {}
    foreign: list[Position] = []
    shown = {position.key: position for position in positions}
    for key, position in shown.items():
        excess = position.quantity - hold.legs.get(key, _NOTHING)
        if excess <= 0:
            continue
        if key in hold.legs and hold.closed_again.get(key, 0) < CLOSES_MAX:
            close[key] = excess
        elif key not in hold.foreign:
            foreign.append(position)
    counts = {**hold.closed_again, **{key: hold.closed_again.get(key, 0) + 1 for key in close}}
    legs = {
        key: min(most, shown[key].quantity if key in shown else _NOTHING)
        for key, most in hold.legs.items()
    }
    told = hold.foreign | {position.key for position in foreign}
    return Held(
        hold=replace(hold, legs=legs, closed_again=counts, foreign=told),
        close=close,
        foreign=tuple(foreign),
    )
