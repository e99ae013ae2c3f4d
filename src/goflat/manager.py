"""DOOR for Python programs: flatten an account from a program's own shutdown path."""

import asyncio
import logging
import os
import secrets
from collections.abc import Callable, Iterable
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from decimal import localcontext

from goflat.core.decision import Decision
from goflat.core.events import Event
from goflat.core.liquidation import QUIET_SECONDS, begin
from goflat.core.run import Liquidation
from goflat.core.verdict import judge
from goflat.domain.arithmetic import EXACT
from goflat.domain.config import LiquidationConfig
from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.domain.scope import Everything, Only, Scope
from goflat.domain.time import Instant
from goflat.errors import SettingsError
from goflat.journal.narrate import AuditedRecord
from goflat.journal.record import EventType
from goflat.journal.unfailing import UnfailingAudit
from goflat.ports.journal import Audit
from goflat.ports.record import Record
from goflat.ports.venue import Venue
from goflat.shell.clock import LoopClock
from goflat.shell.drive import drive
from goflat.shell.garbage import collections_held
from goflat.shell.outlast import outlast
from goflat.shell.signals import HeldSignals
from goflat.venues.off_loop import OffLoop
from goflat.venues.order_manager import (
    CALLS_AT_ONCE,
    OrderExecutionManager,
    OrderManagerVenue,
    is_order_manager,
)

_log = logging.getLogger("goflat")

AT_RISK = (
    "CRITICAL: emergency liquidation is off by configuration, so nothing was cancelled and nothing "
    "was closed. Capital is at risk."
)
LAST_FLUSH_SECONDS = 0.05


@dataclass(frozen=True, slots=True, kw_only=True)
class Metrics:
    """What a manager counted since it was made."""

    execution_count: int = 0
    last_state: LiquidationState | None = None
    last_duration_seconds: float | None = None
    last_positions_closed: int = 0
    last_positions_failed: int = 0
    last_orders_cancelled: int = 0
    last_orders_failed: int = 0
    last_run_at: datetime | None = None

    def to_dict(self) -> dict[str, object]:
        return {
            "execution_count": self.execution_count,
            "last_state": None if self.last_state is None else self.last_state.value,
            "last_duration_seconds": self.last_duration_seconds,
            "last_positions_closed": self.last_positions_closed,
            "last_positions_failed": self.last_positions_failed,
            "last_orders_cancelled": self.last_orders_cancelled,
            "last_orders_failed": self.last_orders_failed,
            "last_run_at": None if self.last_run_at is None else self.last_run_at.isoformat(),
        }


class LiquidationManager:
    """Takes an account flat, once at a time, and tells the truth about it.

    `venue` is a venue of goflat's, or a person's own `OrderExecutionManager`; its synchronous
    methods run off the loop, at most eight at once, or one at a time with `serial=True`.
    `config` None means the safe defaults. `watch` is called with the run after each of its turns,
    for whoever draws it; it must return at once. So must `hand_over`, which is called with every
    result, for whoever goes on with what a run left: it never raises.
    """

    def __init__(
        self,
        venue: Venue | OrderExecutionManager,
        config: LiquidationConfig | None = None,
        audit_logger: Audit | None = None,
        *,
        serial: bool = False,
        quiet_seconds: float = QUIET_SECONDS,
        watch: Callable[[Liquidation], None] | None = None,
        hand_over: Callable[[LiquidationResult], object] | None = None,
    ) -> None:
        if not (is_order_manager(venue) or callable(getattr(venue, "read_positions", None))):
            raise SettingsError(
                "a manager is over a venue of goflat's or an OrderExecutionManager, was "
                f"{type(venue).__name__}"
            )
        self._venue = venue
        self._calls = OffLoop(1 if serial else CALLS_AT_ONCE)
        self.config = LiquidationConfig() if config is None else config
        self._audit = None if audit_logger is None else UnfailingAudit(audit_logger)
        self._quiet_seconds = quiet_seconds
        self._watch = watch
        self._hand_over = hand_over
        self._is_running = False
        self._metrics = Metrics()
        if not self.config.protects:
            _log.critical(
                "CRITICAL: protection is off (emergency_liquidation, close_positions or "
                "cancel_orders): capital is at risk"
            )

    @classmethod
    def from_settings(
        cls, path: str | os.PathLike[str] | None = None, account: str = "main"
    ) -> "LiquidationManager":
        """A manager for an account of goflat.toml, with its audit trail.

        Raises:
            SettingsError: what is wrong with the file, all of it, each with its place.
        """
        from goflat.compose import manager_from_settings  # noqa: PLC0415 - compose imports this room

        return manager_from_settings(path, account)

    @property
    def state(self) -> LiquidationState:
        """IDLE, or IN_PROGRESS during a run."""
        return LiquidationState.IN_PROGRESS if self._is_running else LiquidationState.IDLE

    def get_metrics(self) -> dict[str, object]:
        """Execution count, last state, duration and counts, and the time of the last run (UTC)."""
        return self._metrics.to_dict()

    async def execute_liquidation(
        self, symbols: Iterable[str] | str | None = None
    ) -> LiquidationResult:
        """Cancel, close, prove; and return what is true then. Never raises.

        `symbols` None is the whole account, an empty list is nothing. Returns no later than
        `timeout_seconds` + 0.1 s as long as the event loop runs. A caller that is cancelled gets
        the result all the same; a second run beside this one is refused.
        """
        correlation_id = new_correlation_id()
        if self._is_running:
            refused = _refused(correlation_id, "a liquidation is already in progress")
            return await self._told(refused, EventType.LIQUIDATION_FAILED)
        self._is_running = True
        try:
            result = await self._outlasting(symbols, correlation_id)
        finally:
            self._is_running = False
        self._count(result)
        self._hand(result)
        return result

    async def _outlasting(
        self, symbols: Iterable[str] | str | None, correlation_id: str
    ) -> LiquidationResult:
        try:
            scope = scope_of(symbols)
        except Exception as error:  # noqa: BLE001 - somebody's own iterable may raise anything
            refused = _refused(correlation_id, str(error) or type(error).__name__)
            return await self._told(refused, EventType.LIQUIDATION_FAILED)
        try:
            with HeldSignals():
                return await outlast(asyncio.ensure_future(self._run(scope, correlation_id)))
        except asyncio.CancelledError:
            # Only the end of the loop itself cancels the run.
            return _refused(correlation_id, "the event loop was stopped during the run")

    async def aclose(self) -> None:
        """Let go of the venue's connections."""
        if not is_order_manager(self._venue):
            await self._venue.aclose()  # type: ignore[union-attr]

    async def _run(self, scope: Scope, correlation_id: str) -> LiquidationResult:
        """One run, its record, and whatever went wrong in it as words."""
        if not (self.config.close_positions or self.config.cancel_orders):
            return await self._told(_skipped(correlation_id), EventType.LIQUIDATION_SKIPPED)
        self._log(EventType.LIQUIDATION_START, correlation_id, self._terms(scope))
        try:
            result = await self._liquidate(scope, correlation_id)
        except Exception as bug:  # noqa: BLE001 - whoever shuts down gets an answer, not our bug
            _log.exception("the liquidation stopped on a bug of goflat")
            text = f"goflat itself failed: {type(bug).__name__}; look at the venue"
            result = _refused(correlation_id, text)
        return await self._told(result, _END_EVENTS[result.state])

    async def _liquidate(self, scope: Scope, correlation_id: str) -> LiquidationResult:
        clock = LoopClock()
        venue = self._venue_for(scope)
        run = begin(
            correlation_id=correlation_id,
            scope=scope,
            config=self.config,
            capabilities=venue.capabilities,
            now=clock.now(),
            quiet_seconds=self._quiet_seconds,
        )
        record = _Watched(self._record(correlation_id, run.started), self._watch)
        with collections_held():
            end = await drive(run, venue, clock, record)
        with localcontext(EXACT):
            return judge(end, clock.now())

    def _venue_for(self, scope: Scope) -> Venue:
        if is_order_manager(self._venue):
            manager: OrderExecutionManager = self._venue  # type: ignore[assignment]
            return OrderManagerVenue(manager, scope, calls=self._calls)
        return self._venue  # type: ignore[return-value]

    def _record(self, correlation_id: str, started: Instant) -> Record | None:
        if self._audit is None:
            return None
        return AuditedRecord(self._audit, correlation_id, started)

    def _terms(self, scope: Scope) -> dict[str, object]:
        config = self.config
        return {
            "scope": sorted(scope.symbols) if isinstance(scope, Only) else "account",
            "close_positions": config.close_positions,
            "cancel_orders": config.cancel_orders,
            "timeout_seconds": config.timeout_seconds,
            "max_retries": config.max_retries,
            "retry_delay_seconds": config.retry_delay_seconds,
        }

    def _log(self, event: EventType, correlation_id: str, data: dict[str, object]) -> None:
        if self._audit is not None:
            self._audit.log_event(event, correlation_id, data)

    async def _told(self, result: LiquidationResult, event: EventType) -> LiquidationResult:
        """Write the end of a run, and put into the result how well its record was kept."""
        if self._audit is not None:
            self._log(event, result.correlation_id, result.to_dict())
            durable = await self._audit.flush(LAST_FLUSH_SECONDS)
            result = replace(
                result,
                audit_degraded=bool(self._audit.degraded) or not durable,
                audit_hash=self._audit.last_hash,
            )
        # Last: a program's log handlers may take their time, and the record is kept by now.
        _log.log(_LEVELS[result.state], "%s", _sentence(result))
        return result

    def _hand(self, result: LiquidationResult) -> None:
        if self._hand_over is None:
            return
        try:
            self._hand_over(result)
        except Exception:  # noqa: BLE001 - the caller's shutdown goes on whatever the outcome
            _log.exception("what a run left could not be handed over")

    def _count(self, result: LiquidationResult) -> None:
        self._metrics = Metrics(
            execution_count=self._metrics.execution_count + 1,
            last_state=result.state,
            last_duration_seconds=result.total_duration_seconds,
            last_positions_closed=result.positions_closed,
            last_positions_failed=result.positions_failed,
            last_orders_cancelled=result.orders_cancelled,
            last_orders_failed=result.orders_failed,
            last_run_at=datetime.now(UTC),
        )


class _Watched:
    """A record that somebody watches, or nobody; or no record at all."""

    def __init__(self, record: Record | None, watch: Callable[[Liquidation], None] | None) -> None:
        self._record = record
        self._watch = watch

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        if self._record is not None:
            self._record.append(now, event, decision)
        if self._watch is None:
            return
        try:
            self._watch(decision.now_is)
        except Exception:  # noqa: BLE001 - it only watches
            _log.exception("whoever watches the liquidation failed, and is not told any more")
            self._watch = None

    async def flush(self, timeout_seconds: float) -> bool:
        return True if self._record is None else await self._record.flush(timeout_seconds)


def scope_of(symbols: Iterable[str] | str | None) -> Scope:
    """None is everything; a list, also an empty one, is what it names."""
    if symbols is None:
        return Everything()
    named: list[object] = [symbols] if isinstance(symbols, str) else list(symbols)
    for symbol in named:
        if not isinstance(symbol, str) or not symbol.strip():
            raise ValueError(f"symbols are names of instruments, one was {symbol!r}")
    return Only(frozenset(str(symbol).strip() for symbol in named))


def new_correlation_id() -> str:
    """`liq_<UTC time>_<random hex>`: names one run everywhere."""
    return f"liq_{datetime.now(UTC):%Y%m%dT%H%M%S%f}Z_{secrets.token_hex(4)}"


def _refused(correlation_id: str, reason: str) -> LiquidationResult:
    return LiquidationResult(
        state=LiquidationState.FAILED, error_message=reason, correlation_id=correlation_id
    )


def _skipped(correlation_id: str) -> LiquidationResult:
    return LiquidationResult(state=LiquidationState.SKIPPED, correlation_id=correlation_id)


_END_EVENTS = {
    LiquidationState.COMPLETED: EventType.LIQUIDATION_COMPLETE,
    LiquidationState.PARTIAL: EventType.LIQUIDATION_COMPLETE,
    LiquidationState.FAILED: EventType.LIQUIDATION_FAILED,
    LiquidationState.SKIPPED: EventType.LIQUIDATION_SKIPPED,
}

_LEVELS = {
    LiquidationState.COMPLETED: logging.INFO,
    LiquidationState.PARTIAL: logging.CRITICAL,
    LiquidationState.FAILED: logging.CRITICAL,
    LiquidationState.SKIPPED: logging.CRITICAL,
}


def _sentence(result: LiquidationResult) -> str:
    if result.state is LiquidationState.SKIPPED:
        return AT_RISK
    left = [f"{leg.symbol}: {leg.reason}" for leg in result.legs if leg.reason]
    text = (
        f"liquidation {result.correlation_id} {result.state.value} after "
        f"{result.total_duration_seconds:.2f} s: {result.positions_closed} closed, "
        f"{result.positions_failed} not, {result.orders_cancelled} orders cancelled, "
        f"{result.orders_failed} not"
    )
    said = [result.error_message] if result.error_message else []
    return "; ".join([text, *said, *left[:20]])
