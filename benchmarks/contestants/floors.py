"""What no client can beat: the same requests as bytes that were signed before the clock started.

The floors know what is open instead of reading it from the answers, and prove nothing.
"""

import asyncio
from collections.abc import Iterable

from benchmarks.contestants.pace import OrderPace
from benchmarks.contestants.wire import Wires, open_request, signed_request
from benchmarks.lines import Claim, Scene
from benchmarks.work import QUANTITY, Holding

LOOK_PATHS = ("/fapi/v3/positionRisk", "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders")


class ColdFloor:
    """The steps of goflat in their order, each as soon as the one before it is answered.

    Look (and read the instruments' rules), cancel and then close symbol by symbol and all symbols
    at once, look, clear the conditional orders, look. Connections are opened as they are needed.
    """

    async def prepare(self, scene: Scene) -> None:
        holdings = scene.work.holdings
        self._wires, self._pace = Wires(scene.rest_url), OrderPace()
        self._rules = open_request("GET", "/fapi/v1/exchangeInfo")
        self._look = [signed_request("GET", path) for path in LOOK_PATHS]
        self._acts = [(cancel(holding), close(holding)) for holding in holdings]
        self._clears = [clear(holding) for holding in holdings if holding.has_stop]

    async def run(self) -> Claim:
        await self._all([self._rules, *self._look])
        await asyncio.gather(*(self._chain(*acts) for acts in self._acts))
        await self._all(self._look)
        await self._all(self._clears)
        await self._all(self._look)
        return Claim(says_flat=True, proves=False, words="every request was answered")

    async def close(self) -> None:
        self._wires.close()

    async def _all(self, requests: Iterable[bytes]) -> None:
        await asyncio.gather(*map(self._wires.ask, requests))

    async def _chain(self, cancelling: bytes, closing: bytes) -> None:
        await self._wires.ask(cancelling)
        await self._pace.turn()
        await self._wires.ask(closing)


class IdealFloor:
    """One round trip: everything at once, on connections that are open already."""

    async def prepare(self, scene: Scene) -> None:
        holdings = scene.work.holdings
        self._closes = [close(holding) for holding in holdings]
        self._cancels = [
            *(cancel(holding) for holding in holdings),
            *(clear(holding) for holding in holdings if holding.has_stop),
        ]
        self._wires, self._pace = Wires(scene.rest_url), OrderPace()
        await self._wires.warm(len(self._closes) + len(self._cancels))

    async def run(self) -> Claim:
        await asyncio.gather(*map(self._wires.ask, self._cancels), *map(self._paced, self._closes))
        return Claim(says_flat=True, proves=False, words="every request was answered")

    async def close(self) -> None:
        self._wires.close()

    async def _paced(self, closing: bytes) -> None:
        await self._pace.turn()
        await self._wires.ask(closing)


def cancel(holding: Holding) -> bytes:
    """Every working order of its symbol."""
    return signed_request("DELETE", "/fapi/v1/allOpenOrders", symbol=holding.symbol)


def clear(holding: Holding) -> bytes:
    """Every conditional order of its symbol."""
    return signed_request("DELETE", "/fapi/v1/algoOpenOrders", symbol=holding.symbol)


def close(holding: Holding) -> bytes:
    """The whole position at the market, reduce-only."""
    return signed_request(
        "POST",
        "/fapi/v1/order",
        symbol=holding.symbol,
        side=holding.closes_with,
        positionSide="BOTH",
        reduceOnly="true",
        type="MARKET",
        quantity=format(QUANTITY, "f"),
        newOrderRespType="RESULT",
    )
