"""One account: its keys, money, positions, both books, and what it did."""

from collections import deque
from collections.abc import Hashable, Iterator
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from goflat.venues.simulated.orders import (
    ZERO,
    AlgoOrder,
    AlgoStatus,
    Fill,
    Order,
    PositionSide,
    Side,
)
from goflat.venues.simulated.positions import PositionRow

DEFAULT_LEVERAGE = 20
ORDERS_REMEMBERED = 50_000
FILLS_REMEMBERED = 50_000
LOOKED_AT_MOST = 1_000
UNFINISHED = frozenset({AlgoStatus.NEW, AlgoStatus.TRIGGERING, AlgoStatus.TRIGGERED})
Name = TypeVar("Name", bound=Hashable)
Named = TypeVar("Named")


@dataclass(slots=True)
class Account:
    """State of one account. Wallets by asset; orders by symbol and id."""

    name: str
    hedge: bool = False
    multi_assets: bool = False
    wallets: dict[str, Decimal] = field(default_factory=dict)
    margin_used: dict[str, Decimal] = field(default_factory=dict)
    rows: dict[tuple[str, PositionSide], PositionRow] = field(default_factory=dict)
    working: dict[str, dict[int, Order]] = field(default_factory=dict)
    waiting: dict[str, dict[int, AlgoOrder]] = field(default_factory=dict)
    orders: dict[int, Order] = field(default_factory=dict)
    orders_by_client_id: dict[tuple[str, str], Order] = field(default_factory=dict)
    algos: dict[int, AlgoOrder] = field(default_factory=dict)
    algos_by_client_id: dict[str, AlgoOrder] = field(default_factory=dict)
    algo_of_order: dict[int, AlgoOrder] = field(default_factory=dict)
    fills: deque[Fill] = field(default_factory=lambda: deque(maxlen=FILLS_REMEMBERED))
    leverage: dict[str, int] = field(default_factory=dict)
    isolated: set[str] = field(default_factory=set)
    lock_code: int | None = None
    countdowns: dict[str, int] = field(default_factory=dict)
    listeners: int = 0

    def row(self, symbol: str, side: PositionSide) -> PositionRow:
        """The row of a symbol and side, made when it is first asked for."""
        found = self.rows.get((symbol, side))
        if found is None:
            found = self.rows[symbol, side] = PositionRow(symbol, side)
        return found

    def open_rows(self) -> list[PositionRow]:
        return [row for row in self.rows.values() if row.amount]

    def leverage_of(self, symbol: str) -> int:
        return self.leverage.get(symbol, DEFAULT_LEVERAGE)

    def available(self, asset: str) -> Decimal:
        """What is free to open positions with: wallet less the margin of what is open."""
        return self.wallets.get(asset, ZERO) - self.margin_used.get(asset, ZERO)

    def margin_of(self, row: PositionRow) -> Decimal:
        return abs(row.amount) * row.entry / self.leverage_of(row.symbol)

    def change_leverage(self, symbol: str, leverage: int, asset: str) -> None:
        """Set a symbol's leverage; what its positions use as margin changes with it."""
        rows = [row for row in self.rows.values() if row.symbol == symbol]
        before = sum((self.margin_of(row) for row in rows), ZERO)
        self.leverage[symbol] = leverage
        after = sum((self.margin_of(row) for row in rows), ZERO)
        self.margin_used[asset] = self.margin_used.get(asset, ZERO) + after - before

    def add_order(self, order: Order) -> None:
        """Take an order into the regular book."""
        self.working.setdefault(order.symbol, {})[order.order_id] = order
        self.orders[order.order_id] = order
        self.orders_by_client_id[order.symbol, order.client_order_id] = order
        if len(self.orders) > ORDERS_REMEMBERED:
            self._forget_orders()

    def drop_order(self, order: Order) -> None:
        """Take an order out of the regular book; it stays known."""
        self.working.get(order.symbol, {}).pop(order.order_id, None)

    def add_algo(self, algo: AlgoOrder) -> None:
        self.waiting.setdefault(algo.symbol, {})[algo.algo_id] = algo
        self.algos[algo.algo_id] = algo
        self.algos_by_client_id[algo.client_order_id] = algo
        if len(self.algos) > ORDERS_REMEMBERED:
            self._forget_algos()

    def drop_algo(self, algo: AlgoOrder) -> None:
        self.waiting.get(algo.symbol, {}).pop(algo.algo_id, None)

    def working_orders(self, symbol: str | None = None) -> list[Order]:
        """Open regular orders, of one symbol or of all."""
        if symbol is not None:
            return list(self.working.get(symbol, {}).values())
        return [order for book in self.working.values() for order in book.values()]

    def waiting_orders(self, symbol: str | None = None) -> list[AlgoOrder]:
        """Conditional orders that wait for their trigger, of one symbol or of all."""
        if symbol is not None:
            return list(self.waiting.get(symbol, {}).values())
        return [algo for book in self.waiting.values() for algo in book.values()]

    def closing_orders(self, row: PositionRow, side: Side) -> Iterator[Order]:
        """Resting orders that claim a part of this position, the last placed first."""
        for order in reversed(self.working.get(row.symbol, {}).values()):
            if order.side is side and order.position_side is row.side and order.reduce_only:
                yield order

    def _forget_orders(self) -> None:
        """Let the oldest order go that is done; those that are open go to the end of the line."""
        for _ in range(LOOKED_AT_MOST):
            order_id, order = next(iter(self.orders.items()))
            del self.orders[order_id]
            if not order.status.is_open:
                _let_go(self.orders_by_client_id, (order.symbol, order.client_order_id), order)
                return
            self.orders[order_id] = order

    def _forget_algos(self) -> None:
        for _ in range(LOOKED_AT_MOST):
            algo_id, algo = next(iter(self.algos.items()))
            del self.algos[algo_id]
            if algo.status not in UNFINISHED:
                _let_go(self.algos_by_client_id, algo.client_order_id, algo)
                return
            self.algos[algo_id] = algo


def _let_go(names: dict[Name, Named], name: Name, value: Named) -> None:
    """Forget a name, unless it means something else by now."""
    if names.get(name) is value:
        del names[name]
