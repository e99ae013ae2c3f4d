"""The regular book: orders come in, trade, rest, end. Every fill goes through `settle`."""

from decimal import Decimal

from goflat.venues.simulated import events
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.admission import Admitted, admit, is_reducing
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import (
    ZERO,
    AlgoOrder,
    AlgoStatus,
    Expiry,
    Fill,
    Order,
    OrderType,
    Origin,
    SelfTrade,
    Side,
    Status,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.positions import PositionRow
from goflat.venues.simulated.world import World

IMMEDIATE = frozenset({TimeInForce.IOC, TimeInForce.FOK})


def place(
    world: World,
    account: Account,
    ticket: Ticket,
    origin: Origin,
    *,
    original_type: OrderType | None = None,
    at_most: Decimal | None = None,
) -> Order:
    """Take an order, trade what can be traded, and rest or end the remainder.

    `at_most` caps what is filled (a fault: the book ran out there). Raises `Refused`, and then
    nothing has happened.
    """
    admitted = admit(world, account, ticket)
    for loser in admitted.knocked_out:
        end(world, account, loser, Status.EXPIRED, Expiry.KNOCKED_OUT)
    kind = original_type or ticket.type
    order = _accept(world, account, ticket, origin, admitted=admitted, original_type=kind)
    _trade(world, account, order, at_most)
    return order


def fill_by_force(
    world: World, account: Account, ticket: Ticket, origin: Origin, price: Decimal
) -> Order:
    """Fill an order whole at a price, past every check: a forced liquidation, a test's set-up."""
    assert ticket.quantity is not None
    reducing = bool(ticket.reduce_only) or (account.hedge and is_reducing(account, ticket))
    admitted = Admitted(quantity=ticket.quantity, reducing=reducing)
    order = _accept(world, account, ticket, origin, admitted=admitted, original_type=ticket.type)
    settle(world, account, order, Level(price, ticket.quantity), maker=False)
    end(world, account, order, Status.EXPIRED, Expiry.KNOCKED_OUT)
    return order


def _accept(
    world: World,
    account: Account,
    ticket: Ticket,
    origin: Origin,
    *,
    admitted: Admitted,
    original_type: OrderType,
) -> Order:
    now, order_id = world.clock(), world.next_order_id()
    order = Order(
        order_id=order_id,
        client_order_id=ticket.client_order_id or f"venue-{order_id}",
        symbol=ticket.symbol,
        side=ticket.side,
        position_side=ticket.position_side,
        type=ticket.type,
        original_type=original_type,
        time_in_force=ticket.time_in_force,
        quantity=admitted.quantity,
        price=ticket.price or ZERO,
        reduce_only=admitted.reducing,
        origin=origin,
        created_ms=now,
        updated_ms=now,
        close_position=ticket.close_position,
        stop_price=ticket.trigger_price or ZERO,
        working_type=ticket.working_type,
        price_protect=ticket.price_protect,
        price_match=ticket.price_match,
        self_trade=ticket.self_trade,
        good_till_ms=ticket.good_till_ms,
    )
    account.add_order(order)
    world.orders.append((account.name, order))
    tell(world, account, order, "NEW")
    if order.good_till_ms:
        world.agenda.at(order.good_till_ms, lambda: end(world, account, order, Status.EXPIRED))
    return order


def _trade(world: World, account: Account, order: Order, at_most: Decimal | None) -> None:
    market = world.market(order.symbol)
    is_market = order.type is OrderType.MARKET
    limit = market.reach(order.side) if is_market else order.price
    wanted = order.remaining if at_most is None else min(at_most, order.remaining)
    if not _meets_own_orders(world, account, order, limit):
        return
    for level in market.take(order.side, wanted, limit):
        settle(world, account, order, level, maker=False)
    if not order.status.is_open:
        return
    if is_market:
        end(world, account, order, Status.EXPIRED, Expiry.MARKET_REMAINDER)
    elif order.time_in_force in IMMEDIATE:
        end(world, account, order, Status.EXPIRED, Expiry.IOC_REMAINDER)


def _meets_own_orders(world: World, account: Account, order: Order, limit: Decimal) -> bool:
    """Self-trade prevention. Whether the order goes on.

    With NONE the two would trade with each other and net to nothing; here they pass by.
    """
    if order.self_trade is SelfTrade.NONE:
        return True
    own = [o for o in account.working_orders(order.symbol) if _would_meet(order, o, limit)]
    for resting in own:
        if order.self_trade in (SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH):
            end(world, account, resting, Status.EXPIRED_IN_MATCH, Expiry.SELF_TRADE)
        if order.self_trade in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH):
            end(world, account, order, Status.EXPIRED_IN_MATCH, Expiry.SELF_TRADE)
            return False
    return True


def _would_meet(taker: Order, resting: Order, limit: Decimal) -> bool:
    crossing = (limit - resting.price) * taker.side.sign >= 0
    return resting.side is not taker.side and crossing and resting is not taker


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


def amend(world: World, account: Account, order: Order, quantity: Decimal, price: Decimal) -> None:
    """Give a resting order another quantity and price, and trade what can now be traded."""
    order.quantity, order.price, order.updated_ms = quantity, price, world.clock()
    tell(world, account, order, "AMENDMENT")
    if order.remaining <= 0:
        end(world, account, order, Status.CANCELED)
    else:
        _trade(world, account, order, None)


def finish_algo(world: World, account: Account, order: Order) -> None:
    """The order that a conditional one became is done, so that one is finished too."""
    algo = account.algo_of_order.pop(order.order_id, None)
    if algo is None:
        return
    algo.status, algo.updated_ms = AlgoStatus.FINISHED, world.clock()
    tell_algo(world, account, algo)


def fill_resting(world: World, account: Account, order: Order, quantity: Decimal) -> None:
    """Fill a resting order at its own price, as its maker."""
    settle(world, account, order, Level(order.price, quantity), maker=True)


def sweep(world: World, market: Market) -> None:
    """After a price moved: fill every resting order that the book now crosses."""
    for account in world.accounts.values():
        for order in account.working_orders(market.symbol):
            best = market.best(order.side)
            if best is not None and (order.price - best) * order.side.sign >= 0:
                fill_resting(world, account, order, order.remaining)


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
