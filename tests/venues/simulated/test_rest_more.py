"""The rarer paths: changes in batches, prices from the book, margin modes, histories."""

import hashlib
import hmac
from decimal import Decimal
from urllib.parse import urlencode

import msgspec
import pytest

from goflat.venues.simulated import account as accounts
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.exchange import Exchange
from goflat.venues.simulated.faults import CancelLate, FillFirst, Match
from goflat.venues.simulated.gateway import Request
from goflat.venues.simulated.instruments import standard_instruments
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.orders import Status
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

BTC = "BTCUSDT"
ORDER = "/fapi/v1/order"
LIMIT = {"symbol": BTC, "side": "BUY", "type": "LIMIT", "timeInForce": "GTC", "quantity": "1"}
STOP = {
    "algoType": "CONDITIONAL", "symbol": BTC, "side": "SELL", "type": "STOP_MARKET",
    "triggerPrice": "58000", "quantity": "1",
}  # fmt: skip


# --- orders -------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "price"),
    [("OPPONENT", "60006.00"), ("OPPONENT_5", "60030.00"), ("QUEUE", "59994.00")],
)
async def test_a_price_can_be_taken_from_the_book(trader: Trader, match: str, price: str) -> None:
    reply = await trader.ask("POST", ORDER, **LIMIT, priceMatch=match)

    assert (reply.status, reply.json["price"]) == (200, price)


async def test_a_price_of_an_empty_book_cannot(venue: SimulatedVenue, trader: Trader) -> None:
    venue.set_book(BTC, asks=[])

    empty = await trader.ask("POST", ORDER, **LIMIT, priceMatch="OPPONENT")
    both = await trader.ask("POST", ORDER, **LIMIT, priceMatch="QUEUE", price="59000")

    assert (empty.code, both.code) == (-5041, -1106)


def test_an_order_with_a_date_ends_on_it(exchange: Exchange, clock) -> None:
    order = exchange.rest_order(BTC, "BUY", "1", "59000")
    dated = exchange.rest_order(BTC, "BUY", "1", "59000", good_till_ms=clock() + 700_000)

    clock.pass_seconds(701)
    exchange.world.agenda.run(clock())

    assert (order.status, dated.status) == (Status.NEW, Status.EXPIRED)


async def test_an_order_can_be_tried_out(venue: SimulatedVenue, trader: Trader) -> None:
    order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "1"}

    tried = await trader.ask("POST", "/fapi/v1/order/test", **order)
    wrong = await trader.ask("POST", "/fapi/v1/order/test", **{**order, "side": "UP"})

    assert (tried.json, wrong.code) == ({}, -1117)
    assert venue.truth.orders() == ()


async def test_a_batch_of_changes(trader: Trader) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    one = {"symbol": BTC, "side": "BUY", "quantity": "2", "price": "58000"}
    changes = [{**one, "origClientOrderId": "a"}, {**one, "origClientOrderId": "b"}]

    reply = await trader.ask("PUT", "/fapi/v1/batchOrders", batchOrders=_json(changes))

    assert (reply.json[0]["origQty"], reply.json[1]["code"]) == ("2.000", -2013)


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"quantity": "2"}, -1102),
        ({"price": "58000"}, -1102),
        ({"quantity": "0.0001", "price": "58000"}, -1111),
        ({"quantity": "2", "price": "90000"}, -4016),
    ],
)
async def test_a_change_that_cannot_be_is_refused(trader: Trader, change: dict, code: int) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    order = {"symbol": BTC, "side": "BUY", "origClientOrderId": "a"}

    assert (await trader.ask("PUT", ORDER, **order, **change)).code == code


async def test_an_order_that_is_done_cannot_be_changed(trader: Trader) -> None:
    await trader.ask("POST", ORDER, symbol=BTC, side="BUY", type="MARKET", quantity="1",
                     newClientOrderId="a")  # fmt: skip
    order = {"symbol": BTC, "side": "BUY", "origClientOrderId": "a"}

    assert (await trader.ask("PUT", ORDER, **order, quantity="2", price="59000")).code == -2013


@pytest.mark.parametrize(
    ("batch", "code"),
    [("[]", -4082), ("nonsense", -1102), ('[{"symbol": null}]', None), ('{"symbol": 1}', -1102)],
)
async def test_a_batch_that_is_none_is_refused(
    trader: Trader, batch: str, code: int | None
) -> None:
    reply = await trader.ask("POST", "/fapi/v1/batchOrders", batchOrders=batch)

    assert reply.code == code
    if code is None:
        assert reply.json[0]["code"] == -1102


@pytest.mark.parametrize(
    ("ids", "code"),
    [({}, -1102), ({"orderIdList": "[1,"}, -1130), ({"orderIdList": str(list(range(11)))}, -4032)],
)
async def test_a_batch_of_cancels_that_is_none_is_refused(
    trader: Trader, ids: dict, code: int
) -> None:
    reply = await trader.ask("DELETE", "/fapi/v1/batchOrders", symbol=BTC, **ids)

    assert reply.code == code


async def test_a_cancel_of_an_order_that_is_filled_just_then_is_refused(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    venue.faults.add(Match(method="DELETE"), FillFirst())

    reply = await trader.ask("DELETE", ORDER, symbol=BTC, origClientOrderId="a")

    assert reply.code == -2011
    assert len(venue.truth.positions()) == 1


@pytest.mark.parametrize(("lenient", "code"), [(False, -1121), (True, None)])
async def test_open_orders_of_an_unknown_symbol_are_a_knob(lenient: bool, code: int | None) -> None:
    knobs = Knobs(unknown_symbol_lists_nothing=lenient)
    async with SimulatedVenue(knobs=knobs) as venue, venue.trader() as trader:
        assert (await trader.ask("GET", "/fapi/v1/openOrders", symbol="NOPE")).code == code


async def test_result_may_still_say_new(venue: SimulatedVenue) -> None:
    knobs = Knobs(result_still_says_new=True)
    async with SimulatedVenue(knobs=knobs) as odd, odd.trader() as trader:
        reply = await trader.ask("POST", ORDER, symbol=BTC, side="BUY", type="MARKET",
                                 quantity="1", newOrderRespType="RESULT")  # fmt: skip

        assert (reply.json["status"], len(odd.truth.positions())) == ("NEW", 1)


# --- conditional orders -------------------------------------------------------------------------


async def test_conditional_orders_are_found_listed_and_remembered(trader: Trader) -> None:
    placed = [
        (await trader.ask("POST", "/fapi/v1/algoOrder", **STOP, clientAlgoId=name)).json
        for name in ("a", "b")
    ]
    await trader.ask("DELETE", "/fapi/v1/algoOrder", algoId=placed[0]["algoId"])

    by_id = await trader.ask("GET", "/fapi/v1/algoOrder", algoId=placed[0]["algoId"])
    unknown = await trader.ask("GET", "/fapi/v1/algoOrder", algoId=7)
    neither = await trader.ask("GET", "/fapi/v1/algoOrder")
    listed = await trader.must("GET", "/fapi/v1/openAlgoOrders", symbol=BTC)
    remembered = await trader.must("GET", "/fapi/v1/allAlgoOrders", symbol=BTC)

    assert (by_id.json["algoStatus"], by_id.json["actualQty"]) == ("CANCELED", "0.000")
    assert (unknown.code, neither.code) == (-2013, -1102)
    assert [row["clientAlgoId"] for row in listed] == ["b"]
    assert [row["clientAlgoId"] for row in remembered] == ["a", "b"]


@pytest.mark.parametrize(
    ("order", "code"),
    [
        ({"algoType": "GRID"}, -1130),
        ({"type": "MARKET"}, -1116),
        ({"type": "STOP"}, -1102),
        ({"triggerPrice": ""}, -1102),
        ({"triggerPrice": "61000"}, -2021),
        ({"triggerPrice": "58000.05"}, -4014),
        ({"workingType": "MOON"}, -1130),
        ({"type": "TRAILING_STOP_MARKET"}, -1102),
        ({"type": "TRAILING_STOP_MARKET", "callbackRate": "11"}, -2007),
        ({"closePosition": "true"}, -4137),
        ({"closePosition": "perhaps"}, -1130),
        ({"clientAlgoId": "a" * 37}, -4015),
    ],
)
async def test_a_conditional_order_that_is_not_well_formed_is_refused(
    trader: Trader, order: dict, code: int
) -> None:
    assert (await trader.ask("POST", "/fapi/v1/algoOrder", **{**STOP, **order})).code == code


async def test_its_client_id_is_unique_while_it_waits(trader: Trader) -> None:
    for expected in (None, -4116):
        reply = await trader.ask("POST", "/fapi/v1/algoOrder", **STOP, clientAlgoId="a")
        assert reply.code == expected


async def test_a_single_cancel_can_be_late_and_a_cancel_all_can_find_it_triggering(
    venue: SimulatedVenue, trader: Trader
) -> None:
    late = venue.faults.add(Match(path="/fapi/v1/algoOrder"), CancelLate(seconds=60))
    venue.faults.add(Match(path="/fapi/v1/algoOpenOrders"), FillFirst())
    await trader.ask("POST", "/fapi/v1/algoOrder", **STOP, clientAlgoId="a")

    cancel = await trader.ask("DELETE", "/fapi/v1/algoOrder", clientAlgoId="a")
    assert (cancel.json["code"], late.hits) == ("200", 2)
    assert len(venue.truth.conditional_orders()) == 1
    await trader.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)

    assert venue.truth.conditional_orders() == ()
    assert len(venue.truth.positions()) == 1


async def test_a_cancel_all_of_nothing_may_be_refused() -> None:
    knobs = Knobs(algo_cancel_all_when_empty_code=-2011)
    async with SimulatedVenue(knobs=knobs) as venue, venue.trader() as trader:
        assert (await trader.ask("DELETE", "/fapi/v1/algoOpenOrders", symbol=BTC)).code == -2011


@pytest.mark.parametrize(("rows", "listed"), [(False, 0), (True, 1)])
async def test_whether_a_conditional_order_makes_a_position_row_is_a_knob(
    rows: bool, listed: int
) -> None:
    knobs = Knobs(algo_orders_make_position_rows=rows)
    async with SimulatedVenue(knobs=knobs) as venue, venue.trader() as trader:
        await trader.ask("POST", "/fapi/v1/algoOrder", **STOP)

        assert len(await trader.must("GET", "/fapi/v3/positionRisk")) == listed


@pytest.mark.parametrize(("covers", "left"), [(False, 1), (True, 0)])
def test_whether_a_countdown_takes_conditional_orders_is_a_knob(
    clock, covers: bool, left: int
) -> None:
    knobs = Knobs(countdown_covers_algo_orders=covers)
    exchange = Exchange(clock=clock, instruments=standard_instruments(), knobs=knobs)
    exchange.wait_order(BTC, "SELL", "58000", quantity="1")
    _ask(exchange, clock, "POST", "/fapi/v1/countdownCancelAll", symbol=BTC, countdownTime=1000)

    clock.pass_seconds(1)
    exchange.world.agenda.run(clock())

    assert len(exchange.truth.conditional_orders()) == left


# --- the account --------------------------------------------------------------------------------


async def test_income_and_fills_can_be_narrowed(trader: Trader) -> None:
    for side in ("BUY", "SELL"):
        for symbol in (BTC, "ETHUSDT"):
            await trader.ask("POST", ORDER, symbol=symbol, side=side, type="MARKET", quantity="1")
    profit = await trader.must("GET", "/fapi/v1/income", incomeType="REALIZED_PNL")
    of_one = await trader.must("GET", "/fapi/v1/income", symbol=BTC)
    earlier = await trader.must("GET", "/fapi/v1/income", endTime=1)
    (first, second) = await trader.must("GET", "/fapi/v1/userTrades", symbol=BTC)
    one = await trader.must("GET", "/fapi/v1/userTrades", symbol=BTC, orderId=second["orderId"])
    later = await trader.must("GET", "/fapi/v1/userTrades", symbol=BTC, fromId=second["id"])

    assert [row["symbol"] for row in profit] == [BTC, "ETHUSDT"]
    assert len(of_one) == 3
    assert earlier == []
    assert one == later == [second]
    assert Decimal(second["realizedPnl"]) == Decimal(-12)
    assert first["realizedPnl"] == "0.00000000"


async def test_the_margin_mode_can_be_changed_once(trader: Trader) -> None:
    path = "/fapi/v1/multiAssetsMargin"
    changed = await trader.ask("POST", path, multiAssetsMargin="true")
    again = await trader.ask("POST", path, multiAssetsMargin="true")
    unsaid = await trader.ask("POST", path)

    assert (changed.status, again.code, unsaid.code) == (200, -4171, -1102)
    assert (await trader.must("GET", path)) == {"multiAssetsMargin": True}
    assert (await trader.must("GET", "/fapi/v1/accountConfig"))["multiAssetsMargin"]


async def test_margin_of_a_position_is_acknowledged(trader: Trader) -> None:
    path = "/fapi/v1/positionMargin"
    added = await trader.ask("POST", path, symbol=BTC, amount="12.5", type=1)
    unsaid = await trader.ask("POST", path, symbol=BTC, type=1)

    assert (added.json["amount"], unsaid.code) == (12.5, -1102)


async def test_margin_type_goes_both_ways_and_knows_two_words(trader: Trader) -> None:
    async def change(kind: str) -> int | None:
        return (await trader.ask("POST", "/fapi/v1/marginType", symbol=BTC, marginType=kind)).code

    codes = [await change(kind) for kind in ("ISOLATED", "CROSSED", "CROSSED", "ELSEWHERE")]
    assert codes == [None, None, -4046, -1130]


async def test_a_key_that_may_only_read_cannot_trade(venue: SimulatedVenue, trader: Trader) -> None:
    venue.add_key(
        Credential(
            api_key=TEST_API_KEY,
            account="main",
            secret=TEST_API_SECRET.encode(),
            can_trade=False,
            can_withdraw=True,
        )
    )

    read = await trader.ask("GET", "/fapi/v3/positionRisk")
    cancel = await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)
    rights = await trader.must("GET", "/sapi/v1/account/apiRestrictions")

    assert (read.status, cancel.status, cancel.code) == (200, 401, -2015)
    assert (rights["enableFutures"], rights["enableWithdrawals"]) == (False, True)


async def test_the_stream_key_lives_renews_and_dies(trader: Trader) -> None:
    path = "/fapi/v1/listenKey"
    none = await trader.ask_raw("PUT", path)
    first = await trader.ask_raw("POST", path)
    same = await trader.ask_raw("POST", path)
    gone = await trader.ask_raw("DELETE", path)
    other = await trader.ask_raw("POST", path)

    assert none.code == -1125
    assert first.json == same.json
    assert gone.json == {}
    assert other.json != first.json


def test_a_stream_key_dies_after_an_hour(exchange: Exchange, clock) -> None:
    keys = exchange.gateway.listen_keys
    key = keys.open("main", clock())

    clock.pass_seconds(3599)
    assert keys.account_of(key, clock()) == "main"
    clock.pass_seconds(1)
    assert keys.account_of(key, clock()) is None


# --- bounds -------------------------------------------------------------------------------------


def test_what_is_remembered_of_orders_is_bounded(
    exchange: Exchange, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(accounts, "ORDERS_REMEMBERED", 5)
    resting = exchange.rest_order(BTC, "BUY", "1", "40000", client_order_id="rests")
    waiting = exchange.wait_order(BTC, "SELL", "50000", quantity="1", client_order_id="waits")
    for _ in range(20):
        exchange.open_position(BTC, "0.1")
        exchange.wait_order(BTC, "SELL", "51000", quantity="0.1", client_order_id="soon")
        exchange.set_mark(BTC, "50900")
        exchange.set_mark(BTC, "60000")
    account = exchange.world.accounts["main"]

    assert len(account.orders) <= 6
    assert len(account.algos) <= 6
    assert account.orders[resting.order_id] is resting
    assert account.algos[waiting.algo_id] is waiting
    assert len(account.orders_by_client_id) <= 6


def test_a_query_with_too_many_parameters_is_refused() -> None:
    with pytest.raises(Refused, match="-1101"):
        Params.read("&".join(f"a{i}=1" for i in range(300)), "")


@pytest.mark.parametrize("text", ["-1", "1.5", "1e3", "9" * 20, "٣"])
def test_a_number_that_is_none_is_refused(text: str) -> None:
    with pytest.raises(Refused, match="-1100"):
        Params({"limit": text}).integer("limit")


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


def _ask(exchange: Exchange, clock, method: str, path: str, **params: object):
    query = urlencode({**params, "timestamp": clock()})
    signature = hmac.new(TEST_API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    request = Request(
        method=method, path=path, query=f"{query}&signature={signature}", api_key=TEST_API_KEY
    )
    return exchange.gateway.execute(exchange.gateway.receive(request))
