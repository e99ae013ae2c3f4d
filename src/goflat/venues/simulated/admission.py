"""Whether the venue takes an order: everything that is checked before it counts as placed."""

from dataclasses import dataclass
from decimal import Decimal

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.filters import (
    PRICE_CHECKS,
    check_notional,
    check_quantity,
    check_status,
)
from goflat.venues.simulated.knobs import Claimed, Oversize
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import (
    ZERO,
    Order,
    OrderType,
    PositionSide,
    Side,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.refusals import Refused, not_required
from goflat.venues.simulated.world import World

REDUCING_ALLOWED = frozenset({-4087, -4105, -4106, -4107, -4140, -4189, -4400, -4401})
"""Locks of an account under which positions can still be made smaller."""
CONFLICT = (
    "ReduceOnly Order is rejected. The new reduce-only order conflicts with existing open orders. "
    "Please cancel the conflicting order and resubmit."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Admitted:
    """An order that the venue takes: how much of it, and which resting orders make way."""

    quantity: Decimal
    reducing: bool
    knocked_out: tuple[Order, ...] = ()


def admit(world: World, account: Account, ticket: Ticket) -> Admitted:
    """Check an order against the account, the instrument and the book. Raises `Refused`."""
    market = world.market(ticket.symbol)
    check_mode(world, account, ticket)
    reducing = is_reducing(account, ticket)
    check_status(market, reducing=reducing)
    check_lock(account, reducing=reducing)
    check_client_id(account, ticket)
    quantity = _sized(market, ticket)
    PRICE_CHECKS[ticket.type](market, ticket)
    _check_immediacy(market, ticket, quantity)
    _check_book_size(account, market, ticket)
    admitted = Admitted(quantity=quantity, reducing=reducing)
    if reducing:
        admitted = _fit_to_position(world, account, ticket, quantity)
    if not (reducing and not (account.hedge and world.knobs.hedge_close_needs_min_notional)):
        check_notional(market, admitted.quantity, ticket.price or market.mark)
    if not reducing:
        _check_margin(account, market, ticket, quantity)
    return admitted


def is_reducing(account: Account, ticket: Ticket) -> bool:
    """Whether the venue treats this order as one that can only make a position smaller."""
    if account.hedge:
        closing = Side.SELL if ticket.position_side is PositionSide.LONG else Side.BUY
        return ticket.position_side is not PositionSide.BOTH and ticket.side is closing
    return bool(ticket.reduce_only) or ticket.close_position


def check_mode(world: World, account: Account, ticket: Ticket) -> None:
    """Refuse an order whose position side or reduce-only flag does not fit the position mode."""
    if account.hedge is (ticket.position_side is PositionSide.BOTH):
        raise Refused(-4061)
    if account.hedge and ticket.reduce_only is not None:
        tolerated = world.knobs.hedge_tolerates_reduce_only_false and not ticket.reduce_only
        if not tolerated:
            raise not_required("reduceOnly")


def check_lock(account: Account, *, reducing: bool) -> None:
    """Refuse where the account is locked, as far as the lock goes."""
    code = account.lock_code
    if code is not None and not (reducing and code in REDUCING_ALLOWED):
        raise Refused(code)


def check_client_id(account: Account, ticket: Ticket) -> None:
    """Client order ids are unique among open orders only, as on the real venue."""
    if ticket.client_order_id is None:
        return
    found = account.orders_by_client_id.get((ticket.symbol, ticket.client_order_id))
    if found is not None and found.status.is_open:
        raise Refused(-4116)


def _sized(market: Market, ticket: Ticket) -> Decimal:
    quantity = ticket.quantity
    assert quantity is not None
    instrument = market.instrument
    lot = instrument.market_lot if ticket.type is OrderType.MARKET else instrument.lot
    check_quantity(quantity, lot)
    return quantity


def _check_immediacy(market: Market, ticket: Ticket, quantity: Decimal) -> None:
    if ticket.type is not OrderType.LIMIT:
        return
    assert ticket.price is not None
    if ticket.time_in_force is TimeInForce.FOK:
        if not market.can_take(ticket.side, quantity, ticket.price):
            raise Refused(-5021)
    elif ticket.time_in_force is TimeInForce.GTX:
        best = market.best(ticket.side)
        if best is not None and (ticket.price - best) * ticket.side.sign >= 0:
            raise Refused(-5022)


def _check_book_size(account: Account, market: Market, ticket: Ticket) -> None:
    resting = account.working.get(ticket.symbol, ())
    if ticket.type is OrderType.LIMIT and len(resting) >= market.instrument.max_orders:
        raise Refused(-2025)


def _fit_to_position(world: World, account: Account, ticket: Ticket, quantity: Decimal) -> Admitted:
    """Cut a reducing order to its position, and settle who else claims that position."""
    row = account.row(ticket.symbol, ticket.position_side)
    open_quantity = row.reducible(ticket.side)
    if open_quantity == 0 or (account.hedge and quantity > open_quantity):
        raise Refused(-2022)
    if quantity > open_quantity:
        if ticket.type is OrderType.MARKET and (
            world.knobs.oversize_market_close is Oversize.REFUSE
        ):
            raise Refused(-2022)
        quantity = open_quantity
    resting = tuple(account.closing_orders(row, ticket.side))
    excess = sum((order.remaining for order in resting), quantity) - open_quantity
    if excess <= 0:
        return Admitted(quantity=quantity, reducing=True)
    if ticket.type is OrderType.LIMIT and ticket.time_in_force not in (
        TimeInForce.IOC,
        TimeInForce.FOK,
    ):
        raise Refused(-2022, CONFLICT)
    if world.knobs.claimed_position is Claimed.KNOCK_OUT:
        return Admitted(quantity=quantity, reducing=True, knocked_out=_enough(resting, excess))
    refuse_4118 = world.knobs.claimed_position is Claimed.REFUSE_4118
    raise Refused(-4118) if refuse_4118 else Refused(-2022, CONFLICT)


def _enough(resting: tuple[Order, ...], excess: Decimal) -> tuple[Order, ...]:
    """The last placed orders that together give back at least `excess`."""
    out: list[Order] = []
    for order in resting:
        if excess <= 0:
            break
        out.append(order)
        excess -= order.remaining
    return tuple(out)


def _check_margin(account: Account, market: Market, ticket: Ticket, quantity: Decimal) -> None:
    """Refuse an order that opens more than the wallet can carry."""
    row = account.row(ticket.symbol, ticket.position_side)
    opening = quantity - min(quantity, row.reducible(ticket.side))
    needed = opening * (ticket.price or market.mark) / account.leverage_of(ticket.symbol)
    if needed > ZERO and needed > account.available(market.instrument.quote_asset):
        raise Refused(-2019)
