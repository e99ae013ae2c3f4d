"""Ground truth: what is so, whatever any answer says. For tests, drills and benchmarks."""

from collections.abc import Callable
from decimal import Decimal

from goflat.domain.position import Position, PositionMode
from goflat.domain.position import PositionSide as Holding
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.gateway import Gateway, Received
from goflat.venues.simulated.orders import AlgoOrder, Fill, Order
from goflat.venues.simulated.positions import PositionRow


class Truth:
    """Reads the state of the venue past its API, its faults and its delays.

    Everywhere `account` is a name, and None means every account. Orders and fills can be narrowed
    to those whose client order id begins with `prefix`, or that came with one API key.
    """

    def __init__(self, gateway: Gateway) -> None:
        self._gateway = gateway
        self._world = gateway.world

    def positions(self, account: str = "main") -> tuple[Position, ...]:
        """Every open position."""
        owner = self._world.accounts[account]
        return tuple(self._position(owner, row) for row in owner.open_rows())

    def amounts(self, account: str = "main") -> dict[tuple[str, str], Decimal]:
        """Signed amounts by symbol and position side (BOTH, LONG, SHORT), zeros left out."""
        rows = self._world.accounts[account].open_rows()
        return {(row.symbol, row.side.value): row.amount for row in rows}

    def working_orders(self, account: str = "main") -> tuple[Order, ...]:
        """Every open order of the regular book."""
        return tuple(self._world.accounts[account].working_orders())

    def conditional_orders(self, account: str = "main") -> tuple[AlgoOrder, ...]:
        """Every order that waits for its trigger."""
        return tuple(self._world.accounts[account].waiting_orders())

    def is_flat(self, account: str = "main") -> bool:
        """No position and no order of either kind."""
        return not (
            self.positions(account)
            or self.working_orders(account)
            or self.conditional_orders(account)
        )

    def orders(
        self, account: str | None = None, *, prefix: str = "", api_key: str | None = None
    ) -> tuple[Order, ...]:
        """Every order that the venue ever took, open or done, as it stands now."""
        return tuple(
            order
            for name, order in self._world.orders
            if account in (None, name)
            and order.client_order_id.startswith(prefix)
            and api_key in (None, order.origin.api_key)
        )

    def opening_orders(
        self, account: str | None = None, *, prefix: str = "", api_key: str | None = None
    ) -> tuple[Order, ...]:
        """Orders that could have opened or enlarged a position, whether they did or not."""
        found = self.orders(account, prefix=prefix, api_key=api_key)
        return tuple(order for order in found if not order.reduce_only)

    def fills(
        self, account: str | None = None, *, prefix: str = "", api_key: str | None = None
    ) -> tuple[Fill, ...]:
        """Every execution, with the position before and after it."""
        return tuple(
            fill
            for fill in self._world.fills
            if account in (None, fill.account)
            and fill.client_order_id.startswith(prefix)
            and api_key in (None, fill.origin.api_key)
        )

    def enlarging_fills(
        self, account: str | None = None, *, prefix: str = "", api_key: str | None = None
    ) -> tuple[Fill, ...]:
        """Executions that made a position larger or turned it around."""
        found = self.fills(account, prefix=prefix, api_key=api_key)
        return tuple(fill for fill in found if fill.enlarges)

    def requests(
        self,
        method: str | None = None,
        path: str | None = None,
        *,
        where: Callable[[Received], bool] = lambda _received: True,
    ) -> tuple[Received, ...]:
        """Every request that came in, oldest first."""
        return tuple(
            received
            for received in self._gateway.requests
            if method in (None, received.method)
            and path in (None, received.path)
            and where(received)
        )

    def _position(self, account: Account, row: PositionRow) -> Position:
        return Position(
            symbol=row.symbol,
            side=Holding.LONG if row.amount > 0 else Holding.SHORT,
            quantity=abs(row.amount),
            mode=PositionMode.HEDGE if account.hedge else PositionMode.ONE_WAY,
            mark_price=self._world.market(row.symbol).mark,
            entry_price=row.entry,
            updated_ms=row.updated_ms,
        )
