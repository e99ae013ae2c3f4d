"""Regular orders: place, amend, cancel, query, list."""

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal

import msgspec

from goflat.venues.simulated import conditional, matching, replies
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint, by_symbol
from goflat.venues.simulated.filters import check_price, check_quantity
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import Order, OrderType, Status, Ticket
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.replies import Json
from goflat.venues.simulated.tickets import regular

BATCH_PLACE_MOST = 5
BATCH_CANCEL_MOST = 10
LIST_MOST = 1000
ALL_CANCELLED: Json = {"code": 200, "msg": "The operation of cancel all open order is done."}
BOTH_EMPTY = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"


def place_order(call: Call) -> Json:
    """POST order."""
    return _place(call, call.params)


def test_order(call: Call) -> Json:
    """POST order/test: read and checked for shape, never placed."""
    regular(call.params, call.market(), call.world.knobs, call.now_ms)
    return {}


def place_batch(call: Call) -> list[Json]:
    """POST batchOrders: each element for itself, answered in the order of the request."""
    return [_single(_place, call, params) for params in _batch(call, BATCH_PLACE_MOST)]


def amend_order(call: Call) -> Json:
    """PUT order."""
    return _amend(call, call.params)


def amend_batch(call: Call) -> list[Json]:
    """PUT batchOrders."""
    return [_single(_amend, call, params) for params in _batch(call, BATCH_PLACE_MOST)]


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


def query_order(call: Call) -> Json:
    """GET order: open or done."""
    order = _visible(call, _find(call.account, call.params))
    return replies.order_found(order, call.world.market(order.symbol))


def query_open_order(call: Call) -> Json:
    """GET openOrder: only while it is open."""
    order = _visible(call, _find(call.account, call.params))
    if not order.status.is_open:
        raise Refused(-2013)
    return replies.order_found(order, call.world.market(order.symbol))


def list_open(call: Call) -> list[Json]:
    """GET openOrders: of one symbol or of all."""
    symbol, world = call.params.text("symbol"), call.world
    if symbol is not None and symbol not in world.markets:
        if world.knobs.unknown_symbol_lists_nothing:
            return []
        raise Refused(-1121)
    seen_before = call.now_ms - call.plan.lookup_lag_ms
    return [
        replies.order_found(order, world.market(order.symbol))
        for order in call.account.working_orders(symbol)
        if order.created_ms <= seen_before
    ]


def list_all(call: Call) -> list[Json]:
    """GET allOrders: open and done, of one symbol, oldest first."""
    market = call.market()
    since, until = call.params.integer("startTime"), call.params.integer("endTime")
    first = call.params.integer("orderId") or 0
    found = [
        order
        for order in call.account.orders.values()
        if order.symbol == market.symbol
        and order.order_id >= first
        and (since is None or order.created_ms >= since)
        and (until is None or order.created_ms <= until)
    ]
    found.sort(key=lambda order: order.order_id)
    limit = min(call.params.integer("limit") or 500, LIST_MOST)
    return [replies.order_in_history(order, market) for order in found[-limit:]]


def list_fills(call: Call) -> list[Json]:
    """GET userTrades: of one symbol, oldest first."""
    market, params = call.market(), call.params
    order_id, first = params.integer("orderId"), params.integer("fromId") or 0
    since, until = params.integer("startTime"), params.integer("endTime")
    found = [
        fill
        for fill in call.account.fills
        if fill.symbol == market.symbol
        and fill.trade_id >= first
        and (order_id is None or fill.order_id == order_id)
        and (since is None or fill.at_ms >= since)
        and (until is None or fill.at_ms <= until)
    ]
    limit = min(params.integer("limit") or 500, LIST_MOST)
    return [replies.fill_found(fill, market) for fill in found[-limit:]]


def list_forced(call: Call) -> list[Json]:
    """GET forceOrders: what the venue itself closed."""
    market = call.optional_market()
    return [
        replies.order_in_history(order, call.world.market(order.symbol))
        for order in call.account.orders.values()
        if order.client_order_id.startswith(("autoclose-", "adl_autoclose"))
        and (market is None or order.symbol == market.symbol)
    ]


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
    order = _find(call.account, params)
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
    order = _find(account, params, code=-2011)
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
        matching.end(call.world, account, order, Status.CANCELED)

    if call.plan.cancel_after_seconds > 0:
        call.world.later(call.plan.cancel_after_seconds, take_out)
    else:
        take_out()


def _cancel_for_countdown(call: Call, account: Account, market: Market) -> None:
    for order in account.working_orders(market.symbol):
        matching.end(call.world, account, order, Status.CANCELED)
    if call.world.knobs.countdown_covers_algo_orders:
        for algo in account.waiting_orders(market.symbol):
            conditional.cancel(call.world, account, algo)


def _find(account: Account, params: Params, *, code: int = -2013) -> Order:
    symbol = params.required("symbol")
    order_id, client_id = params.integer("orderId"), params.text("origClientOrderId")
    if order_id is None and client_id is None:
        raise Refused(-1102, BOTH_EMPTY)
    if order_id is not None:
        order = account.orders.get(order_id)
    else:
        order = account.orders_by_client_id.get((symbol, client_id or ""))
    if order is None or order.symbol != symbol:
        raise Refused(code)
    return order


def _visible(call: Call, order: Order) -> Order:
    if order.created_ms > call.now_ms - call.plan.lookup_lag_ms:
        raise Refused(-2013)
    return order


def _single(act: Callable[[Call, Params], Json], call: Call, params: Params) -> Json:
    try:
        return act(call, params)
    except Refused as refused:
        return refused.body()


def _batch(call: Call, most: int) -> list[Params]:
    """The elements of a batch, values as text."""
    try:
        rows = msgspec.json.decode(
            call.params.required("batchOrders"), type=list[dict[str, object]]
        )
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
    ("GET", "/fapi/v1/order"): Endpoint(handler=query_order),
    ("GET", "/fapi/v1/openOrder"): Endpoint(handler=query_open_order),
    ("GET", "/fapi/v1/openOrders"): Endpoint(handler=list_open, weight=by_symbol(1, 40)),
    ("GET", "/fapi/v1/allOrders"): Endpoint(handler=list_all, weight=5),
    ("GET", "/fapi/v1/userTrades"): Endpoint(handler=list_fills, weight=5),
    ("GET", "/fapi/v1/forceOrders"): Endpoint(handler=list_forced, weight=by_symbol(20, 50)),
}
