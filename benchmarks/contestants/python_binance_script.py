"""The same script with python-binance, all positions at once. The library has no throttle."""

import asyncio
from typing import Any

from binance import AsyncClient  # type: ignore[import-untyped]

from benchmarks.lines import Claim, Scene
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET

Row = dict[str, Any]


class Gathered:
    """Read positions, cancel and close each, read positions again."""

    async def prepare(self, scene: Scene) -> None:
        # Not `AsyncClient.create`: that one asks the venue's spot host before anything else.
        self._client = AsyncClient(TEST_API_KEY, TEST_API_SECRET)
        self._client.FUTURES_URL = f"{scene.rest_url}/fapi"
        await self._client.futures_ping()

    async def run(self) -> Claim:
        await asyncio.gather(*map(self._close, await self._positions()))
        left = await self._positions()
        return Claim(says_flat=not left, proves=False, words=f"{len(left)} positions seen")

    async def close(self) -> None:
        await self._client.close_connection()

    async def _positions(self) -> list[Row]:
        rows = await self._client.futures_position_information()
        return [row for row in rows if float(row["positionAmt"])]

    async def _close(self, position: Row) -> None:
        symbol, amount = position["symbol"], position["positionAmt"]
        await self._client.futures_cancel_all_open_orders(symbol=symbol)
        await self._client.futures_create_order(
            symbol=symbol,
            side="BUY" if amount.startswith("-") else "SELL",
            type="MARKET",
            quantity=amount.removeprefix("-"),
            reduceOnly="true",
        )
