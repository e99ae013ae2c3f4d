"""What to flatten. Everything has to be said; saying nothing never means everything."""

from dataclasses import dataclass
from typing import TypeAlias

from goflat.domain.instrument import Symbol


@dataclass(frozen=True, slots=True)
class Everything:
    """The whole account."""

    def covers(self, symbol: Symbol) -> bool:  # noqa: ARG002 - the same question of every scope
        return True


@dataclass(frozen=True, slots=True)
class Only:
    """These instruments and no other. An empty set is nothing."""

    symbols: frozenset[Symbol]

    def covers(self, symbol: Symbol) -> bool:
        return symbol in self.symbols


Scope: TypeAlias = Everything | Only
