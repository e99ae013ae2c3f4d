"""Regular orders and fills, looked up and listed."""

from collections.abc import Mapping

from goflat.venues.simulated import replies
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint, by_symbol
from goflat.venues.simulated.orders import Order
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import Json

LIST_MOST = 1000
BOTH_EMPTY = "Param 'origClientOrderId' or 'orderId' must be sent, but both were empty/null!"


def query_order(call: Call) -> Json:
    """GET order: open or done."""
    order = _visible(call, find_order(call.account, call.params))
    return replies.order_found(order, call.world.market(order.symbol))


def query_open_order(call: Call) -> Json:
    """GET openOrder: only while it is open."""
    order = _visible(call, find_order(call.account, call.params))
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


def find_order(account: Account, params: Params, *, code: int = -2013) -> Order:
    """The order that a request names by either id. Refuses an unknown one with `code`."""
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


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v1/order"): Endpoint(handler=query_order),
    ("GET", "/fapi/v1/openOrder"): Endpoint(handler=query_open_order),
    ("GET", "/fapi/v1/openOrders"): Endpoint(handler=list_open, weight=by_symbol(1, 40)),
    ("GET", "/fapi/v1/allOrders"): Endpoint(handler=list_all, weight=5),
    ("GET", "/fapi/v1/userTrades"): Endpoint(handler=list_fills, weight=5),
    ("GET", "/fapi/v1/forceOrders"): Endpoint(handler=list_forced, weight=by_symbol(20, 50)),
}
