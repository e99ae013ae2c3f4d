"""A small signed client that opens positions and orders over the API, as a bot would.

For drills, benchmarks and tests: nothing here ever closes anything, and nothing that closes
imports it.
"""

import hashlib
import hmac
import time
from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import TracebackType
from typing import Self
from urllib.parse import urlencode

import aiohttp
import msgspec
from yarl import URL

from goflat.domain.instrument import Symbol
from goflat.domain.secret import Secret

ANSWER_SECONDS = 10.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Reply:
    """An answer as it came. `json` is None where the body was no JSON."""

    status: int
    json: object
    headers: Mapping[str, str]
    body: bytes

    @property
    def code(self) -> int | None:
        """The venue's number for its no, if this is one."""
        code = self.json.get("code") if isinstance(self.json, dict) else None
        return code if isinstance(code, int) and code < 0 else None


class TraderError(Exception):
    """The venue did not do what the set-up asked for."""


class Trader:
    """One account's client. Use as `async with Trader(url, key, secret) as trader:`."""

    def __init__(self, rest_url: str, api_key: str, api_secret: Secret) -> None:
        self._rest_url = rest_url
        self._api_key = api_key
        self._secret = api_secret
        self._session: aiohttp.ClientSession | None = None

    async def __aenter__(self) -> Self:
        self._session = aiohttp.ClientSession(
            headers={"X-MBX-APIKEY": self._api_key},
            cookie_jar=aiohttp.DummyCookieJar(),
            timeout=aiohttp.ClientTimeout(total=ANSWER_SECONDS),
        )
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._session is not None:
            await self._session.close()

    async def ask(self, method: str, path: str, **params: object) -> Reply:
        """Sign and send one request, parameters in the query. Whatever comes back is a `Reply`."""
        query = self._stamped(params)
        return await self.ask_raw(method, f"{path}?{query}&signature={self._sign(query)}")

    async def ask_form(self, method: str, path: str, **params: object) -> Reply:
        """The same, parameters in the body; a query in `path` is signed as well."""
        body = self._stamped(params)
        signature = self._sign(path.partition("?")[2] + body)
        return await self.ask_raw(method, path, body=f"{body}&signature={signature}")

    async def ask_raw(self, method: str, path: str, *, body: str | None = None) -> Reply:
        """Send one request as it is, without a signature of ours."""
        assert self._session is not None
        url = URL(f"{self._rest_url}{path}", encoded=True)
        kind = {} if body is None else {"Content-Type": "application/x-www-form-urlencoded"}
        async with self._session.request(
            method, url, data=body, headers=kind, allow_redirects=False
        ) as response:
            content = await response.read()
            return Reply(
                status=response.status,
                json=_json(content),
                headers=response.headers,
                body=content,
            )

    async def must(self, method: str, path: str, **params: object) -> object:
        """Sign and send one request that has to succeed. Raises `TraderError`."""
        reply = await self.ask(method, path, **params)
        if reply.status != 200:
            raise TraderError(f"{method} {path}: {reply.status} {reply.body[:200]!r}")
        return reply.json

    async def open_position(self, symbol: Symbol, amount: Decimal, *, hedge: bool = False) -> None:
        """Trade a signed amount at the market: above zero buys."""
        side, holding = ("BUY", "LONG") if amount > 0 else ("SELL", "SHORT")
        await self.must(
            "POST",
            "/fapi/v1/order",
            symbol=symbol,
            side=side,
            type="MARKET",
            quantity=format(abs(amount), "f"),
            positionSide=holding if hedge else "BOTH",
        )

    async def rest_order(
        self, symbol: Symbol, side: str, quantity: Decimal, price: Decimal, **more: object
    ) -> None:
        """Put a limit order into the regular book."""
        await self.must(
            "POST",
            "/fapi/v1/order",
            symbol=symbol,
            side=side,
            type="LIMIT",
            timeInForce="GTC",
            quantity=format(quantity, "f"),
            price=format(price, "f"),
            **more,
        )

    async def wait_order(
        self, symbol: Symbol, side: str, trigger_price: Decimal, **more: object
    ) -> None:
        """Put a conditional order into the algo book: a stop-market order unless told otherwise."""
        await self.must(
            "POST",
            "/fapi/v1/algoOrder",
            algoType="CONDITIONAL",
            symbol=symbol,
            side=side,
            triggerPrice=format(trigger_price, "f"),
            **{"type": "STOP_MARKET", **more},
        )

    async def set_hedge(self, hedge: bool) -> None:  # noqa: FBT001 - the venue's own switch
        """Ask for a position mode. Refused by the venue while anything is open."""
        reply = await self.ask(
            "POST", "/fapi/v1/positionSide/dual", dualSidePosition=str(hedge).lower()
        )
        if reply.status != 200 and reply.code != -4059:
            raise TraderError(f"position mode: {reply.status} {reply.body[:200]!r}")

    def _stamped(self, params: Mapping[str, object]) -> str:
        return urlencode({"timestamp": time.time_ns() // 1_000_000, **params})

    def _sign(self, text: str) -> str:
        key = self._secret.reveal().encode()
        return hmac.new(key, text.encode(), hashlib.sha256).hexdigest()


def _json(body: bytes) -> object:
    try:
        return msgspec.json.decode(body)
    except msgspec.DecodeError:
        return None
