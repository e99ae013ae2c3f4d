"""What an execution does: position, wallet, record, events, and who has to make way for it.

Every fill goes through `settle`, and every order that ends without one through `end`.
"""

from goflat.venues.simulated import events
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.markets import Level
from goflat.venues.simulated.orders import (
    ZERO,
    AlgoOrder,
    AlgoStatus,
    Expiry,
    Fill,
    Order,
    Side,
    Status,
    TimeInForce,
)
from goflat.venues.simulated.positions import PositionRow
from goflat.venues.simulated.world import World


def settle(world: World, account: Account, order: Order, level: Level, *, maker: bool) -> None:
    """One execution: the position, the wallet, the record, the events. Never past reduce-only."""
    row = account.row(order.symbol, order.position_side)
    quantity = min(level.quantity, order.remaining)
    if order.reduce_only:
        quantity = min(quantity, row.reducible(order.side))
    if quantity <= 0:
        return
    fill = _book(world, account, order, row, Level(level.price, quantity), maker=maker)
    order.executed += quantity
    order.quote += quantity * level.price
    order.status = Status.FILLED if order.remaining == 0 else Status.PARTIALLY_FILLED
    order.updated_ms = fill.at_ms
    if not order.status.is_open:
        account.drop_order(order)
    _tell_fill(world, account, order, row, fill)
    if not order.status.is_open:
        finish_algo(world, account, order)
    _after_change(world, account, row)
    for watch in world.after_fill:
        watch(account, fill)


def _book(
    world: World, account: Account, order: Order, row: PositionRow, level: Level, *, maker: bool
) -> Fill:
    """Move position, wallet and margin, and write the fill down."""
    now, asset = world.clock(), world.market(order.symbol).instrument.quote_asset
    before, margin_before = row.amount, account.margin_of(row)
    realized = row.fill(order.side, level.quantity, level.price, now)
    fee = level.quantity * level.price * (world.maker_fee if maker else world.taker_fee)
    account.wallets[asset] = account.wallets.get(asset, ZERO) + realized - fee
    account.margin_used[asset] = (
        account.margin_used.get(asset, ZERO) + account.margin_of(row) - margin_before
    )
    fill = Fill(
        trade_id=world.next_trade_id(),
        at_ms=now,
        account=account.name,
        order_id=order.order_id,
        client_order_id=order.client_order_id,
        symbol=order.symbol,
        side=order.side,
        position_side=order.position_side,
        quantity=level.quantity,
        price=level.price,
        maker=maker,
        realized=realized,
        fee=fee,
        fee_asset=asset,
        before=before,
        after=row.amount,
        origin=order.origin,
        reduce_only=order.reduce_only,
    )
    account.fills.append(fill)
    world.fills.append(fill)
    return fill


def _tell_fill(world: World, account: Account, order: Order, row: PositionRow, fill: Fill) -> None:
    """TRADE_LITE, then ACCOUNT_UPDATE, then ORDER_TRADE_UPDATE: the observed order."""
    if not account.listeners:
        return
    market = world.market(order.symbol)
    world.emit(account, events.trade_lite(order, fill, market))
    world.emit(account, events.account_update(account, row, market, fill.at_ms))
    execution = "CALCULATED" if order.client_order_id.startswith("autoclose-") else "TRADE"
    world.emit(
        account, events.order_update(order, market, fill.at_ms, execution=execution, fill=fill)
    )


def _after_change(world: World, account: Account, row: PositionRow) -> None:
    """A position became smaller: reduce-only orders that no longer fit are taken out."""
    for side in Side:
        resting = tuple(account.closing_orders(row, side))
        excess = sum((order.remaining for order in resting), ZERO) - row.reducible(side)
        for order in resting:
            if excess <= 0:
                break
            excess -= order.remaining
            end(world, account, order, Status.EXPIRED, Expiry.KNOCKED_OUT)
    if row.amount == 0:
        _end_orphans(world, account, row)


def _end_orphans(world: World, account: Account, row: PositionRow) -> None:
    """The position is gone: orders that depend on it go, as far as this venue does that."""
    for algo in account.waiting_orders(row.symbol):
        depends = algo.ticket.time_in_force is TimeInForce.GTE_GTC or (
            world.knobs.closes_orphaned_stops and algo.ticket.close_position
        )
        if depends and algo.ticket.position_side is row.side:
            algo.status, algo.updated_ms = AlgoStatus.EXPIRED, world.clock()
            account.drop_algo(algo)
            tell_algo(world, account, algo)


def end(
    world: World,
    account: Account,
    order: Order,
    status: Status,
    expiry: Expiry = Expiry.NONE,
) -> None:
    """An order ends without being filled (further): cancelled or expired."""
    if not order.status.is_open:
        return
    order.status, order.updated_ms = status, world.clock()
    account.drop_order(order)
    execution = "CANCELED" if status is Status.CANCELED else "EXPIRED"
    tell(world, account, order, execution, expiry)
    finish_algo(world, account, order)


def finish_algo(world: World, account: Account, order: Order) -> None:
    """The order that a conditional one became is done, so that one is finished too."""
    algo = account.algo_of_order.pop(order.order_id, None)
    if algo is None:
        return
    algo.status, algo.updated_ms = AlgoStatus.FINISHED, world.clock()
    tell_algo(world, account, algo)


def tell(
    world: World, account: Account, order: Order, execution: str, expiry: Expiry = Expiry.NONE
) -> None:
    """ORDER_TRADE_UPDATE, if anybody listens."""
    if account.listeners:
        market = world.market(order.symbol)
        world.emit(
            account,
            events.order_update(
                order, market, order.updated_ms, execution=execution, expiry=expiry
            ),
        )


def tell_algo(world: World, account: Account, algo: AlgoOrder) -> None:
    """ALGO_UPDATE, if anybody listens."""
    if account.listeners:
        market = world.market(algo.symbol)
        world.emit(account, events.algo_update(algo, market, world.clock()))
