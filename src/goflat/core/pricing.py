"""Where a limit order has to be priced so that the band lets it in and it still trades at once."""

from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

from goflat.domain.instrument import InstrumentRules
from goflat.domain.position import OrderSide


def limit_at_band(
    side: OrderSide, mark_price: Decimal | None, rules: InstrumentRules | None
) -> Decimal | None:
    """The worst price the band allows, rounded inwards to the tick.

    A buy may be priced up to mark x up, a sell down to mark x down. None where the mark price or
    the band is not known: then only a market order can be tried.
    """
    if mark_price is None or rules is None or rules.band is None:
        return None
    if side is OrderSide.BUY:
        price = _to_tick(mark_price * rules.band.up, rules.tick, ROUND_FLOOR)
    else:
        price = _to_tick(mark_price * rules.band.down, rules.tick, ROUND_CEILING)
    return price if price > 0 else None


def _to_tick(price: Decimal, tick: Decimal, rounding: str) -> Decimal:
    if tick <= 0:
        return price
    return (price / tick).to_integral_value(rounding=rounding) * tick
