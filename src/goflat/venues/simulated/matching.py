"""The regular book: orders come in, trade and rest."""

from decimal import Decimal

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.admission import Admitted, admit, is_reducing
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import (
    ZERO,
    Expiry,
    Order,
    OrderType,
    Origin,
    SelfTrade,
    Status,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.settlement import end, settle, tell
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
    if not _meets_own_orders(world, account, order, wanted, limit):
        return
    for level in market.take(order.side, wanted, limit):
        settle(world, account, order, level, maker=False)
    if not order.status.is_open:
        return
    if is_market:
        end(world, account, order, Status.EXPIRED, Expiry.MARKET_REMAINDER)
    elif order.time_in_force in IMMEDIATE:
        end(world, account, order, Status.EXPIRED, Expiry.IOC_REMAINDER)


def _meets_own_orders(
    world: World, account: Account, order: Order, wanted: Decimal, limit: Decimal
) -> bool:
    """Self-trade prevention. Whether the order goes on.

    With NONE the two would trade with each other and net to nothing; here they pass by. Orders of
    others at the same price come first.
    """
    if order.self_trade is SelfTrade.NONE:
        return True
    market = world.market(order.symbol)
    for resting in account.working_orders(order.symbol):
        if not _would_meet(order, resting, limit):
            continue
        if market.can_take(order.side, wanted, resting.price):
            continue
        if order.self_trade in (SelfTrade.EXPIRE_MAKER, SelfTrade.EXPIRE_BOTH):
            end(world, account, resting, Status.EXPIRED_IN_MATCH, Expiry.SELF_TRADE)
        if order.self_trade in (SelfTrade.EXPIRE_TAKER, SelfTrade.EXPIRE_BOTH):
            end(world, account, order, Status.EXPIRED_IN_MATCH, Expiry.SELF_TRADE)
            return False
    return True


def _would_meet(taker: Order, resting: Order, limit: Decimal) -> bool:
    crossing = (limit - resting.price) * taker.side.sign >= 0
    return resting.side is not taker.side and crossing and resting is not taker


def amend(world: World, account: Account, order: Order, quantity: Decimal, price: Decimal) -> None:
    """Give a resting order another quantity and price, and trade what can now be traded."""
    order.quantity, order.price, order.updated_ms = quantity, price, world.clock()
    tell(world, account, order, "AMENDMENT")
    if order.remaining <= 0:
        end(world, account, order, Status.CANCELED)
    else:
        _trade(world, account, order, None)


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
