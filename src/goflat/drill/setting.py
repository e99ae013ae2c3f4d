"""What is on the account when the alarm comes: positions and orders, as data.

Sizes are in lots, where one lot is the smallest amount with which the venue lets one open. So the
same setting can be put on any venue, with the least money.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from decimal import Decimal
from enum import Enum

from goflat.domain.instrument import Symbol
from goflat.domain.position import OrderSide, PositionSide


@dataclass(frozen=True, slots=True, kw_only=True)
class Holds:
    """A position. `quantity`, in the base asset, where lots are not what matters."""

    symbol: Symbol
    side: PositionSide
    lots: int = 3
    quantity: Decimal | None = None

    def __str__(self) -> str:
        size = f"{self.lots} lots" if self.quantity is None else f"{self.quantity:f}"
        return f"{self.symbol} {self.side.value}, {size}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Rests:
    """A limit order in the book that would open or enlarge: the kind that must not survive."""

    symbol: Symbol
    side: OrderSide

    def __str__(self) -> str:
        return f"{self.symbol} limit {self.side.value}, resting"


class Wait(Enum):
    """What a conditional order waits for, and what it would do."""

    STOP = "protective stop"
    PROFIT = "take-profit"
    ENTRY = "conditional entry"


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """A conditional order: one that closes the position of that side, or an entry into it."""

    symbol: Symbol
    side: PositionSide
    kind: Wait = Wait.STOP

    def __str__(self) -> str:
        return f"{self.symbol} {self.side.value} {self.kind.value}, waiting"


@dataclass(frozen=True, slots=True, kw_only=True)
class Setting:
    """Everything on the account. `hedge`: it has to be in hedge mode for this."""

    positions: tuple[Holds, ...] = ()
    working: tuple[Rests, ...] = ()
    conditional: tuple[Waits, ...] = ()
    hedge: bool = False

    @property
    def symbols(self) -> tuple[Symbol, ...]:
        """Every instrument in it, in order."""
        things: tuple[Holds | Rests | Waits, ...]
        things = (*self.positions, *self.working, *self.conditional)
        return tuple(dict.fromkeys(thing.symbol for thing in things))

    def lines(self) -> Iterator[str]:
        """What is opened, in words."""
        yield "position mode: " + ("hedge" if self.hedge else "as the account has it")
        yield from (f"position: {thing}" for thing in self.positions)
        yield from (f"working order: {thing}" for thing in self.working)
        yield from (f"conditional order: {thing}" for thing in self.conditional)
