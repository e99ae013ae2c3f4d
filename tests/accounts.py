"""What an account can hold, in one line each: for tests that need something to flatten."""

from decimal import Decimal

from goflat.domain.order import ConditionalOrder, WorkingOrder
from goflat.domain.position import OrderSide, Position, PositionMode, PositionSide

BTC = "BTCUSDT"
ETH = "ETHUSDT"


def position(
    symbol: str = BTC,
    quantity: str | Decimal = "1",
    side: PositionSide = PositionSide.LONG,
    mode: PositionMode = PositionMode.ONE_WAY,
    mark_price: str | None = "100",
    liquidation_price: str | None = None,
    updated_ms: int | None = None,
) -> Position:
    """An open position; a long one of 1 at a mark price of 100, unless told otherwise."""
    return Position(
        symbol=symbol,
        side=side,
        quantity=Decimal(quantity),
        mode=mode,
        mark_price=None if mark_price is None else Decimal(mark_price),
        liquidation_price=None if liquidation_price is None else Decimal(liquidation_price),
        updated_ms=updated_ms,
    )


def short(symbol: str = BTC, quantity: str | Decimal = "1", **more: object) -> Position:
    """A short position of one-way mode."""
    return position(symbol, quantity, PositionSide.SHORT, **more)  # type: ignore[arg-type]


def working(
    symbol: str = BTC,
    order_id: str = "w1",
    side: OrderSide = OrderSide.BUY,
    reduce_only: bool = False,
    position_side: PositionSide | None = None,
) -> WorkingOrder:
    """A limit order that waits in the regular book."""
    return WorkingOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=side,
        quantity=Decimal(2),
        executed=Decimal(0),
        reduce_only=reduce_only,
        position_side=position_side,
        type="LIMIT",
        price=Decimal(90),
    )


def stop(
    symbol: str = BTC,
    order_id: str = "s1",
    protects: PositionSide = PositionSide.LONG,
    position_side: PositionSide | None = None,
) -> ConditionalOrder:
    """A stop that closes whatever is open on its side, and cannot do anything else."""
    return ConditionalOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=protects.closes_with,
        type="STOP_MARKET",
        quantity=None,
        trigger_price=Decimal(80),
        close_position=True,
        position_side=position_side,
    )


def opening(
    symbol: str = BTC, order_id: str = "o1", side: OrderSide = OrderSide.BUY
) -> ConditionalOrder:
    """A conditional order that opens or enlarges a position once it is triggered."""
    return ConditionalOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=side,
        type="STOP_MARKET",
        quantity=Decimal(1),
        trigger_price=Decimal(120),
    )
