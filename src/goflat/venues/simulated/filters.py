"""The filters of an instrument: sizes, steps, prices, bands and notional."""

from collections.abc import Callable, Mapping
from decimal import Decimal

from goflat.domain.instrument import LotLimits
from goflat.venues.simulated.instruments import TRADING
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import OrderType, Side, Ticket
from goflat.venues.simulated.refusals import Refused

OPENING_REFUSED = frozenset({"PRE_SETTLE", "PRE_DELIVERING"})
"""States of a symbol in which positions can still be made smaller."""
STATUS_CODES: Mapping[str, int] = {
    "PENDING_TRADING": -1122,
    "TRADING_HALT": -1122,
    "BREAK": -1122,
    "DELIVERING": -1122,
    "SETTLING": -4141,
    "DELIVERED": -4141,
    "CLOSE": -4141,
}
"""What an order is answered in a state in which nothing trades; -1122 for any other word."""
FINEST = 8


def check_status(market: Market, *, reducing: bool) -> None:
    """Refuse an order for an instrument that cannot be traded now."""
    status = market.instrument.status
    if status == TRADING:
        return
    if status in OPENING_REFUSED:
        if not reducing:
            raise Refused(-4140)
        return
    raise Refused(STATUS_CODES.get(status, -1122))


def check_quantity(quantity: Decimal, lot: LotLimits) -> None:
    """Refuse a quantity outside the lot or off its step."""
    if quantity <= 0:
        raise Refused(-4003)
    if _places(quantity) > FINEST or _places(quantity) > _places(lot.step):
        raise Refused(-1111)
    if quantity < lot.minimum:
        raise Refused(-4004)
    if quantity > lot.maximum:
        raise Refused(-4005)
    if (quantity - lot.minimum) % lot.step:
        raise Refused(-4023)


def check_price(price: Decimal, side: Side, market: Market) -> None:
    """Refuse a limit price off the tick, outside the instrument's range or outside the band."""
    instrument = market.instrument
    if price <= 0:
        raise Refused(-4001)
    if _places(price) > FINEST or _places(price) > _places(instrument.tick):
        raise Refused(-1111)
    if price > instrument.max_price:
        raise Refused(-4002)
    if price < instrument.min_price:
        raise Refused(-4013)
    if (price - instrument.min_price) % instrument.tick:
        raise Refused(-4014)
    edge = market.band_edge(side)
    if side is Side.BUY and price > edge:
        raise Refused(-4016, f"Limit price can't be higher than {edge.normalize():f}.")
    if side is Side.SELL and price < edge:
        raise Refused(-4024, f"Limit price can't be lower than {edge.normalize():f}.")


def check_notional(market: Market, quantity: Decimal, price: Decimal) -> None:
    """Refuse an order that is worth too little. Orders that reduce are not asked."""
    least = market.instrument.min_notional
    if quantity * price < least:
        no_smaller = f"Order's notional must be no smaller than {least:f}"
        raise Refused(-4164, f"{no_smaller} (unless you choose reduce only).")


def check_market_price(market: Market, ticket: Ticket) -> None:
    """Refuse a market order that would find nothing, or nothing within the price band."""
    best = market.best(ticket.side)
    if best is None:
        raise Refused(-1112)
    edge = market.band_edge(ticket.side)
    if (best - edge) * ticket.side.sign > 0:
        raise Refused(-4131)


def _places(value: Decimal) -> int:
    exponent = value.normalize().as_tuple().exponent
    return -exponent if isinstance(exponent, int) and exponent < 0 else 0


def _check_limit(market: Market, ticket: Ticket) -> None:
    assert ticket.price is not None
    check_price(ticket.price, ticket.side, market)


PRICE_CHECKS: Mapping[OrderType, Callable[[Market, Ticket], None]] = {
    OrderType.LIMIT: _check_limit,
    OrderType.MARKET: check_market_price,
}
