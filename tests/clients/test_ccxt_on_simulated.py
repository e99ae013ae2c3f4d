"""ccxt (async) trades on the simulated venue: its own code, our addresses."""

import asyncio
import re
from collections.abc import AsyncIterator, Awaitable, Callable
from decimal import Decimal
from typing import Any

import aiohttp
import ccxt.pro as ccxt
import pytest
from listening import SECONDS_MOST, until_heard
from yarl import URL

from goflat.domain.outcome import LiquidationState
from goflat.domain.secret import Secret
from goflat.manager import LiquidationManager
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated import trouble
from goflat.venues.simulated.faults import Effect, Match, Outcome, Reset, Skew
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

BTC, ETH = "BTC/USDT:USDT", "ETH/USDT:USDT"
TRIGGER = {"trigger": True}


def exchange(**more: Any) -> ccxt.binanceusdm:
    """The client, without the spot side that it would load besides."""
    made = ccxt.binanceusdm(
        {
            "apiKey": TEST_API_KEY,
            "secret": TEST_API_SECRET,
            "enableRateLimit": False,
            "timeout_on_exit": 0,
            "options": {"fetchMargins": False},
            **more,
        }
    )
    made.has["fetchCurrencies"] = False
    return made


def addresses(known: Any, venue: SimulatedVenue) -> Any:
    """The client's own table of addresses, every host of it replaced by the venue."""
    if isinstance(known, dict):
        return {name: addresses(entry, venue) for name, entry in known.items()}
    rest = re.sub(r"^https://[^/]+", venue.rest_url, known)
    return re.sub(r"^wss://[^/]+", venue.stream_url, rest)


@pytest.fixture
async def client(venue: SimulatedVenue) -> AsyncIterator[ccxt.binanceusdm]:
    made = exchange()
    made.urls["api"] = addresses(made.urls["api"], venue)
    await made.load_markets()
    yield made
    await made.close()


@pytest.fixture
async def homesick(venue: SimulatedVenue) -> AsyncIterator[ccxt.binanceusdm]:
    """The client with its real addresses, on a session that takes every request to the venue.

    It names its exceptions by the host that it believes it is talking to.
    """

    async def to_the_venue(
        request: aiohttp.ClientRequest, go_on: aiohttp.ClientHandlerType
    ) -> aiohttp.ClientResponse:
        request.url = URL(f"{venue.rest_url}{request.url.raw_path_qs}", encoded=True)
        return await go_on(request)

    async with aiohttp.ClientSession(middlewares=(to_the_venue,)) as session:
        made = exchange(session=session)
        await made.load_markets()
        yield made
        await made.close()


async def open_everything(client: ccxt.binanceusdm, **sides: Any) -> None:
    """A position, a resting order and two conditional ones in each of two instruments."""
    for symbol, amount, far in ((BTC, 0.5, 57_500.0), (ETH, 3.0, 2_900.0)):
        await client.create_order(symbol, "market", "buy", amount, None, {**sides})
        await client.create_order(symbol, "limit", "buy", amount, far, {**sides})
        stop = {"stopLossPrice": far * 0.98, **sides}
        if not sides:
            stop["reduceOnly"] = True
        await client.create_order(symbol, "market", "sell", amount, None, stop)
        entry = {"triggerPrice": far * 1.1, **sides}
        await client.create_order(symbol, "market", "buy", amount, None, entry)


# --- what is listed -----------------------------------------------------------------------------


async def test_markets_come_with_the_venues_filters(client: ccxt.binanceusdm) -> None:
    market = client.market(BTC)

    assert len(client.markets) == 12
    assert market["precision"]["amount"] == 0.001
    assert market["precision"]["price"] == 0.1
    assert market["limits"]["market"] == {"min": 0.001, "max": 120.0}
    assert market["limits"]["cost"]["min"] == 100.0
    assert client.market("BTC/USDT:USDT-261225")["future"] is True
    assert client.market("测试/USDT:USDT")["active"] is True


async def test_a_halted_instrument_is_not_active(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    venue.halt("BTCUSDT")

    await client.load_markets(True)

    assert client.market(BTC)["active"] is False
    assert client.market(ETH)["active"] is True


async def test_server_time_and_prices_are_those_of_the_venue(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    venue.set_mark("BTCUSDT", "61000")

    assert abs(await client.fetch_time() - venue.world.clock()) < 1000
    assert (await client.fetch_ticker(BTC))["last"] == 61_000
    assert (await client.fetch_mark_price(BTC))["markPrice"] == 61_000
    book = await client.fetch_order_book(BTC)
    assert book["bids"][0][0] < 61_000 < book["asks"][0][0]


async def test_leverage_and_margin_mode_are_set_and_read(client: ccxt.binanceusdm) -> None:
    await client.set_leverage(7, BTC)
    await client.set_margin_mode("isolated", BTC)

    read = await client.fetch_leverage(BTC)
    assert (read["longLeverage"], read["marginMode"]) == (7, "isolated")
    with pytest.raises(ccxt.MarginModeAlreadySet):
        await client.set_margin_mode("isolated", BTC)


# --- orders -------------------------------------------------------------------------------------


async def test_a_market_order_becomes_a_position_in_every_version_of_the_list(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    order = await client.create_order(BTC, "market", "sell", 0.5)

    assert (order["status"], order["filled"]) == ("closed", 0.5)
    assert venue.truth.amounts() == {("BTCUSDT", "BOTH"): Decimal("-0.5")}
    for params in ({}, {"useV2": True}, {"method": "account"}):
        (position,) = await client.fetch_positions([BTC], params)
        assert (position["side"], position["contracts"]) == ("short", 0.5)
    (trade,) = await client.fetch_my_trades(BTC)
    assert (trade["order"], trade["amount"]) == (order["id"], 0.5)


async def test_a_limit_order_is_placed_found_amended_and_cancelled(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    order = await client.create_order(BTC, "limit", "buy", 0.5, 59_000)

    assert (await client.fetch_order(order["id"], BTC))["status"] == "open"
    assert [o["id"] for o in await client.fetch_open_orders(BTC)] == [order["id"]]
    await client.edit_order(order["id"], BTC, "limit", "buy", 0.4, 58_900)
    (resting,) = venue.truth.working_orders()
    assert (resting.quantity, resting.price) == (Decimal("0.4"), Decimal(58900))
    assert (await client.cancel_order(order["id"], BTC))["status"] == "canceled"
    assert venue.truth.is_flat()
    assert (await client.fetch_order(order["id"], BTC))["status"] == "canceled"


async def test_a_resting_order_is_filled_when_the_price_comes(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    order = await client.create_order(BTC, "limit", "buy", 0.5, 59_000)

    venue.set_mark("BTCUSDT", "58000")

    found = await client.fetch_order(order["id"], BTC)
    assert (found["status"], found["filled"], found["average"]) == ("closed", 0.5, 59_000)


async def test_a_reduce_only_order_closes_and_never_turns_a_position_around(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await client.create_order(BTC, "market", "buy", 0.5)

    await client.create_order(BTC, "market", "sell", 2, None, {"reduceOnly": True})

    assert venue.truth.is_flat()


async def test_a_batch_is_answered_order_by_order(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    good = {"symbol": BTC, "type": "limit", "side": "buy", "amount": 0.1, "price": 59_000}
    far = {**good, "price": 90_000}

    placed = await client.create_orders([good, far, good])

    taken = [order["id"] for order in placed if order["id"]]
    assert [order["info"]["code"] for order in placed if not order["id"]] == [-4016]
    assert len(venue.truth.working_orders()) == len(taken) == 2
    await client.cancel_orders(taken, BTC)
    assert venue.truth.is_flat()


async def test_a_symbol_that_is_not_ascii_is_signed_and_traded(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await client.create_order("测试/USDT:USDT", "market", "buy", 100)

    assert venue.truth.amounts() == {("测试USDT", "BOTH"): Decimal(100)}


@pytest.mark.parametrize(
    ("kind", "price", "params", "venue_word"),
    [
        ("market", None, {"stopLossPrice": 55_000}, "STOP_MARKET"),
        ("limit", 54_900, {"stopLossPrice": 55_000}, "STOP"),
        ("market", None, {"takeProfitPrice": 61_000}, "TAKE_PROFIT_MARKET"),
        ("limit", 61_100, {"takeProfitPrice": 61_000}, "TAKE_PROFIT"),
        ("market", None, {"trailingPercent": 1}, "TRAILING_STOP_MARKET"),
    ],
)
async def test_a_conditional_order_lives_in_its_own_book(
    venue: SimulatedVenue,
    client: ccxt.binanceusdm,
    kind: str,
    price: float | None,
    params: dict[str, Any],
    venue_word: str,
) -> None:
    await client.create_order(BTC, "market", "buy", 0.5)

    order = await client.create_order(BTC, kind, "sell", 0.5, price, {**params, "reduceOnly": True})

    (waiting,) = venue.truth.conditional_orders()
    assert (str(waiting.algo_id), waiting.ticket.type.value) == (order["id"], venue_word)
    assert await client.fetch_open_orders(BTC) == []
    (listed,) = await client.fetch_open_orders(BTC, params=TRIGGER)
    assert (listed["id"], listed["reduceOnly"]) == (order["id"], True)
    assert (await client.fetch_order(order["id"], BTC, TRIGGER))["status"] == "open"
    await client.cancel_order(order["id"], BTC, TRIGGER)
    assert venue.truth.conditional_orders() == ()


async def test_a_stop_that_closes_everything_does_so_when_its_price_comes(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await client.create_order(BTC, "market", "buy", 0.5)
    everything = {"stopPrice": 55_000, "closePosition": True}
    order = await client.create_order(BTC, "STOP_MARKET", "sell", None, None, everything)

    venue.set_mark("BTCUSDT", "54000")

    assert venue.truth.is_flat()
    assert (await client.fetch_order(order["id"], BTC, TRIGGER))["status"] == "closed"


async def test_each_cancel_all_clears_one_book_of_one_instrument(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await open_everything(client)

    await client.cancel_all_orders(BTC)
    assert [o.symbol for o in venue.truth.working_orders()] == ["ETHUSDT"]
    assert len(venue.truth.conditional_orders()) == 4
    await client.cancel_all_orders(BTC, TRIGGER)
    assert {o.symbol for o in venue.truth.conditional_orders()} == {"ETHUSDT"}
    (answer,) = await client.cancel_all_orders(BTC, TRIGGER)
    assert answer["info"]["code"] == 200


async def test_hedge_mode_keeps_two_positions_and_closes_each_by_its_side(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await client.set_position_mode(True)
    assert (await client.fetch_position_mode())["hedged"] is True
    await client.create_order(BTC, "market", "buy", 0.5, None, {"hedged": True})
    await client.create_order(BTC, "market", "sell", 0.3, None, {"hedged": True})
    for params in ({}, {"useV2": True}):
        rows = await client.fetch_positions([BTC], params)
        held = {(row["side"], row["contracts"]) for row in rows if row["contracts"]}
        assert held == {("long", 0.5), ("short", 0.3)}

    closing = {"hedged": True, "reduceOnly": True}
    await client.create_order(BTC, "market", "sell", 0.5, None, closing)
    assert venue.truth.amounts() == {("BTCUSDT", "SHORT"): Decimal("-0.3")}
    await client.create_order(BTC, "market", "buy", 0.3, None, closing)
    assert venue.truth.is_flat()


async def test_the_balance_knows_what_a_trade_has_cost(client: ccxt.binanceusdm) -> None:
    await client.create_order(BTC, "market", "buy", 0.5)

    fee = 0.5 * 60_006 * 0.0004
    for params in ({}, {"useV2": True}, {"type": "swap"}):
        balance = await client.fetch_balance(params)
        assert balance["USDT"]["total"] == pytest.approx(1_000_000 - fee - 0.5 * 6)
        assert balance["USDC"]["total"] == 1_000_000


# --- streams and the WebSocket API --------------------------------------------------------------


async def until(watch: Callable[[], Awaitable[Any]], seen: Callable[[Any], bool]) -> Any:
    """Watch until something has been seen."""
    async with asyncio.timeout(SECONDS_MOST):
        while not seen(update := await watch()):
            pass
        return update


async def test_a_fill_arrives_as_order_trade_position_and_balance(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    watching = asyncio.gather(
        until(lambda: client.watch_orders(BTC), lambda rows: rows[-1]["status"] == "closed"),
        until(client.watch_my_trades, bool),
        until(client.watch_positions, bool),
        until(client.watch_balance, lambda balance: balance["USDT"]["total"] is not None),
    )
    await until_heard(venue)
    placed = await client.create_order(BTC, "market", "buy", 0.5)

    orders, trades, positions, balance = await watching
    assert (orders[-1]["id"], orders[-1]["filled"]) == (placed["id"], 0.5)
    assert trades[-1]["order"] == placed["id"]
    assert (positions[-1]["side"], positions[-1]["contracts"]) == ("long", 0.5)
    assert balance["USDT"]["total"] < 1_000_000


async def test_a_triggered_stop_arrives_on_the_stream(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    await client.create_order(BTC, "market", "buy", 0.5)
    watching = asyncio.create_task(
        until(
            lambda: client.watch_orders(BTC, params=TRIGGER),
            lambda rows: any(row["info"]["X"] == "FINISHED" for row in rows),
        )
    )
    await until_heard(venue)
    stop = {"stopLossPrice": 55_000, "reduceOnly": True}
    await client.create_order(BTC, "market", "sell", 0.5, None, stop)
    venue.set_mark("BTCUSDT", "54000")

    rows = await watching
    assert rows
    assert venue.truth.is_flat()


async def test_orders_go_over_the_websocket_api_as_well(
    venue: SimulatedVenue, client: ccxt.binanceusdm
) -> None:
    filled = await client.create_order_ws(BTC, "market", "buy", 0.5)
    assert (filled["status"], filled["filled"]) == ("closed", 0.5)
    resting = await client.create_order_ws(BTC, "limit", "buy", 0.5, 59_000)
    assert (await client.fetch_order_ws(resting["id"], BTC))["status"] == "open"
    await client.edit_order_ws(resting["id"], BTC, "limit", "buy", 0.4, 58_900)
    assert (await client.cancel_order_ws(resting["id"], BTC))["status"] == "canceled"
    stop = {"stopLossPrice": 55_000, "reduceOnly": True}
    waiting = await client.create_order_ws(BTC, "market", "sell", 0.5, None, stop)
    assert len(venue.truth.conditional_orders()) == 1
    await client.cancel_order_ws(waiting["id"], BTC, TRIGGER)

    (position,) = await client.fetch_positions_ws([BTC])
    assert (position["side"], position["contracts"]) == ("long", 0.5)
    assert (await client.fetch_balance_ws())["USDT"]["total"] < 1_000_000
    with pytest.raises(ccxt.BadRequest, match="-4005"):
        await client.create_order_ws(BTC, "market", "buy", 100_000)
    assert [received.via for received in venue.truth.requests("POST", "/fapi/v1/order")] == [
        "ws"
    ] * 3


# --- refusals -----------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbol", "kind", "side", "amount", "price", "params", "error"),
    [
        (BTC, "market", "buy", 119, None, {}, ccxt.InsufficientFunds),
        (ETH, "market", "sell", 1, None, {"reduceOnly": True}, ccxt.InvalidOrder),
        (BTC, "limit", "buy", 0.001, 59_000, {}, ccxt.InvalidOrder),
        (BTC, "market", "sell", 1, None, {"triggerPrice": 61_000}, ccxt.OrderImmediatelyFillable),
        (BTC, "market", "buy", 121, None, {}, ccxt.BadRequest),
        (BTC, "limit", "buy", 1, 64_000, {}, ccxt.BadRequest),
        (BTC, "market", "buy", 1, None, {"positionSide": "LONG"}, ccxt.OperationRejected),
        (BTC, "limit", "buy", 1, 60_100, {"postOnly": True}, ccxt.InvalidOrder),
    ],
)
async def test_a_refused_order_raises_what_the_client_raises_at_the_real_venue(
    venue: SimulatedVenue,
    homesick: ccxt.binanceusdm,
    symbol: str,
    kind: str,
    side: str,
    amount: float,
    price: float | None,
    params: dict[str, Any],
    error: type[Exception],
) -> None:
    await homesick.set_leverage(1, BTC)

    with pytest.raises(error):
        await homesick.create_order(symbol, kind, side, amount, price, params)

    assert venue.truth.is_flat()


async def test_what_is_not_there_is_not_found(homesick: ccxt.binanceusdm) -> None:
    for ask in (homesick.fetch_order, homesick.cancel_order):
        with pytest.raises(ccxt.OrderNotFound):
            await ask("1", BTC)
        with pytest.raises(ccxt.OrderNotFound):
            await ask("1", BTC, TRIGGER)


@pytest.mark.parametrize(
    ("effect", "error"),
    [
        (trouble.unknown_outcome(Outcome.EXECUTED), ccxt.OperationFailed),
        (trouble.unavailable(), ccxt.OperationFailed),
        (trouble.overloaded(), ccxt.OperationFailed),
        (trouble.backend_timeout(Outcome.NOT_EXECUTED), ccxt.RequestTimeout),
        (trouble.throttled(), ccxt.DDoSProtection),
        (trouble.banned(), ccxt.DDoSProtection),
        (trouble.html(status=502), ccxt.ExchangeNotAvailable),
        (Reset(), ccxt.NetworkError),
        (Skew(seconds=20), ccxt.InvalidNonce),
    ],
)
async def test_trouble_raises_what_the_client_raises_at_the_real_venue(
    venue: SimulatedVenue, homesick: ccxt.binanceusdm, effect: Effect, error: type[Exception]
) -> None:
    venue.faults.add(Match(method="POST", path="/fapi/v1/order", count=1), effect)

    with pytest.raises(error):
        await homesick.create_order(BTC, "market", "buy", 0.5)


@pytest.mark.parametrize(
    ("wrong", "error"),
    [
        ({"apiKey": "x" * 64}, ccxt.AuthenticationError),
        ({"secret": "another"}, ccxt.AuthenticationError),
    ],
)
async def test_a_wrong_key_or_secret_is_an_authentication_error(
    homesick: ccxt.binanceusdm, wrong: dict[str, str], error: type[Exception]
) -> None:
    for name, text in wrong.items():
        setattr(homesick, name, text)

    with pytest.raises(error):
        await homesick.fetch_balance()


# --- the loop that people use to go flat --------------------------------------------------------


@pytest.mark.parametrize("hedged", [False, True])
async def test_the_usual_ccxt_loop_ends_flat_on_the_ground_truth(
    venue: SimulatedVenue, client: ccxt.binanceusdm, hedged: bool
) -> None:
    sides = {"hedged": True} if hedged else {}
    if hedged:
        await client.set_position_mode(True)
    await open_everything(client, **sides)
    if hedged:
        await client.create_order(BTC, "market", "sell", 0.2, None, sides)
    assert len(venue.truth.positions()) == 2 + hedged

    for symbol in (BTC, ETH):
        await client.cancel_all_orders(symbol)
        await client.cancel_all_orders(symbol, TRIGGER)
    for position in await client.fetch_positions():
        if position["contracts"]:
            side = "sell" if position["side"] == "long" else "buy"
            closing = {"reduceOnly": True, **sides}
            await client.create_order(
                position["symbol"], "market", side, position["contracts"], None, closing
            )

    assert venue.truth.is_flat()
    closes = venue.truth.orders()[-(2 + hedged) :]
    assert all(order.reduce_only for order in closes)


@pytest.mark.parametrize("hedged", [False, True])
async def test_goflat_takes_an_account_flat_that_ccxt_has_opened(
    venue: SimulatedVenue, client: ccxt.binanceusdm, hedged: bool
) -> None:
    if hedged:
        await client.set_position_mode(True)
    await open_everything(client, **({"hedged": True} if hedged else {}))
    credentials = Credentials(api_key=Secret(TEST_API_KEY), api_secret=Secret(TEST_API_SECRET))
    goflat = LiquidationManager(
        BinanceVenue(rest_url=venue.rest_url, credentials=credentials), quiet_seconds=0.1
    )

    result = await goflat.execute_liquidation()
    await goflat.aclose()

    assert (result.state, result.verified) == (LiquidationState.COMPLETED, True)
    assert (result.positions_closed, result.orders_cancelled) == (2, 6)
    assert venue.truth.is_flat()
    assert len(venue.truth.orders(prefix="gf-")) == 2
    assert venue.truth.opening_orders(prefix="gf-") == ()
    assert await client.fetch_positions() == []
    for symbol in (BTC, ETH):
        assert await client.fetch_open_orders(symbol) == []
        assert await client.fetch_open_orders(symbol, params=TRIGGER) == []
