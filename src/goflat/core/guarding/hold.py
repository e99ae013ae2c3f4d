"""After the run: keep flat what was made flat, and leave alone what somebody else opened.

For a while what re-opens on the instruments and sides of this run is closed again, at most a few
times each. Anything else is foreign: reported, never closed, because a human may have opened it on
purpose.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace

from goflat.domain.position import LegKey, Position
from goflat.domain.time import Instant

CLOSES_MAX = 3


@dataclass(frozen=True, slots=True, kw_only=True)
class Hold:
    """What is held flat, until when, and how often each was closed again."""

    legs: frozenset[LegKey]
    until: Instant
    closed_again: Mapping[LegKey, int] = field(default_factory=dict)
    foreign: frozenset[LegKey] = frozenset()

    def is_over(self, now: Instant) -> bool:
        return now >= self.until


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What a reading during the hold means: close these again; these are newly foreign."""

    hold: Hold
    close: frozenset[LegKey]
    foreign: tuple[Position, ...]


def watch(hold: Hold, positions: Iterable[Position]) -> Held:
    """Look at what is open while the account is held flat."""
    close: set[LegKey] = set()
    foreign: list[Position] = []
    for position in positions:
        again = hold.closed_again.get(position.key, 0)
        if position.key in hold.legs and again < CLOSES_MAX:
            close.add(position.key)
        elif position.key not in hold.foreign:
            foreign.append(position)
    counts = {**hold.closed_again, **{k: hold.closed_again.get(k, 0) + 1 for k in close}}
    told = hold.foreign | {position.key for position in foreign}
    return Held(
        hold=replace(hold, closed_again=counts, foreign=told),
        close=frozenset(close),
        foreign=tuple(foreign),
    )
