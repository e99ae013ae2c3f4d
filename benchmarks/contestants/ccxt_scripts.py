"""The scripts that people write with ccxt: read positions, cancel, close, read positions again.

The exchange object is made and its markets and leverage brackets are loaded before the clock
starts, as in a bot that has been running.
"""

import asyncio
from typing import Any

import ccxt.async_support as ccxt  # type: ignore[import-untyped]

from benchmarks.lines import Claim, Scene
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET

Row = dict[str, Any]


def exchange_at(rest_url: str, *, is_throttled: bool) -> Any:
    """ccxt's client, with every address of the venue turned to this machine."""
    exchange = ccxt.binanceusdm(
        {
            "apiKey": TEST_API_KEY,
            "secret": TEST_API_SECRET,
            "enableRateLimit": is_throttled,
            "options": {"fetchCurrencies": False},
        }
    )
    paths = {
        "fapiPublicV2": "v2",
        "fapiPublicV3": "v3",
        "fapiPrivateV2": "v2",
        "fapiPrivateV3": "v3",
    }
    for name in exchange.urls["api"]:
        exchange.urls["api"][name] = f"{rest_url}/fapi/{paths.get(name, 'v1')}"
    return exchange


class Loop:
    """One position after the other: the usual script."""

    is_throttled = True

    async def prepare(self, scene: Scene) -> None:
        self._exchange = exchange_at(scene.rest_url, is_throttled=self.is_throttled)
        await self._exchange.load_markets()
        await self._exchange.load_leverage_brackets()

    async def run(self) -> Claim:
        await self._flatten(await self._exchange.fetch_positions())
        left = await self._exchange.fetch_positions()
        return Claim(says_flat=not left, proves=False, words=f"{len(left)} positions seen")

    async def close(self) -> None:
        await self._exchange.close()

    async def _flatten(self, positions: list[Row]) -> None:
        for position in positions:
            await self._close(position)

    async def _close(self, position: Row) -> None:
        symbol = position["symbol"]
        await self._exchange.cancel_all_orders(symbol)
        side = "sell" if position["side"] == "long" else "buy"
        await self._exchange.create_market_order(
            symbol, side, position["contracts"], params={"reduceOnly": True}
        )


class Gathered(Loop):
    """All positions at once, through ccxt's own throttle."""

    async def _flatten(self, positions: list[Row]) -> None:
        await asyncio.gather(*map(self._close, positions))


class Unthrottled(Gathered):
    """All positions at once, with the throttle off."""

    is_throttled = False
