"""Sizes, steps, prices and bands, each with its own code."""

from decimal import Decimal

import pytest

from goflat.venues.simulated.filters import check_price, check_quantity
from goflat.venues.simulated.instruments import standard_instruments, synthetic_instruments
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import Side
from goflat.venues.simulated.refusals import Refused

BTC = Market.of(standard_instruments()[0])


@pytest.mark.parametrize(
    ("quantity", "code"),
    [
        ("0", -4003),
        ("0.0001", -1111),
        ("0.0000000001", -1111),
        ("1000.001", -4005),
        ("0.001", None),
        ("1000", None),
        ("1.500", None),
        ("1.50000", None),
    ],
)
def test_a_quantity_fits_the_lot_or_says_why_not(quantity: str, code: int | None) -> None:
    assert _code(lambda: check_quantity(Decimal(quantity), BTC.instrument.lot)) == code


def test_a_market_order_has_a_smaller_lot() -> None:
    assert _code(lambda: check_quantity(Decimal(121), BTC.instrument.market_lot)) == -4005


@pytest.mark.parametrize(
    ("price", "side", "code"),
    [
        ("0", Side.BUY, -4001),
        ("60000.05", Side.BUY, -1111),
        ("63000.1", Side.BUY, -4016),
        ("63000", Side.BUY, None),
        ("56999.9", Side.SELL, -4024),
        ("57000", Side.SELL, None),
        ("90000", Side.SELL, None),
        ("10", Side.BUY, None),
        ("99999999", Side.SELL, -4002),
    ],
)
def test_a_price_fits_the_band_or_says_why_not(price: str, side: Side, code: int | None) -> None:
    assert _code(lambda: check_price(Decimal(price), side, BTC)) == code


@pytest.mark.parametrize(
    "instrument", [*standard_instruments(), *synthetic_instruments(5)], ids=lambda i: i.symbol
)
def test_every_listed_instrument_is_sound(instrument) -> None:
    lot, market_lot = instrument.lot, instrument.market_lot

    assert instrument.mark % instrument.tick == 0
    assert 0 < lot.minimum <= market_lot.maximum <= lot.maximum
    assert all(value % lot.step == 0 for value in (lot.minimum, lot.maximum, market_lot.maximum))
    market = Market.of(instrument)
    for side in Side:
        assert market.can_take(side, market_lot.maximum, market.reach(side))
        prices = [level.price for _, level in zip(range(50), market.offers(side), strict=False)]
        assert all(price % instrument.tick == 0 for price in prices)
        assert prices == sorted(set(prices), reverse=side is Side.SELL)


def _code(check) -> int | None:
    try:
        check()
    except Refused as refused:
        return refused.code
    return None
