"""A venue on paper: an account in memory that keeps the port, for tests in virtual time.

It nets closes, keeps two books and can be told to misbehave: `script(verb, *answers)` says what the
next calls of a verb do before they do what they normally do. For the real protocol there is the
simulated venue; this one is for the engine alone.
"""

import asyncio
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import NamedTuple

from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.instrument import InstrumentRules, LotLimits, PriceBand, Symbol
from goflat.domain.listing import Listing
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import LegKey, Position
from goflat.errors import Refusal, Rejected, VenueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Misbehave:
    """What one call does. `delay` in seconds, before `failure`; executed first if `after`."""

    failure: VenueError | None = None
    delay: float = 0.0
    after: bool = False
    instead: Callable[[], object] | None = None


class Call(NamedTuple):
    """One call that the venue saw, and the instant of the loop's clock at which it came."""

    at: float
    verb: str
    about: object


@dataclass(kw_only=True)
class PaperVenue:
    """One account. Every verb takes `latency` seconds, half before and half after it takes hold."""

    positions: dict[LegKey, Position] = field(default_factory=dict)
    working: list[WorkingOrder] = field(default_factory=list)
    conditional: list[ConditionalOrder] = field(default_factory=list)
    rules: dict[Symbol, InstrumentRules] = field(default_factory=dict)
    limits: Limits | None = None
    latency: float = 0.02
    capabilities: Capabilities = field(default_factory=Capabilities)
    usage: Usage = field(default_factory=Usage)
    calls: list[Call] = field(default_factory=list)
    executed: dict[str, OrderReport] = field(default_factory=dict)
    scripts: dict[str, deque[Misbehave]] = field(default_factory=dict)

    def script(self, verb: str, *answers: Misbehave) -> None:
        """Say what the next calls of a verb do."""
        self.scripts.setdefault(verb, deque()).extend(answers)

    def called(self, verb: str) -> list[Call]:
        return [call for call in self.calls if call.verb == verb]

    @property
    def is_bare(self) -> bool:
        return not (self.positions or self.working or self.conditional)

    async def _do(self, verb: str, about: object, work: Callable[[], object]) -> object:
        self.calls.append(Call(asyncio.get_running_loop().time(), verb, about))
        odd = self.scripts[verb].popleft() if self.scripts.get(verb) else Misbehave()
        await asyncio.sleep(self.latency / 2)
        if odd.failure is not None and not odd.after:
            await asyncio.sleep(self.latency / 2 + odd.delay)
            raise odd.failure
        answer = (odd.instead or work)()
        await asyncio.sleep(self.latency / 2 + odd.delay)
        if odd.failure is not None:
            raise odd.failure
        return answer

    async def read_positions(self) -> Listing[Position]:
        rows = await self._do("read_positions", None, lambda: tuple(self.positions.values()))
        return rows if isinstance(rows, Listing) else Listing(rows=rows)  # type: ignore[arg-type]

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        rows = await self._do("read_working_orders", None, lambda: tuple(self.working))
        return rows if isinstance(rows, Listing) else Listing(rows=rows)  # type: ignore[arg-type]

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        rows = await self._do("read_conditional_orders", None, lambda: tuple(self.conditional))
        return rows if isinstance(rows, Listing) else Listing(rows=rows)  # type: ignore[arg-type]

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        rules = await self._do("read_rules", None, lambda: dict(self.rules))
        return rules, self.limits  # type: ignore[return-value]

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        await self._do("cancel_all", (symbol, book), lambda: self._cancel(symbol, book))
        return None

    def _cancel(self, symbol: Symbol, book: Book) -> None:
        if book is Book.WORKING:
            self.working = [order for order in self.working if order.symbol != symbol]
        else:
            self.conditional = [order for order in self.conditional if order.symbol != symbol]

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        def work() -> None:
            self.conditional = [o for o in self.conditional if o.order_id != order.order_id]

        await self._do("cancel_conditional", order, work)

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:  # noqa: ARG002
        report = await self._do("close", order, lambda: self._execute(order))
        assert isinstance(report, OrderReport)
        return report

    def _execute(self, order: CloseOrder) -> OrderReport:
        position = self.positions.get(order.position.key)
        if position is None:
            raise Rejected(
                "ReduceOnly Order is rejected.", refusal=Refusal.ORDERS_IN_THE_WAY, code=-2022
            )
        return self.fill(order, min(order.quantity, position.quantity))

    def fill(self, order: CloseOrder, quantity: Decimal) -> OrderReport:
        """Execute part of a close; what is not filled expires."""
        position = self.positions[order.position.key]
        left = position.quantity - quantity
        if left > 0:
            self.positions[position.key] = replace(position, quantity=left)
        else:
            del self.positions[position.key]
        status = OrderStatus.FILLED if quantity == order.quantity else OrderStatus.EXPIRED
        report = OrderReport(status=status, executed=quantity)
        self.executed[order.client_order_id] = report
        return report

    async def query(self, order: CloseOrder) -> OrderReport | None:
        work = lambda: self.executed.get(order.client_order_id)  # noqa: E731
        report = await self._do("query", order, work)
        assert report is None or isinstance(report, OrderReport)
        return report

    async def protect(self, stop: ProtectiveStop) -> None:
        def work() -> None:
            name = stop.client_order_id
            back = replace(stop.order, order_id=f"{stop.order.order_id}+", client_order_id=name)
            self.conditional.append(back)

        await self._do("protect", stop, work)

    async def aclose(self) -> None:
        return


def rules_for(symbol: Symbol, **changes: object) -> InstrumentRules:
    """Rules of an ordinary instrument, for tests."""
    lot = LotLimits(minimum=Decimal("0.001"), maximum=Decimal(1000), step=Decimal("0.001"))
    plain = InstrumentRules(
        symbol=symbol,
        status="TRADING",
        tick=Decimal("0.1"),
        limit_lot=lot,
        market_lot=replace(lot, maximum=Decimal(120)),
        band=PriceBand(up=Decimal("1.05"), down=Decimal("0.95")),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]
