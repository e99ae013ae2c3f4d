"""The user data stream over real sockets: what comes, in which order, and what a fault does."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import aiohttp
import msgspec
import pytest

from goflat.venues.simulated.faults import Match, Then
from goflat.venues.simulated.happenings import ListenKeyExpires, StreamsCut
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.streams import DOUBLED, LOST, OVERTAKEN, EventMatch, Ripple
from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import SimulatedVenue

QUIET_SECONDS = 0.05


class Ear:
    def __init__(self, socket: aiohttp.ClientWebSocketResponse) -> None:
        self.socket = socket

    async def next(self) -> dict:
        message = await self.socket.receive(timeout=2)
        return msgspec.json.decode(message.data)

    async def names(self, count: int) -> list[str]:
        return [(await self.next())["e"] for _ in range(count)]

    async def silent(self) -> bool:
        try:
            await self.socket.receive(timeout=QUIET_SECONDS)
        except TimeoutError:
            return True
        return False


@asynccontextmanager
async def listening(
    venue: SimulatedVenue, trader: Trader, form: str = "/private/ws/{key}"
) -> AsyncIterator[Ear]:
    reply = await trader.ask_raw("POST", "/fapi/v1/listenKey")
    url = venue.stream_url + form.format(key=reply.json["listenKey"])
    async with aiohttp.ClientSession() as session, session.ws_connect(url) as socket:
        yield Ear(socket)


@pytest.mark.parametrize(
    "form",
    [
        "/private/ws/{key}",
        "/private/ws?listenKey={key}",
        "/private/ws?listenKey={key}&events=ORDER_TRADE_UPDATE/ACCOUNT_UPDATE/TRADE_LITE",
    ],
)
async def test_a_fill_is_told_lite_then_account_then_order(
    venue: SimulatedVenue, trader: Trader, form: str
) -> None:
    async with listening(venue, trader, form) as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        events = [await ear.next() for _ in range(4)]

    assert [event["e"] for event in events] == [
        "ORDER_TRADE_UPDATE",
        "TRADE_LITE",
        "ACCOUNT_UPDATE",
        "ORDER_TRADE_UPDATE",
    ]
    account, order = events[2], events[3]
    assert account["T"] == order["T"]
    assert account["a"]["P"][0]["pa"] == "0.500"
    assert (order["o"]["x"], order["o"]["X"], order["o"]["z"]) == ("TRADE", "FILLED", "0.500")


async def test_a_combined_stream_wraps_every_event(venue: SimulatedVenue, trader: Trader) -> None:
    async with listening(venue, trader, "/private/stream?listenKey={key}") as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        wrapped = await ear.next()

    assert wrapped["data"]["e"] == "ORDER_TRADE_UPDATE"
    assert len(wrapped["stream"]) == 64


async def test_events_that_were_not_asked_for_do_not_come(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader, "/private/ws?listenKey={key}&events=ACCOUNT_UPDATE") as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.names(1) == ["ACCOUNT_UPDATE"]
        assert await ear.silent()


async def test_an_unknown_key_connects_and_hears_nothing(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader, "/private/ws/nobody") as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.silent()


@pytest.mark.parametrize("speaks", [False, True])
async def test_the_unrouted_stream_connects_and_hears_nothing_any_more(speaks: bool) -> None:
    knobs = Knobs(unrouted_stream_speaks=speaks)
    async with (
        SimulatedVenue(knobs=knobs) as venue,
        venue.trader() as trader,
        listening(venue, trader, "/ws/{key}") as ear,
    ):
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.silent() is not speaks


async def test_streams_are_subscribed_listed_and_unsubscribed(
    venue: SimulatedVenue, trader: Trader
) -> None:
    key = (await trader.ask_raw("POST", "/fapi/v1/listenKey")).json["listenKey"]
    async with listening(venue, trader, "/private/stream") as ear:
        for number, (method, result) in enumerate(
            [("SUBSCRIBE", None), ("LIST_SUBSCRIPTIONS", [key]), ("UNSUBSCRIBE", None),
             ("LIST_SUBSCRIPTIONS", []), ("DANCE", None)]
        ):  # fmt: skip
            asked = {"method": method, "params": [key], "id": number}
            await ear.socket.send_str(msgspec.json.encode(asked).decode())
            assert await ear.next() == {"result": result, "id": number}
        await ear.socket.send_str("nonsense")
        assert (await ear.next())["error"]["code"] == 2
        await trader.open_position("BTCUSDT", Decimal("0.5"))
        assert await ear.silent()


async def test_every_connection_of_an_account_can_be_cut(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader) as ear:
        venue.perform(StreamsCut())

        message = await ear.socket.receive(timeout=2)

    assert message.type in (aiohttp.WSMsgType.CLOSED, aiohttp.WSMsgType.ERROR)


async def test_two_connections_on_one_key_hear_everything_twice(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader) as first, listening(venue, trader) as second:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await first.names(4) == await second.names(4)


async def test_a_change_of_leverage_or_margin_mode_is_told(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader) as ear:
        await trader.ask("POST", "/fapi/v1/leverage", symbol="BTCUSDT", leverage=25)
        await trader.ask("POST", "/fapi/v1/multiAssetsMargin", multiAssetsMargin="true")

        assert (await ear.next())["ac"] == {"s": "BTCUSDT", "l": 25}
        assert (await ear.next())["ai"] == {"j": True}


async def test_an_expired_key_says_so_once_and_goes_mute(
    venue: SimulatedVenue, trader: Trader
) -> None:
    async with listening(venue, trader) as ear:
        venue.faults.add(Match(path="/fapi/v1/time"), Then(happening=ListenKeyExpires()))
        await trader.ask_raw("GET", "/fapi/v1/time")
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.names(1) == ["listenKeyExpired"]
        assert await ear.silent()


async def test_lost_doubled_and_overtaken_events(venue: SimulatedVenue, trader: Trader) -> None:
    venue.streams.add_rule(EventMatch(event="TRADE_LITE"), LOST)
    venue.streams.add_rule(EventMatch(event="ACCOUNT_UPDATE"), OVERTAKEN)
    venue.streams.add_rule(EventMatch(event="ORDER_TRADE_UPDATE", first=2), DOUBLED)
    async with listening(venue, trader) as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.names(4) == [
            "ORDER_TRADE_UPDATE",
            "ORDER_TRADE_UPDATE",
            "ORDER_TRADE_UPDATE",
            "ACCOUNT_UPDATE",
        ]


async def test_a_late_event_is_late(venue: SimulatedVenue, trader: Trader) -> None:
    rule = venue.streams.add_rule(EventMatch(symbol="BTCUSDT"), Ripple(delay_seconds=0.1))
    async with listening(venue, trader) as ear:
        await trader.open_position("BTCUSDT", Decimal("0.5"))

        assert await ear.silent()
        assert len(await ear.names(4)) == 4
    assert rule.hits == 4


async def test_a_stop_that_triggers_tells_its_whole_life(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position("BTCUSDT", Decimal("0.5"))
    async with listening(venue, trader, "/private/ws?listenKey={key}&events=ALGO_UPDATE") as ear:
        await trader.wait_order("BTCUSDT", "SELL", Decimal(59000), closePosition="true")

        await asyncio.to_thread(venue.set_mark, "BTCUSDT", "58900")

        lives = [(await ear.next())["o"] for _ in range(4)]
    assert [o["X"] for o in lives] == ["NEW", "TRIGGERING", "TRIGGERED", "FINISHED"]
    assert lives[-1]["ai"] == lives[-2]["ai"] != ""
    assert venue.truth.is_flat()
