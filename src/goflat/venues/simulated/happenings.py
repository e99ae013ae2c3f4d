"""What the world does while a client is busy: prices, states, other hands on the account."""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from goflat.venues.simulated import conditional, matching, settlement
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.exchange import Exchange
from goflat.venues.simulated.orders import (
    BY_VENUE,
    AlgoStatus,
    Fill,
    OrderType,
    Origin,
    Side,
    Status,
    Ticket,
)

BY_STRATEGY = Origin(via="strategy")
"""A bot that nobody stopped."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MarkMoves:
    """The price of an instrument changes."""

    symbol: str
    price: Decimal

    def happen(self, exchange: Exchange) -> None:
        exchange.set_mark(self.symbol, self.price)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidityChanges:
    """Every level of an instrument's book holds so much from now on. 0: there is nobody there."""

    symbol: str
    per_level: Decimal = Decimal(0)

    def happen(self, exchange: Exchange) -> None:
        exchange.set_liquidity(self.symbol, self.per_level)


@dataclass(frozen=True, slots=True, kw_only=True)
class StatusChanges:
    """An instrument is halted, settled, closed, or trades again."""

    symbol: str
    status: str = "TRADING_HALT"

    def happen(self, exchange: Exchange) -> None:
        exchange.set_status(self.symbol, self.status)


@dataclass(frozen=True, slots=True, kw_only=True)
class PositionOpens:
    """Somebody else trades a signed amount on the account, at the mark price."""

    symbol: str
    amount: Decimal
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.open_position(self.symbol, self.amount, account=self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderRests:
    """Somebody else puts a limit order into the book."""

    symbol: str
    side: str
    quantity: Decimal
    price: Decimal
    position_side: str = "BOTH"
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.rest_order(
            self.symbol,
            self.side,
            self.quantity,
            self.price,
            position_side=self.position_side,
            account=self.account,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Reopens:
    """A strategy that nobody stopped opens its position again, each time it is closed."""

    symbol: str
    times: int = 1
    delay_seconds: float = 0.0
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.world.after_fill.append(_Stubborn(self, exchange).watch)


class _Stubborn:
    """Waits for a position to be gone, and opens it again as large as it was at its largest."""

    def __init__(self, habit: Reopens, exchange: Exchange) -> None:
        self._habit = habit
        self._exchange = exchange
        self._left = habit.times
        self._largest = Decimal(0)

    def watch(self, account: Account, fill: Fill) -> None:
        habit = self._habit
        if (account.name, fill.symbol) != (habit.account, habit.symbol):
            return
        self._largest = max(self._largest, fill.before, fill.after, key=abs)
        if fill.after == 0 and self._left > 0:
            self._left -= 1
            amount = self._largest
            self._exchange.world.later(habit.delay_seconds, self._again(fill, amount))

    def _again(self, fill: Fill, amount: Decimal) -> Callable[[], None]:
        return lambda: self._exchange.trade_by_force(
            fill.symbol,
            amount,
            fill.position_side,
            account=self._habit.account,
            origin=BY_STRATEGY,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ForcedLiquidation:
    """The venue itself closes a part of every position in an instrument."""

    symbol: str
    part: Decimal = Decimal(1)
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            owner = exchange.world.accounts[self.account]
            market = exchange.world.market(self.symbol)
            for row in [r for r in owner.open_rows() if r.symbol == self.symbol]:
                step = market.instrument.lot.step
                ticket = Ticket(
                    symbol=self.symbol,
                    side=row.closes_with(),
                    type=OrderType.LIMIT,
                    quantity=abs(row.amount) * self.part // step * step,
                    price=market.mark,
                    position_side=row.side,
                    reduce_only=True,
                    client_order_id=f"autoclose-{exchange.world.clock()}",
                )
                matching.fill_by_force(exchange.world, owner, ticket, BY_VENUE, market.mark)


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggersFire:
    """Every conditional order of an instrument meets its price, whatever that is."""

    symbol: str
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            owner = exchange.world.accounts[self.account]
            for algo in owner.waiting_orders(self.symbol):
                if algo.status is AlgoStatus.NEW:
                    conditional.trigger(exchange.world, owner, algo)


@dataclass(frozen=True, slots=True, kw_only=True)
class RestingFill:
    """Resting orders of an instrument are filled at their own prices: this part of each."""

    symbol: str
    part: Decimal = Decimal(1)
    side: Side | None = None
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            owner = exchange.world.accounts[self.account]
            step = exchange.world.market(self.symbol).instrument.lot.step
            for order in owner.working_orders(self.symbol):
                if self.side in (None, order.side):
                    quantity = order.remaining * self.part // step * step
                    matching.fill_resting(exchange.world, owner, order, quantity)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersVanish:
    """Somebody else cancels every regular order of an instrument."""

    symbol: str
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            owner = exchange.world.accounts[self.account]
            for order in owner.working_orders(self.symbol):
                settlement.end(exchange.world, owner, order, Status.CANCELED)


@dataclass(frozen=True, slots=True, kw_only=True)
class ListenKeyExpires:
    """The key of the user data stream goes dead; the connection stays up, and mute."""

    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            exchange.gateway.listen_keys.close(self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountLocks:
    """The account may no longer do everything. None: it may again."""

    code: int | None = -4192
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.lock_account(self.code, account=self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyRevoked:
    """An API key is not known any more."""

    api_key: str

    def happen(self, exchange: Exchange) -> None:
        exchange.revoke_key(self.api_key)


@dataclass(frozen=True, slots=True, kw_only=True)
class ModeChanges:
    """The position mode is another one from now on, past every check."""

    hedge: bool
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.set_hedge(self.hedge, account=self.account)


@dataclass(frozen=True, slots=True, kw_only=True)
class OrdersUsedUp:
    """A runaway strategy has used so much of the account's order limits."""

    ten_seconds: int = 300
    minute: int = 300
    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        exchange.use_orders(self.account, self.ten_seconds, self.minute)


@dataclass(frozen=True, slots=True, kw_only=True)
class WeightUsedUp:
    """Another program at the same address has used so much of the weight."""

    weight: int = 2400
    source: str = "127.0.0.1"

    def happen(self, exchange: Exchange) -> None:
        exchange.use_weight(self.weight, source=self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressBanned:
    """The address is shut out for so long: 418 to everything."""

    seconds: float = 120.0
    source: str = "127.0.0.1"

    def happen(self, exchange: Exchange) -> None:
        exchange.ban(self.seconds, source=self.source)


@dataclass(frozen=True, slots=True, kw_only=True)
class StreamsCut:
    """Every connection of the account's user data stream is closed, as after 24 hours."""

    account: str = "main"

    def happen(self, exchange: Exchange) -> None:
        with exchange.lock:
            exchange.streams.cut(self.account)
