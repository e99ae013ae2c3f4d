"""The control API over a real socket."""

import aiohttp
import pytest

from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import SimulatedVenue


async def post(venue: SimulatedVenue, path: str, **body: object) -> tuple[int, dict]:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{venue.control_url}{path}", json=body) as response,
    ):
        return response.status, await response.json()


async def get(venue: SimulatedVenue, path: str) -> object:
    async with (
        aiohttp.ClientSession() as session,
        session.get(f"{venue.control_url}{path}") as response,
    ):
        return await response.json()


async def test_the_truth_can_be_asked(venue: SimulatedVenue, trader: Trader) -> None:
    assert (await get(venue, "/truth"))["flat"]

    await post(venue, "/position", symbol="BTCUSDT", amount="1.5")
    venue.rest_order("BTCUSDT", "SELL", "1", "61000", client_order_id="a")
    venue.wait_order("BTCUSDT", "SELL", "59000", close_position=True)
    truth = await get(venue, "/truth")

    assert truth["positions"] == [
        {"symbol": "BTCUSDT", "positionSide": "BOTH", "positionAmt": "1.5"}
    ]
    assert [order["clientOrderId"] for order in truth["workingOrders"]] == ["a"]
    assert len(truth["conditionalOrders"]) == 1
    assert not truth["flat"]


async def test_fills_and_requests_can_be_asked(venue: SimulatedVenue, trader: Trader) -> None:
    await post(venue, "/position", symbol="BTCUSDT", amount="1")
    await trader.ask(
        "POST", "/fapi/v1/order", symbol="BTCUSDT", side="SELL", type="MARKET", quantity="2",
        newClientOrderId="turned",
    )  # fmt: skip

    (fill,) = await get(venue, "/fills?prefix=turned")
    (request,) = await get(venue, "/requests?method=POST")

    assert (fill["before"], fill["after"], fill["enlarges"]) == ("1", "-1", True)
    assert (request["path"], request["status"], request["executed"]) == (
        "/fapi/v1/order",
        200,
        True,
    )
    assert "signature" not in request["params"]


async def test_prices_states_and_modes_can_be_set(venue: SimulatedVenue) -> None:
    await post(venue, "/mark", symbol="BTCUSDT", price="58000")
    await post(venue, "/status", symbol="ETHUSDT", status="SETTLING")
    await post(venue, "/hedge", hedge=True)

    assert str(venue.world.market("BTCUSDT").mark) == "58000"
    assert venue.world.market("ETHUSDT").instrument.status == "SETTLING"
    assert venue.world.accounts["main"].hedge


async def test_faults_can_be_staged_and_cleared(venue: SimulatedVenue, trader: Trader) -> None:
    script = '[[fault]]\npath = "/fapi/v1/ping"\nfault = "say"\ncode = -1000\n'
    staged = await post(venue, "/faults", script=script)
    wrong = await post(venue, "/faults", script="[[falt]]")

    assert staged == (200, {"faults": 1, "events": 0, "cues": 0})
    assert wrong[0] == 400
    assert "did you mean `fault`?" in wrong[1]["error"]
    assert (await trader.ask_raw("GET", "/fapi/v1/ping")).code == -1000
    async with (
        aiohttp.ClientSession() as session,
        session.delete(f"{venue.control_url}/faults", json={}) as response,
    ):
        assert response.status == 200
    assert (await trader.ask_raw("GET", "/fapi/v1/ping")).status == 200


@pytest.mark.parametrize(
    ("path", "body", "status"),
    [
        ("/mark", {"symbol": "NOPE", "price": "1"}, 400),
        ("/mark", {"symbol": "BTCUSDT"}, 400),
        ("/mark", {"symbol": "BTCUSDT", "price": "much"}, 400),
        ("/position", {"symbol": "BTCUSDT", "amount": "1", "account": "nobody"}, 400),
        ("/nowhere", {}, 404),
    ],
)
async def test_what_cannot_be_done_is_said(
    venue: SimulatedVenue, path: str, body: dict, status: int
) -> None:
    assert (await post(venue, path, **body))[0] == status


async def test_a_form_from_a_web_page_is_not_taken(venue: SimulatedVenue) -> None:
    async with (
        aiohttp.ClientSession() as session,
        session.post(f"{venue.control_url}/mark", data={"symbol": "BTCUSDT"}) as response,
    ):
        assert response.status == 415


async def test_a_name_that_was_made_to_point_here_is_not_answered(venue: SimulatedVenue) -> None:
    async with (
        aiohttp.ClientSession(headers={"Host": "rebound.example"}) as session,
        session.get(f"{venue.control_url}/truth") as response,
    ):
        assert response.status == 403
