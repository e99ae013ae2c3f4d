"""In what sizes an instrument can be opened, from the venue's filters."""

from collections.abc import Iterable
from dataclasses import dataclass
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal

import msgspec

ROOM = Decimal("1.3")
"""How much above the least notional a lot is, so that the market may move meanwhile."""

SMALLEST = Decimal("0.00000001")
"""A step or a tick, where the venue gives none."""


class Filter(msgspec.Struct, rename="camel"):
    """One element of an instrument's `filters`, as far as sizes are concerned."""

    filter_type: str
    min_qty: Decimal = Decimal(0)
    max_qty: Decimal = Decimal(0)
    step_size: Decimal = Decimal(0)
    tick_size: Decimal = Decimal(0)
    notional: Decimal = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Sizes:
    """In what sizes an instrument is traded. Quantities in the base asset, prices in the quote."""

    tick: Decimal
    step: Decimal
    least: Decimal
    market_most: Decimal
    notional: Decimal

    def lot(self, price: Decimal) -> Decimal:
        """The smallest quantity that may be opened at this price, with some room."""
        wanted = max(self.least, self.notional * ROOM / price)
        return (wanted / self.step).to_integral_value(ROUND_CEILING) * self.step

    def priced(self, price: Decimal) -> Decimal:
        return (price / self.tick).to_integral_value(ROUND_FLOOR) * self.tick


def sizes_of(filters: Iterable[Filter]) -> Sizes:
    """The sizes that these filters let through."""
    by_type = {row.filter_type: row for row in filters}
    lot = by_type.get("LOT_SIZE", Filter(filter_type=""))
    market = by_type.get("MARKET_LOT_SIZE", lot)
    price = by_type.get("PRICE_FILTER", Filter(filter_type=""))
    notional = by_type.get("MIN_NOTIONAL", Filter(filter_type=""))
    return Sizes(
        tick=price.tick_size or SMALLEST,
        step=max(lot.step_size, market.step_size) or SMALLEST,
        least=max(lot.min_qty, market.min_qty),
        market_most=market.max_qty or lot.max_qty or Decimal("Infinity"),
        notional=notional.notional,
    )
