"""The client that opens positions and orders over the venue's API, as a bot would.

It signs as goflat signs and shares nothing else with what it is there to test: it reads the rules,
sizes its orders and looks at the account by itself.
"""

import asyncio
import time
from collections.abc import Mapping
from decimal import Decimal
from itertools import count
from types import TracebackType
from typing import Self, TypeVar

import msgspec

from goflat.domain.instrument import Symbol
from goflat.domain.position import OrderSide, PositionSide
from goflat.drill.setting import Holds, Rests, Setting, Wait, Waits
from goflat.drill.sizes import Filter, Sizes, sizes_of
from goflat.errors import GoflatError, VenueError
from goflat.venues.binance.failures import failure_of
from goflat.venues.binance.requests import RULES_BYTES_MAX, Params, Request, plain
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.transport import HttpTransport

PREFIX = "drill-"
"""How the client order ids of everything that a drill opens begin."""

AWAY = Decimal("0.03")
"""How far from the mark price a resting order is put, and a trigger twice as far."""

WEIGHT = "REQUEST_WEIGHT"
WEIGHT_MOST = 2400
"""Request weight per minute, where the venue's rules do not say it."""

ROOM_ASKED_SECONDS = 4.0
ROOM_ASKED_MOST = 30

Shape = TypeVar("Shape")


class SetUpFailed(GoflatError):
    """The venue did not do what the setting asked for. The drill says nothing about goflat then."""


class _Listed(msgspec.Struct, rename="camel"):
    symbol: str
    status: str
    filters: list[Filter]


class _Limit(msgspec.Struct, rename="camel"):
    rate_limit_type: str
    limit: int


class _Rules(msgspec.Struct, rename="camel"):
    symbols: list[_Listed]
    rate_limits: list[_Limit] = []


class _Mark(msgspec.Struct, rename="camel"):
    mark_price: Decimal


class _Config(msgspec.Struct, rename="camel"):
    dual_side_position: bool


class _Time(msgspec.Struct, rename="camel"):
    server_time: int


class OpeningClient:
    """One account. Use as `async with OpeningClient(url, credentials) as opener:`."""

    def __init__(self, rest_url: str, credentials: Credentials) -> None:
        self._transport = HttpTransport(rest_url, credentials)
        self._hide = credentials.hide
        self._ids = count(1)
        self._offset_ms = 0
        self._sizes: dict[Symbol, Sizes] = {}
        self._weight_used = 0
        self._weight_most = WEIGHT_MOST
        self.trading: frozenset[Symbol] = frozenset()
        self.hedge = False

    async def __aenter__(self) -> Self:
        try:
            await self._learn()
        except SetUpFailed:
            await self._transport.aclose()
            raise
        return self

    async def _learn(self) -> None:
        """The venue's time, its rules and limits, and the position mode."""
        now = time.time_ns() // 1_000_000
        told = await self.ask("GET", "/fapi/v1/time", _Time, signed=False)
        self._offset_ms = told.server_time - now
        rules = await self.ask("GET", "/fapi/v1/exchangeInfo", _Rules, signed=False)
        self._sizes = {listed.symbol: sizes_of(listed.filters) for listed in rules.symbols}
        self.trading = frozenset(row.symbol for row in rules.symbols if row.status == "TRADING")
        weights = [row.limit for row in rules.rate_limits if row.rate_limit_type == WEIGHT]
        self._weight_most = min(weights, default=WEIGHT_MOST)
        await self._learn_mode()

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self._transport.aclose()

    async def wait_for_room(self, weight: int) -> None:
        """Wait until the venue's limit per minute has room for so much, at most two minutes.

        A run keeps to the limit by itself. It would only have to wait, and be judged for that.
        """
        for _ in range(ROOM_ASKED_MOST):
            if self._weight_used + weight <= self._weight_most:
                return
            await asyncio.sleep(ROOM_ASKED_SECONDS)
            await self.ask("GET", "/fapi/v1/time", _Time, signed=False)

    def now_ms(self) -> int:
        """The venue's time."""
        return time.time_ns() // 1_000_000 + self._offset_ms

    async def ask(
        self,
        method: str,
        path: str,
        shape: type[Shape],
        params: Params = (),
        *,
        signed: bool = True,
    ) -> Shape:
        """Send one request, once.

        Raises:
            SetUpFailed: no good answer came, or one of another shape.
        """
        request = Request(
            method=method,
            path=path,
            weight=0,
            params=params,
            window_ms=5_000 if signed else None,
            answer_bytes_max=RULES_BYTES_MAX,
        )
        try:
            answer = await self._transport.send(request, at_ms=self.now_ms())
            self._weight_used = answer.usage.weight_per_minute or 0
            failure = failure_of(answer, now_ms=self.now_ms(), hide=self._hide)
            if failure is not None:
                raise failure
            return msgspec.json.decode(answer.body, type=shape)
        except (VenueError, msgspec.DecodeError) as error:
            raise SetUpFailed(f"{method} {path}: {error}") from None

    async def open(self, setting: Setting) -> None:
        """Put everything of a setting on the account.

        Raises:
            SetUpFailed: the venue refused something.
        """
        if setting.hedge and not self.hedge:
            await self._switch_to_hedge()
        for held in setting.positions:
            await self._hold(held)
        for resting in setting.working:
            await self._rest(resting)
        for waiting in setting.conditional:
            await self._wait(waiting)

    async def _hold(self, held: Holds) -> None:
        """Trade at the market, in as many orders as the market lot makes it."""
        sizes = self._sizes[held.symbol]
        left = held.quantity or sizes.lot(await self._mark(held.symbol)) * held.lots
        side = OrderSide.BUY if held.side is PositionSide.LONG else OrderSide.SELL
        while left > 0:
            quantity = min(left, sizes.market_most)
            left -= quantity
            await self._order(
                held.symbol, side, held.side, {"type": "MARKET", "quantity": plain(quantity)}
            )

    async def _rest(self, resting: Rests) -> None:
        sizes, mark = self._sizes[resting.symbol], await self._mark(resting.symbol)
        is_buy = resting.side is OrderSide.BUY
        price = sizes.priced(mark * (1 - AWAY if is_buy else 1 + AWAY))
        await self._order(
            resting.symbol,
            resting.side,
            PositionSide.LONG if is_buy else PositionSide.SHORT,
            {
                "type": "LIMIT",
                "timeInForce": "GTC",
                "quantity": plain(sizes.lot(price)),
                "price": plain(price),
            },
        )

    async def _wait(self, waiting: Waits) -> None:
        sizes, mark = self._sizes[waiting.symbol], await self._mark(waiting.symbol)
        is_long = waiting.side is PositionSide.LONG
        below = is_long if waiting.kind is Wait.STOP else not is_long
        trigger = sizes.priced(mark * (1 - 2 * AWAY if below else 1 + 2 * AWAY))
        closes = waiting.kind is not Wait.ENTRY
        opens_with = OrderSide.BUY if is_long else OrderSide.SELL
        size = {"closePosition": "true"} if closes else {"quantity": plain(sizes.lot(mark))}
        params = {
            "algoType": "CONDITIONAL",
            "symbol": waiting.symbol,
            "side": (waiting.side.closes_with if closes else opens_with).value,
            "positionSide": waiting.side.value if self.hedge else "BOTH",
            "type": "TAKE_PROFIT_MARKET" if waiting.kind is Wait.PROFIT else "STOP_MARKET",
            "triggerPrice": plain(trigger),
            "clientAlgoId": self._next_id(),
            **size,
        }
        await self.ask("POST", "/fapi/v1/algoOrder", object, tuple(params.items()))

    async def _order(
        self, symbol: Symbol, side: OrderSide, held: PositionSide, more: Mapping[str, str]
    ) -> None:
        params = {
            "symbol": symbol,
            "side": side.value,
            "positionSide": held.value if self.hedge else "BOTH",
            "newClientOrderId": self._next_id(),
            "newOrderRespType": "RESULT",
            **more,
        }
        await self.ask("POST", "/fapi/v1/order", object, tuple(params.items()))

    async def _mark(self, symbol: Symbol) -> Decimal:
        found = await self.ask(
            "GET", "/fapi/v1/premiumIndex", _Mark, (("symbol", symbol),), signed=False
        )
        return found.mark_price

    async def _switch_to_hedge(self) -> None:
        params = (("dualSidePosition", "true"),)
        await self.ask("POST", "/fapi/v1/positionSide/dual", object, params)
        await self._learn_mode()

    async def _learn_mode(self) -> None:
        config = await self.ask("GET", "/fapi/v1/accountConfig", _Config)
        self.hedge = config.dual_side_position

    def _next_id(self) -> str:
        return f"{PREFIX}{self.now_ms()}-{next(self._ids)}"
