"""A venue that does what venues do on the worst day, drawn from a seed.

It keeps the port, and it keeps a ledger that nobody can argue with: every call with its fault,
every fill with the quantity before and after it, every moment of the account, and what each reading
would have shown had it been honest. The oracle judges a run by that ledger alone.

It lies only in ways in which venues have been seen to lie. It never answers a read with rows that
were true at no time, and a lagging replica lags by less than `LAG_SECONDS_MAX`.
"""

import asyncio
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from random import Random
from typing import Any

from goflat.core.looks import Part
from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing, Unreadable
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
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered

LAG_SECONDS_MAX = 0.2

READS = ("read_positions", "read_working_orders", "read_conditional_orders")
ACTS = ("cancel_all", "cancel_conditional", "close", "protect")

EVERYWHERE = ("unsent", "refused", "throttled", "silent", "hangs", "slow", "bug")
FAULTS: Mapping[str, tuple[str, ...]] = {
    **dict.fromkeys(READS, (*EVERYWHERE, "stale", "holes")),
    "read_rules": EVERYWHERE,
    "cancel_all": (*EVERYWHERE, "done_silent", "done_hangs", "late", "nods"),
    "cancel_conditional": (*EVERYWHERE, "done_silent", "done_hangs", "late", "nods"),
    "close": (
        *EVERYWHERE,
        *("done_silent", "done_hangs", "late", "partial", "expires", "pending", "taken"),
    ),
    "query": (*EVERYWHERE, "blind"),
    "protect": (*EVERYWHERE, "done_silent", "done_hangs"),
}
"""What can go wrong with each verb."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mood:
    """What may go wrong, how often (chance a call), and until when."""

    faults: Mapping[str, float] = field(default_factory=dict)
    refusals: tuple[Refusal, ...] = (Refusal.PLAIN,)
    latency: tuple[float, float] = (0.01, 0.05)
    heals_at: float = math.inf
    stops_block: bool = False
    dates_changes: bool = False
    halted: frozenset[Symbol] = frozenset()
    out_of_band: bool = False


@dataclass(slots=True)
class Call:
    """One call: when it came, when its answer was had or given up, and what was wrong with it."""

    verb: str
    about: Any
    at: float
    fault: str | None
    ended: float = math.inf
    refused: Rejected | None = None
    silent: bool = False


@dataclass(frozen=True, slots=True)
class Fill:
    """One execution of one of our closes."""

    at: float
    order: CloseOrder
    before: Decimal
    after: Decimal


@dataclass(frozen=True, slots=True)
class Moment:
    """The account from this instant on."""

    at: float
    positions: tuple[Position, ...]
    working: tuple[WorkingOrder, ...]
    conditional: tuple[ConditionalOrder, ...]

    def rows(self, part: Part) -> tuple[Any, ...]:
        return {
            Part.POSITIONS: self.positions,
            Part.WORKING: self.working,
            Part.CONDITIONAL: self.conditional,
        }[part]


@dataclass(slots=True)
class Reading:
    """One answer to a request for a list: the rows that were true, and those that it showed."""

    part: Part
    began: float
    truth: tuple[Any, ...]
    shown: tuple[Any, ...]
    ended: float = math.inf


class HostileVenue:
    """One account at a venue of a certain mood."""

    def __init__(
        self,
        rng: Random,
        mood: Mood,
        *,
        rules: Mapping[Symbol, InstrumentRules],
        limits: Limits | None = None,
        capabilities: Capabilities | None = None,
    ) -> None:
        self._rng = rng
        self.mood = mood
        self.rules = rules
        self.limits = limits
        self.capabilities = capabilities or Capabilities()
        self.usage = Usage()
        self.positions: dict[LegKey, Position] = {}
        self.working: dict[str, WorkingOrder] = {}
        self.conditional: dict[str, ConditionalOrder] = {}
        self.reports: dict[str, OrderReport] = {}
        self.calls: list[Call] = []
        self.fills: list[Fill] = []
        self.readings: list[Reading] = []
        self.moments: list[Moment] = []
        self.sources: dict[int, tuple[Position, float]] = {}

    # --- the account, and its ledger ------------------------------------------------------------

    def _now(self) -> float:
        return asyncio.get_running_loop().time()

    def changed(self) -> None:
        """Write down the account as it is from now on."""
        rows = (self.positions, self.working, self.conditional)
        self.moments.append(Moment(self._now(), *(tuple(part.values()) for part in rows)))

    def hold(self, position: Position) -> None:
        dated = int(self._now() * 1000) if self.mood.dates_changes else None
        self.positions[position.key] = replace(position, updated_ms=dated)
        self.changed()

    def drop(self, key: LegKey) -> None:
        if self.positions.pop(key, None) is not None:
            self.changed()

    def list_working(self, order: WorkingOrder) -> None:
        self.working[order.order_id] = order
        self.changed()

    def list_conditional(self, order: ConditionalOrder) -> None:
        self.conditional[order.order_id] = order
        self.changed()

    def unlist(self, order_id: str) -> None:
        self.working.pop(order_id, None)
        self.conditional.pop(order_id, None)
        self.changed()

    def moment(self, at: float) -> Moment:
        """The account as it was at an instant."""
        return next((m for m in reversed(self.moments) if m.at <= at), self.moments[0])

    # --- what goes wrong ------------------------------------------------------------------------

    def _fault_of(self, verb: str) -> str | None:
        if self._now() >= self.mood.heals_at:
            return None
        for fault in FAULTS[verb]:
            if self._rng.random() < self.mood.faults.get(fault, 0.0):
                return fault
        return None

    async def _hang(self) -> None:
        await asyncio.sleep(
            max(0.0, min(self.mood.heals_at - self._now(), self._rng.uniform(1.5, 40.0)))
        )

    async def _call(self, verb: str, about: object, work: Callable[[str | None], object]) -> Any:
        call = Call(verb, about, self._now(), self._fault_of(verb))
        self.calls.append(call)
        try:
            return await self._behave(call, work)
        except Rejected as refusal:
            call.refused = refusal
            raise
        except (Unanswered, RuntimeError, asyncio.CancelledError):
            call.silent = True
            raise
        finally:
            call.ended = self._now()

    async def _behave(self, call: Call, work: Callable[[str | None], object]) -> object:
        there, back = (self._rng.uniform(*self.mood.latency) / 2 for _ in range(2))
        match call.fault:
            case "unsent":
                await asyncio.sleep(there / 5)
                raise NotSent("no route to host")
            case "refused":
                await asyncio.sleep(there + back)
                refusal = self._rng.choice(self.mood.refusals)
                raise Rejected(f"no: {refusal.value}", refusal=refusal, code=-1)
            case "throttled":
                await asyncio.sleep(there + back)
                seconds = self._rng.choice([None, 0.1, 0.5, 2.0])
                orders = self._rng.random() < 0.5
                raise Throttled("429", retry_after_seconds=seconds, orders_only=orders)
            case "bug":
                await asyncio.sleep(there)
                raise RuntimeError("a bug in the adapter")
            case "hangs":
                await self._hang()
                raise Unanswered("connection reset")
            case "late":
                asyncio.get_running_loop().call_later(self._rng.uniform(0.0, 1.0), _quietly, work)
                await asyncio.sleep(there + back)
                raise Unanswered("503, execution status unknown")
            case "silent":
                await asyncio.sleep(there + back)
                raise Unanswered("503, execution status unknown")
            case "slow":
                there += self._rng.uniform(0.1, 0.9)
        await asyncio.sleep(there)
        try:
            return work(call.fault)
        finally:
            if call.fault == "done_silent":
                await asyncio.sleep(back)
                raise Unanswered("503, execution status unknown")
            if call.fault == "done_hangs":
                await self._hang()
                raise Unanswered("connection reset")
            await asyncio.sleep(back)

    # --- reads ----------------------------------------------------------------------------------

    async def _read(self, verb: str, part: Part) -> Listing[Any]:
        began = self._now()

        def work(fault: str | None) -> Listing[Any]:
            lag = self._rng.uniform(0.0, LAG_SECONDS_MAX) if fault == "stale" else 0.0
            truth = self.moment(self._now() - lag).rows(part)
            rows = tuple(replace(row) for row in truth)
            if part is Part.POSITIONS:
                self.sources |= {id(row): (row, began) for row in rows}
            listing = self._with_hole(rows) if fault == "holes" else Listing(rows=rows)
            self.readings.append(Reading(part, began, truth, listing.rows))
            return listing

        listing: Listing[Any] = await self._call(verb, None, work)
        for reading in self.readings:
            is_this = reading.part is part and reading.began == began
            if is_this and reading.shown is listing.rows:
                reading.ended = self._now()
        return listing

    def _with_hole(self, rows: tuple[Any, ...]) -> Listing[Any]:
        if not rows:
            return Listing(rows=(), unreadable=(Unreadable(reason="garbage"),))
        lost = self._rng.randrange(len(rows))
        named = rows[lost].symbol if self._rng.random() < 0.5 else None
        hole = Unreadable(reason="positionAmt is 'NaN'", symbol=named)
        return Listing(rows=rows[:lost] + rows[lost + 1 :], unreadable=(hole,))

    async def read_positions(self) -> Listing[Position]:
        return await self._read("read_positions", Part.POSITIONS)

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        return await self._read("read_working_orders", Part.WORKING)

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        return await self._read("read_conditional_orders", Part.CONDITIONAL)

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        rules = await self._call("read_rules", None, lambda _: dict(self.rules))
        return rules, self.limits

    # --- acts -----------------------------------------------------------------------------------

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        def work(fault: str | None) -> None:
            listed: dict[str, Any] = self.working if book is Book.WORKING else self.conditional
            going = [i for i, order in listed.items() if order.symbol == symbol]
            for order_id in going[: len(going) // 2] if fault == "nods" else going:
                self.unlist(order_id)

        await self._call("cancel_all", (symbol, book), work)
        return None

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        def work(fault: str | None) -> None:
            if fault != "nods":
                self.unlist(order.order_id)

        await self._call("cancel_conditional", order, work)

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        report = await self._call("close", order, lambda fault: self._execute(order, fault))
        assert isinstance(report, OrderReport)
        return report

    def _execute(self, order: CloseOrder, fault: str | None) -> OrderReport:
        self._refuse(order)
        if fault == "pending":
            delay = self._rng.uniform(0.0, 1.0)
            asyncio.get_running_loop().call_later(delay, _quietly, lambda _: self._fill(order, 1))
            report = OrderReport(status=OrderStatus.NEW, executed=Decimal(0))
            self.reports[order.client_order_id] = report
            return report
        part = {"partial": self._rng.random(), "expires": 0.0}.get(fault or "", 1.0)
        report = self._fill(order, part)
        return replace(report, executed=None) if fault == "taken" else report

    def _refuse(self, order: CloseOrder) -> None:
        mood, side = self.mood, order.position.side
        if mood.out_of_band and order.limit_price is None:
            raise Rejected("PERCENT_PRICE", refusal=Refusal.PRICE_BAND, code=-4131)
        blocking = [
            o for o in self.conditional.values() if o.symbol == order.symbol and o.protects(side)
        ]
        if order.position.key not in self.positions or (mood.stops_block and blocking):
            raise Rejected(
                "ReduceOnly Order is rejected.", refusal=Refusal.ORDERS_IN_THE_WAY, code=-2022
            )
        if order.symbol in mood.halted:
            raise Rejected("halted", refusal=Refusal.NOT_TRADING, code=-4140)
        rules = self.rules[order.symbol]
        lot = rules.market_lot if order.limit_price is None else rules.limit_lot
        if order.quantity > lot.maximum:
            raise Rejected("above maxQty", refusal=Refusal.TOO_LARGE, code=-4005)
        if order.quantity < lot.minimum:
            raise Rejected("below minQty", refusal=Refusal.TOO_SMALL, code=-4003)
        if order.quantity % lot.step:
            raise Rejected("not a multiple of the step", code=-1111)

    def _fill(self, order: CloseOrder, part: float) -> OrderReport:
        """Execute a part of a close; what is not filled expires."""
        self._refuse(order)
        position = self.positions[order.position.key]
        step = Decimal("0.001")
        wanted = min(order.quantity, position.quantity)
        quantity = wanted if part >= 1 else wanted * Decimal(part) // step * step
        after = position.quantity - quantity
        self.fills.append(Fill(self._now(), order, position.quantity, after))
        if after > 0:
            self.hold(replace(position, quantity=after))
        else:
            self.drop(position.key)
        report = OrderReport(
            status=OrderStatus.FILLED if quantity == order.quantity else OrderStatus.EXPIRED,
            executed=quantity,
            updated_ms=int(self._now() * 1000) if self.mood.dates_changes else None,
        )
        self.reports[order.client_order_id] = report
        return report

    async def query(self, order: CloseOrder) -> OrderReport | None:
        def work(fault: str | None) -> OrderReport | None:
            return None if fault == "blind" else self.reports.get(order.client_order_id)

        report = await self._call("query", order, work)
        assert report is None or isinstance(report, OrderReport)
        return report

    async def protect(self, stop: ProtectiveStop) -> None:
        def work(_: str | None) -> None:
            name = stop.client_order_id
            back = replace(stop.order, order_id=f"back-{name}", client_order_id=name)
            self.list_conditional(back)

        await self._call("protect", stop, work)

    async def aclose(self) -> None:
        return


def _quietly(work: Callable[[str | None], object]) -> None:
    """What happens at the venue after nobody waits for it any more."""
    try:
        work(None)
    except Rejected:
        return
