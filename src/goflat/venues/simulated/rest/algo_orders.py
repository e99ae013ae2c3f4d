"""Conditional orders, which live in a book of their own since December 2025."""

from collections.abc import Mapping

from goflat.venues.simulated import conditional, replies
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint, by_symbol
from goflat.venues.simulated.orders import AlgoOrder, AlgoStatus
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import Json
from goflat.venues.simulated.rest.order_queries import LIST_MOST
from goflat.venues.simulated.rest.orders import ALL_CANCELLED
from goflat.venues.simulated.tickets import conditional as conditional_ticket

NO_ID = "Param 'algoId' or 'clientAlgoId' must be sent, but both were empty/null!"


def place_algo(call: Call) -> Json:
    """POST algoOrder."""
    market = call.market()
    ticket = conditional_ticket(call.params, market, call.now_ms)
    algo = conditional.place(call.world, call.account, ticket, call.origin)
    return replies.algo_placed(algo, market)


def cancel_algo(call: Call) -> Json:
    """DELETE algoOrder. The code of its answer is a text."""
    code = call.world.knobs.unknown_algo_order_code
    algo = _find(call.account, call, code=code)
    if call.plan.cancel_after_seconds > 0:
        call.world.later(call.plan.cancel_after_seconds, lambda: _cancel_if_waiting(call, algo))
    else:
        conditional.cancel(call.world, call.account, algo)
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_order_id,
        "code": "200",
        "msg": "success",
    }


def cancel_all_algos(call: Call) -> Json:
    """DELETE algoOpenOrders: every conditional order of one symbol, and no regular one."""
    market, account = call.market(), call.account
    algos = account.waiting_orders(market.symbol)
    empty_code = call.world.knobs.algo_cancel_all_when_empty_code
    if not algos and empty_code < 0:
        raise Refused(empty_code)
    for algo in algos[: max(0, len(algos) - call.plan.cancel_leaves)]:
        if call.plan.fills_before_cancel is not None:
            conditional.trigger(call.world, account, algo)
        elif call.plan.cancel_after_seconds > 0:
            _cancel_later(call, algo)
        else:
            _cancel_if_waiting(call, algo)
    return ALL_CANCELLED


def query_algo(call: Call) -> Json:
    """GET algoOrder."""
    algo = _find(call.account, call, code=-2013)
    if algo.created_ms > call.now_ms - call.plan.lookup_lag_ms:
        raise Refused(-2013)
    return replies.algo_found(algo, call.world.market(algo.symbol))


def list_open_algos(call: Call) -> list[Json]:
    """GET openAlgoOrders: of one symbol or of all."""
    market = call.optional_market()
    algo_id = call.params.integer("algoId")
    seen_before = call.now_ms - call.plan.lookup_lag_ms
    return [
        replies.algo_found(algo, call.world.market(algo.symbol))
        for algo in call.account.waiting_orders(None if market is None else market.symbol)
        if algo.created_ms <= seen_before and algo_id in (None, algo.algo_id)
    ]


def list_all_algos(call: Call) -> list[Json]:
    """GET allAlgoOrders: waiting and done, of one symbol, oldest first."""
    market, first = call.market(), call.params.integer("algoId") or 0
    since, until = call.params.integer("startTime"), call.params.integer("endTime")
    found = [
        algo
        for algo in call.account.algos.values()
        if algo.symbol == market.symbol
        and algo.algo_id >= first
        and (since is None or algo.created_ms >= since)
        and (until is None or algo.created_ms <= until)
    ]
    found.sort(key=lambda algo: algo.algo_id)
    limit = min(call.params.integer("limit") or 500, LIST_MOST)
    return [replies.algo_found(algo, market) for algo in found[-limit:]]


def _find(account: Account, call: Call, *, code: int) -> AlgoOrder:
    algo_id, client_id = call.params.integer("algoId"), call.params.text("clientAlgoId")
    if algo_id is None and client_id is None:
        raise Refused(-1102, NO_ID)
    if algo_id is not None:
        algo = account.algos.get(algo_id)
    else:
        algo = account.algos_by_client_id.get(client_id or "")
    if algo is None:
        raise Refused(code)
    return algo


def _cancel_later(call: Call, algo: AlgoOrder) -> None:
    call.world.later(call.plan.cancel_after_seconds, lambda: _cancel_if_waiting(call, algo))


def _cancel_if_waiting(call: Call, algo: AlgoOrder) -> None:
    if algo.status is AlgoStatus.NEW:
        conditional.cancel(call.world, call.account, algo)


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("POST", "/fapi/v1/algoOrder"): Endpoint(
        handler=place_algo, weight=0, orders=(1, 1), trades=True
    ),
    ("DELETE", "/fapi/v1/algoOrder"): Endpoint(handler=cancel_algo, trades=True),
    ("DELETE", "/fapi/v1/algoOpenOrders"): Endpoint(handler=cancel_all_algos, trades=True),
    ("GET", "/fapi/v1/algoOrder"): Endpoint(handler=query_algo),
    ("GET", "/fapi/v1/openAlgoOrders"): Endpoint(handler=list_open_algos, weight=by_symbol(1, 40)),
    ("GET", "/fapi/v1/allAlgoOrders"): Endpoint(handler=list_all_algos, weight=5),
}
