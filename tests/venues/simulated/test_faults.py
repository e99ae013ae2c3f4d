"""Each fault over a real socket: what the client sees, and what the truth is."""

import asyncio
import time
from decimal import Decimal

import aiohttp
import msgspec
import pytest

from goflat.venues.simulated import trouble
from goflat.venues.simulated.faults import (
    BookRunsOut,
    CancelLate,
    CancelLeaves,
    Delay,
    Dribble,
    Effect,
    ExecuteLate,
    FillFirst,
    Hang,
    LookupLag,
    Match,
    Outcome,
    Reset,
    Say,
    Shape,
    Skew,
    Spoil,
    StalePositions,
    Then,
)
from goflat.venues.simulated.happenings import (
    AccountLocks,
    AddressBanned,
    ForcedLiquidation,
    KeyRevoked,
    LiquidityChanges,
    MarkMoves,
    ModeChanges,
    OrderRests,
    OrdersUsedUp,
    OrdersVanish,
    PositionOpens,
    Reopens,
    RestingFill,
    StatusChanges,
    TriggersFire,
    WeightUsedUp,
)
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.trader import Reply, Trader
from goflat.venues.simulated.venue import SimulatedVenue

BTC = "BTCUSDT"
ORDER = "/fapi/v1/order"
ORDERS = Match(method="POST", path=ORDER, count=1)
POSITIONS = "/fapi/v3/positionRisk"
DONE, NOT_DONE = Outcome.EXECUTED, Outcome.NOT_EXECUTED


async def buy(trader: Trader, **more: object) -> Reply:
    order = {"symbol": BTC, "side": "BUY", "type": "MARKET", "quantity": "0.5", **more}
    return await trader.ask("POST", ORDER, **order)


# --- no answer that means anything --------------------------------------------------------------


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize(
    ("make", "status", "code"),
    [
        (trouble.unknown_outcome, 503, -1000),
        (trouble.backend_timeout, 408, -1007),
        (trouble.html, 200, None),
    ],
)
async def test_an_answer_that_says_nothing_is_given_before_and_after_execution(
    venue: SimulatedVenue, trader: Trader, make, status: int, code: int | None, outcome: Outcome
) -> None:
    rule = venue.faults.add(ORDERS, make(outcome))

    reply = await buy(trader)

    assert (reply.status, reply.code) == (status, code)
    assert len(venue.truth.positions()) == (outcome is DONE)
    assert rule.hits == 1
    assert (await buy(trader)).status == 200


@pytest.mark.parametrize("outcome", Outcome)
@pytest.mark.parametrize("make", [Reset, lambda outcome: Hang(seconds=0.02, outcome=outcome)])
async def test_a_connection_that_breaks_off_says_nothing_either(
    venue: SimulatedVenue, trader: Trader, make, outcome: Outcome
) -> None:
    venue.faults.add(ORDERS, make(outcome=outcome))

    with pytest.raises(aiohttp.ClientError):
        await buy(trader)

    assert len(venue.truth.positions()) == (outcome is DONE)


@pytest.mark.parametrize(
    ("effect", "status", "code"),
    [
        (trouble.unavailable(), 503, -1000),
        (trouble.overloaded(), 503, -1008),
        (trouble.internal_error(), 503, -1001),
        (trouble.throttled(7), 429, -1003),
        (trouble.too_many_orders(7), 429, -1015),
        (trouble.banned(7), 418, -1003),
        (trouble.price_band(), 400, -4131),
        (trouble.forbidden(), 403, None),
        (trouble.redirect("http://127.0.0.1:1/"), 302, None),
        (Say(code=-4118), 400, -4118),
        (Say(code=-9999, text="whatever", status=418), 418, -9999),
    ],
)
async def test_a_no_executes_nothing(
    venue: SimulatedVenue, trader: Trader, effect: Effect, status: int, code: int | None
) -> None:
    venue.faults.add(ORDERS, effect)

    reply = await buy(trader)

    assert (reply.status, reply.code) == (status, code)
    if isinstance(effect, Say) and effect.retry_after_seconds is not None:
        assert reply.headers["Retry-After"] == "7"
    assert venue.truth.orders() == ()


async def test_the_overload_throttle_spares_what_reduces(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position(BTC, Decimal(1))
    venue.faults.add(Match(), trouble.overloaded())

    opening = await buy(trader)
    closing = await buy(trader, side="SELL", quantity="1", reduceOnly="true")
    cancel = await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)

    assert [r.status for r in (opening, closing, cancel)] == [503, 200, 200]
    assert venue.truth.is_flat()


@pytest.mark.parametrize(("elements", "status"), [(["SELL"], 200), (["SELL", "BUY"], 503)])
async def test_and_a_batch_in_which_everything_reduces(
    venue: SimulatedVenue, trader: Trader, elements: list[str], status: int
) -> None:
    await trader.open_position(BTC, Decimal(1))
    venue.faults.add(Match(), trouble.overloaded())
    orders = [
        {"symbol": BTC, "side": side, "type": "MARKET", "quantity": "0.5",
         "reduceOnly": str(side == "SELL").lower()}
        for side in elements
    ]  # fmt: skip

    reply = await trader.ask(
        "POST", "/fapi/v1/batchOrders", batchOrders=msgspec.json.encode(orders).decode()
    )

    assert reply.status == status


@pytest.mark.parametrize(("exempt", "status"), [(True, 200), (False, 503)])
async def test_whether_it_spares_conditional_orders_is_a_knob(exempt: bool, status: int) -> None:
    knobs = Knobs(algo_orders_exempt_from_overload=exempt)
    async with SimulatedVenue(knobs=knobs) as venue, venue.trader() as trader:
        venue.faults.add(Match(), trouble.overloaded())

        reply = await trader.ask(
            "POST", "/fapi/v1/algoOrder", algoType="CONDITIONAL", symbol=BTC, side="SELL",
            type="STOP_MARKET", triggerPrice="58000", quantity="1",
        )  # fmt: skip

    assert reply.status == status


# --- answers that are spoilt --------------------------------------------------------------------


@pytest.mark.parametrize(
    "shape", [Shape.CUT, Shape.EMPTY, Shape.HTML, Shape.NAN], ids=lambda shape: shape.value
)
async def test_a_body_that_is_no_json(venue: SimulatedVenue, trader: Trader, shape: Shape) -> None:
    await trader.open_position(BTC, Decimal(1))
    venue.faults.add(Match(path=POSITIONS), Spoil(shape=shape, fields=("updateTime",)))

    reply = await trader.ask("GET", POSITIONS)

    assert (reply.status, reply.json) == (200, None)


@pytest.mark.parametrize(
    ("spoil", "row"),
    [
        (Spoil(shape=Shape.NULLS, fields=("positionAmt",)), {"positionAmt": None}),
        (Spoil(shape=Shape.NAN, fields=("positionAmt",)), {"positionAmt": "NaN"}),
        (Spoil(shape=Shape.NO_FIELDS, fields=("positionAmt",)), {}),
    ],
)
async def test_a_row_with_holes(
    venue: SimulatedVenue, trader: Trader, spoil: Spoil, row: dict
) -> None:
    await trader.open_position(BTC, Decimal(1))
    venue.faults.add(Match(path=POSITIONS), spoil)

    (found,) = await trader.must("GET", POSITIONS)

    assert {name: found[name] for name in ("positionAmt",) if name in found} == row
    assert found["symbol"] == BTC


async def test_any_body_at_all(venue: SimulatedVenue, trader: Trader) -> None:
    text = '[{"symbol":"BTCUSDT","positionAmt":"1e999","positionAmt":"0"}]'
    venue.faults.add(Match(path=POSITIONS, count=1), trouble.body(text))

    reply = await trader.ask("GET", POSITIONS)

    assert (reply.status, reply.body.decode()) == (200, text)


async def test_rows_that_go_missing_are_those_of_one_symbol(
    venue: SimulatedVenue, trader: Trader
) -> None:
    for symbol in (BTC, "ETHUSDT"):
        await trader.open_position(symbol, Decimal(1))
    venue.faults.add(Match(path=POSITIONS, count=1), Spoil(shape=Shape.NO_ROWS, row_symbol=BTC))
    venue.faults.add(Match(path=POSITIONS, first=2), Spoil(shape=Shape.NOT_A_LIST))

    assert [row["symbol"] for row in await trader.must("GET", POSITIONS)] == ["ETHUSDT"]
    assert list(await trader.must("GET", POSITIONS)) == ["rows"]


async def test_a_huge_body_is_huge(venue: SimulatedVenue, trader: Trader) -> None:
    venue.faults.add(Match(path=POSITIONS), trouble.huge(1_000_000))

    assert len((await trader.ask("GET", POSITIONS)).body) > 900_000


async def test_a_dribbled_body_takes_its_time(venue: SimulatedVenue, trader: Trader) -> None:
    venue.faults.add(Match(path="/fapi/v1/time"), Dribble(bytes_at_once=10, pause_seconds=0.02))
    started = time.monotonic()

    reply = await trader.ask_raw("GET", "/fapi/v1/time")

    assert reply.json["serverTime"] > 0
    assert time.monotonic() - started > 0.04


# --- time ---------------------------------------------------------------------------------------


async def test_an_answer_comes_late_and_the_order_was_executed_at_once(
    venue: SimulatedVenue, trader: Trader
) -> None:
    venue.faults.add(ORDERS, Delay(answer_seconds=0.1))
    waiting = asyncio.create_task(buy(trader))
    await asyncio.sleep(0.05)

    assert len(venue.truth.positions()) == 1
    assert not waiting.done()
    assert (await waiting).status == 200


async def test_an_order_can_be_executed_late(venue: SimulatedVenue, trader: Trader) -> None:
    venue.faults.add(ORDERS, Delay(execute_seconds=0.1))
    waiting = asyncio.create_task(buy(trader))
    await asyncio.sleep(0.05)

    assert venue.truth.positions() == ()
    assert (await waiting).status == 200
    assert len(venue.truth.positions()) == 1


async def test_an_order_that_reaches_the_engine_too_late_is_refused_there(
    venue: SimulatedVenue, trader: Trader
) -> None:
    venue.faults.add(ORDERS, Delay(execute_seconds=0.1))

    reply = await buy(trader, recvWindow=50)

    assert (reply.status, reply.code) == (400, -5028)
    assert venue.truth.orders() == ()


@pytest.mark.parametrize(("window_ms", "positions"), [(5000, 1), (20, 0)])
async def test_or_long_after_its_answer_if_its_window_is_still_open(
    venue: SimulatedVenue, trader: Trader, window_ms: int, positions: int
) -> None:
    venue.faults.add(ORDERS, trouble.unknown_outcome(DONE))
    venue.faults.add(ORDERS, ExecuteLate(seconds=0.06))

    reply = await buy(trader, recvWindow=window_ms)

    assert reply.status == 503
    assert venue.truth.positions() == ()
    await asyncio.sleep(0.1)
    assert len(venue.truth.positions()) == positions
    assert venue.truth.requests("POST", ORDER)[0].code == (None if positions else -5028)


async def test_a_clock_that_is_off_refuses_until_it_is_asked(
    venue: SimulatedVenue, trader: Trader
) -> None:
    venue.faults.add(Match(), Skew(seconds=30))

    refused = await buy(trader)
    told = (await trader.ask_raw("GET", "/fapi/v1/time")).json["serverTime"]
    taken = await buy(trader, timestamp=told)

    assert (refused.status, refused.code) == (400, -1021)
    assert taken.status == 200


async def test_latency_is_added_to_every_round_trip() -> None:
    async with SimulatedVenue(latency_ms=30) as venue, venue.trader() as trader:
        started = time.monotonic()
        await asyncio.gather(*(trader.ask_raw("GET", "/fapi/v1/time") for _ in range(20)))

        assert 0.03 <= time.monotonic() - started < 0.2


# --- the venue's state seems other than it is ----------------------------------------------------


async def test_a_young_order_is_not_found_for_a_while(
    venue: SimulatedVenue, trader: Trader
) -> None:
    lag = venue.faults.add(Match(method="GET"), LookupLag(seconds=60))
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000), newClientOrderId="a")
    await trader.wait_order(BTC, "SELL", Decimal(58000), quantity="1", clientAlgoId="b")
    lookups = [
        (ORDER, {"symbol": BTC, "origClientOrderId": "a"}),
        ("/fapi/v1/openOrder", {"symbol": BTC, "origClientOrderId": "a"}),
        ("/fapi/v1/algoOrder", {"clientAlgoId": "b"}),
    ]

    assert [(await trader.ask("GET", path, **ask)).code for path, ask in lookups] == [-2013] * 3
    assert await trader.must("GET", "/fapi/v1/openOrders") == []
    assert await trader.must("GET", "/fapi/v1/openAlgoOrders") == []
    venue.faults.rules.remove(lag)
    assert [(await trader.ask("GET", path, **ask)).status for path, ask in lookups] == [200] * 3


async def test_positions_are_read_as_they_were(venue: SimulatedVenue, trader: Trader) -> None:
    await trader.open_position(BTC, Decimal(1))
    await asyncio.sleep(0.06)
    await buy(trader, side="SELL", quantity="1", reduceOnly="true")
    for path in (POSITIONS, "/fapi/v3/account"):
        venue.faults.add(Match(path=path, count=1), StalePositions(seconds=0.05))

    readings = [
        await trader.must("GET", POSITIONS),
        (await trader.must("GET", "/fapi/v3/account"))["positions"],
        await trader.must("GET", POSITIONS),
        (await trader.must("GET", "/fapi/v3/account"))["positions"],
    ]

    amounts = [[row["positionAmt"] for row in reading] for reading in readings]
    assert amounts == [["1.000"], ["1.000"], [], []]


# --- orders that do not do what was said ---------------------------------------------------------


@pytest.mark.parametrize("part", ["0", "0.4"])
async def test_a_market_order_expires_with_a_part_or_with_nothing(
    venue: SimulatedVenue, trader: Trader, part: str
) -> None:
    venue.faults.add(ORDERS, BookRunsOut(part=Decimal(part)))

    reply = await buy(trader, newOrderRespType="RESULT")

    assert reply.json["status"] == "EXPIRED"
    assert Decimal(reply.json["executedQty"]) == Decimal("0.5") * Decimal(part)


async def rest_three(trader: Trader) -> None:
    for price in (57000, 58000, 59000):
        await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(price))
        await trader.wait_order(BTC, "SELL", Decimal(price), quantity="1")


@pytest.mark.parametrize("path", ["/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders"])
async def test_a_cancel_all_says_yes_and_leaves_something(
    venue: SimulatedVenue, trader: Trader, path: str
) -> None:
    await rest_three(trader)
    venue.faults.add(Match(path=path, count=1), CancelLeaves())
    venue.faults.add(Match(path=path, first=2), CancelLeaves(orders=1))
    left = []

    for _ in range(2):
        reply = await trader.ask("DELETE", path, symbol=BTC)
        assert reply.json["code"] == 200
        books = {"allOpen": venue.truth.working_orders, "algoOpe": venue.truth.conditional_orders}
        left.append(len(books[path[9:16]]()))

    assert left == [3, 1]


@pytest.mark.parametrize("path", ["/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders"])
async def test_a_cancel_all_says_yes_and_acts_later(
    venue: SimulatedVenue, trader: Trader, path: str
) -> None:
    await rest_three(trader)
    venue.faults.add(Match(path=path), CancelLate(seconds=0.05))

    await trader.ask("DELETE", path, symbol=BTC)

    before = len(venue.truth.working_orders()) + len(venue.truth.conditional_orders())
    await asyncio.sleep(0.1)
    after = len(venue.truth.working_orders()) + len(venue.truth.conditional_orders())
    assert (before, after) == (6, 3)


async def test_an_order_is_filled_while_it_is_cancelled(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    venue.faults.add(Match(method="DELETE"), FillFirst(part=Decimal("0.3")))

    await trader.ask("DELETE", "/fapi/v1/allOpenOrders", symbol=BTC)

    assert venue.truth.working_orders() == ()
    assert venue.truth.amounts() == {(BTC, "BOTH"): Decimal("0.3")}


# --- the world goes on --------------------------------------------------------------------------


async def test_a_strategy_opens_again_what_was_closed(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position(BTC, Decimal(2))
    venue.perform(Reopens(symbol=BTC, times=1))
    sizes = []

    for _ in range(2):
        await buy(trader, side="SELL", quantity="2", reduceOnly="true")
        await trader.ask_raw("GET", "/fapi/v1/time")
        sizes.append(venue.truth.amounts().get((BTC, "BOTH"), Decimal(0)))

    assert sizes == [Decimal(2), Decimal(0)]


@pytest.mark.parametrize(
    ("happening", "amount", "working", "waiting"),
    [
        (MarkMoves(symbol=BTC, price=Decimal(58900)), "2", 0, 1),
        (MarkMoves(symbol=BTC, price=Decimal(57900)), "1", 0, 0),
        (PositionOpens(symbol=BTC, amount=Decimal(3)), "4", 1, 1),
        (OrderRests(symbol=BTC, side="BUY", quantity=Decimal(1), price=Decimal(55000)), "1", 2, 1),
        (ForcedLiquidation(symbol=BTC), "0", 1, 1),
        (TriggersFire(symbol=BTC), "0", 1, 0),
        (RestingFill(symbol=BTC, part=Decimal("0.5")), "1.5", 1, 1),
        (OrdersVanish(symbol=BTC), "1", 0, 1),
        (StatusChanges(symbol=BTC), "1", 1, 1),
        (AccountLocks(code=-4192), "1", 1, 1),
        (ModeChanges(hedge=True), "1", 1, 1),
        (OrdersUsedUp(), "1", 1, 1),
        (KeyRevoked(api_key="nobody"), "1", 1, 1),
    ],
    ids=lambda value: type(value).__name__ if hasattr(value, "happen") else str(value),
)
async def test_a_happening_comes_with_the_request_that_it_was_put_on(
    venue: SimulatedVenue, trader: Trader, happening, amount: str, working: int, waiting: int
) -> None:
    await trader.open_position(BTC, Decimal(1))
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    await trader.wait_order(BTC, "SELL", Decimal(58000), quantity="1")
    venue.faults.add(Match(path="/fapi/v1/ping"), Then(happening=happening))

    await trader.ask_raw("GET", "/fapi/v1/ping")

    found = venue.truth.amounts().get((BTC, "BOTH"), Decimal(0))
    books = (len(venue.truth.working_orders()), len(venue.truth.conditional_orders()))
    assert (found, books) == (Decimal(amount), (working, waiting))


async def test_a_happening_comes_at_its_time_though_nobody_asks(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.rest_order(BTC, "BUY", Decimal(1), Decimal(59000))
    soon = (venue.world.clock() - venue.world.started_ms) / 1000 + 0.05

    venue.at(soon, MarkMoves(symbol=BTC, price=Decimal(58000)))
    await asyncio.sleep(0.1)

    assert len(venue.truth.positions()) == 1


@pytest.mark.parametrize(
    ("happening", "status"), [(WeightUsedUp(), 429), (AddressBanned(seconds=30), 418)]
)
async def test_an_address_is_shut_out(
    venue: SimulatedVenue, trader: Trader, happening, status: int
) -> None:
    venue.perform(happening)

    reply = await trader.ask_raw("GET", "/fapi/v1/time")

    assert (reply.status, reply.code) == (status, -1003)
    assert int(reply.headers["Retry-After"]) >= 1


async def test_a_book_can_be_emptied_and_filled_again(
    venue: SimulatedVenue, trader: Trader
) -> None:
    venue.perform(LiquidityChanges(symbol=BTC))
    assert (await buy(trader)).code == -1112

    venue.perform(LiquidityChanges(symbol=BTC, per_level=Decimal(1)))
    assert (await buy(trader)).status == 200


async def test_a_forced_liquidation_is_listed_with_its_well_known_name(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position(BTC, Decimal(1))

    venue.perform(ForcedLiquidation(symbol=BTC))

    (row,) = await trader.must("GET", "/fapi/v1/forceOrders")
    assert row["clientOrderId"].startswith("autoclose-")


# --- which requests are hit ---------------------------------------------------------------------


@pytest.mark.parametrize(
    ("match", "hit"),
    [
        (Match(), [1, 1, 1]),
        (Match(first=2), [0, 1, 1]),
        (Match(first=2, count=1), [0, 1, 0]),
        (Match(count=2), [1, 1, 0]),
        (Match(symbol="ETHUSDT"), [0, 0, 0]),
        (Match(account="main"), [1, 1, 1]),
        (Match(account="other"), [0, 0, 0]),
        (Match(via="ws"), [0, 0, 0]),
        (Match(parameters={"side": "BUY"}), [1, 1, 1]),
        (Match(parameters={"side": "SELL"}), [0, 0, 0]),
        (Match(after_seconds=3600), [0, 0, 0]),
        (Match(until_seconds=0), [0, 0, 0]),
    ],
)
async def test_a_rule_hits_the_requests_that_it_names(
    venue: SimulatedVenue, trader: Trader, match: Match, hit: list[int]
) -> None:
    venue.faults.add(match, Say(code=-4118))

    statuses = [(await buy(trader)).status for _ in range(3)]

    assert [int(status == 400) for status in statuses] == hit
