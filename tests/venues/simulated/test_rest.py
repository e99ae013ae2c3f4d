"""REST over real sockets: who is let in, what each path answers, in which shape."""

import asyncio
from collections.abc import Mapping
from decimal import Decimal

import msgspec
import pytest

from goflat.domain.secret import Secret
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import AccountSetup, SimulatedVenue

BTC = "BTCUSDT"
PLACED = """{"clientOrderId":"testOrder","cumQty":"0","executedQty":"0","orderId":22542179,
"origQty":"10","price":"0","reduceOnly":false,"side":"SELL","positionSide":"SHORT","status":"NEW",
"stopPrice":"0","closePosition":false,"symbol":"BTCUSDT","timeInForce":"GTD","type":"LIMIT",
"origType":"LIMIT","updateTime":1566818724722,"workingType":"CONTRACT_PRICE","priceProtect":false,
"priceMatch":"NONE","selfTradePreventionMode":"NONE","goodTillDate":1693207680000}"""
FOUND = """{"avgPrice":"0.00000","clientOrderId":"abc","cumQuote":"0","executedQty":"0",
"orderId":1917641,"origQty":"0.40","origType":"LIMIT","price":"0","reduceOnly":false,
"side":"BUY","positionSide":"SHORT","status":"NEW","stopPrice":"9300","closePosition":false,
"symbol":"BTCUSDT","time":1579276756075,"timeInForce":"GTC","type":"LIMIT",
"updateTime":1579276756075,"workingType":"CONTRACT_PRICE","priceProtect":false,
"priceMatch":"NONE","selfTradePreventionMode":"NONE","goodTillDate":0}"""
POSITION_V3 = """{"symbol":"ADAUSDT","positionSide":"BOTH","positionAmt":"30","entryPrice":"0.385",
"breakEvenPrice":"0.385077","markPrice":"0.41047590","unRealizedProfit":"0.76427700",
"liquidationPrice":"0","isolatedMargin":"0","notional":"12.31427700","marginAsset":"USDT",
"isolatedWallet":"0","initialMargin":"0.61571385","maintMargin":"0.08004280",
"positionInitialMargin":"0.61571385","openOrderInitialMargin":"0","adl":2,"bidNotional":"0",
"askNotional":"0","updateTime":1720736417660}"""
POSITION_V2 = """{"entryPrice":"0.00000","breakEvenPrice":"0.0","marginType":"isolated",
"isAutoAddMargin":"false","isolatedMargin":"0.00000000","leverage":"10","liquidationPrice":"0",
"markPrice":"6679.50671178","maxNotionalValue":"20000000","positionAmt":"0.000","notional":"0",
"isolatedWallet":"0","symbol":"BTCUSDT","unRealizedProfit":"0.00000000","positionSide":"BOTH",
"updateTime":1625474304765}"""
CONFIG = """{"feeTier":0,"canTrade":true,"canDeposit":true,"canWithdraw":true,
"dualSidePosition":true,"updateTime":0,"multiAssetsMargin":false,"tradeGroupId":-1}"""
FILL = """{"buyer":false,"commission":"0.07819010","commissionAsset":"USDT","id":698759,
"maker":false,"orderId":25851813,"price":"7819.01","qty":"0.002","quoteQty":"15.63802",
"baseQty":"0.002","marginAsset":"USDT","realizedPnl":"-0.91539999","side":"SELL",
"positionSide":"SHORT","symbol":"BTCUSDT","pair":"BTCUSDT","time":1569514978020}"""
ALGO_PLACED = """{"algoId":2146760,"clientAlgoId":"6B2I9XVcJpCjqPAJ4YoFX7",
"algoType":"CONDITIONAL","orderType":"TAKE_PROFIT","symbol":"BNBUSDT","side":"SELL",
"positionSide":"BOTH","timeInForce":"GTC","quantity":"0.01","algoStatus":"NEW",
"triggerPrice":"750.000","price":"750.000","icebergQuantity":null,
"selfTradePreventionMode":"EXPIRE_MAKER","workingType":"CONTRACT_PRICE","priceMatch":"NONE",
"closePosition":false,"priceProtect":false,"reduceOnly":false,"activatePrice":"",
"callbackRate":"","createTime":1750485492076,"updateTime":1750485492076,"triggerTime":0,
"goodTillDate":0}"""
ACCOUNT_V3 = """{"totalInitialMargin":"0.00000000","totalMaintMargin":"0.00000000",
"totalWalletBalance":"126.72469206","totalUnrealizedProfit":"0.00000000",
"totalMarginBalance":"126.72469206","totalPositionInitialMargin":"0.00000000",
"totalOpenOrderInitialMargin":"0.00000000","totalCrossWalletBalance":"126.72469206",
"totalCrossUnPnl":"0.00000000","availableBalance":"126.72469206",
"maxWithdrawAmount":"126.72469206","assets":[],"positions":[]}"""
SYMBOL_CONFIG = """{"symbol":"BTCUSDT","marginType":"CROSSED","isAutoAddMargin":false,
"leverage":21,"maxNotionalValue":"1000000"}"""
LISTED = """{"symbol":"BTCUSDT","pair":"BTCUSDT","contractType":"PERPETUAL",
"deliveryDate":4133404800000,"onboardDate":1569398400000,"status":"TRADING",
"maintMarginPercent":"2.5000","requiredMarginPercent":"5.0000","baseAsset":"BTC",
"quoteAsset":"USDT","marginAsset":"USDT","pricePrecision":2,"quantityPrecision":3,
"baseAssetPrecision":8,"quotePrecision":8,"underlyingType":"COIN","underlyingSubType":["PoW"],
"settlePlan":0,"triggerProtect":"0.0500","liquidationFee":"0.012500","marketTakeBound":"0.05",
"maxMoveOrderLimit":10000,"filters":[],"orderTypes":[],"timeInForce":[]}"""


def shape(row: object) -> dict[str, type]:
    assert isinstance(row, Mapping)
    return {name: type(value) for name, value in row.items()}


def same_shape(row: object, sample: str) -> bool:
    """Every field of the published sample, each of the same JSON type."""
    return shape(msgspec.json.decode(sample)).items() <= shape(row).items()


async def place(trader: Trader, **more: str) -> dict:
    order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.5", **more}
    return (await trader.ask("POST", "/fapi/v1/order", **order)).json


# --- the shapes ---------------------------------------------------------------------------------


async def test_every_answer_has_the_published_shape(venue: SimulatedVenue, trader: Trader) -> None:
    placed = await place(trader)
    resting = {"type": "LIMIT", "timeInForce": "GTC", "price": "59000"}
    await place(trader, **resting)
    algo = await trader.ask(
        "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=BTC, side="SELL",
        type="STOP_MARKET", triggerPrice="58000", closePosition="true",
    )  # fmt: skip

    async def get(path: str, **params: str) -> object:
        return await trader.must("GET", f"/fapi/{path}", **params)

    assert same_shape(placed, PLACED)
    assert "avgPrice" not in placed
    assert same_shape(algo.json, ALGO_PLACED)
    for row, sample in [
        ((await get("v1/openOrders"))[0], FOUND),
        ((await get("v3/positionRisk"))[0], POSITION_V3),
        ((await get("v2/positionRisk"))[0], POSITION_V2),
        (await get("v1/accountConfig"), CONFIG),
        ((await get("v1/userTrades", symbol=BTC))[0], FILL),
        (await get("v3/account"), ACCOUNT_V3),
        ((await get("v1/symbolConfig", symbol=BTC))[0], SYMBOL_CONFIG),
        ((await get("v1/exchangeInfo"))["symbols"][0], LISTED),
    ]:
        assert same_shape(row, sample), sample[:40]
    closing = (await get("v1/openAlgoOrders"))[0]
    assert (closing["quantity"], closing["closePosition"]) == ("0.0", True)
    assert (closing["actualOrderId"], closing["algoStatus"]) == ("", "NEW")


@pytest.mark.parametrize(
    ("path", "params"),
    [
        ("/fapi/v1/ping", {}),
        ("/fapi/v1/time", {}),
        ("/fapi/v1/depth", {"symbol": BTC, "limit": 5}),
        ("/fapi/v1/trades", {"symbol": BTC}),
        ("/fapi/v1/aggTrades", {"symbol": BTC}),
        ("/fapi/v1/klines", {"symbol": BTC, "interval": "5m", "limit": 3}),
        ("/fapi/v1/markPriceKlines", {"symbol": BTC, "interval": "1h", "limit": 3}),
        ("/fapi/v1/premiumIndex", {}),
        ("/fapi/v1/premiumIndex", {"symbol": BTC}),
        ("/fapi/v1/fundingRate", {"symbol": BTC}),
        ("/fapi/v1/ticker/24hr", {}),
        ("/fapi/v1/ticker/price", {"symbol": BTC}),
        ("/fapi/v2/ticker/price", {}),
        ("/fapi/v1/ticker/bookTicker", {}),
        ("/fapi/v1/openInterest", {"symbol": BTC}),
        ("/fapi/v2/balance", {}),
        ("/fapi/v3/balance", {}),
        ("/fapi/v2/account", {}),
        ("/fapi/v1/leverageBracket", {}),
        ("/fapi/v1/commissionRate", {"symbol": BTC}),
        ("/fapi/v1/income", {}),
        ("/fapi/v1/adlQuantile", {}),
        ("/fapi/v1/apiTradingStatus", {}),
        ("/fapi/v1/rateLimit/order", {}),
        ("/fapi/v1/multiAssetsMargin", {}),
        ("/fapi/v1/allOrders", {"symbol": BTC}),
        ("/fapi/v1/allAlgoOrders", {"symbol": BTC}),
        ("/fapi/v1/forceOrders", {}),
        ("/sapi/v1/account/apiRestrictions", {}),
    ],
)
async def test_every_other_path_that_clients_ask_answers(
    trader: Trader, path: str, params: dict
) -> None:
    await trader.open_position(BTC, Decimal("0.5"))

    reply = await trader.ask("GET", path, **params)

    assert (reply.status, reply.json is None) == (200, False)


async def test_candles_are_the_same_whoever_asks_and_end_now(trader: Trader) -> None:
    ask = {"symbol": BTC, "interval": "1m", "limit": 10}
    first = await trader.must("GET", "/fapi/v1/klines", **ask)
    again = await trader.must("GET", "/fapi/v1/klines", **ask, startTime=first[4][0])

    assert len(first) == 10
    assert again[0] == first[4]
    assert first[-1][0] <= (await trader.must("GET", "/fapi/v1/time"))["serverTime"]
    assert [row[0] - first[0][0] for row in first] == [60_000 * i for i in range(10)]
    assert all(Decimal(low) <= Decimal(o) <= Decimal(high) for _, o, high, low, *_ in first)


# --- who is let in ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("path", "status", "code"),
    [
        ("/fapi/v3/positionRisk", 400, -1102),
        ("/fapi/v3/positionRisk?timestamp=1", 400, -1021),
        ("/fapi/v3/positionRisk?timestamp=9999999999999", 400, -1021),
        ("/fapi/v1/nowhere", 404, None),
    ],
)
async def test_what_is_not_properly_signed_is_refused(
    trader: Trader, path: str, status: int, code: int
) -> None:
    reply = await trader.ask_raw("GET", path)

    assert (reply.status, reply.code) == (status, code)


@pytest.mark.parametrize(("key", "code"), [("", -2014), ("nobody", -2015)])
async def test_an_unknown_key_is_401(venue: SimulatedVenue, key: str, code: int) -> None:
    async with Trader(venue.rest_url, key, AccountSetup().api_secret) as stranger:
        reply = await stranger.ask("GET", "/fapi/v3/positionRisk")

    assert (reply.status, reply.code) == (401, code)


async def test_a_revoked_key_is_401(venue: SimulatedVenue, trader: Trader) -> None:
    venue.revoke_key(AccountSetup().api_key)

    assert (await trader.ask("GET", "/fapi/v3/positionRisk")).code == -2015


async def test_a_wrong_secret_is_refused(venue: SimulatedVenue) -> None:
    async with Trader(venue.rest_url, AccountSetup().api_key, Secret("wrong")) as stranger:
        assert (await stranger.ask("GET", "/fapi/v3/positionRisk")).code == -1022


async def test_a_symbol_that_is_not_ascii_can_be_signed_and_traded(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position("测试USDT", Decimal(-100))

    assert venue.truth.amounts() == {("测试USDT", "BOTH"): Decimal(-100)}


async def test_two_accounts_do_not_see_each_other(venue: SimulatedVenue, trader: Trader) -> None:
    other = AccountSetup(name="other", api_key="other-key", hedge=True)
    venue.add_account(other)
    async with venue.trader(other) as second:
        await second.open_position(BTC, Decimal(-1), hedge=True)

        assert await trader.must("GET", "/fapi/v3/positionRisk") == []
    assert venue.truth.is_flat("main")
    assert venue.truth.amounts("other") == {(BTC, "SHORT"): Decimal(-1)}


# --- limits -------------------------------------------------------------------------------------


async def test_every_answer_tells_the_weight_and_order_answers_the_orders(trader: Trader) -> None:
    before = await trader.ask("GET", "/fapi/v3/positionRisk")
    listed = await trader.ask("GET", "/fapi/v1/openOrders")
    placed = await trader.ask(
        "POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.5"
    )

    weights = [int(reply.headers["X-MBX-USED-WEIGHT-1M"]) for reply in (before, listed, placed)]
    assert weights == [5, 45, 45]
    assert "X-MBX-ORDER-COUNT-10S" not in listed.headers
    assert placed.headers["X-MBX-ORDER-COUNT-10S"] == "1"
    assert placed.headers["X-MBX-ORDER-COUNT-1M"] == "1"


async def test_orders_run_out_while_cancels_go_on(venue: SimulatedVenue, trader: Trader) -> None:
    venue.use_orders("main", 300, 300)

    order = await trader.ask(
        "POST", "/fapi/v1/order", symbol=BTC, side="BUY", type="MARKET", quantity="0.5"
    )
    cancel = await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)

    assert (order.status, order.code) == (429, -1015)
    assert 1 <= int(order.headers["Retry-After"]) <= 10
    assert cancel.status == 200


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"symbol": "NOPE"}, -1121),
        ({"symbol": ""}, -1102),
        ({"side": "UP"}, -1117),
        ({"type": "ICEBERG"}, -1116),
        ({"type": "STOP_MARKET"}, -4120),
        ({"quantity": ""}, -1102),
        ({"quantity": "1e-05"}, -1100),
        ({"quantity": "-1"}, -1100),
        ({"quantity": "NaN"}, -1100),
        ({"quantity": "0.00001"}, -1111),
        ({"timeInForce": "GTC"}, -1106),
        ({"price": "60000"}, -1106),
        ({"positionSide": "UP"}, -4060),
        ({"positionSide": "LONG"}, -4061),
        ({"reduceOnly": "maybe"}, -4062),
        ({"newOrderRespType": "FULL"}, -1136),
        ({"newClientOrderId": "a" * 37}, -4015),
        ({"newClientOrderId": "a b"}, -1100),
        ({"type": "LIMIT", "price": "60000"}, -1102),
        ({"type": "LIMIT", "timeInForce": "GTC"}, -1102),
        ({"type": "LIMIT", "timeInForce": "NOW", "price": "60000"}, -1115),
        ({"type": "LIMIT", "timeInForce": "GTD", "price": "59000"}, -5040),
        ({"type": "LIMIT", "timeInForce": "GTC", "priceMatch": "BEST"}, -5037),
        ({"type": "LIMIT", "timeInForce": "GTC", "price": "90000"}, -4016),
    ],
)
async def test_an_order_that_is_not_well_formed_is_refused_with_its_code(
    venue: SimulatedVenue, trader: Trader, order: dict, code: int
) -> None:
    assert (await place(trader, **order))["code"] == code
    assert venue.truth.orders() == ()


async def test_result_tells_the_end_and_ack_tells_nothing(trader: Trader) -> None:
    ack = await place(trader)
    result = await place(trader, newOrderRespType="RESULT")

    assert (ack["status"], ack["executedQty"]) == ("NEW", "0.000")
    assert (result["status"], result["executedQty"]) == ("FILLED", "0.500")


async def test_the_body_may_carry_the_parameters_and_the_query_wins(
    venue: SimulatedVenue, trader: Trader
) -> None:
    reply = await trader.ask_form(
        "POST",
        "/fapi/v1/order?symbol=ETHUSDT",
        symbol=BTC,
        side="BUY",
        type="MARKET",
        quantity="1",
    )

    assert reply.status == 200
    assert venue.truth.amounts() == {("ETHUSDT", "BOTH"): Decimal(1)}


async def test_an_order_is_found_by_either_id_until_it_never_was(trader: Trader) -> None:
    placed = await place(trader, newClientOrderId="mine")

    by_client = await trader.ask("GET", "/fapi/v1/order", symbol=BTC, origClientOrderId="mine")
    by_venue = await trader.ask("GET", "/fapi/v1/order", symbol=BTC, orderId=placed["orderId"])
    unknown = await trader.ask("GET", "/fapi/v1/order", symbol=BTC, origClientOrderId="other")
    neither = await trader.ask("GET", "/fapi/v1/order", symbol=BTC)
    not_open = await trader.ask("GET", "/fapi/v1/openOrder", symbol=BTC, origClientOrderId="mine")

    assert by_client.json == by_venue.json
    assert (by_client.json["status"], by_client.json["avgPrice"]) == ("FILLED", "60006.00")
    assert [r.code for r in (unknown, neither, not_open)] == [-2013, -1102, -2013]


async def test_each_cancel_all_clears_its_own_book_only(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    await trader.wait_order(BTC, "SELL", Decimal(58000), quantity="1")

    regular = await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    assert (len(venue.truth.working_orders()), len(venue.truth.conditional_orders())) == (0, 1)
    conditional = await trader.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)
    again = await trader.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)

    done = {"code": 200, "msg": "The operation of cancel all open order is done."}
    assert [regular.json, conditional.json, again.json] == [done, done, done]
    assert venue.truth.is_flat()


async def test_single_cancels_and_their_second_time(trader: Trader) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    await trader.wait_order(BTC, "SELL", Decimal(58000), quantity="1", clientAlgoId="b")
    cancel = {"symbol": BTC, "origClientOrderId": "a"}

    regular = await trader.ask("DELETE", "/fapi/v1/order", **cancel)
    algo = await trader.ask("DELETE", "/fapi/v1/algoOrder", clientAlgoId="b")
    twice = await trader.ask("DELETE", "/fapi/v1/order", **cancel)
    algo_twice = await trader.ask("DELETE", "/fapi/v1/algoOrder", clientAlgoId="b")

    assert (regular.json["status"], regular.json["clientOrderId"]) == ("CANCELED", "a")
    assert (algo.json["code"], algo.json["msg"]) == ("200", "success")
    assert (twice.code, algo_twice.code) == (-2011, -2011)


async def test_a_batch_answers_element_by_element(venue: SimulatedVenue, trader: Trader) -> None:
    good = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "1"}
    bad = {**good, "side": "SELL", "reduceOnly": "true", "symbol": "ETHUSDT"}

    reply = await trader.ask("POST", "/fapi/v1/batchOrders", batchOrders=_json([good, bad]))
    six = await trader.ask("POST", "/fapi/v1/batchOrders", batchOrders=_json([good] * 6))

    assert reply.status == 200
    assert reply.json[0]["status"] == "NEW"
    assert reply.json[1] == {"code": -2022, "msg": "ReduceOnly Order is rejected."}
    assert six.code == -4082
    assert reply.headers["X-MBX-ORDER-COUNT-10S"] == "5"


async def test_a_batch_of_cancels_by_either_id(venue: SimulatedVenue, trader: Trader) -> None:
    for name in ("a", "b", "c"):
        await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId=name)
    (first, *_) = venue.truth.working_orders()

    by_id = await trader.ask(
        "DELETE", "/fapi/v1/batchOrders", symbol=BTC, orderIdList=_json([first.order_id, 7])
    )
    by_name = await trader.ask(
        "DELETE", "/fapi/v1/batchOrders", symbol=BTC, origClientOrderIdList=_json(["b", "c"])
    )

    assert [row.get("code") for row in by_id.json] == [None, -2011]
    assert [row["status"] for row in by_name.json] == ["CANCELED", "CANCELED"]
    assert venue.truth.is_flat()


async def test_a_resting_order_can_be_amended(venue: SimulatedVenue, trader: Trader) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    order = {"symbol": BTC, "side": "BUY", "origClientOrderId": "a"}

    amended = await trader.ask("PUT", "/fapi/v1/order", **order, quantity="2", price="58000")
    same = await trader.ask("PUT", "/fapi/v1/order", **order, quantity="2", price="58000")

    assert (amended.json["origQty"], amended.json["price"]) == ("2.000", "58000.00")
    assert same.code == -5027


async def test_a_countdown_cancels_unless_it_is_wound_up_again(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    path, wound = "/fapi/v1/countdownCancelAll", {"symbol": BTC, "countdownTime": 50}
    started = await trader.ask("POST", path, **wound)
    stopped = await trader.ask("POST", path, symbol=BTC, countdownTime=0)
    await _pass(0.08)
    assert len(venue.truth.working_orders()) == 1

    await trader.ask("POST", path, **wound)
    await _pass(0.1)

    assert started.json == {"symbol": BTC, "countdownTime": "50"}
    assert stopped.json == {"symbol": BTC, "countdownTime": "0"}
    assert venue.truth.working_orders() == ()


# --- positions and modes ------------------------------------------------------------------------


async def test_v3_lists_what_is_in_use_and_v2_lists_everything(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position(BTC, Decimal(-1))
    await trader.rest_order("ETHUSDT", "BUY", Decimal(1), Decimal(2900))

    v3 = await trader.must("GET", "/fapi/v3/positionRisk")
    v2 = await trader.must("GET", "/fapi/v2/positionRisk")

    assert [(row["symbol"], row["positionAmt"]) for row in v3] == [
        (BTC, "-1.000"),
        ("ETHUSDT", "0.000"),
    ]
    assert len(v2) == len(venue.world.markets)


async def test_hedge_rows_are_three_and_short_is_below_zero(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.set_hedge(hedge=True)
    await trader.open_position(BTC, Decimal(2), hedge=True)
    await trader.open_position(BTC, Decimal(-1), hedge=True)

    rows = await trader.must("GET", "/fapi/v3/positionRisk")

    assert {row["positionSide"]: row["positionAmt"] for row in rows} == {
        "BOTH": "0.000",
        "LONG": "2.000",
        "SHORT": "-1.000",
    }


async def test_the_mode_does_not_change_while_anything_is_open(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async def change(to: str) -> int | None:
        path = "/fapi/v1/positionSide/dual"
        return (await trader.ask("POST", path, dualSidePosition=to)).code

    assert await change("false") == -4059
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    assert await change("true") == -4067
    await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    await trader.open_position(BTC, Decimal(1))
    assert await change("true") == -4068


async def test_leverage_and_margin_type_can_be_set(venue: SimulatedVenue, trader: Trader) -> None:
    await trader.open_position(BTC, Decimal(1))

    leverage = await trader.ask("POST", "/fapi/v1/leverage", symbol=BTC, leverage=10)
    too_much = await trader.ask("POST", "/fapi/v1/leverage", symbol=BTC, leverage=126)
    isolated = await trader.ask("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED")
    again = await trader.ask("POST", "/fapi/v1/marginType", symbol=BTC, marginType="ISOLATED")
    row = (await trader.must("GET", "/fapi/v2/positionRisk", symbol=BTC))[0]

    assert leverage.json == {"leverage": 10, "maxNotionalValue": "1000000", "symbol": BTC}
    assert (too_much.code, isolated.status, again.code) == (-4028, 200, -4046)
    assert (row["leverage"], row["marginType"]) == ("10", "isolated")
    assert 0 < Decimal(row["liquidationPrice"]) < 60000
    assert venue.world.accounts["main"].margin_used["USDT"] == Decimal("6000.6")


async def test_before_july_2026_an_order_reply_had_an_average_price() -> None:
    knobs = Knobs(replies_carry_average_price=True)
    async with SimulatedVenue(knobs=knobs) as venue, venue.trader() as trader:
        placed = await place(trader, newOrderRespType="RESULT")

    assert (placed["avgPrice"], placed["cumQuote"]) == ("60006.00", "30003.00000000")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


async def _pass(seconds: float) -> None:
    await asyncio.sleep(seconds)


async def test_a_position_below_the_step_is_shown_in_all_its_places(
    venue: SimulatedVenue, trader: Trader
) -> None:
    venue.open_position("SOLUSDT", "0.004")
    venue.open_position(BTC, "0.5")

    rows = await trader.must("GET", "/fapi/v3/positionRisk")

    assert [row["positionAmt"] for row in rows] == ["0.004", "0.500"]
