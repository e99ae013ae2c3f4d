"""Positions: netting, average entry, realised profit, and what they were a moment ago."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from goflat.venues.simulated.orders import ZERO, PositionSide, Side

REMEMBERED_CHANGES = 256


@dataclass(frozen=True, slots=True)
class PositionState:
    """A position at one moment. `amount` is signed: above zero is long."""

    at_ms: int
    amount: Decimal
    entry: Decimal


@dataclass(slots=True)
class PositionRow:
    """One row of the position list: a symbol and a side. Amounts in the base asset, signed."""

    symbol: str
    side: PositionSide
    amount: Decimal = ZERO
    entry: Decimal = ZERO
    realized: Decimal = ZERO
    updated_ms: int = 0
    history: deque[PositionState] = field(default_factory=lambda: deque(maxlen=REMEMBERED_CHANGES))

    def fill(self, side: Side, quantity: Decimal, price: Decimal, now_ms: int) -> Decimal:
        """Take one fill in and say what profit it realised, in the quote asset, before fees."""
        before, change = self.amount, quantity * side.sign
        closing = min(quantity, abs(before)) if before * change < 0 else ZERO
        sign = 1 if before > 0 else -1
        realized = closing * (price - self.entry) * sign if closing else ZERO
        after = before + change
        if closing == 0:
            self.entry = (abs(before) * self.entry + quantity * price) / abs(after)
        elif after == 0:
            self.entry = ZERO
        elif after * before < 0:
            self.entry = price
        self.amount, self.updated_ms = after, now_ms
        self.realized += realized
        self.history.append(PositionState(now_ms, after, self.entry))
        return realized

    def closes_with(self) -> Side:
        """The side of an order that makes this position smaller."""
        return Side.SELL if self.amount > 0 else Side.BUY

    def reducible(self, side: Side) -> Decimal:
        """How much an order of that side can take away before the position is gone."""
        return abs(self.amount) if self.amount * side.sign < 0 else ZERO

    def as_of(self, at_ms: int) -> PositionState:
        """What this row was at an earlier moment, as far back as it is remembered."""
        for state in reversed(self.history):
            if state.at_ms <= at_ms:
                return state
        return PositionState(0, ZERO, ZERO)

    def seen(self, now_ms: int, lag_ms: int) -> PositionState:
        """What somebody sees who looks now, and is shown the state of a while ago."""
        if lag_ms:
            return self.as_of(now_ms - lag_ms)
        return PositionState(self.updated_ms, self.amount, self.entry)

    def unrealized(self, mark: Decimal) -> Decimal:
        return self.amount * (mark - self.entry)
