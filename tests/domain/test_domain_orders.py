"""Orders: those that we place can only reduce, whatever they are built from."""

from dataclasses import FrozenInstanceError, replace
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.order import (
    CloseOrder,
    ConditionalOrder,
    OrderStatus,
    ProtectiveStop,
)
from goflat.domain.position import LegKey, OrderSide, Position, PositionMode, PositionSide

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BUY, SELL = OrderSide.BUY, OrderSide.SELL
QUANTITIES = st.decimals(min_value="0.00000001", max_value="1000000000", places=8)


def position(side: PositionSide = LONG, quantity: str = "2", **changes: object) -> Position:
    return Position(symbol="BTCUSDT", side=side, quantity=Decimal(quantity), **changes)  # type: ignore[arg-type]


def conditional(side: OrderSide = SELL, **changes: object) -> ConditionalOrder:
    plain = ConditionalOrder(
        symbol="BTCUSDT",
        order_id="7",
        client_order_id="mine",
        side=side,
        type="STOP_MARKET",
        quantity=Decimal(1),
        trigger_price=Decimal(90),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


# --- positions ----------------------------------------------------------------------------------


@pytest.mark.parametrize("quantity", ["0", "-1", "NaN", "Infinity", "-Infinity", "-0"])
def test_a_position_has_a_finite_quantity_above_zero(quantity: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        position(quantity=quantity)


@pytest.mark.parametrize(("side", "closes_with"), [(LONG, SELL), (SHORT, BUY)])
def test_a_position_is_closed_from_the_other_side(
    side: PositionSide, closes_with: OrderSide
) -> None:
    assert side.closes_with is closes_with


def test_a_position_is_named_by_instrument_and_side() -> None:
    assert position(SHORT).key == LegKey("BTCUSDT", SHORT)
    assert str(position(SHORT).key) == "BTCUSDT SHORT"
    assert position().mode is PositionMode.ONE_WAY


@pytest.mark.parametrize(
    ("mark", "liquidation", "notional", "distance"),
    [
        (None, None, None, None),
        (None, "90", None, None),
        ("100", None, "200", None),
        ("100", "0", "200", None),
        ("0", "90", "0", None),
        ("100", "90", "200", "0.1"),
        ("100", "120", "200", "0.2"),
    ],
)
def test_what_a_position_is_worth_and_how_near_its_forced_liquidation_is(
    mark: str | None, liquidation: str | None, notional: str | None, distance: str | None
) -> None:
    def decimal(text: str | None) -> Decimal | None:
        return None if text is None else Decimal(text)

    found = position(mark_price=decimal(mark), liquidation_price=decimal(liquidation))

    assert found.notional == decimal(notional)
    assert found.distance_to_forced_liquidation == decimal(distance)


# --- conditional orders that we found -----------------------------------------------------------

ONLY_REDUCES = [
    # side, position side, reduce-only, closePosition -> only reduces, protects long, protects short
    (SELL, None, False, False, False, False, False),
    (BUY, None, False, False, False, False, False),
    (SELL, None, True, False, True, True, False),
    (BUY, None, True, False, True, False, True),
    (SELL, None, False, True, True, True, False),
    (BUY, None, False, True, True, False, True),
    (SELL, LONG, False, False, True, True, False),
    (BUY, SHORT, False, False, True, False, True),
    (BUY, LONG, False, False, False, False, False),
    (SELL, SHORT, False, False, False, False, False),
    (SELL, LONG, False, True, True, True, False),
]


@pytest.mark.parametrize(
    ("side", "position_side", "reduce_only", "close_position", "reduces", "for_long", "for_short"),
    ONLY_REDUCES,
)
def test_which_conditional_orders_can_only_reduce_and_what_they_protect(
    side: OrderSide,
    position_side: PositionSide | None,
    reduce_only: bool,
    close_position: bool,
    reduces: bool,
    for_long: bool,
    for_short: bool,
) -> None:
    order = conditional(
        side, position_side=position_side, reduce_only=reduce_only, close_position=close_position
    )

    assert order.only_reduces is reduces
    assert (order.protects(LONG), order.protects(SHORT)) == (for_long, for_short)


# --- orders that we place -----------------------------------------------------------------------


@given(held=QUANTITIES, asked=QUANTITIES)
def test_a_close_never_asks_for_more_than_the_position_has(held: Decimal, asked: Decimal) -> None:
    open_position = position(quantity=str(held))
    if asked > held:
        with pytest.raises(ValueError, match="cannot close"):
            CloseOrder(position=open_position, quantity=asked, client_order_id="a")
    else:
        order = CloseOrder(position=open_position, quantity=asked, client_order_id="a")
        assert order.quantity <= open_position.quantity


@pytest.mark.parametrize("quantity", ["0", "-1", "2.00000001", "NaN", "Infinity", "-Infinity"])
def test_a_close_of_nothing_or_too_much_cannot_be_built(quantity: str) -> None:
    with pytest.raises(ValueError, match="cannot close"):
        CloseOrder(position=position(), quantity=Decimal(quantity), client_order_id="a")


@pytest.mark.parametrize("price", ["0", "-1"])
def test_a_limit_price_is_above_zero(price: str) -> None:
    with pytest.raises(ValueError, match="above zero"):
        CloseOrder(
            position=position(),
            quantity=Decimal(1),
            client_order_id="a",
            limit_price=Decimal(price),
        )


@pytest.mark.parametrize("side", PositionSide)
def test_a_close_trades_against_its_position_and_in_its_instrument(side: PositionSide) -> None:
    order = CloseOrder(
        position=position(side),
        quantity=Decimal(2),
        client_order_id="a",
        limit_price=Decimal(100),
    )

    assert order.side is side.closes_with
    assert order.symbol == "BTCUSDT"


def test_a_close_cannot_be_changed_once_it_is_built() -> None:
    order = CloseOrder(position=position(), quantity=Decimal(1), client_order_id="a")

    with pytest.raises(FrozenInstanceError):
        order.quantity = Decimal(3)  # type: ignore[misc]
    with pytest.raises(ValueError, match="cannot close"):
        replace(order, quantity=Decimal(3))


@pytest.mark.parametrize(
    ("side", "position_side", "reduce_only", "close_position", "reduces"),
    [row[:5] for row in ONLY_REDUCES],
)
def test_a_stop_is_put_back_only_if_it_can_only_reduce(
    side: OrderSide,
    position_side: PositionSide | None,
    reduce_only: bool,
    close_position: bool,
    reduces: bool,
) -> None:
    order = conditional(
        side, position_side=position_side, reduce_only=reduce_only, close_position=close_position
    )

    if reduces:
        assert ProtectiveStop(order=order, client_order_id="b").order is order
    else:
        with pytest.raises(ValueError, match="could open"):
            ProtectiveStop(order=order, client_order_id="b")


@pytest.mark.parametrize(
    ("status", "is_final"),
    [
        (OrderStatus.NEW, False),
        (OrderStatus.PARTIALLY_FILLED, False),
        (OrderStatus.FILLED, True),
        (OrderStatus.CANCELLED, True),
        (OrderStatus.REJECTED, True),
        (OrderStatus.EXPIRED, True),
        (OrderStatus.UNKNOWN, False),
    ],
)
def test_which_words_about_an_order_are_the_last_ones(status: OrderStatus, is_final: bool) -> None:
    assert status.is_final is is_final
