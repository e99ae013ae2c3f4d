"""The algo book: orders that wait for a price, and become regular ones when it comes."""

from dataclasses import replace
from decimal import Decimal

from goflat.venues.simulated import matching, settlement
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.admission import check_lock, check_mode, is_reducing
from goflat.venues.simulated.filters import check_price, check_quantity, check_status
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import (
    AlgoOrder,
    AlgoStatus,
    OrderType,
    Origin,
    PositionSide,
    Side,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.world import World

STOPS = frozenset({OrderType.STOP, OrderType.STOP_MARKET, OrderType.TRAILING_STOP_MARKET})
MARKETS = frozenset(
    {OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET, OrderType.TRAILING_STOP_MARKET}
)
CLOSING_TYPES = frozenset({OrderType.STOP_MARKET, OrderType.TAKE_PROFIT_MARKET})


def place(world: World, account: Account, ticket: Ticket, origin: Origin) -> AlgoOrder:
    """Take a conditional order. No margin is checked before it triggers. Raises `Refused`."""
    market = world.market(ticket.symbol)
    check_mode(world, account, ticket)
    reducing = is_reducing(account, ticket)
    check_status(market, reducing=reducing)
    check_lock(account, reducing=reducing)
    _check_closing(account, ticket)
    _check_sizes(market, ticket)
    _check_room(world, account, ticket)
    above = triggers_above(ticket)
    if ticket.trigger_price is not None and _met(
        ticket.trigger_price, _price(market, ticket), above
    ):
        raise Refused(-2021)
    now, algo_id = world.clock(), world.next_algo_id()
    algo = AlgoOrder(
        algo_id=algo_id,
        ticket=ticket,
        client_order_id=ticket.client_order_id or f"venue-{algo_id}",
        origin=origin,
        created_ms=now,
        updated_ms=now,
        triggers_above=above,
    )
    account.add_algo(algo)
    settlement.tell_algo(world, account, algo)
    return algo


def triggers_above(ticket: Ticket) -> bool:
    """Whether the order waits for a price above: a stop to buy, or a profit to sell."""
    return (ticket.type in STOPS) is (ticket.side is Side.BUY)


def cancel(world: World, account: Account, algo: AlgoOrder) -> None:
    """Cancel one conditional order. Refuses one that is being triggered (-4117)."""
    if algo.status is AlgoStatus.TRIGGERING:
        raise Refused(-4117)
    if algo.status is not AlgoStatus.NEW:
        raise Refused(world.knobs.unknown_algo_order_code)
    algo.status, algo.updated_ms = AlgoStatus.CANCELED, world.clock()
    account.drop_algo(algo)
    settlement.tell_algo(world, account, algo)


def watch(world: World, market: Market) -> None:
    """After a price moved: trigger every order whose price has come."""
    for account in world.accounts.values():
        for algo in account.waiting_orders(market.symbol):
            if algo.status is AlgoStatus.NEW and _has_come(market, algo):
                trigger(world, account, algo)


def trigger(world: World, account: Account, algo: AlgoOrder) -> None:
    """The condition is met. The order is in neither book until it has become a regular one."""
    algo.status = AlgoStatus.TRIGGERING
    algo.triggered_ms = algo.updated_ms = world.clock()
    account.drop_algo(algo)
    settlement.tell_algo(world, account, algo)
    if world.knobs.triggering_seconds > 0:
        world.later(world.knobs.triggering_seconds, lambda: _become(world, account, algo))
    else:
        _become(world, account, algo)


def _become(world: World, account: Account, algo: AlgoOrder) -> None:
    """Place the regular order that this one stands for."""
    try:
        ticket = _regular(world, account, algo)
        order = matching.place(world, account, ticket, algo.origin, original_type=algo.ticket.type)
    except Refused as refused:
        algo.status, algo.reason, algo.updated_ms = (
            AlgoStatus.REJECTED,
            refused.text,
            world.clock(),
        )
        settlement.tell_algo(world, account, algo)
        return
    algo.order, algo.status = order, AlgoStatus.TRIGGERED
    settlement.tell_algo(world, account, algo)
    account.algo_of_order[order.order_id] = algo
    if not order.status.is_open:
        settlement.finish_algo(world, account, order)


def _regular(world: World, account: Account, algo: AlgoOrder) -> Ticket:
    """The regular order: market or limit, with the quantity that closes where it is asked for."""
    ticket = algo.ticket
    quantity = ticket.quantity
    if ticket.close_position:
        quantity = account.row(ticket.symbol, ticket.position_side).reducible(ticket.side)
        if quantity == 0:
            raise Refused(-2022)
        most = world.market(ticket.symbol).instrument.market_lot.maximum
        quantity = min(quantity, most)
    one_way = ticket.position_side is PositionSide.BOTH
    return replace(
        ticket,
        type=OrderType.MARKET if ticket.type in MARKETS else OrderType.LIMIT,
        quantity=quantity,
        reduce_only=(ticket.close_position or bool(ticket.reduce_only)) if one_way else None,
        client_order_id=algo.client_order_id,
        time_in_force=_plain_time_in_force(ticket),
    )


def _plain_time_in_force(ticket: Ticket) -> TimeInForce:
    gte = ticket.time_in_force is TimeInForce.GTE_GTC
    return TimeInForce.GTC if gte else ticket.time_in_force


def _has_come(market: Market, algo: AlgoOrder) -> bool:
    ticket, price = algo.ticket, _price(market, algo.ticket)
    if ticket.type is not OrderType.TRAILING_STOP_MARKET:
        assert ticket.trigger_price is not None
        return _met(ticket.trigger_price, price, algo.triggers_above)
    return _trailed(algo, price)


def _trailed(algo: AlgoOrder, price: Decimal) -> bool:
    """A trailing stop: follows the best price, and is met when the price comes back far enough."""
    ticket, up = algo.ticket, algo.ticket.side is Side.SELL
    if algo.extreme is None:
        start = ticket.activate_price
        if start is not None and (price < start if up else price > start):
            return False
        algo.extreme = price
    algo.extreme = max(algo.extreme, price) if up else min(algo.extreme, price)
    assert ticket.callback_rate is not None
    back = ticket.callback_rate / 100
    line = algo.extreme * (1 - back if up else 1 + back)
    return price <= line if up else price >= line


def _price(market: Market, ticket: Ticket) -> Decimal:
    return market.mark if ticket.working_type == "MARK_PRICE" else market.last


def _met(trigger_price: Decimal, price: Decimal, above: bool) -> bool:  # noqa: FBT001
    return price >= trigger_price if above else price <= trigger_price


def _check_closing(account: Account, ticket: Ticket) -> None:
    if not ticket.close_position:
        return
    if ticket.type not in CLOSING_TYPES:
        raise Refused(-4136)
    if ticket.quantity is not None:
        raise Refused(-4137)
    if ticket.reduce_only:
        raise Refused(-4138)
    if account.hedge and not is_reducing(account, ticket):
        raise Refused(-4061)


def _check_sizes(market: Market, ticket: Ticket) -> None:
    instrument = market.instrument
    if not ticket.close_position:
        if ticket.quantity is None:
            raise missing("quantity")
        lot = instrument.market_lot if ticket.type in MARKETS else instrument.lot
        check_quantity(ticket.quantity, lot)
    for price in (ticket.trigger_price, ticket.activate_price):
        if price is not None and price % instrument.tick:
            raise Refused(-4014)
    if ticket.price is not None and ticket.price % instrument.tick:
        check_price(ticket.price, ticket.side, market)


def _check_room(world: World, account: Account, ticket: Ticket) -> None:
    waiting = sum(len(book) for book in account.waiting.values())
    if waiting >= world.knobs.most_conditional_orders:
        raise Refused(-4045)
    found = account.algos_by_client_id.get(ticket.client_order_id or "")
    if found is not None and found.status is AlgoStatus.NEW:
        raise Refused(-4116)
