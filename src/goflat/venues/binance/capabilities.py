"""Binance's card: what it offers and what it charges, as data (fact sheet, limits and weights)."""

from goflat.domain.capabilities import Capabilities, Costs
from goflat.venues.binance.limits import DEFAULT_LIMITS

CARD = Capabilities(
    lists_working_orders=True,
    lists_conditional_orders=True,
    finds_orders_by_id=True,
    lists_positions_twice=True,
    answer_seconds=1.0,
    limits=DEFAULT_LIMITS,
    costs=Costs(read_positions=5, read_orders=40, read_rules=1, cancel=1, query=1),
)
"""Placing an order weighs nothing and counts one on both order limits."""
