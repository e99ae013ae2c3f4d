"""The venue as an object: addresses, threads, many instruments, the record of what was done."""

import asyncio
import http.client
from decimal import Decimal

import pytest

from goflat.domain.position import PositionMode, PositionSide
from goflat.venues.simulated.exchange import TEST_API_KEY
from goflat.venues.simulated.instruments import standard_instruments
from goflat.venues.simulated.trader import Trader, TraderError
from goflat.venues.simulated.venue import AccountSetup, SimulatedVenue


async def test_an_order_over_the_socket_moves_the_position(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position("BTCUSDT", Decimal("0.5"))

    (position,) = venue.truth.positions()
    assert (position.symbol, position.side) == ("BTCUSDT", PositionSide.LONG)
    assert (position.quantity, position.mode) == (Decimal("0.5"), PositionMode.ONE_WAY)


async def test_addresses_are_of_one_port(venue: SimulatedVenue) -> None:
    assert venue.rest_url == f"http://127.0.0.1:{venue.port}"
    assert venue.ws_api_url == f"ws://127.0.0.1:{venue.port}/ws-fapi/v1"
    assert venue.stream_url == f"ws://127.0.0.1:{venue.port}"
    assert venue.port > 0


def test_a_program_that_blocks_has_its_venue_on_a_thread() -> None:
    with SimulatedVenue().in_thread() as venue:
        client = http.client.HTTPConnection(venue.host, venue.port, timeout=2)
        client.request("GET", "/fapi/v1/time")
        answer = client.getresponse()

        assert answer.status == 200
        venue.open_position("BTCUSDT", "1")
        assert not venue.truth.is_flat()
        client.close()
    with pytest.raises(ConnectionRefusedError):
        http.client.HTTPConnection(venue.host, venue.port, timeout=2).connect()


def test_a_venue_that_cannot_start_on_its_thread_says_why() -> None:
    with SimulatedVenue().in_thread() as first:
        second = SimulatedVenue(port=first.port).in_thread()
        with pytest.raises(OSError, match="address"), second:
            pass


async def test_many_instruments_are_listed_and_one_more_can_be(
    venue: SimulatedVenue, trader: Trader
) -> None:
    wide = SimulatedVenue(symbols=1000)
    assert len(wide.world.markets) == 1000 + len(standard_instruments())

    before = await trader.must("GET", "/fapi/v1/exchangeInfo")
    (extra, *_) = [m.instrument for s, m in wide.world.markets.items() if s.startswith("SIM")]
    venue.list_instrument(extra)
    after = await trader.must("GET", "/fapi/v1/exchangeInfo")

    assert len(after["symbols"]) == len(before["symbols"]) + 1


async def test_a_state_that_changes_is_listed(venue: SimulatedVenue, trader: Trader) -> None:
    venue.halt("BTCUSDT")

    listed = await trader.must("GET", "/fapi/v1/exchangeInfo")

    states = {row["symbol"]: row["status"] for row in listed["symbols"]}
    assert (states["BTCUSDT"], states["ETHUSDT"]) == ("TRADING_HALT", "TRADING")


async def test_what_came_in_is_remembered_without_signatures(
    venue: SimulatedVenue, trader: Trader
) -> None:
    await trader.open_position("BTCUSDT", Decimal(1))
    await trader.ask("GET", "/fapi/v1/openOrders", symbol="BTCUSDT")

    (order,) = venue.truth.requests("POST")
    (listed,) = venue.truth.requests(path="/fapi/v1/openOrders")

    assert (order.account, order.status, order.executed) == ("main", 200, True)
    assert order.params["symbol"] == "BTCUSDT"
    assert "signature" not in order.params | listed.params
    assert order.at_ms <= listed.at_ms


async def test_the_ledger_knows_whose_order_it_was(venue: SimulatedVenue, trader: Trader) -> None:
    venue.open_position("BTCUSDT", "1")
    await trader.open_position("BTCUSDT", Decimal(-3))

    assert [fill.after for fill in venue.truth.fills(api_key=TEST_API_KEY)] == [Decimal(-2)]
    assert len(venue.truth.fills()) == 2
    assert len(venue.truth.enlarging_fills(api_key=TEST_API_KEY)) == 1


async def test_the_set_up_client_says_what_the_venue_refused(trader: Trader) -> None:
    with pytest.raises(TraderError, match="-1121"):
        await trader.open_position("NOPE", Decimal(1))


async def test_a_hundred_requests_at_once_are_each_answered(
    venue: SimulatedVenue, trader: Trader
) -> None:
    order = {"symbol": "BTCUSDT", "side": "BUY", "type": "MARKET", "quantity": "0.01"}
    replies = await asyncio.gather(
        *(trader.ask("POST", "/fapi/v1/order", **order) for _ in range(100))
    )

    assert {reply.status for reply in replies} == {200}
    assert venue.truth.amounts() == {("BTCUSDT", "BOTH"): Decimal(1)}


def test_a_key_is_not_shown() -> None:
    assert "2b5eb11e" not in repr(AccountSetup())
