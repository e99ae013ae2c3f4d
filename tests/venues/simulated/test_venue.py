"""The venue over real sockets, driven from Python."""

import hashlib
import hmac
import time
from decimal import Decimal
from urllib.parse import urlencode

import aiohttp

from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue


def signed(**params: object) -> str:
    query = urlencode({**params, "timestamp": time.time_ns() // 1_000_000})
    signature = hmac.new(TEST_API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    return f"{query}&signature={signature}"


async def test_an_order_over_the_socket_moves_the_position() -> None:
    headers = {"X-MBX-APIKEY": TEST_API_KEY}
    async with SimulatedVenue() as venue, aiohttp.ClientSession(headers=headers) as session:
        query = signed(symbol="BTCUSDT", side="BUY", type="MARKET", quantity="0.5")

        async with session.post(f"{venue.rest_url}/fapi/v1/order?{query}") as response:
            answer = await response.json()

        assert (response.status, answer["status"]) == (200, "NEW")
        assert venue.truth.amounts() == {("BTCUSDT", "BOTH"): Decimal("0.5")}
