"""What can be true at the end of a run."""

from dataclasses import dataclass, field
from decimal import Decimal
from enum import Enum

from goflat.domain.instrument import Symbol
from goflat.domain.position import PositionSide


class LiquidationState(Enum):
    """Where a manager is (IDLE, IN_PROGRESS), or how a run ended (the other four).

    COMPLETED: everything asked for is proven done. PARTIAL: something is proven done and something
    is not. FAILED: nothing is proven done. SKIPPED: switched off by configuration, not one call
    was made.
    """

    IDLE = "IDLE"
    IN_PROGRESS = "IN_PROGRESS"
    COMPLETED = "COMPLETED"
    PARTIAL = "PARTIAL"
    FAILED = "FAILED"
    SKIPPED = "SKIPPED"


class LegOutcome(Enum):
    """How one leg ended."""

    FLAT = "flat"
    OPEN = "open"
    UNPROVEN = "unproven"
    DUST = "dust"
    LEFT = "left"


@dataclass(frozen=True, slots=True, kw_only=True)
class LegResult:
    """One position on its way to flat, at the end; or an instrument that had orders only.

    `side` is None and `quantity` zero for an instrument that had orders only. `quantity` is what
    the first reading showed, `quantity_left` what the last one that counts did, None if none did.
    `reason` says why something is left, None when nothing is. `orders_left` counts working and
    conditional orders still listed. `naked_seconds` is how long the position stood without a
    protective stop that we had to take away.
    """

    symbol: Symbol
    side: PositionSide | None
    outcome: LegOutcome
    quantity: Decimal
    quantity_left: Decimal | None
    reason: str | None = None
    order_ids: tuple[str, ...] = ()
    orders_cancelled: int = 0
    orders_left: int = 0
    stops_kept: int = 0
    notional_left: Decimal | None = None
    naked_seconds: float | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "symbol": self.symbol,
            "side": None if self.side is None else self.side.value,
            "outcome": self.outcome.value,
            "quantity": _plain(self.quantity),
            "quantity_left": _plain(self.quantity_left),
            "reason": self.reason,
            "order_ids": list(self.order_ids),
            "orders_cancelled": self.orders_cancelled,
            "orders_left": self.orders_left,
            "stops_kept": self.stops_kept,
            "notional_left": _plain(self.notional_left),
            "naked_seconds": self.naked_seconds,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class OutsideScope:
    """Something seen that was not asked for: reported, never touched.

    `kind` is "position", "working order" or "conditional order".
    """

    kind: str
    symbol: Symbol
    side: str
    quantity: Decimal | None
    id: str | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "kind": self.kind,
            "symbol": self.symbol,
            "side": self.side,
            "quantity": _plain(self.quantity),
            "id": self.id,
        }


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationResult:
    """The truth about one run.

    `verified` is true only when the venue has shown everything asked for flat, in readings begun
    after the last thing we did. `realized_pnl` (quote asset) is what is known, never waited for.
    """

    state: LiquidationState
    positions_closed: int = 0
    positions_failed: int = 0
    orders_cancelled: int = 0
    orders_failed: int = 0
    total_duration_seconds: float = 0.0
    error_message: str | None = None
    correlation_id: str = ""
    realized_pnl: Decimal | None = None
    verified: bool = False
    audit_degraded: bool = False
    audit_hash: str | None = None
    outside_scope: tuple[OutsideScope, ...] = ()
    legs: tuple[LegResult, ...] = field(default_factory=tuple)

    def is_success(self) -> bool:
        """Whether everything asked for is proven done."""
        return self.state is LiquidationState.COMPLETED

    def to_dict(self) -> dict[str, object]:
        """JSON-ready: upper-case state, numbers for counts and durations, decimals as strings."""
        return {
            "state": self.state.value,
            "positions_closed": self.positions_closed,
            "positions_failed": self.positions_failed,
            "orders_cancelled": self.orders_cancelled,
            "orders_failed": self.orders_failed,
            "total_duration_seconds": self.total_duration_seconds,
            "error_message": self.error_message,
            "correlation_id": self.correlation_id,
            "realized_pnl": _plain(self.realized_pnl),
            "verified": self.verified,
            "audit_degraded": self.audit_degraded,
            "audit_hash": self.audit_hash,
            "outside_scope": [found.to_dict() for found in self.outside_scope],
            "legs": [leg.to_dict() for leg in self.legs],
        }


def _plain(value: Decimal | None) -> str | None:
    return None if value is None else format(value, "f")
