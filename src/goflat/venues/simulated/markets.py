"""The price of an instrument, and what can be traded at it: a book made from the mark price."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from decimal import ROUND_CEILING, ROUND_FLOOR, Decimal
from typing import NamedTuple

from goflat.venues.simulated.instruments import Instrument
from goflat.venues.simulated.orders import Side

LEVEL_DISTANCE = Decimal("0.0001")
LEVELS = 800
LEVELS_PER_MARKET_LOT = 8


class Level(NamedTuple):
    """A price and the quantity offered at it."""

    price: Decimal
    quantity: Decimal


@dataclass(slots=True)
class Market:
    """One instrument's prices and depth.

    The book is made anew for every order: each level is one basis point further from the mark and
    holds an eighth of the largest market order, so that liquidity is deep and always back. A test
    that wants it otherwise sets `level_quantity`, or a book of its own, which fills use up.
    """

    instrument: Instrument
    mark: Decimal
    last: Decimal
    level_quantity: Decimal
    books: dict[Side, list[Level]] = field(default_factory=dict)

    @classmethod
    def of(cls, instrument: Instrument) -> "Market":
        level = instrument.market_lot.maximum / LEVELS_PER_MARKET_LOT
        return cls(instrument, instrument.mark, instrument.mark, level)

    @property
    def symbol(self) -> str:
        return self.instrument.symbol

    def offers(self, taker: Side) -> Iterator[Level]:
        """What an order of that side meets, best price first."""
        if taker in self.books:
            yield from self.books[taker]
        elif self.level_quantity > 0:
            yield from self._synthetic(taker)

    def best(self, taker: Side) -> Decimal | None:
        """The first price that an order of that side meets; None where the book is empty."""
        first = next(self.offers(taker), None)
        return None if first is None else first.price

    def take(self, taker: Side, quantity: Decimal, limit: Decimal) -> list[Level]:
        """Take up to `quantity`, at no worse price than `limit`. What was got, level by level."""
        got: list[Level] = []
        for level in self.offers(taker):
            if quantity <= 0 or (level.price - limit) * taker.sign > 0:
                break
            part = min(quantity, level.quantity)
            got.append(Level(level.price, part))
            quantity -= part
        self._use_up(taker, got)
        return got

    def can_take(self, taker: Side, quantity: Decimal, limit: Decimal) -> bool:
        """Whether all of it could be had at no worse price than `limit`."""
        for level in self.offers(taker):
            if (level.price - limit) * taker.sign > 0:
                return False
            quantity -= level.quantity
            if quantity <= 0:
                return True
        return False

    def band_edge(self, side: Side) -> Decimal:
        """The worst price at which the price filter lets an order of that side be."""
        band = self.instrument.band
        return self.mark * (band.up if side is Side.BUY else band.down)

    def reach(self, taker: Side) -> Decimal:
        """The worst price at which a market order of that side trades."""
        return self.mark * (1 + taker.sign * self.instrument.market_take_bound)

    def _synthetic(self, taker: Side) -> Iterator[Level]:
        tick, sign = self.instrument.tick, taker.sign
        rounding = ROUND_CEILING if taker is Side.BUY else ROUND_FLOOR
        previous = self.mark
        for number in range(1, LEVELS + 1):
            ideal = self.mark * (1 + sign * number * LEVEL_DISTANCE)
            price = (ideal / tick).to_integral_value(rounding) * tick
            if (price - previous) * sign <= 0:
                price = previous + sign * tick
            if price <= 0:
                return
            previous = price
            yield Level(price, self.level_quantity)

    def _use_up(self, taker: Side, got: list[Level]) -> None:
        book = self.books.get(taker)
        if book is None:
            return
        for price, quantity in got:
            left = book[0].quantity - quantity
            assert book[0].price == price
            if left > 0:
                book[0] = Level(price, left)
            else:
                del book[0]
