"""Every path of the API in one table."""

from collections.abc import Mapping

from goflat.venues.simulated.call import Endpoint
from goflat.venues.simulated.rest import (
    account,
    algo_orders,
    balances,
    market_data,
    order_queries,
    orders,
    positions,
)


def all_endpoints() -> Mapping[tuple[str, str], Endpoint]:
    """(method, path) and who answers it."""
    return {
        **market_data.endpoints(),
        **orders.ENDPOINTS,
        **order_queries.ENDPOINTS,
        **algo_orders.ENDPOINTS,
        **positions.ENDPOINTS,
        **balances.ENDPOINTS,
        **account.ENDPOINTS,
    }
