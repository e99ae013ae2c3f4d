"""The port, kept against a small server of this test's own that answers from a script."""

import asyncio
import json
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from decimal import Decimal
from typing import Any

import pytest
from aiohttp import web

from goflat.domain.capabilities import Usage
from goflat.domain.order import Book, CloseOrder, OrderStatus, ProtectiveStop
from goflat.domain.position import Position, PositionMode, PositionSide
from goflat.domain.secret import Secret
from goflat.errors import NotSent, Refusal, Rejected, SettingsError, Throttled, Unanswered
from goflat.ports.venue import Venue
from goflat.venues.binance.capabilities import CARD
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue

Payload = Callable[[str], bytes]
KEY = "canary-key-5f3a9c"
SECRET = "canary-secret-77b1e0"
WALL_SECONDS = 1_700_000_000.0

TIME = ("GET", "/fapi/v1/time")
POSITIONS = ("GET", "/fapi/v3/positionRisk")
ACCOUNT = ("GET", "/fapi/v3/account")
CONFIG = ("GET", "/fapi/v1/accountConfig")
WORKING = ("GET", "/fapi/v1/openOrders")
CONDITIONAL = ("GET", "/fapi/v1/openAlgoOrders")
RULES = ("GET", "/fapi/v1/exchangeInfo")
RIGHTS = ("GET", "/sapi/v1/account/apiRestrictions")
PLACE = ("POST", "/fapi/v1/order")
QUERY = ("GET", "/fapi/v1/order")
CANCEL_WORKING = ("DELETE", "/fapi/v1/allOpenOrders")
CANCEL_CONDITIONAL = ("DELETE", "/fapi/v1/algoOpenOrders")
CANCEL_ONE = ("DELETE", "/fapi/v1/algoOrder")
PROTECT = ("POST", "/fapi/v1/algoOrder")

WRONG_TIME = (400, b'{"code":-1021,"msg":"Timestamp for this request is outside ..."}')
DONE = b'{"code":200,"msg":"The operation of cancel all open order is done."}'

Verb = tuple[str, str]
Said = bytes | tuple[int, bytes] | tuple[int, bytes, dict[str, str]]


class Script:
    """What the server says to each verb, one answer after another; the last one for ever."""

    def __init__(self, answers: dict[Verb, Any]) -> None:
        self.answers = answers
        self.asked: list[tuple[Verb, dict[str, str]]] = []
        self.held: dict[Verb, asyncio.Event] = {}
        self.server_ms: Callable[[], int] = lambda: int(WALL_SECONDS * 1000)

    def asked_for(self, verb: Verb) -> list[dict[str, str]]:
        return [query for found, query in self.asked if found == verb]

    async def answer(self, request: web.Request) -> web.Response:
        verb = (request.method, request.path)
        self.asked.append((verb, dict(request.query)))
        if verb in self.held:
            await self.held[verb].wait()
        if verb == TIME and verb not in self.answers:
            return web.json_response({"serverTime": self.server_ms()})
        said = self.answers[verb]
        if isinstance(said, list):
            said = said.pop(0) if len(said) > 1 else said[0]
        if callable(said):
            said = said(request)
        status, body, *headers = said if isinstance(said, tuple) else (200, said)
        return web.Response(status=status, body=body, headers=headers[0] if headers else None)


class Stage:
    """A script that is being played, and venues that play against it."""

    def __init__(self, script: Script, url: str) -> None:
        self.script = script
        self.url = url
        self._venues: list[BinanceVenue] = []

    def venue(
        self, *, sapi: bool = False, wall_clock: Callable[[], float] = lambda: WALL_SECONDS
    ) -> BinanceVenue:
        made = BinanceVenue(
            rest_url=self.url,
            sapi_url=self.url if sapi else None,
            credentials=Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)),
            wall_clock=wall_clock,
        )
        self._venues.append(made)
        return made

    async def end(self) -> None:
        for venue in self._venues:
            await venue.aclose()


@asynccontextmanager
async def playing(answers: dict[Verb, Any]) -> AsyncIterator[Stage]:
    script = Script(answers)
    app = web.Application()
    app.router.add_route("*", "/{path:.*}", script.answer)
    runner = web.AppRunner(app, shutdown_timeout=0.01)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    host, port = runner.addresses[0][:2]
    stage = Stage(script, f"http://{host}:{port}")
    try:
        yield stage
    finally:
        await stage.end()
        for event in script.held.values():
            event.set()
        await runner.cleanup()


def refusal(code: int, msg: str = "no", status: int = 400) -> tuple[int, bytes]:
    return status, json.dumps({"code": code, "msg": msg}).encode()


def close_order(mode: PositionMode = PositionMode.ONE_WAY) -> CloseOrder:
    position = Position(
        symbol="BTCUSDT", side=PositionSide.LONG, quantity=Decimal("0.010"), mode=mode
    )
    return CloseOrder(
        position=position, quantity=Decimal("0.010"), client_order_id="kill-BTCUSDT-1"
    )


# Looking


async def test_the_lists_are_read_and_signed(payload: Payload) -> None:
    answers = {
        POSITIONS: payload("positions.json"),
        ACCOUNT: payload("account.json"),
        WORKING: payload("open_orders.json"),
        CONDITIONAL: payload("open_algo_orders.json"),
        CONFIG: payload("account_config.json"),
    }
    async with playing(answers) as stage:
        venue = stage.venue()

        assert [row.symbol for row in (await venue.read_positions()).rows] == ["ADAUSDT"]
        assert [row.symbol for row in (await venue.read_positions_elsewhere()).rows] == ["BTCUSDT"]
        assert [row.order_id for row in (await venue.read_working_orders()).rows] == ["1917641"]
        assert [row.order_id for row in (await venue.read_conditional_orders()).rows] == ["2148627"]
        assert await venue.read_mode() is PositionMode.HEDGE

        for verb in answers:
            (query,) = stage.script.asked_for(verb)
            assert list(query) == ["recvWindow", "timestamp", "signature"]


async def test_the_rules_are_read_without_a_signature(payload: Payload) -> None:
    async with playing({RULES: payload("exchange_info.json")}) as stage:
        table, limits = await stage.venue().read_rules()

        assert table["BTCUSDT"].tick == Decimal("0.10")
        assert limits == CARD.limits
        assert stage.script.asked == [(RULES, {})]


async def test_it_keeps_the_port_and_has_a_card() -> None:
    async with playing({}) as stage:
        venue: Venue = stage.venue()

        assert venue.capabilities is CARD
        assert venue.usage == Usage()


@pytest.mark.parametrize(
    "body", [b"{}", b"", b"<html>hotel</html>", b'{"code":200}', DONE, b"null"]
)
async def test_a_list_that_could_not_be_read_is_never_an_empty_one(body: bytes) -> None:
    async with playing({POSITIONS: body, WORKING: body, CONDITIONAL: body}) as stage:
        venue = stage.venue()
        for read in (
            venue.read_positions,
            venue.read_working_orders,
            venue.read_conditional_orders,
        ):
            with pytest.raises(Unanswered):
                await read()


async def test_what_the_venue_says_of_its_limits_is_kept() -> None:
    answers = {
        POSITIONS: (200, b"[]", {"X-MBX-USED-WEIGHT-1M": "37"}),
        PLACE: (*refusal(-2022), {"X-MBX-ORDER-COUNT-10S": "3", "X-MBX-USED-WEIGHT-1M": "x"}),
    }
    async with playing(answers) as stage:
        venue = stage.venue()
        await venue.read_positions()
        with pytest.raises(Rejected):
            await venue.close(close_order(), valid_seconds=1)

        assert venue.usage == Usage(weight_per_minute=37, orders_per_ten_seconds=3)


# Acting


async def test_a_close_is_sent_with_its_guarantee_and_its_window(payload: Payload) -> None:
    async with playing({PLACE: payload("order_filled.json")}) as stage:
        report = await stage.venue().close(close_order(), valid_seconds=1.25)

        assert (report.status, report.executed) == (OrderStatus.FILLED, Decimal("0.010"))
        (query,) = stage.script.asked_for(PLACE)
        assert query["reduceOnly"] == "true"
        assert query["recvWindow"] == "1250"
        assert query["timestamp"] == "1700000000000"


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (refusal(-2022), Rejected),
        (refusal(-1000, status=503), Unanswered),
        (refusal(-1007, status=408), Unanswered),
        ((503, b"Service Unavailable."), Rejected),
        (refusal(-1008, status=503), Rejected),
        ((502, b"<html>"), Unanswered),
        ((429, b"", {"Retry-After": "7"}), Throttled),
        (b"<html>200</html>", Unanswered),
        (b"{}", Unanswered),
        (b"[]", Unanswered),
        ((302, b"", {"Location": "http://127.0.0.1:1/"}), Unanswered),
        (refusal(-2022, status=200), Rejected),
    ],
)
async def test_an_order_fails_in_one_of_the_four_ways_and_is_sent_once(
    said: Any, kind: type[Exception]
) -> None:
    async with playing({PLACE: said}) as stage:
        with pytest.raises(kind):
            await stage.venue().close(close_order(), valid_seconds=1)

        assert len(stage.script.asked_for(PLACE)) == 1


async def test_an_order_is_found_by_its_id_or_unknown(payload: Payload) -> None:
    answers = {QUERY: [payload("order_filled.json"), refusal(-2013), refusal(-1121), b"{}"]}
    async with playing(answers) as stage:
        venue = stage.venue()

        report = await venue.query(close_order())
        assert report is not None
        assert report.executed == Decimal("0.010")
        assert await venue.query(close_order()) is None
        with pytest.raises(Rejected):
            await venue.query(close_order())
        with pytest.raises(Unanswered):
            await venue.query(close_order())


async def test_each_book_is_cancelled_at_its_own_address() -> None:
    async with playing({CANCEL_WORKING: DONE, CANCEL_CONDITIONAL: DONE}) as stage:
        venue = stage.venue()

        assert await venue.cancel_all("BTCUSDT", Book.WORKING) is None
        assert await venue.cancel_all("测试USDT", Book.CONDITIONAL) is None

        assert stage.script.asked_for(CANCEL_WORKING)[0]["symbol"] == "BTCUSDT"
        assert stage.script.asked_for(CANCEL_CONDITIONAL)[0]["symbol"] == "测试USDT"


def conditional(payload: Payload) -> Any:
    return json.loads(payload("open_algo_orders.json"))[0] | {"reduceOnly": True}


async def test_one_conditional_order_is_cancelled_and_one_that_is_gone_counts(
    payload: Payload,
) -> None:
    answers = {
        CONDITIONAL: json.dumps([conditional(payload)]).encode(),
        CANCEL_ONE: [payload("algo_cancelled.json"), refusal(-2011), refusal(-2013)],
        CANCEL_CONDITIONAL: refusal(-2011, "Unknown order sent."),
    }
    async with playing(answers) as stage:
        venue = stage.venue()
        (order,) = (await venue.read_conditional_orders()).rows
        for _ in range(3):
            await venue.cancel_conditional(order)
        await venue.cancel_all("BNBUSDT", Book.CONDITIONAL)

        assert [query["algoId"] for query in stage.script.asked_for(CANCEL_ONE)] == ["2148627"] * 3


@pytest.mark.parametrize(
    ("said", "kind"),
    [
        (refusal(-4117), Rejected),
        (refusal(-2012), Unanswered),
        ((503, b""), Unanswered),
        (b"<html>welcome</html>", Unanswered),
        (b"[]", Unanswered),
    ],
)
async def test_a_cancel_without_a_yes_is_no_yes(said: Any, kind: type[Exception]) -> None:
    async with playing({CANCEL_WORKING: said}) as stage:
        with pytest.raises(kind):
            await stage.venue().cancel_all("BTCUSDT", Book.WORKING)


async def test_a_stop_is_put_back(payload: Payload) -> None:
    row = conditional(payload)
    placed = json.loads(payload("algo_placed.json")) | {"clientAlgoId": "back-1"}
    answers = {
        CONDITIONAL: json.dumps([row]).encode(),
        PROTECT: json.dumps(placed).encode(),
    }
    async with playing(answers) as stage:
        venue = stage.venue()
        (order,) = (await venue.read_conditional_orders()).rows
        await venue.protect(ProtectiveStop(order=order, client_order_id="back-1"))

        (query,) = stage.script.asked_for(PROTECT)
        assert query["clientAlgoId"] == "back-1"
        assert query["reduceOnly"] == "true"


# Time


async def test_the_clock_is_measured_by_the_best_of_several_round_trips() -> None:
    seconds = iter([0.0, 1.0, 10.0, 10.5, 20.0, 22.0])
    async with playing({}) as stage:
        stage.script.server_ms = lambda: int(WALL_SECONDS * 1000) + 5_250
        venue = BinanceVenue(
            rest_url=stage.url,
            credentials=Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)),
            wall_clock=lambda: WALL_SECONDS,
            monotonic=lambda: next(seconds),
        )
        reading = await venue.sync_clock(rounds=3)
        await venue.aclose()

    assert reading.round_trip_seconds == 0.5
    assert reading.offset_seconds == pytest.approx(5.0, abs=1e-6)


async def test_a_round_trip_that_fails_is_left_out_unless_all_do() -> None:
    good = json.dumps({"serverTime": int(WALL_SECONDS * 1000)}).encode()
    async with playing({TIME: [(500, b""), b"{}", good]}) as stage:
        assert (await stage.venue().sync_clock(rounds=3)).round_trip_seconds > 0
    async with playing({TIME: [good, (500, b"")]}) as stage:
        assert (await stage.venue().sync_clock(rounds=2)).round_trip_seconds > 0
    async with playing({TIME: (500, b"")}) as stage:
        with pytest.raises(Unanswered):
            await stage.venue().sync_clock(rounds=3)
        assert len(stage.script.asked_for(TIME)) == 3


async def test_a_throttled_measurement_is_not_repeated() -> None:
    async with playing({TIME: (418, b"")}) as stage:
        with pytest.raises(Throttled):
            await stage.venue().sync_clock(rounds=3)
        assert len(stage.script.asked_for(TIME)) == 1


async def test_the_first_signed_request_does_not_wait_for_the_clock() -> None:
    async with playing({POSITIONS: b"[]"}) as stage:
        stage.script.held[TIME] = asyncio.Event()
        assert (await asyncio.wait_for(stage.venue().read_positions(), 1)).rows == ()


async def test_a_wrong_time_is_measured_and_the_request_goes_once_more(payload: Payload) -> None:
    async with playing({PLACE: [WRONG_TIME, payload("order_filled.json")]}) as stage:
        stage.script.server_ms = lambda: int(WALL_SECONDS * 1000) + 60_000
        report = await stage.venue().close(close_order(), valid_seconds=1)

        assert report.status is OrderStatus.FILLED
        first, second = stage.script.asked_for(PLACE)
        assert int(first["timestamp"]) == 1_700_000_000_000
        assert abs(int(second["timestamp"]) - 1_700_000_060_000) < 1_000
        assert first["newClientOrderId"] == second["newClientOrderId"]


async def test_a_time_that_stays_wrong_is_a_refusal_after_the_second_time() -> None:
    async with playing({POSITIONS: WRONG_TIME}) as stage:
        with pytest.raises(Rejected) as refused:
            await stage.venue().read_positions()

        assert refused.value.code == -1021
        assert len(stage.script.asked_for(POSITIONS)) == 2


async def test_a_clock_that_cannot_be_measured_leaves_the_refusal_as_it_was() -> None:
    async with playing({POSITIONS: WRONG_TIME, TIME: (500, b"")}) as stage:
        with pytest.raises(Rejected):
            await stage.venue().read_positions()

        assert len(stage.script.asked_for(POSITIONS)) == 1


async def test_many_requests_with_a_wrong_time_measure_it_together() -> None:
    answers = {POSITIONS: [*([WRONG_TIME] * 20), b"[]"]}
    async with playing(answers) as stage:
        venue = stage.venue()
        listings = await asyncio.gather(*(venue.read_positions() for _ in range(20)))

        assert [listing.rows for listing in listings] == [()] * 20
        assert len(stage.script.asked_for(POSITIONS)) == 40
        assert len(stage.script.asked_for(TIME)) == 3


async def test_a_clock_that_jumps_later_is_measured_again() -> None:
    wall = [WALL_SECONDS]
    async with playing({POSITIONS: [b"[]", WRONG_TIME, b"[]"]}) as stage:
        venue = stage.venue(wall_clock=lambda: wall[0])
        await venue.read_positions()
        await venue.sync_clock()
        wall[0] += 3600
        await venue.read_positions()

        last = int(stage.script.asked_for(POSITIONS)[-1]["timestamp"])
        assert abs(last - WALL_SECONDS * 1000) < 1_000


# Before it matters


async def test_an_examination_learns_what_a_preflight_asks(payload: Payload) -> None:
    answers = {
        CONFIG: payload("account_config.json"),
        RULES: payload("exchange_info.json"),
        RIGHTS: payload("key_rights.json"),
    }
    async with playing(answers) as stage:
        facts = await stage.venue(sapi=True).examine()

    assert facts.problems == ()
    assert (facts.key_works, facts.can_trade, facts.can_withdraw) == (True, True, False)
    assert (facts.ip_restricted, facts.position_mode) == (True, PositionMode.HEDGE)
    assert facts.instruments == 1
    assert facts.clock_offset_seconds == pytest.approx(0, abs=0.5)
    assert facts.round_trip_seconds is not None


async def test_an_examination_without_an_address_for_the_key_says_so(payload: Payload) -> None:
    answers = {CONFIG: payload("account_config.json"), RULES: payload("exchange_info.json")}
    async with playing(answers) as stage:
        facts = await stage.venue().examine()

    assert (facts.can_trade, facts.can_withdraw, facts.ip_restricted) == (True, None, None)
    assert len(facts.problems) == 1
    assert "no address" in facts.problems[0]


async def test_an_examination_in_which_everything_fails_is_a_list_of_problems() -> None:
    answers = {
        TIME: (500, b""),
        CONFIG: refusal(-2015, "Invalid API-key, IP, or permissions for action.", 401),
        RULES: b"{}",
        RIGHTS: (502, b"<html>"),
    }
    async with playing(answers) as stage:
        facts = await stage.venue(sapi=True).examine()

    assert facts.key_works is False
    assert (facts.can_trade, facts.can_withdraw, facts.instruments) == (None, None, None)
    assert len(facts.problems) == 4
    assert "Invalid API-key" in " ".join(facts.problems)


async def test_a_key_that_may_not_trade_futures_cannot_trade_whatever_the_account_may(
    payload: Payload,
) -> None:
    rights = json.loads(payload("key_rights.json"))
    del rights["enableWithdrawals"]
    answers = {
        CONFIG: payload("account_config.json"),
        RULES: payload("exchange_info.json"),
        RIGHTS: json.dumps(rights | {"enableFutures": False}).encode(),
    }
    async with playing(answers) as stage:
        facts = await stage.venue(sapi=True).examine()

    assert (facts.can_trade, facts.can_withdraw) == (False, None)
    assert facts.problems == ("rights of the key: not said whether it may withdraw",)


async def test_a_venue_that_cannot_be_reached_leaves_open_whether_the_key_works() -> None:
    async with playing({}) as stage:
        url = stage.url
    venue = BinanceVenue(
        rest_url=url, credentials=Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET))
    )
    facts = await venue.examine()
    await venue.aclose()

    assert facts.key_works is None
    assert len(facts.problems) == 4


# Ending, and secrets


async def test_closing_ends_the_measuring_too_and_twice_is_as_good_as_once() -> None:
    async with playing({POSITIONS: b"[]"}) as stage:
        stage.script.held[TIME] = asyncio.Event()
        venue = stage.venue()
        await venue.read_positions()
        await venue.aclose()
        await venue.aclose()
        with pytest.raises(NotSent):
            await venue.read_positions()


async def test_a_call_that_was_cancelled_spoils_no_later_one() -> None:
    async with playing({POSITIONS: b"[]", WORKING: b"[]"}) as stage:
        stage.script.held[POSITIONS] = asyncio.Event()
        venue = stage.venue()
        with pytest.raises(TimeoutError):
            await asyncio.wait_for(venue.read_positions(), 0.05)

        assert (await venue.read_working_orders()).rows == ()


async def test_a_venues_text_cannot_make_us_say_our_key_or_signature() -> None:
    def echo(request: web.Request) -> Said:
        said = f"bad \x1b[31m {request.headers['X-MBX-APIKEY']} {request.query_string}"
        return 400, json.dumps({"code": -1022, "msg": said}).encode()

    async with playing({POSITIONS: echo}) as stage:
        with pytest.raises(Rejected) as refused:
            await stage.venue().read_positions()

    assert refused.value.refusal is Refusal.NO_PERMISSION
    said = str(refused.value)
    assert "canary" not in said
    assert "\x1b" not in said
    assert not any(len(word) >= 64 for word in said.replace("=", " ").split())


def test_an_address_that_is_not_encrypted_is_refused_before_anything_is_sent() -> None:
    with pytest.raises(SettingsError):
        BinanceVenue(
            rest_url="http://fapi.binance.com",
            credentials=Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)),
        )


def test_a_venue_shows_no_secret() -> None:
    venue = BinanceVenue(
        rest_url="https://demo-fapi.binance.com",
        credentials=Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)),
    )

    assert "canary" not in repr(venue) + repr(vars(venue))
