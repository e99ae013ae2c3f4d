"""Netting: what fills make of a position, whatever their order."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.venues.simulated.orders import PositionSide, Side
from goflat.venues.simulated.positions import PositionRow

D = Decimal
fills = st.lists(
    st.tuples(
        st.sampled_from(Side),
        st.integers(1, 10_000).map(lambda n: D(n) / 1000),
        st.integers(1, 100_000).map(D),
    ),
    min_size=1,
    max_size=30,
)


def filled(*trades: tuple[Side, Decimal, Decimal]) -> tuple[PositionRow, list[Decimal]]:
    row = PositionRow("BTCUSDT", PositionSide.BOTH)
    return row, [row.fill(*trade, now_ms) for now_ms, trade in enumerate(trades, start=1)]


@pytest.mark.parametrize(
    ("trades", "amount", "entry", "realized"),
    [
        ([(Side.BUY, D(2), D(100))], D(2), D(100), [D(0)]),
        ([(Side.SELL, D(2), D(100))], D(-2), D(100), [D(0)]),
        ([(Side.BUY, D(1), D(100)), (Side.BUY, D(1), D(200))], D(2), D(150), [D(0), D(0)]),
        ([(Side.BUY, D(2), D(100)), (Side.SELL, D(1), D(110))], D(1), D(100), [D(0), D(10)]),
        ([(Side.BUY, D(2), D(100)), (Side.SELL, D(2), D(90))], D(0), D(0), [D(0), D(-20)]),
        ([(Side.SELL, D(2), D(100)), (Side.BUY, D(2), D(90))], D(0), D(0), [D(0), D(20)]),
        ([(Side.BUY, D(2), D(100)), (Side.SELL, D(3), D(110))], D(-1), D(110), [D(0), D(20)]),
    ],
    ids=["opens long", "opens short", "averages", "reduces", "closes", "closes short", "flips"],
)
def test_a_fill_moves_amount_entry_and_profit(
    trades: list, amount: Decimal, entry: Decimal, realized: list[Decimal]
) -> None:
    row, profits = filled(*trades)

    assert (row.amount, row.entry, profits) == (amount, entry, realized)


@given(fills)
def test_no_money_appears_or_vanishes(trades: list[tuple[Side, Decimal, Decimal]]) -> None:
    row, profits = filled(*trades)
    cash = sum(-side.sign * quantity * price for side, quantity, price in trades)

    assert row.amount == sum(side.sign * quantity for side, quantity, _ in trades)
    assert abs(sum(profits) - row.amount * row.entry - cash) < D("0.000001")


@given(fills)
def test_an_entry_is_there_exactly_while_something_is_open(
    trades: list[tuple[Side, Decimal, Decimal]],
) -> None:
    row, _ = filled(*trades)

    assert (row.entry == 0) is (row.amount == 0)


def test_what_a_row_was_is_remembered() -> None:
    row, _ = filled((Side.BUY, D(2), D(100)), (Side.SELL, D(2), D(90)))

    assert [row.as_of(ms).amount for ms in (0, 1, 2, 3)] == [D(0), D(2), D(0), D(0)]
