"""What is open: a side, and a quantity above zero."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import NamedTuple

from goflat.domain.instrument import Symbol


class OrderSide(Enum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"


class PositionSide(Enum):
    """Which way a position gains."""

    LONG = "LONG"
    SHORT = "SHORT"

    @property
    def closes_with(self) -> OrderSide:
        """The side of an order that makes such a position smaller."""
        return OrderSide.SELL if self is PositionSide.LONG else OrderSide.BUY


class PositionMode(Enum):
    """How the venue keeps positions of one instrument."""

    ONE_WAY = "one-way"
    HEDGE = "hedge"


class LegKey(NamedTuple):
    """An instrument and a side: the name of one position on its way to flat."""

    symbol: Symbol
    side: PositionSide

    def __str__(self) -> str:
        return f"{self.symbol} {self.side.value}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Position:
    """One open position, as one reading shows it.

    A position of zero is not a position and cannot be built. Quantities are in units of the base
    asset, prices and money in the quote asset. `updated_ms` is the venue's own time of the last
    change, in milliseconds, where the venue says it.
    """

    symbol: Symbol
    side: PositionSide
    quantity: Decimal
    mode: PositionMode = PositionMode.ONE_WAY
    mark_price: Decimal | None = None
    entry_price: Decimal | None = None
    liquidation_price: Decimal | None = None
    unrealized_pnl: Decimal | None = None
    updated_ms: int | None = None

    def __post_init__(self) -> None:
        if not (self.quantity.is_finite() and self.quantity > 0):
            raise ValueError(f"a position has a quantity above zero, was {self.quantity}")

    @property
    def key(self) -> LegKey:
        return LegKey(self.symbol, self.side)

    @property
    def notional(self) -> Decimal | None:
        """Quantity times mark price, in the quote asset; None without a mark price."""
        return None if self.mark_price is None else self.quantity * self.mark_price

    @property
    def distance_to_forced_liquidation(self) -> Decimal | None:
        """How far the mark price is from the forced liquidation, as a part of the mark price."""
        if not self.mark_price or not self.liquidation_price:
            return None
        return abs(self.mark_price - self.liquidation_price) / self.mark_price
