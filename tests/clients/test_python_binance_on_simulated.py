"""python-binance trades on the simulated venue: its own code, our addresses."""

import asyncio
from collections.abc import AsyncIterator
from decimal import Decimal
from typing import Any

import pytest
from binance import AsyncClient, BinanceSocketManager
from binance.exceptions import BinanceAPIException
from binance.ws.websocket_api import WebsocketAPI
from listening import SECONDS_MOST, until_heard

from goflat.venues.simulated import trouble
from goflat.venues.simulated.faults import Effect, Match, Outcome, Skew
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

BTC, ETH = "BTCUSDT", "ETHUSDT"
ON_BTC = {"symbol": BTC}
QUICKLY_SECONDS = 0.05
"""How long its user stream waits for a message before it looks whether it was closed."""


def addresses(venue: SimulatedVenue) -> dict[str, str]:
    """The client's own names of the addresses that are used here."""
    return {
        "API_URL": f"{venue.rest_url}/api",
        "FUTURES_URL": f"{venue.rest_url}/fapi",
        "WS_API_URL": venue.ws_api_url,
        "WS_FUTURES_URL": venue.ws_api_url,
    }


@pytest.fixture
async def client(venue: SimulatedVenue) -> AsyncIterator[AsyncClient]:
    there = type("There", (AsyncClient,), addresses(venue))
    made = await there.create(TEST_API_KEY, TEST_API_SECRET)
    yield made
    await hang_up(made.ws_future)
    await made.close_connection()


async def hang_up(socket: WebsocketAPI) -> None:
    """Close a connection at once: left alone, the client waits for one more message first."""
    closing = asyncio.create_task(socket.close())
    await asyncio.sleep(0)
    if socket.ws is not None:
        await socket.ws.close()
    await closing


async def open_everything(client: AsyncClient, **sides: Any) -> None:
    """A position, a resting order and two conditional ones in each of two instruments."""
    for symbol, quantity, price, stop, entry in (
        (BTC, "0.5", "57500", "56000", "62000"),
        (ETH, "3", "2900", "2850", "3100"),
    ):
        what = {"symbol": symbol, "quantity": quantity, **sides}
        await client.futures_create_order(**what, side="BUY", type="MARKET")
        await client.futures_create_order(
            **what, side="BUY", type="LIMIT", price=price, timeInForce="GTC"
        )
        await client.futures_create_order(**what, side="SELL", type="STOP_MARKET", stopPrice=stop)
        await client.futures_create_order(**what, side="BUY", type="STOP_MARKET", stopPrice=entry)


# --- what is listed -----------------------------------------------------------------------------


async def test_the_listing_and_the_time_are_those_of_the_venue(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    info = await client.futures_exchange_info()

    assert len(info["symbols"]) == 12
    (bitcoin,) = (row for row in info["symbols"] if row["symbol"] == BTC)
    sizes = {row["filterType"]: row for row in bitcoin["filters"]}
    assert sizes["MARKET_LOT_SIZE"]["maxQty"] == "120"
    assert abs((await client.futures_time())["serverTime"] - venue.world.clock()) < 1000
    assert (await client.futures_mark_price(**ON_BTC))["markPrice"] == "60000.00000000"


async def test_leverage_and_margin_type_are_set_and_read(client: AsyncClient) -> None:
    assert (await client.futures_change_leverage(**ON_BTC, leverage=7))["leverage"] == 7
    await client.futures_change_margin_type(**ON_BTC, marginType="ISOLATED")

    (row,) = await client.futures_position_information(**ON_BTC, version=2)
    assert (row["leverage"], row["marginType"]) == ("7", "isolated")
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_change_margin_type(**ON_BTC, marginType="ISOLATED")
    assert refused.value.code == -4046


# --- orders -------------------------------------------------------------------------------------


async def test_a_market_order_becomes_a_position_in_every_version_of_the_list(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    order = await client.futures_create_order(
        **ON_BTC, side="SELL", type="MARKET", quantity=0.5, newOrderRespType="RESULT"
    )

    assert (order["status"], order["executedQty"]) == ("FILLED", "0.500")
    assert venue.truth.amounts() == {(BTC, "BOTH"): Decimal("-0.5")}
    for version in (2, 3):
        rows = await client.futures_position_information(version=version)
        held = {row["symbol"]: row["positionAmt"] for row in rows if Decimal(row["positionAmt"])}
        assert held == {BTC: "-0.500"}
        account = await client.futures_account(version=version)
        assert [r["positionAmt"] for r in account["positions"] if r["symbol"] == BTC] == ["-0.500"]
    (trade,) = await client.futures_account_trades(**ON_BTC)
    assert (trade["orderId"], trade["qty"]) == (order["orderId"], "0.500")


async def test_a_limit_order_is_placed_found_amended_and_cancelled(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    order = await client.futures_limit_buy_order(
        **ON_BTC, quantity=0.5, price=59_000, timeInForce="GTC"
    )
    this = {**ON_BTC, "orderId": order["orderId"]}

    assert (await client.futures_get_order(**this))["status"] == "NEW"
    assert (await client.futures_v1_get_open_order(**this))["origQty"] == "0.500"
    assert len(await client.futures_get_open_orders()) == 1
    await client.futures_modify_order(**this, side="BUY", quantity=0.4, price=58_900)
    (resting,) = venue.truth.working_orders()
    assert (resting.quantity, resting.price) == (Decimal("0.4"), Decimal(58900))
    assert (await client.futures_cancel_order(**this))["status"] == "CANCELED"
    assert venue.truth.is_flat()


async def test_a_reduce_only_order_closes_and_never_turns_a_position_around(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    await client.futures_market_buy_order(**ON_BTC, quantity=0.5)

    await client.futures_market_sell_order(**ON_BTC, quantity=2, reduceOnly="true")

    assert venue.truth.is_flat()


async def test_a_batch_is_answered_order_by_order(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    good = {**ON_BTC, "side": "BUY", "type": "LIMIT", "quantity": "0.1", "timeInForce": "GTC"}
    prices = ("59000", "90000", "58000")

    placed = await client.futures_place_batch_order(
        batchOrders=[{**good, "price": price} for price in prices]
    )

    assert [row.get("code") for row in placed] == [None, -4016, None]
    ids = [row["orderId"] for row in placed if "orderId" in row]
    cancelled = await client.futures_cancel_orders(**ON_BTC, orderidlist=ids)
    assert [row["status"] for row in cancelled] == ["CANCELED"] * 2
    assert venue.truth.is_flat()


async def test_a_symbol_that_is_not_ascii_is_signed_and_traded(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    await client.futures_market_buy_order(symbol="测试USDT", quantity=100)

    assert venue.truth.amounts() == {("测试USDT", "BOTH"): Decimal(100)}


@pytest.mark.parametrize(
    ("kind", "more"),
    [
        ("STOP_MARKET", {"stopPrice": 55_000, "closePosition": True}),
        ("STOP", {"stopPrice": 55_000, "price": 54_900, "quantity": 0.5}),
        ("TAKE_PROFIT_MARKET", {"stopPrice": 61_000, "quantity": 0.5}),
        ("TAKE_PROFIT", {"stopPrice": 61_000, "price": 61_100, "quantity": 0.5}),
        ("TRAILING_STOP_MARKET", {"callbackRate": 1, "quantity": 0.5}),
    ],
)
async def test_a_conditional_order_lives_in_its_own_book(
    venue: SimulatedVenue, client: AsyncClient, kind: str, more: dict[str, Any]
) -> None:
    order = await client.futures_create_order(**ON_BTC, side="SELL", type=kind, **more)
    this = {"algoId": order["algoId"]}

    (waiting,) = venue.truth.conditional_orders()
    assert (waiting.algo_id, waiting.ticket.type.value) == (order["algoId"], kind)
    assert await client.futures_get_open_orders(**ON_BTC) == []
    for listed in (
        await client.futures_get_open_algo_orders(),
        await client.futures_get_open_orders(**ON_BTC, conditional=True),
    ):
        assert [row["algoId"] for row in listed] == [order["algoId"]]
    assert (await client.futures_get_algo_order(**this))["orderType"] == kind
    assert (await client.futures_cancel_algo_order(**this))["msg"] == "success"
    (row,) = await client.futures_get_all_algo_orders(**ON_BTC)
    assert row["algoStatus"] == "CANCELED"


async def test_each_cancel_all_clears_one_book_of_one_instrument(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    await open_everything(client)

    assert (await client.futures_cancel_all_open_orders(**ON_BTC))["code"] == 200
    assert [o.symbol for o in venue.truth.working_orders()] == [ETH]
    assert len(venue.truth.conditional_orders()) == 4
    await client.futures_cancel_all_algo_open_orders(**ON_BTC)
    assert {o.symbol for o in venue.truth.conditional_orders()} == {ETH}
    assert (await client.futures_cancel_all_open_orders(**ON_BTC, conditional=True))["code"] == 200


async def test_the_countdown_cancels_when_nobody_renews_it(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    await client.futures_limit_buy_order(**ON_BTC, quantity=1, price=59_000, timeInForce="GTC")

    answer = await client.futures_countdown_cancel_all(**ON_BTC, countdownTime=20)

    assert answer == {"symbol": BTC, "countdownTime": "20"}
    async with asyncio.timeout(SECONDS_MOST):
        while venue.truth.working_orders():  # noqa: ASYNC110
            await asyncio.sleep(0.005)


async def test_hedge_mode_keeps_two_positions_and_closes_each_by_its_side(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    await client.futures_change_position_mode(dualSidePosition=True)
    assert await client.futures_get_position_mode() == {"dualSidePosition": True}
    long = {**ON_BTC, "type": "MARKET", "quantity": 0.5, "positionSide": "LONG"}
    short = {**ON_BTC, "type": "MARKET", "quantity": 0.3, "positionSide": "SHORT"}
    await client.futures_create_order(**long, side="BUY")
    await client.futures_create_order(**short, side="SELL")
    for version in (2, 3):
        rows = await client.futures_position_information(**ON_BTC, version=version)
        held = {r["positionSide"]: r["positionAmt"] for r in rows if Decimal(r["positionAmt"])}
        assert held == {"LONG": "0.500", "SHORT": "-0.300"}

    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_create_order(**long, side="SELL", reduceOnly=True)
    assert refused.value.code == -1106
    await client.futures_create_order(**long, side="SELL")
    await client.futures_create_order(**short, side="BUY")
    assert venue.truth.is_flat()


async def test_balances_know_what_a_trade_has_cost(client: AsyncClient) -> None:
    await client.futures_market_buy_order(**ON_BTC, quantity=0.5)

    for version in (2, 3):
        wallets = {
            row["asset"]: Decimal(row["balance"])
            for row in await client.futures_account_balance(version=version)
        }
        fee = Decimal("0.5") * 60_006 * Decimal("0.0004")
        assert wallets == {"USDT": 1_000_000 - fee, "USDC": 1_000_000}


# --- the user data stream and the WebSocket API -------------------------------------------------


async def test_a_fill_and_a_triggered_stop_arrive_on_the_user_stream(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    class There(BinanceSocketManager):
        FSTREAM_URL = f"{venue.stream_url}/"

    socket = There(client).futures_user_socket()
    socket.TIMEOUT = QUICKLY_SECONDS
    async with socket, asyncio.timeout(SECONDS_MOST):
        await until_heard(venue)
        placed = await client.futures_market_buy_order(**ON_BTC, quantity=0.5)
        stop = await client.futures_create_order(
            **ON_BTC, side="SELL", type="STOP_MARKET", stopPrice=55_000, closePosition=True
        )
        venue.set_mark(BTC, "54000")
        heard: list[dict[str, Any]] = []
        while not heard or heard[-1].get("o", {}).get("X") != "FINISHED":
            heard.append(await socket.recv())

    orders = [event["o"] for event in heard if event["e"] == "ORDER_TRADE_UPDATE"]
    assert [(o["i"], o["z"]) for o in orders if o["X"] == "FILLED"] == [
        (placed["orderId"], "0.500"),
        (orders[-1]["i"], "0.500"),
    ]
    positions = [
        row["pa"] for event in heard if event["e"] == "ACCOUNT_UPDATE" for row in event["a"]["P"]
    ]
    assert [Decimal(amount) for amount in positions] == [Decimal("0.5"), Decimal(0)]
    algos = [event["o"] for event in heard if event["e"] == "ALGO_UPDATE"]
    assert {algo["aid"] for algo in algos} == {stop["algoId"]}
    assert [algo["X"] for algo in algos] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    assert algos[-1]["ai"] == str(orders[-1]["i"])


async def test_orders_go_over_the_websocket_api_as_well(
    venue: SimulatedVenue, client: AsyncClient
) -> None:
    limit = {"side": "BUY", "type": "LIMIT", "timeInForce": "GTC"}
    filled = await client.ws_futures_create_order(
        **ON_BTC, side="BUY", type="MARKET", quantity="0.5", newOrderRespType="RESULT"
    )
    assert (filled["status"], filled["executedQty"]) == ("FILLED", "0.500")
    resting = await client.ws_futures_create_order(**ON_BTC, **limit, quantity="0.5", price="59000")
    this = {**ON_BTC, "orderId": resting["orderId"]}
    assert (await client.ws_futures_get_order(**this))["status"] == "NEW"
    await client.ws_futures_edit_order(**this, side="BUY", quantity="0.4", price="58900")
    assert (await client.ws_futures_cancel_order(**this))["status"] == "CANCELED"
    stop = {"type": "STOP_MARKET", "stopPrice": "55000", "quantity": "0.5"}
    waiting = await client.ws_futures_create_order(**ON_BTC, side="SELL", **stop)
    assert len(venue.truth.conditional_orders()) == 1
    await client.ws_futures_cancel_algo_order(algoId=waiting["algoId"])

    for ask in (client.ws_futures_account_position, client.ws_futures_v2_account_position):
        rows = await ask(**ON_BTC)
        assert [row["positionAmt"] for row in rows] == ["0.500"]
    for ask in (client.ws_futures_account_balance, client.ws_futures_v2_account_balance):
        assert {row["asset"] for row in await ask()} == {"USDT", "USDC"}
    for ask in (client.ws_futures_account_status, client.ws_futures_v2_account_status):
        assert Decimal((await ask())["totalWalletBalance"]) < 2_000_000
    with pytest.raises(BinanceAPIException) as refused:
        await client.ws_futures_cancel_order(**this)
    assert refused.value.code == -2011


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"side": "BUY", "type": "MARKET", "quantity": 121}, -4005),
        ({"side": "BUY", "type": "MARKET", "quantity": 0.0001}, -1111),
        ({"side": "BUY", "type": "MARKET", "quantity": 0.00001}, -1100),
        ({"side": "BUY", "type": "MARKET"}, -1102),
        ({"side": "SELL", "type": "MARKET", "quantity": 1, "reduceOnly": True}, -2022),
        ({"side": "BUY", "type": "MARKET", "quantity": 1, "positionSide": "LONG"}, -4061),
        ({"side": "BUY", "type": "LIMIT", "quantity": 1, "price": 59_000}, -1102),
        ({"side": "SELL", "type": "STOP_MARKET", "quantity": 1, "stopPrice": 61_000}, -2021),
    ],
)
async def test_a_refused_order_raises_with_the_venues_code(
    venue: SimulatedVenue, client: AsyncClient, order: dict[str, Any], code: int
) -> None:
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_create_order(**ON_BTC, **order)

    assert (refused.value.status_code, refused.value.code) == (400, code)
    assert venue.truth.is_flat()


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (trouble.unknown_outcome(Outcome.EXECUTED), 503, -1000),
        (trouble.overloaded(), 503, -1008),
        (trouble.backend_timeout(Outcome.NOT_EXECUTED), 408, -1007),
        (trouble.throttled(), 429, -1003),
        (trouble.banned(), 418, -1003),
        (Skew(seconds=20), 400, -1021),
    ],
)
async def test_trouble_raises_with_status_and_code(
    venue: SimulatedVenue, client: AsyncClient, effect: Effect, status: int, code: int
) -> None:
    venue.faults.add(Match(method="POST", path="/fapi/v1/order", count=1), effect)

    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_market_buy_order(**ON_BTC, quantity=0.5)

    assert (refused.value.status_code, refused.value.code) == (status, code)


async def test_a_wrong_key_and_a_wrong_secret_are_told_apart(client: AsyncClient) -> None:
    client.API_SECRET = "another"
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_account()
    assert (refused.value.status_code, refused.value.code) == (400, -1022)

    client.session.headers["X-MBX-APIKEY"] = "x" * 64
    with pytest.raises(BinanceAPIException) as refused:
        await client.futures_account()
    assert (refused.value.status_code, refused.value.code) == (401, -2015)


# --- the script that people use to go flat ------------------------------------------------------


@pytest.mark.parametrize("hedge", [False, True])
async def test_the_usual_script_ends_flat_on_the_ground_truth(
    venue: SimulatedVenue, client: AsyncClient, hedge: bool
) -> None:
    sides = {"positionSide": "LONG"} if hedge else {}
    if hedge:
        await client.futures_change_position_mode(dualSidePosition=True)
    await open_everything(client, **sides)
    assert len(venue.truth.positions()) == 2

    for symbol in (BTC, ETH):
        await client.futures_cancel_all_open_orders(symbol=symbol)
        await client.futures_cancel_all_algo_open_orders(symbol=symbol)
    for row in await client.futures_position_information():
        amount = Decimal(row["positionAmt"])
        if amount:
            closing = {"positionSide": row["positionSide"]} if hedge else {"reduceOnly": "true"}
            await client.futures_create_order(
                symbol=row["symbol"],
                side="SELL" if amount > 0 else "BUY",
                type="MARKET",
                quantity=str(abs(amount)),
                **closing,
            )

    assert venue.truth.is_flat()
    assert all(order.reduce_only for order in venue.truth.orders()[-2:])
