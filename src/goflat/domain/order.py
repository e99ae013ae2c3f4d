"""Orders: those we find, and the two kinds we can place.

There is no third kind. `CloseOrder` is made from a position and cannot be larger than it;
`ProtectiveStop` is made from a conditional order that could only reduce. How a venue spells the
guarantee (a flag, a position side, closePosition) is its adapter's business; that neither order
exists without it is ours.
"""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum
from typing import TypeAlias

from goflat.domain.instrument import Symbol
from goflat.domain.position import OrderSide, Position, PositionSide

ClientOrderId: TypeAlias = str
VenueOrderId: TypeAlias = str


class Book(Enum):
    """The two lists in which a venue keeps orders that are not done yet."""

    WORKING = "working orders"
    CONDITIONAL = "conditional orders"


@dataclass(frozen=True, slots=True, kw_only=True)
class WorkingOrder:
    """An order that we found in the book. `position_side` is None in one-way mode."""

    symbol: Symbol
    order_id: VenueOrderId
    client_order_id: ClientOrderId
    side: OrderSide
    quantity: Decimal
    executed: Decimal
    position_side: PositionSide | None = None
    reduce_only: bool = False
    type: str = ""
    price: Decimal | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class ConditionalOrder:
    """An order that we found waiting for its trigger.

    `quantity` is None where the order closes whatever is open then (`close_position`).
    """

    symbol: Symbol
    order_id: VenueOrderId
    client_order_id: ClientOrderId
    side: OrderSide
    type: str
    quantity: Decimal | None
    trigger_price: Decimal | None
    price: Decimal | None = None
    position_side: PositionSide | None = None
    reduce_only: bool = False
    close_position: bool = False
    working_type: str = ""
    time_in_force: str = ""
    price_protect: bool = False
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None

    @property
    def only_reduces(self) -> bool:
        """Whether this order can never open or enlarge a position."""
        closes_its_side = (
            self.position_side is not None and self.side is self.position_side.closes_with
        )
        return self.reduce_only or self.close_position or closes_its_side

    def protects(self, side: PositionSide) -> bool:
        """Whether this order can only make a position of that side smaller."""
        return self.only_reduces and self.side is side.closes_with


@dataclass(frozen=True, slots=True, kw_only=True)
class CloseOrder:
    """An order that makes one position smaller and cannot do anything else.

    There is no `reduce_only` field, because there is no other kind of order here. A market order,
    unless it has a `limit_price`: then a limit order that takes what is there up to that price
    and leaves nothing in the book.
    """

    position: Position
    quantity: Decimal
    client_order_id: ClientOrderId
    limit_price: Decimal | None = None

    def __post_init__(self) -> None:
        if not (self.quantity.is_finite() and 0 < self.quantity <= self.position.quantity):
            raise ValueError(f"cannot close {self.quantity} of {self.position.quantity}")
        if self.limit_price is not None and not self.limit_price > 0:
            raise ValueError(f"a limit price is above zero, was {self.limit_price}")

    @property
    def symbol(self) -> Symbol:
        return self.position.symbol

    @property
    def side(self) -> OrderSide:
        return self.position.side.closes_with


@dataclass(frozen=True, slots=True, kw_only=True)
class ProtectiveStop:
    """A conditional order that only reduces, put back where a venue made us take it away."""

    order: ConditionalOrder
    client_order_id: ClientOrderId

    def __post_init__(self) -> None:
        if not self.order.only_reduces:
            raise ValueError(f"{self.order.client_order_id} could open a position: not put back")


class OrderStatus(Enum):
    """What has become of an order. FINAL ones never change again."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELLED = "CANCELLED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    UNKNOWN = "UNKNOWN"

    @property
    def is_final(self) -> bool:
        return self in _FINAL


_FINAL = frozenset(
    {OrderStatus.FILLED, OrderStatus.CANCELLED, OrderStatus.REJECTED, OrderStatus.EXPIRED}
)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderReport:
    """What the venue says of one order of ours.

    `executed` is the quantity filled so far, in the base asset; `realized_pnl` the profit it
    booked, in the quote asset, where known; `updated_ms` the venue's own time of the last change.
    `executed` is None where the answer says only that the order was taken.
    """

    status: OrderStatus
    executed: Decimal | None
    order_id: VenueOrderId | None = None
    updated_ms: int | None = None
    realized_pnl: Decimal | None = None
