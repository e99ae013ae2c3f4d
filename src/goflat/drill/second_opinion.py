"""What an account on a test network shows to somebody who is not goflat.

Read by the drill's own client and with its own eyes, over another endpoint than the run where there
is one. It stands in for the ground truth where nobody but the venue has that.
"""

from collections.abc import Iterable
from decimal import Decimal

import msgspec

from goflat.domain.instrument import Symbol
from goflat.domain.position import LegKey, PositionSide
from goflat.drill.ground import Ground, OrderSeen
from goflat.drill.opening import OpeningClient


class _Held(msgspec.Struct, rename="camel"):
    symbol: str
    position_side: str
    position_amt: Decimal


class _Account(msgspec.Struct):
    positions: list[_Held]


class _Order(msgspec.Struct, rename="camel"):
    symbol: str
    client_order_id: str
    side: str
    position_side: str
    type: str
    status: str
    orig_qty: Decimal
    executed_qty: Decimal
    time: int
    update_time: int
    reduce_only: bool = False
    close_position: bool = False


class _Algo(msgspec.Struct, rename="camel"):
    symbol: str
    client_algo_id: str
    side: str
    position_side: str
    order_type: str
    algo_status: str
    create_time: int
    update_time: int
    quantity: Decimal | None = None
    reduce_only: bool = False
    close_position: bool = False


async def seen_by(opener: OpeningClient, symbols: Iterable[Symbol], *, since_ms: int) -> Ground:
    """What the drill's own client reads of these instruments.

    Orders are those that are open, whenever they were placed, and those placed since then.

    Raises:
        SetUpFailed: it could not be read. That is never the same as nothing there.
    """
    wanted = tuple(symbols)
    account = await opener.ask("GET", "/fapi/v3/account", _Account)
    orders = [order for symbol in wanted for order in await _orders(opener, symbol, since_ms)]
    return Ground(
        positions={
            LegKey(row.symbol, _side(row)): abs(row.position_amt)
            for row in account.positions
            if row.position_amt and row.symbol in wanted
        },
        orders=tuple(orders),
        enlarging=tuple(
            f"{order.client_order_id} could have" for order in orders if _enlarges(order)
        ),
        calls=None,
    )


async def _orders(opener: OpeningClient, symbol: Symbol, since_ms: int) -> list[OrderSeen]:
    """Both books of one instrument, and what was in them before. What is open now counts more."""
    asked = (("symbol", symbol),)
    since = (*asked, ("startTime", str(since_ms)))
    found = [
        *map(_regular, await opener.ask("GET", "/fapi/v1/allOrders", list[_Order], since)),
        *map(_conditional, await opener.ask("GET", "/fapi/v1/allAlgoOrders", list[_Algo], since)),
        *map(_regular, await opener.ask("GET", "/fapi/v1/openOrders", list[_Order], asked)),
        *map(_conditional, await opener.ask("GET", "/fapi/v1/openAlgoOrders", list[_Algo], asked)),
    ]
    by_id = {(order.is_conditional, order.client_order_id): order for order in found}
    return list(by_id.values())


def _enlarges(order: OrderSeen) -> bool:
    return order.is_ours and order.executed > 0 and not order.can_only_reduce


def _side(row: _Held) -> PositionSide:
    if row.position_side != "BOTH":
        return PositionSide(row.position_side)
    return PositionSide.LONG if row.position_amt > 0 else PositionSide.SHORT


def _regular(row: _Order) -> OrderSeen:
    return OrderSeen(
        symbol=row.symbol,
        client_order_id=row.client_order_id,
        side=row.side,
        position_side=row.position_side,
        type=row.type,
        status=row.status,
        reduces=row.reduce_only or row.close_position,
        quantity=row.orig_qty,
        executed=row.executed_qty,
        created_ms=row.time,
        updated_ms=row.update_time,
    )


def _conditional(row: _Algo) -> OrderSeen:
    return OrderSeen(
        symbol=row.symbol,
        client_order_id=row.client_algo_id,
        side=row.side,
        position_side=row.position_side,
        type=row.order_type,
        status=row.algo_status,
        reduces=row.reduce_only or row.close_position,
        quantity=row.quantity or Decimal(0),
        executed=Decimal(0),
        created_ms=row.create_time,
        updated_ms=row.update_time,
        is_conditional=True,
    )
