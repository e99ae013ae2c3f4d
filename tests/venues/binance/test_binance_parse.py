import contextlib
import json
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.listing import Unreadable
from goflat.domain.order import CloseOrder, ConditionalOrder, OrderStatus, ProtectiveStop
from goflat.domain.position import OrderSide, Position, PositionMode, PositionSide
from goflat.errors import Rejected, Unanswered
from goflat.venues.binance import parse

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
Payload = Callable[[str], bytes]


def position_row(**changed: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "positionSide": "BOTH",
        "positionAmt": "1.5",
        "entryPrice": "60000",
        "markPrice": "61000.5",
        "unRealizedProfit": "1500.75",
        "liquidationPrice": "0",
        "updateTime": 7,
    } | changed


def order_row(**changed: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "orderId": 1,
        "clientOrderId": "c",
        "side": "BUY",
        "origQty": "2",
        "executedQty": "0.5",
        "positionSide": "BOTH",
        "reduceOnly": False,
        "type": "LIMIT",
        "price": "60000",
    } | changed


def algo_row(**changed: Any) -> dict[str, Any]:
    return {
        "symbol": "BTCUSDT",
        "algoId": 5,
        "clientAlgoId": "a",
        "side": "SELL",
        "orderType": "STOP_MARKET",
        "quantity": "1",
        "triggerPrice": "50000",
        "positionSide": "BOTH",
        "reduceOnly": True,
        "closePosition": False,
    } | changed


def body(*rows: object) -> bytes:
    return json.dumps(rows).encode()


def close_order(quantity: str = "0.010", client_order_id: str = "kill-BTCUSDT-1") -> CloseOrder:
    position = Position(symbol="BTCUSDT", side=LONG, quantity=Decimal(quantity))
    return CloseOrder(
        position=position, quantity=Decimal(quantity), client_order_id=client_order_id
    )


# Positions


def test_the_recorded_position_is_read_with_all_that_it_says(payload: Payload) -> None:
    listing = parse.positions(payload("positions.json"))

    assert listing.unreadable == ()
    assert listing.rows == (
        Position(
            symbol="ADAUSDT",
            side=LONG,
            quantity=Decimal(30),
            mode=PositionMode.ONE_WAY,
            mark_price=Decimal("0.41047590"),
            entry_price=Decimal("0.385"),
            liquidation_price=None,
            unrealized_pnl=Decimal("0.76427700"),
            updated_ms=1720736417660,
        ),
    )


def test_the_recorded_hedge_rows_are_two_positions_of_one_instrument(payload: Payload) -> None:
    long, short = parse.positions(payload("positions_hedge.json")).rows

    assert (long.side, long.quantity, long.mode) == (LONG, Decimal(20), PositionMode.HEDGE)
    assert (short.side, short.quantity, short.mode) == (SHORT, Decimal(10), PositionMode.HEDGE)
    assert long.liquidation_price == Decimal("5930.78")
    assert short.entry_price is None
    assert short.updated_ms is None


def test_a_row_of_zero_is_no_position(payload: Payload) -> None:
    listing = parse.positions(payload("positions_zero.json"))

    assert (listing.rows, listing.unreadable) == ((), ())


def test_the_recorded_account_lists_its_positions_without_mark_prices(payload: Payload) -> None:
    (position,) = parse.positions_of_account(payload("account.json")).rows

    assert (position.symbol, position.side, position.quantity) == ("BTCUSDT", LONG, Decimal(1))
    assert position.mark_price is None
    assert position.unrealized_pnl == 0


@pytest.mark.parametrize(
    ("side", "amount", "expected"),
    [
        ("BOTH", "2", (LONG, PositionMode.ONE_WAY)),
        ("BOTH", "-2", (SHORT, PositionMode.ONE_WAY)),
        ("LONG", "2", (LONG, PositionMode.HEDGE)),
        ("SHORT", "-2", (SHORT, PositionMode.HEDGE)),
    ],
)
def test_the_sign_of_a_quantity_is_the_side_of_a_position(
    side: str, amount: str, expected: tuple[PositionSide, PositionMode]
) -> None:
    (position,) = parse.positions(body(position_row(positionSide=side, positionAmt=amount))).rows

    assert (position.side, position.mode) == expected
    assert position.quantity == 2


BAD_POSITIONS: list[tuple[dict[str, Any], str]] = [
    ({"positionSide": "LONG", "positionAmt": "-1"}, "other sign"),
    ({"positionSide": "SHORT", "positionAmt": "1"}, "other sign"),
    ({"positionSide": "SIDEWAYS"}, "SIDEWAYS"),
    ({"positionAmt": "NaN"}, "no number"),
    ({"positionAmt": "Infinity"}, "no number"),
    ({"positionAmt": ""}, "no number"),
    ({"positionAmt": "1_0"}, "no number"),
    ({"positionAmt": "0x10"}, "no number"),
    ({"positionAmt": " 1"}, "no number"),
    ({"positionAmt": "1" * 31}, "no number"),
    ({"positionAmt": "1e999"}, "no number"),
    ({"positionAmt": "1e99"}, "beyond all reason"),
    ({"positionAmt": None}, "cannot be read"),
    ({"positionAmt": True}, "cannot be read"),
    ({"positionAmt": ["1"]}, "cannot be read"),
    ({"unRealizedProfit": "?"}, "no number"),
]


@pytest.mark.parametrize(("changed", "said"), BAD_POSITIONS)
def test_one_bad_row_is_named_and_hurts_no_other(changed: dict[str, Any], said: str) -> None:
    bad = position_row(symbol="BADUSDT", **changed)

    listing = parse.positions(body(position_row(), bad, position_row(symbol="ETHUSDT")))

    assert [row.symbol for row in listing.rows] == ["BTCUSDT", "ETHUSDT"]
    (unreadable,) = listing.unreadable
    assert unreadable.symbol == "BADUSDT"
    assert said in unreadable.reason


@pytest.mark.parametrize("key", ["symbol", "positionSide", "positionAmt"])
def test_a_row_without_what_it_must_say_is_unreadable(key: str) -> None:
    row = position_row()
    del row[key]

    listing = parse.positions(body(row))

    assert listing.rows == ()
    assert listing.unreadable[0].symbol == (None if key == "symbol" else "BTCUSDT")


@pytest.mark.parametrize("row", ["text", 7, None, [], True])
def test_a_row_that_is_no_object_is_unreadable_without_a_symbol(row: object) -> None:
    listing = parse.positions(body(position_row(), row))

    assert len(listing.rows) == 1
    assert [found.symbol for found in listing.unreadable] == [None]


@pytest.mark.parametrize("symbol", ["", "x" * 101, "\ud800"])
def test_a_symbol_that_cannot_be_sent_back_is_unreadable(symbol: str) -> None:
    listing = parse.positions(body(position_row(symbol=symbol)))

    assert listing.rows == ()
    assert listing.unreadable[0].symbol is None


def test_a_symbol_is_data_whatever_it_says() -> None:
    symbol = "测试\r\n\x1b[31m<b>&%s{0}"

    (position,) = parse.positions(body(position_row(symbol=symbol))).rows

    assert position.symbol == symbol


def test_a_zero_row_of_an_unknown_side_is_nothing() -> None:
    listing = parse.positions(body(position_row(positionSide="NEW_SIDE", positionAmt="0.000")))

    assert (listing.rows, listing.unreadable) == ((), ())


def test_nan_and_infinity_as_json_hurt_only_their_own_row() -> None:
    text = body(position_row(), position_row(symbol="ETHUSDT")).decode()

    listing = parse.positions(text.replace('"1.5"', "NaN", 1).encode())

    assert [row.symbol for row in listing.rows] == ["ETHUSDT"]
    assert [row.symbol for row in listing.unreadable] == ["BTCUSDT"]


def test_numbers_that_are_json_numbers_are_read_without_passing_through_a_float() -> None:
    text = body(position_row()).decode().replace('"1.5"', "0.1234567890123456789")

    (position,) = parse.positions(text.encode()).rows

    assert position.quantity == Decimal("0.1234567890123456789")


def test_a_key_that_stands_twice_makes_its_row_unreadable() -> None:
    text = body(position_row(), position_row(symbol="ETHUSDT")).decode()
    doubled = text.replace('"positionAmt": "1.5"', '"positionAmt": "1.5", "positionAmt": "0"', 1)

    listing = parse.positions(doubled.encode())

    assert [row.symbol for row in listing.rows] == ["ETHUSDT"]
    assert listing.unreadable == (
        Unreadable(reason="a row cannot be read: a key stands in it twice", symbol="BTCUSDT"),
    )


@pytest.mark.parametrize("amounts", [("1.5", "0"), ("0", "1.5"), ("1.5", "3")])
def test_a_position_listed_twice_differently_is_kept_and_never_trusted(
    amounts: tuple[str, str],
) -> None:
    listing = parse.positions(body(*(position_row(positionAmt=amount) for amount in amounts)))

    assert [row.quantity for row in listing.rows] == [Decimal("1.5")]
    assert listing.unreadable == (Unreadable(reason="listed twice", symbol="BTCUSDT"),)


def test_the_same_row_twice_says_nothing_new() -> None:
    listing = parse.positions(body(position_row(), position_row()))

    assert (len(listing.rows), listing.unreadable) == (1, ())


@pytest.mark.parametrize("price", ["", "0", "-1", "NaN", "1e99", None])
def test_a_price_that_says_nothing_is_no_price_and_costs_no_position(price: object) -> None:
    (position,) = parse.positions(
        body(position_row(markPrice=price, entryPrice=price, liquidationPrice=price))
    ).rows

    assert position.mark_price is position.entry_price is position.liquidation_price is None


def test_unknown_fields_are_ignored() -> None:
    (position,) = parse.positions(body(position_row(adl=2, news={"a": [1, {"b": None}]}))).rows

    assert position.quantity == Decimal("1.5")


NO_LISTS = [
    b"",
    b"{}",
    b"null",
    b'"[]"',
    b"[",
    b"[]]",
    b"<html></html>",
    b'{"code":200}',
    b"\xff\xfe",
    b"[" * 100_000,
    b'[{"symbol":' + b"[" * 100_000 + b"]" * 100_000 + b"}]",
]


@pytest.mark.parametrize("answer", NO_LISTS)
@pytest.mark.parametrize("read", [parse.positions, parse.working_orders, parse.conditional_orders])
def test_what_is_no_list_is_never_an_empty_one(
    read: Callable[[bytes], object], answer: bytes
) -> None:
    with pytest.raises(Unanswered):
        read(answer)


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"positions":{}}', b'{"positions":null}', b""])
def test_an_account_without_its_list_of_positions_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.positions_of_account(answer)


@pytest.mark.parametrize("read", [parse.positions, parse.working_orders, parse.conditional_orders])
def test_an_empty_list_is_empty(read: Callable[[bytes], Any]) -> None:
    assert (read(b"[]").rows, read(b" [ ] ").unreadable) == ((), ())


def test_bytes_that_are_no_text_hurt_only_their_own_row() -> None:
    text = body(position_row(symbol="?"), position_row()).replace(b'"?"', b'"\xff"')

    listing = parse.positions(text)

    assert [row.symbol for row in listing.rows] == ["BTCUSDT"]
    assert [row.symbol for row in listing.unreadable] == [None]


@given(
    amount=st.decimals(min_value=-(10**15), max_value=10**15, places=8).filter(bool),
    mark=st.decimals(min_value=0, max_value=10**9, places=4),
)
def test_every_amount_comes_through_exactly(amount: Decimal, mark: Decimal) -> None:
    row = position_row(positionAmt=format(amount, "f"), markPrice=format(mark, "f"))

    (position,) = parse.positions(body(row)).rows

    assert position.quantity == abs(amount)
    assert position.side is (LONG if amount > 0 else SHORT)
    assert position.mark_price == (mark or None)


JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=5,
)


@given(st.sampled_from(sorted(position_row())), JSON)
def test_whatever_stands_in_a_field_a_row_is_read_or_named(key: str, value: object) -> None:
    listing = parse.positions(json.dumps([position_row(), position_row(**{key: value})]).encode())

    assert all(row.quantity > 0 for row in listing.rows)
    assert len(listing.rows) >= 1


@given(st.binary(max_size=100))
def test_no_bytes_can_crash_the_reading_of_a_list(answer: bytes) -> None:
    with contextlib.suppress(Unanswered):
        parse.positions(answer)


# Orders


def test_the_recorded_working_order_is_read(payload: Payload) -> None:
    (order,) = parse.working_orders(payload("open_orders.json")).rows

    assert (order.order_id, order.client_order_id) == ("1917641", "abc")
    assert (order.side, order.position_side) == (OrderSide.BUY, SHORT)
    assert (order.quantity, order.executed) == (Decimal("0.40"), Decimal(0))
    assert (order.type, order.price, order.reduce_only) == ("TRAILING_STOP_MARKET", None, False)


def test_the_recorded_conditional_order_is_read(payload: Payload) -> None:
    (order,) = parse.conditional_orders(payload("open_algo_orders.json")).rows

    assert order == ConditionalOrder(
        symbol="BNBUSDT",
        order_id="2148627",
        client_order_id="MRumok0dkhrP4kCm12AHaB",
        side=OrderSide.SELL,
        type="TAKE_PROFIT",
        quantity=Decimal("0.01"),
        trigger_price=Decimal("750.000"),
        price=Decimal("750.000"),
        working_type="CONTRACT_PRICE",
        time_in_force="GTC",
    )
    assert not order.only_reduces


def test_an_order_that_closes_everything_has_no_quantity_of_its_own() -> None:
    (order,) = parse.conditional_orders(body(algo_row(closePosition=True, quantity="0.0"))).rows

    assert order.quantity is None
    assert order.protects(LONG)


@pytest.mark.parametrize(
    "changed",
    [
        {"side": "HOLD"},
        {"positionSide": "NEITHER"},
        {"origQty": "-1"},
        {"origQty": "NaN"},
        {"executedQty": None},
        {"reduceOnly": "perhaps"},
        {"reduceOnly": None},
        {"orderId": None},
        {"symbol": ""},
    ],
)
def test_a_working_order_that_cannot_be_read_is_named(changed: dict[str, Any]) -> None:
    listing = parse.working_orders(body(order_row(), order_row(**{"orderId": 2} | changed)))

    assert (len(listing.rows), len(listing.unreadable)) == (1, 1)


@pytest.mark.parametrize(
    "changed",
    [
        {"side": "HOLD"},
        {"positionSide": "NEITHER"},
        {"quantity": "x"},
        {"quantity": None},
        {"reduceOnly": "perhaps"},
        {"closePosition": "perhaps"},
        {"orderType": None},
        {"algoId": {}},
    ],
)
def test_a_conditional_order_that_cannot_be_read_is_named(changed: dict[str, Any]) -> None:
    listing = parse.conditional_orders(body(algo_row(), algo_row(**{"algoId": 6} | changed)))

    assert (len(listing.rows), len(listing.unreadable)) == (1, 1)
    assert listing.unreadable[0].symbol == "BTCUSDT"


@pytest.mark.parametrize(("word", "meant"), [("true", True), ("false", False), ("FALSE", False)])
def test_a_flag_written_as_text_is_not_taken_for_yes(word: str, meant: bool) -> None:
    (order,) = parse.working_orders(body(order_row(reduceOnly=word))).rows

    assert order.reduce_only is meant


def test_two_different_orders_with_one_id_are_not_trusted() -> None:
    listing = parse.working_orders(body(order_row(), order_row(symbol="ETHUSDT")))

    assert [row.symbol for row in listing.rows] == ["BTCUSDT"]
    assert listing.unreadable == (Unreadable(reason="listed twice", symbol="ETHUSDT"),)


def test_unknown_types_of_orders_are_found_all_the_same() -> None:
    assert parse.working_orders(body(order_row(type="NEW_KIND"))).rows[0].type == "NEW_KIND"
    assert parse.conditional_orders(body(algo_row(orderType="NEW"))).rows[0].type == "NEW"


# One order of ours


def report(**changed: Any) -> bytes:
    row = {
        "orderId": 9,
        "symbol": "BTCUSDT",
        "clientOrderId": "kill-BTCUSDT-1",
        "status": "FILLED",
        "executedQty": "0.010",
        "updateTime": 1779367929402,
    }
    return json.dumps(row | changed).encode()


def test_the_recorded_fill_is_read(payload: Payload) -> None:
    done = parse.placed(payload("order_filled.json"), close_order())

    assert (done.status, done.executed) == (OrderStatus.FILLED, Decimal("0.010"))
    assert (done.order_id, done.updated_ms) == ("215456450616", 1779367929402)
    assert done.realized_pnl is None


def test_an_acknowledgement_says_only_that_the_order_was_taken(payload: Payload) -> None:
    order = close_order("10", "testOrder")

    taken = parse.placed(payload("order_acknowledged.json"), order)

    assert (taken.status, taken.executed) == (OrderStatus.NEW, None)


def test_the_same_words_in_a_query_say_that_nothing_was_executed_so_far() -> None:
    found = parse.queried(report(status="NEW", executedQty="0"), close_order())

    assert (found.status, found.executed) == (OrderStatus.NEW, Decimal(0))


@pytest.mark.parametrize(
    ("word", "status"),
    [
        ("CANCELED", OrderStatus.CANCELLED),
        ("EXPIRED", OrderStatus.EXPIRED),
        ("EXPIRED_IN_MATCH", OrderStatus.EXPIRED),
        ("REJECTED", OrderStatus.REJECTED),
        ("PARTIALLY_FILLED", OrderStatus.PARTIALLY_FILLED),
        ("NEW_ADL", OrderStatus.NEW),
        ("TRADING_HALT", OrderStatus.UNKNOWN),
        ("", OrderStatus.UNKNOWN),
    ],
)
def test_every_word_for_the_end_of_an_order_is_ours_or_unknown(
    word: str, status: OrderStatus
) -> None:
    assert parse.queried(report(status=word, executedQty="0"), close_order()).status is status


def test_a_market_order_that_expired_unfilled_executed_nothing() -> None:
    expired = parse.placed(report(status="EXPIRED", executedQty="0"), close_order())

    assert (expired.status, expired.executed) == (OrderStatus.EXPIRED, Decimal(0))


def test_filled_without_a_quantity_leaves_the_quantity_open() -> None:
    assert parse.queried(report(executedQty="0"), close_order()).executed is None
    assert parse.queried(b'{"orderId":1,"status":"FILLED"}', close_order()).executed is None


@pytest.mark.parametrize(
    "answer",
    [
        b"",
        b"[]",
        b"{}",
        b"<html>",
        b'{"code":200}',
        report(orderId=None),
        report(symbol="ETHUSDT"),
        report(clientOrderId="somebody-elses"),
        report(executedQty="0.011"),
        report(executedQty="-1"),
        report(executedQty="NaN"),
        report().replace(b'"FILLED"', b'"FILLED", "status": "NEW"'),
        report().replace(b'"0.010"', b'"0.010", "executedQty": "0"'),
    ],
)
def test_an_answer_to_an_order_that_cannot_be_true_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.placed(answer, close_order())


def test_numbers_in_an_order_may_be_json_numbers() -> None:
    assert parse.placed(report(executedQty=0.01), close_order()).executed == Decimal("0.01")


# Conditional orders of ours, cancels, time, account, key


def protective_stop(client_order_id: str = "6B2I9XVcJpCjqPAJ4YoFX7") -> ProtectiveStop:
    (order,) = parse.conditional_orders(body(algo_row())).rows
    return ProtectiveStop(order=order, client_order_id=client_order_id)


def test_a_stop_that_stands_is_accepted(payload: Payload) -> None:
    parse.algo_placed(payload("algo_placed.json"), protective_stop())


def test_a_stop_that_was_let_go_at_once_does_not_stand(payload: Payload) -> None:
    with pytest.raises(Rejected, match="CANCELED"):
        parse.algo_placed(payload("algo_over.json"), protective_stop())


@pytest.mark.parametrize("answer", [b"", b"{}", b"[]", b"<html>"])
def test_a_stop_whose_answer_cannot_be_read_may_not_stand(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.algo_placed(answer, protective_stop())


def test_a_stop_of_somebody_else_proves_nothing(payload: Payload) -> None:
    with pytest.raises(Unanswered):
        parse.algo_placed(payload("algo_placed.json"), protective_stop("ours"))


@pytest.mark.parametrize("name", ["cancelled_all.json", "algo_cancelled.json"])
def test_the_recorded_yes_to_a_cancel_is_one(payload: Payload, name: str) -> None:
    parse.acknowledged(payload(name))


@pytest.mark.parametrize("answer", [b"", b"[]", b"OK", b"<html>welcome to our hotel</html>"])
def test_a_page_is_no_yes_to_a_cancel(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.acknowledged(answer)


def test_the_recorded_time_and_account_are_read(payload: Payload) -> None:
    assert parse.server_time_ms(payload("server_time.json")) == 1499827319559
    config = parse.account_config(payload("account_config.json"))
    assert (config.mode, config.can_trade) == (PositionMode.HEDGE, True)
    rights = parse.key_rights(payload("key_rights.json"))
    assert (rights.enable_futures, rights.enable_withdrawals) == (True, False)
    assert rights.ip_restrict is True


@pytest.mark.parametrize("answer", [b"{}", b"[]", b'{"serverTime":-1}', b'{"serverTime":1e30}'])
def test_a_time_that_is_none_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.server_time_ms(answer)


@pytest.mark.parametrize("answer", [b"{}", b'{"dualSidePosition":"true"}', b"[]"])
def test_a_position_mode_is_never_guessed(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        parse.account_config(answer)
