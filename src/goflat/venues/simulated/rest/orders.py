"""Regular orders: placed, amended, cancelled; one, a batch, or all of a symbol."""

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal

import msgspec

from goflat.venues.simulated import conditional, matching, replies, settlement
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint
from goflat.venues.simulated.filters import check_price, check_quantity
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import Order, OrderType, Status, Ticket
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.replies import Json
from goflat.venues.simulated.rest.order_queries import find_order
from goflat.venues.simulated.tickets import regular

BATCH_PLACE_MOST = 5
BATCH_CANCEL_MOST = 10
ALL_CANCELLED: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}


def place_order(call: Call) -> Json:
    """POST order."""
    return _place(call, call.params)


def test_order(call: Call) -> Json:
    """POST order/test: read and checked for shape, never placed."""
    regular(call.params, call.market(), call.world.knobs, call.now_ms)
    return {}


def place_batch(call: Call) -> list[Json]:
    """POST batchOrders: each element for itself, answered in the order of the request."""
    return [
        _single(_place, call, params) for params in batch_elements(call.params, BATCH_PLACE_MOST)
    ]


def amend_order(call: Call) -> Json:
    """PUT order."""
    return _amend(call, call.params)


def amend_batch(call: Call) -> list[Json]:
    """PUT batchOrders."""
    return [
        _single(_amend, call, params) for params in batch_elements(call.params, BATCH_PLACE_MOST)
    ]


def cancel_order(call: Call) -> Json:
    """DELETE order."""
    return _cancel(call, call.params)


def cancel_batch(call: Call) -> list[Json]:
    """DELETE batchOrders: by a list of ids."""
    symbol = call.params.required("symbol")
    ids = _id_list(call.params, "orderIdList", "orderId")
    ids += _id_list(call.params, "origClientOrderIdList", "origClientOrderId")
    if not ids:
        raise missing("orderIdList")
    if len(ids) > BATCH_CANCEL_MOST:
        raise Refused(-4032)
    return [_single(_cancel, call, Params({"symbol": symbol, **one})) for one in ids]


def cancel_all(call: Call) -> Json:
    """DELETE allOpenOrders: every regular order of one symbol, and no conditional one."""
    market, account = call.market(), call.account
    orders = account.working_orders(market.symbol)
    left = call.plan.cancel_leaves
    for order in orders[: max(0, len(orders) - left)]:
        _take_out(call, account, order)
    return ALL_CANCELLED


def count_down(call: Call) -> Json:
    """POST countdownCancelAll: cancel this symbol's orders unless told again in time."""
    market, account = call.market(), call.account
    length = call.params.integer("countdownTime")
    if length is None:
        raise missing("countdownTime")
    turn = account.countdowns[market.symbol] = account.countdowns.get(market.symbol, 0) + 1

    def ring() -> None:
        if account.countdowns.get(market.symbol) == turn:
            _cancel_for_countdown(call, account, market)

    if length > 0:
        call.world.later(length / 1000, ring)
    return {"symbol": market.symbol, "countdownTime": str(length)}


# --- one order ----------------------------------------------------------------------------------


def _place(call: Call, params: Params) -> Json:
    world, market = call.world, call.world.market(params.required("symbol"))
    ticket = regular(params, market, world.knobs, call.now_ms)
    at_most = _at_most(call, ticket, market)
    order = matching.place(world, call.account, ticket, call.origin, at_most=at_most)
    if ticket.wants_result and not world.knobs.result_still_says_new:
        return replies.order_placed(order, market, world.knobs)
    return replies.order_acknowledged(order, market, world.knobs)


def _at_most(call: Call, ticket: Ticket, market: Market) -> Decimal | None:
    part = call.plan.fill_part
    if part is None or ticket.type is not OrderType.MARKET or ticket.quantity is None:
        return None
    step = market.instrument.lot.step
    return (ticket.quantity * part / step).to_integral_value(ROUND_DOWN) * step


def _amend(call: Call, params: Params) -> Json:
    order = find_order(call.account, params)
    market = call.world.market(order.symbol)
    if not order.status.is_open:
        raise Refused(-2013)
    if order.type is not OrderType.LIMIT:
        raise Refused(-1116)
    quantity, price = params.decimal("quantity"), params.decimal("price")
    if quantity is None or price is None:
        raise missing("quantity" if quantity is None else "price")
    if (quantity, price) == (order.quantity, order.price):
        raise Refused(-5027)
    check_quantity(quantity, market.instrument.lot)
    check_price(price, order.side, market)
    matching.amend(call.world, call.account, order, quantity, price)
    return replies.order_placed(order, market, call.world.knobs)


def _cancel(call: Call, params: Params) -> Json:
    account = call.account
    order = find_order(account, params, code=-2011)
    if not order.status.is_open:
        raise Refused(-2011)
    _take_out(call, account, order)
    if order.status is Status.FILLED:
        raise Refused(-2011)
    answer = replies.order_placed(order, call.world.market(order.symbol), call.world.knobs)
    return answer | {"status": Status.CANCELED.value}


def _take_out(call: Call, account: Account, order: Order) -> None:
    """Cancel, as the faults of this request have it: after a fill, or late."""
    part = call.plan.fills_before_cancel
    if part is not None:
        step = call.world.market(order.symbol).instrument.lot.step
        quantity = (order.remaining * part / step).to_integral_value(ROUND_DOWN) * step
        matching.fill_resting(call.world, account, order, quantity)

    def take_out() -> None:
        settlement.end(call.world, account, order, Status.CANCELED)

    if call.plan.cancel_after_seconds > 0:
        call.world.later(call.plan.cancel_after_seconds, take_out)
    else:
        take_out()


def _cancel_for_countdown(call: Call, account: Account, market: Market) -> None:
    for order in account.working_orders(market.symbol):
        settlement.end(call.world, account, order, Status.CANCELED)
    if call.world.knobs.countdown_covers_algo_orders:
        for algo in account.waiting_orders(market.symbol):
            conditional.cancel(call.world, account, algo)


def _single(act: Callable[[Call, Params], Json], call: Call, params: Params) -> Json:
    try:
        return act(call, params)
    except Refused as refused:
        return refused.body()


def batch_elements(params: Params, most: int) -> list[Params]:
    """The elements of a batch, their values as text. Refuses too many of them (-4082)."""
    try:
        rows = msgspec.json.decode(params.required("batchOrders"), type=list[dict[str, object]])
    except msgspec.DecodeError:
        raise missing("batchOrders") from None
    if not 0 < len(rows) <= most:
        raise Refused(-4082)
    return [Params({name: _text(value) for name, value in row.items()}) for row in rows]


def _text(value: object) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    return "" if value is None else str(value)


def _id_list(params: Params, name: str, single: str) -> list[dict[str, str]]:
    text = params.text(name) or params.text(name.lower())
    if text is None:
        return []
    try:
        ids = msgspec.json.decode(text, type=list[int | str])
    except msgspec.DecodeError:
        raise Refused(-1130, f"Data sent for parameter '{name}' is not valid.") from None
    return [{single: str(one)} for one in ids]


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/fapi/v1/order"): Endpoint(handler=place_order, weight=0, orders=(1, 1), trades=True),
    ("POST", "/fapi/v1/order/test"): Endpoint(handler=test_order, weight=1),
    ("PUT", "/fapi/v1/order"): Endpoint(handler=amend_order, weight=0, orders=(1, 1), trades=True),
    ("DELETE", "/fapi/v1/order"): Endpoint(handler=cancel_order, trades=True),
    ("POST", "/fapi/v1/batchOrders"): Endpoint(
        handler=place_batch, weight=5, orders=(5, 1), trades=True
    ),
    ("PUT", "/fapi/v1/batchOrders"): Endpoint(
        handler=amend_batch, weight=5, orders=(5, 1), trades=True
    ),
    ("DELETE", "/fapi/v1/batchOrders"): Endpoint(handler=cancel_batch, trades=True),
    ("DELETE", "/fapi/v1/allOpenOrders"): Endpoint(handler=cancel_all, trades=True),
    ("POST", "/fapi/v1/countdownCancelAll"): Endpoint(handler=count_down, weight=10, trades=True),
}
