"""The worst price the band allows, rounded inwards."""

from decimal import Decimal

import pytest
from core_values import rules
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.pricing import limit_at_band
from goflat.domain.instrument import PriceBand
from goflat.domain.position import OrderSide

D = Decimal
BUY, SELL = OrderSide.BUY, OrderSide.SELL

TABLE = [
    # side, mark, tick, up, down -> price
    (BUY, "100", "0.1", "1.05", "0.95", "105"),
    (SELL, "100", "0.1", "1.05", "0.95", "95"),
    (BUY, "99.99", "0.1", "1.05", "0.95", "104.9"),  # 104.9895 rounds down
    (SELL, "99.99", "0.1", "1.05", "0.95", "95.0"),  # 94.9905 rounds up
    (BUY, "99.99", "0", "1.05", "0.95", "104.9895"),
    (SELL, "0.00001", "0.1", "1.05", "0.95", "0.1"),
    (BUY, "0.00001", "0.1", "1.05", "0.95", None),  # no price above zero is left
    (SELL, "100", "0.1", "1.05", "0", None),
]


@pytest.mark.parametrize(("side", "mark", "tick", "up", "down", "price"), TABLE)
def test_the_price_at_the_band(
    side: OrderSide, mark: str, tick: str, up: str, down: str, price: str | None
) -> None:
    known = rules(tick=D(tick), band=PriceBand(up=D(up), down=D(down)))

    assert limit_at_band(side, D(mark), known) == (None if price is None else D(price))


def test_without_mark_price_rules_or_band_there_is_none() -> None:
    assert limit_at_band(BUY, None, rules()) is None
    assert limit_at_band(BUY, D(100), None) is None
    assert limit_at_band(BUY, D(100), rules(band=None)) is None


@given(
    mark=st.decimals("0.01", "1000000", places=4),
    tick=st.sampled_from([D("0.0001"), D("0.01"), D("0.5"), D(5)]),
    side=st.sampled_from(OrderSide),
)
def test_it_never_leaves_the_band_and_is_a_multiple_of_the_tick(
    mark: Decimal, tick: Decimal, side: OrderSide
) -> None:
    price = limit_at_band(side, mark, rules(tick=tick))

    if price is None:
        assert side is BUY
        assert mark * D("1.05") < tick
        return
    assert price % tick == 0
    assert price <= mark * D("1.05") if side is BUY else price >= mark * D("0.95")
