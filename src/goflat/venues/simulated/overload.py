"""The overload throttle (-1008): what it refuses, and what it lets through.

Orders that can only reduce a position are spared, singly and in batches, and so are cancels and
reads.
"""

from collections.abc import Callable, Mapping

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.admission import is_reducing
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.rest.orders import BATCH_PLACE_MOST, batch_elements
from goflat.venues.simulated.tickets import regular
from goflat.venues.simulated.world import World


def is_throttled(
    world: World, account: Account | None, method: str, path: str, params: Params
) -> bool:
    """Whether an overloaded venue refuses this request. Raises `Refused` for a malformed one."""
    check = _CHECKS.get(path) if method == "POST" else None
    if check is None or account is None:
        return False
    return check(world, account, params)


def _order(world: World, account: Account, params: Params) -> bool:
    market = world.market(params.required("symbol"))
    ticket = regular(params, market, world.knobs, world.clock())
    return not is_reducing(account, ticket)


def _batch(world: World, account: Account, params: Params) -> bool:
    elements = batch_elements(params, BATCH_PLACE_MOST)
    return any(_order(world, account, element) for element in elements)


def _algo_order(world: World, _account: Account, _params: Params) -> bool:
    return not world.knobs.algo_orders_exempt_from_overload


_CHECKS: Mapping[str, Callable[[World, Account, Params], bool]] = {
    "/fapi/v1/order": _order,
    "/fapi/v1/order/test": _order,
    "/fapi/v1/batchOrders": _batch,
    "/fapi/v1/algoOrder": _algo_order,
}
