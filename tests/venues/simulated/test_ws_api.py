"""The WebSocket API over a real socket, beside its REST twins."""

import base64
import hashlib
import hmac
import time
from collections.abc import AsyncIterator
from decimal import Decimal

import aiohttp
import msgspec
import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from goflat.venues.simulated.faults import Hang, Match, Outcome, Reset, Shape, Spoil
from goflat.venues.simulated.trouble import html, unknown_outcome
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue


class Line:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def ask(self, method: str, **params: object) -> dict:
        await self.socket.send_str(
            msgspec.json.encode({"id": "1", "method": method, "params": params}).decode()
        )
        return msgspec.json.decode((await self.socket.receive(timeout=2)).data)

    async def ask_signed(self, method: str, **params: object) -> dict:
        return await self.ask(method, **signed(params))


def stamped(params: dict[str, object]) -> dict[str, object]:
    return {**params, "apiKey": TEST_API_KEY, "timestamp": time.time_ns() // 1_000_000}


def signed(params: dict[str, object]) -> dict[str, object]:
    params = stamped(params)
    text = "&".join(f"{name}={params[name]}" for name in sorted(params))
    digest = hmac.new(TEST_API_SECRET.encode(), text.encode(), hashlib.sha256).hexdigest()
    return {**params, "signature": digest}


@pytest.fixture
async def line(venue: SimulatedVenue) -> AsyncIterator[Line]:
    async with aiohttp.ClientSession() as session, session.ws_connect(venue.ws_api_url) as socket:
        yield Line(socket)


async def test_an_order_is_placed_and_its_limits_are_told(
    venue: SimulatedVenue, line: Line
) -> None:
    answer = await line.ask_signed(
        "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5",
        newOrderRespType="RESULT",
    )  # fmt: skip

    assert (answer["id"], answer["status"]) == ("1", 200)
    assert answer["result"]["status"] == "FILLED"
    assert [row["count"] for row in answer["rateLimits"]] == [1, 1, 5]
    assert venue.truth.amounts() == {("BTCUSDT", "BOTH"): Decimal("0.5")}


async def test_a_refusal_has_the_same_code_as_over_rest(line: Line) -> None:
    answer = await line.ask_signed(
        "order.place", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="0.5",
        reduceOnly="true",
    )  # fmt: skip

    assert answer["status"] == 400
    assert answer["error"]["code"] == -2022


@pytest.mark.parametrize(
    ("method", "code"), [("order.cancelAll", -1020), ("", -1020), ("order.place", -1102)]
)
async def test_what_is_not_there_or_not_complete_is_refused(
    line: Line, method: str, code: int
) -> None:
    answer = await line.ask_signed(method)

    assert answer["error"]["code"] == code


async def test_a_wrong_signature_is_refused(line: Line) -> None:
    answer = await line.ask("v2/account.position", **stamped({}), signature="00" * 32)

    assert answer["error"]["code"] == -1022


async def test_only_an_ed25519_key_can_log_on(line: Line) -> None:
    answer = await line.ask_signed("session.logon")

    assert answer["error"]["code"] == -4056


async def test_after_logging_on_nothing_has_to_be_signed(venue: SimulatedVenue, line: Line) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    venue.add_public_key("ed", key.public_key().public_bytes_raw())
    now = time.time_ns() // 1_000_000
    signature = base64.b64encode(key.sign(f"apiKey=ed&timestamp={now}".encode())).decode()

    logged_on = await line.ask("session.logon", apiKey="ed", timestamp=now, signature=signature)
    positions = await line.ask("v2/account.position", timestamp=now)
    await line.ask("session.logout")
    after = await line.ask("v2/account.position", timestamp=now)

    assert logged_on["result"]["apiKey"] == "ed"
    assert (positions["status"], positions["result"]) == (200, [])
    assert (after["status"], after["error"]["code"]) == (401, -2014)


async def test_a_rule_for_a_rest_path_hits_its_twin(venue: SimulatedVenue, line: Line) -> None:
    venue.faults.add(
        Match(method="POST", path="/fapi/v1/order", count=1), unknown_outcome(Outcome.EXECUTED)
    )

    answer = await line.ask_signed(
        "order.place", symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5"
    )

    assert answer["status"] == 503
    assert len(venue.truth.positions()) == 1


async def test_a_broken_answer_is_broken_here_as_well(venue: SimulatedVenue, line: Line) -> None:
    venue.faults.add(Match(via="ws"), Spoil(shape=Shape.CUT))

    with pytest.raises(msgspec.DecodeError):
        await line.ask_signed("v2/account.status")


async def test_the_stream_key_is_given_out_here(line: Line) -> None:
    started = await line.ask("userDataStream.start", apiKey=TEST_API_KEY)
    kept = await line.ask("userDataStream.ping", apiKey=TEST_API_KEY)
    stopped = await line.ask("userDataStream.stop", apiKey=TEST_API_KEY)
    gone = await line.ask("userDataStream.ping", apiKey=TEST_API_KEY)

    assert started["result"] == kept["result"]
    assert stopped["result"] == {}
    assert gone["error"]["code"] == -1125


async def test_who_is_logged_on_can_be_asked(line: Line) -> None:
    status = (await line.ask("session.status"))["result"]

    assert (status["apiKey"], status["authorizedSince"]) == (None, None)
    assert status["serverTime"] >= status["connectedSince"] > 0


async def test_a_key_that_is_revoked_ends_the_session(venue: SimulatedVenue, line: Line) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    venue.add_public_key("ed", key.public_key().public_bytes_raw())
    now = time.time_ns() // 1_000_000
    signature = base64.b64encode(key.sign(f"apiKey=ed&timestamp={now}".encode())).decode()
    await line.ask("session.logon", apiKey="ed", timestamp=now, signature=signature)

    venue.revoke_key("ed")

    assert (await line.ask("v2/account.position", timestamp=now))["error"]["code"] == -2015


@pytest.mark.parametrize(
    ("params", "code"),
    [
        ({"apiKey": "nobody"}, -2015),
        ({"apiKey": "ed"}, -1102),
        ({"apiKey": "ed", "timestamp": 1}, -1021),
    ],
)
async def test_a_log_on_that_proves_nothing_is_refused(
    venue: SimulatedVenue, line: Line, params: dict, code: int
) -> None:
    key = Ed25519PrivateKey.from_private_bytes(bytes(range(32)))
    venue.add_public_key("ed", key.public_key().public_bytes_raw())

    assert (await line.ask("session.logon", **params))["error"]["code"] == code


@pytest.mark.parametrize("text", ["nonsense", "[]", '{"id": 1, "method": "depth", "params": []}'])
async def test_a_message_that_is_none_is_refused_and_the_line_stays(line: Line, text: str) -> None:
    await line.socket.send_str(text)
    answer = msgspec.json.decode((await line.socket.receive(timeout=2)).data)

    assert answer["status"] in (200, 400)
    assert (await line.ask("ticker.price", symbol="BTCUSDT"))["status"] == 200


async def test_limits_are_told_unless_they_are_not_wanted(
    venue: SimulatedVenue, line: Line
) -> None:
    told = await line.ask("ticker.price", symbol="BTCUSDT")
    untold = await line.ask("ticker.price", symbol="BTCUSDT", returnRateLimits=False)

    assert ("rateLimits" in told, "rateLimits" in untold) == (True, False)
    url = f"{venue.ws_api_url}?returnRateLimits=false"
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        assert "rateLimits" not in await Line(socket).ask("ticker.price", symbol="BTCUSDT")


async def test_a_reset_ends_the_line_and_a_hang_says_nothing(
    venue: SimulatedVenue, line: Line
) -> None:
    venue.faults.add(Match(via="ws", path="/fapi/v1/ticker/price", count=1), Hang(seconds=0.01))
    venue.faults.add(Match(via="ws", path="/fapi/v1/ticker/bookTicker"), Reset())
    await line.socket.send_str('{"id":1,"method":"ticker.price","params":{}}')
    with pytest.raises(TimeoutError):
        await line.socket.receive(timeout=0.05)

    await line.socket.send_str('{"id":2,"method":"ticker.book","params":{}}')
    message = await line.socket.receive(timeout=2)

    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_a_page_comes_through_as_it_is(venue: SimulatedVenue, line: Line) -> None:
    venue.faults.add(Match(via="ws"), html())
    await line.socket.send_str('{"id":1,"method":"ticker.price","params":{}}')

    assert (await line.socket.receive(timeout=2)).data.startswith("<!DOCTYPE html>")


async def test_a_banned_address_is_not_let_in(venue: SimulatedVenue) -> None:
    venue.ban(30)
    async with aiohttp.ClientSession() as session:
        with pytest.raises(aiohttp.WSServerHandshakeError) as caught:
            await session.ws_connect(venue.ws_api_url)

    assert caught.value.status == 418
