"""What an earlier run left: these positions, at most so much of each, and nothing else.

Whoever goes on with a run that another process began cannot know who opened what since. It closes
what the record of that run names as left; anything more was opened by somebody else.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal

from goflat.domain.instrument import Symbol
from goflat.domain.position import LegKey, Position

_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Remnant:
    """The instruments of a run, and the positions in them that are still its business.

    `legs` says how much of each may be closed, in the base asset; None: all that is there.
    """

    symbols: frozenset[Symbol]
    legs: Mapping[LegKey, Decimal | None]

    @classmethod
    def of(cls, legs: Mapping[LegKey, Decimal | None]) -> "Remnant":
        """The instruments of these positions, and no other."""
        return cls(symbols=frozenset(key.symbol for key in legs), legs=legs)


@dataclass(frozen=True, slots=True, kw_only=True)
class Portion:
    """How much of each position is somebody else's, as the first reading showed it.

    The part that is not ours stays what it was then, however often the position is read: so what
    is ours only shrinks by what we close.
    """

    remnant: Remnant
    foreign: Mapping[LegKey, Decimal] = field(default_factory=dict)

    def seen(self, positions: Iterable[Position]) -> "Portion":
        """Take note of what a reading shows of somebody else's part, leg by leg, once."""
        foreign = dict(self.foreign)
        for position in positions:
            most = self.remnant.legs.get(position.key, _NOTHING)
            if position.key not in foreign and most is not None:
                foreign[position.key] = max(_NOTHING, position.quantity - most)
        return self if foreign == self.foreign else replace(self, foreign=foreign)

    def own_part(self, position: Position) -> Position | None:
        """The part of a position that is ours to close; None: nothing of it is."""
        if position.key not in self.remnant.legs:
            return None
        own = position.quantity - self.foreign.get(position.key, _NOTHING)
        return replace(position, quantity=own) if own > 0 else None
