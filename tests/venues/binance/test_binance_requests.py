from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.order import Book, CloseOrder, ConditionalOrder, ProtectiveStop
from goflat.domain.position import OrderSide, Position, PositionMode, PositionSide
from goflat.errors import NotSent
from goflat.venues.binance import requests
from goflat.venues.binance.capabilities import CARD

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
ONE_WAY, HEDGE = PositionMode.ONE_WAY, PositionMode.HEDGE


def close(
    side: PositionSide = LONG,
    mode: PositionMode = ONE_WAY,
    quantity: str = "0.010",
    limit_price: str | None = None,
    **changed: Any,
) -> CloseOrder:
    return CloseOrder(
        position=Position(symbol="BTCUSDT", side=side, quantity=Decimal(quantity), mode=mode),
        quantity=Decimal(quantity),
        limit_price=None if limit_price is None else Decimal(limit_price),
        **{"client_order_id": "kill-1"} | changed,
    )


def stop(**changed: Any) -> ProtectiveStop:
    order: dict[str, Any] = {
        "symbol": "BTCUSDT",
        "order_id": "7",
        "client_order_id": "theirs",
        "side": OrderSide.SELL,
        "type": "STOP_MARKET",
        "quantity": Decimal("0.5"),
        "trigger_price": Decimal("60000.10"),
        "reduce_only": True,
    }
    return ProtectiveStop(order=ConditionalOrder(**order | changed), client_order_id="stop-1")


@pytest.mark.parametrize(
    ("side", "mode", "guarantee"),
    [
        (LONG, ONE_WAY, {"side": "SELL", "positionSide": "BOTH", "reduceOnly": "true"}),
        (SHORT, ONE_WAY, {"side": "BUY", "positionSide": "BOTH", "reduceOnly": "true"}),
        (LONG, HEDGE, {"side": "SELL", "positionSide": "LONG"}),
        (SHORT, HEDGE, {"side": "BUY", "positionSide": "SHORT"}),
    ],
)
def test_a_close_carries_the_guarantee_of_its_mode(
    side: PositionSide, mode: PositionMode, guarantee: dict[str, str]
) -> None:
    request = requests.close(close(side, mode), valid_seconds=1.25)

    assert (request.method, request.path, request.window_ms) == ("POST", "/fapi/v1/order", 1250)
    assert dict(request.params) == guarantee | {
        "symbol": "BTCUSDT",
        "type": "MARKET",
        "quantity": "0.01",
        "newClientOrderId": "kill-1",
        "newOrderRespType": "RESULT",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def test_a_close_with_a_price_takes_what_is_there_and_leaves_nothing_in_the_book() -> None:
    params = dict(requests.close(close(limit_price="61000.50"), valid_seconds=1).params)

    assert params["type"] == "LIMIT"
    assert params["timeInForce"] == "IOC"
    assert params["price"] == "61000.5"
    assert params["reduceOnly"] == "true"


def test_a_market_close_names_no_time_in_force() -> None:
    assert "timeInForce" not in dict(requests.close(close(), valid_seconds=1).params)


@pytest.mark.parametrize(
    ("number", "text"),
    [
        ("0.00001", "0.00001"),
        ("1E-5", "0.00001"),
        ("1E+3", "1000"),
        ("100", "100"),
        ("0.0100", "0.01"),
        ("5.0", "5"),
        ("123456789.123456789123456789123456789", "123456789.123456789123456789123456789"),
    ],
)
def test_a_quantity_is_printed_in_plain_digits(number: str, text: str) -> None:
    assert requests.plain(Decimal(number)) == text


@given(st.decimals(min_value=0, max_value=10**17, allow_nan=False, allow_infinity=False))
def test_no_number_loses_a_digit_when_it_is_printed(number: Decimal) -> None:
    text = requests.plain(number)

    assert Decimal(text) == number
    assert "e" not in text.lower()


@pytest.mark.parametrize(
    ("seconds", "window_ms"), [(0.0001, 1), (0.9999, 999), (2, 2000), (61, 60_000), (1e300, 60_000)]
)
def test_the_window_of_a_close_is_what_was_asked_within_the_venues_bounds(
    seconds: float, window_ms: int
) -> None:
    assert requests.close(close(), valid_seconds=seconds).window_ms == window_ms


@pytest.mark.parametrize("seconds", [0, -1, float("nan"), float("inf")])
def test_a_close_that_could_be_valid_for_no_time_is_not_sent(seconds: float) -> None:
    with pytest.raises(NotSent):
        requests.close(close(), valid_seconds=seconds)


@pytest.mark.parametrize("text", ["", "x" * 37, "a b", "a&b=1", "ü", "kill-1\n"])
def test_an_id_that_the_venue_would_not_take_is_not_sent(text: str) -> None:
    with pytest.raises(NotSent):
        requests.close(close(client_order_id=text), valid_seconds=1)


def test_a_stop_is_put_back_as_it_was_under_an_id_of_ours() -> None:
    request = requests.protect(stop(working_type="MARK_PRICE", price_protect=True))

    assert (request.method, request.path) == ("POST", "/fapi/v1/algoOrder")
    assert dict(request.params) == {
        "algoType": "CONDITIONAL",
        "symbol": "BTCUSDT",
        "type": "STOP_MARKET",
        "side": "SELL",
        "positionSide": "BOTH",
        "reduceOnly": "true",
        "quantity": "0.5",
        "triggerPrice": "60000.1",
        "workingType": "MARK_PRICE",
        "priceProtect": "true",
        "clientAlgoId": "stop-1",
        "selfTradePreventionMode": "EXPIRE_MAKER",
    }


def test_a_stop_that_closes_everything_has_neither_quantity_nor_flag() -> None:
    params = dict(requests.protect(stop(close_position=True, quantity=None)).params)

    assert params["closePosition"] == "true"
    assert params.keys().isdisjoint({"quantity", "reduceOnly"})


@pytest.mark.parametrize("closes_all", [False, True])
def test_a_stop_in_hedge_mode_names_its_side_and_no_flag(closes_all: bool) -> None:
    params = dict(requests.protect(stop(position_side=LONG, close_position=closes_all)).params)

    assert params["positionSide"] == "LONG"
    assert "reduceOnly" not in params


def test_a_stop_with_a_price_keeps_price_and_time_in_force() -> None:
    params = dict(
        requests.protect(stop(type="STOP", price=Decimal(59000), time_in_force="GTC")).params
    )

    assert (params["price"], params["timeInForce"]) == ("59000", "GTC")


@pytest.mark.parametrize(
    ("kind", "time_in_force"), [("STOP", "GTE_GTC"), ("STOP", ""), ("STOP_MARKET", "GTC")]
)
def test_a_time_in_force_that_cannot_be_placed_is_left_to_the_venue(
    kind: str, time_in_force: str
) -> None:
    params = dict(requests.protect(stop(type=kind, time_in_force=time_in_force)).params)

    assert "timeInForce" not in params


def test_a_trailing_stop_keeps_its_activation_and_its_rate() -> None:
    trailing = stop(
        type="TRAILING_STOP_MARKET",
        trigger_price=None,
        activate_price=Decimal(61000),
        callback_rate=Decimal("0.5"),
    )

    params = dict(requests.protect(trailing).params)

    assert (params["activatePrice"], params["callbackRate"]) == ("61000", "0.5")
    assert "triggerPrice" not in params


@pytest.mark.parametrize(
    "changed",
    [
        {"position_side": LONG, "side": OrderSide.BUY},
        {"position_side": SHORT, "side": OrderSide.SELL},
        {"position_side": LONG, "side": OrderSide.BUY, "close_position": True},
        {"quantity": None},
    ],
)
def test_a_stop_that_would_lose_its_guarantee_on_the_way_out_is_not_sent(
    changed: dict[str, Any],
) -> None:
    with pytest.raises(NotSent, match="refused"):
        requests.protect(stop(**changed))


def order_params(**said: str) -> tuple[tuple[str, str], ...]:
    return tuple(said.items())


@pytest.mark.parametrize(
    "params",
    [
        order_params(side="SELL", positionSide="BOTH", type="MARKET"),
        order_params(side="SELL", positionSide="BOTH", type="MARKET", reduceOnly="false"),
        order_params(side="SELL", type="MARKET", reduceOnly="true"),
        order_params(side="HOLD", positionSide="BOTH", type="MARKET", reduceOnly="true"),
        order_params(side="BUY", positionSide="LONG", type="MARKET"),
        order_params(side="SELL", positionSide="SHORT", type="MARKET", reduceOnly="true"),
        order_params(
            side="SELL", positionSide="BOTH", type="LIMIT", timeInForce="GTC", reduceOnly="true"
        ),
        order_params(side="SELL", positionSide="BOTH", type="LIMIT", reduceOnly="true"),
        order_params(
            side="SELL", positionSide="BOTH", type="STOP", reduceOnly="true", closePosition="true"
        ),
        (
            *order_params(side="SELL", positionSide="BOTH", type="MARKET", reduceOnly="true"),
            ("reduceOnly", "false"),
        ),
        (),
    ],
)
def test_parameters_without_the_guarantee_are_not_serialised_whoever_built_them(
    params: tuple[tuple[str, str], ...],
) -> None:
    with pytest.raises(NotSent, match="guarantee"):
        requests._order("/fapi/v1/order", params, window_ms=1)


def test_each_book_has_its_own_cancel_all() -> None:
    working = requests.cancel_all("测试USDT", Book.WORKING)
    conditional = requests.cancel_all("测试USDT", Book.CONDITIONAL)

    assert (working.method, working.path) == ("DELETE", "/fapi/v1/allOpenOrders")
    assert (conditional.method, conditional.path) == ("DELETE", "/fapi/v1/algoOpenOrders")
    assert working.params == conditional.params == (("symbol", "测试USDT"),)


def test_one_conditional_order_is_cancelled_by_the_venues_id() -> None:
    request = requests.cancel_conditional(stop().order)

    assert (request.method, request.path) == ("DELETE", "/fapi/v1/algoOrder")
    assert request.params == (("algoId", "7"),)


def test_an_order_is_asked_for_by_our_own_id() -> None:
    request = requests.query(close())

    assert (request.method, request.path) == ("GET", "/fapi/v1/order")
    assert request.params == (("symbol", "BTCUSDT"), ("origClientOrderId", "kill-1"))


def test_the_lists_are_read_for_the_whole_account_at_once() -> None:
    for request in (requests.positions(), requests.working_orders(), requests.conditional_orders()):
        assert (request.method, request.params) == ("GET", ())


def test_the_card_charges_what_the_requests_weigh() -> None:
    costs = CARD.costs

    assert costs.read_positions == requests.positions().weight == requests.account().weight
    assert costs.read_orders == requests.working_orders().weight
    assert costs.read_orders == requests.conditional_orders().weight
    assert costs.read_rules == requests.rules().weight
    assert costs.cancel == requests.cancel_all("BTCUSDT", Book.WORKING).weight
    assert costs.cancel == requests.cancel_conditional(stop().order).weight
    assert costs.query == requests.query(close()).weight
    assert requests.close(close(), valid_seconds=1).weight == 0


def test_only_orders_are_posts() -> None:
    reads_and_cancels = (
        requests.server_time(),
        requests.rules(),
        requests.account_config(),
        requests.key_rights(),
        requests.cancel_all("X", Book.WORKING),
        requests.query(close()),
    )

    assert {request.method for request in reads_and_cancels} == {"GET", "DELETE"}
