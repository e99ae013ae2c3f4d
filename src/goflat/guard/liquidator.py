"""Runs of one account by the same engine as everywhere, over a venue that is open already."""

import asyncio
import logging
import secrets
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal

from goflat.core.decision import Decision
from goflat.core.events import Event, PositionsRead
from goflat.core.guarding.effects import StartRun
from goflat.core.guarding.events import RunEnded
from goflat.core.guarding.remnant import Remnant
from goflat.core.liquidation import begin
from goflat.core.manner import Manner
from goflat.core.run import Liquidation
from goflat.core.states import LegState
from goflat.core.verdict import judge
from goflat.domain.config import TIMEOUT_SECONDS, LiquidationConfig
from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.domain.position import LegKey, Position
from goflat.domain.scope import Only, Scope
from goflat.domain.time import Instant
from goflat.journal.narrate import AuditedRecord
from goflat.journal.record import EventType
from goflat.ports.journal import Audit
from goflat.ports.venue import Venue
from goflat.shell.clock import LoopClock
from goflat.shell.drive import drive
from goflat.shell.portion import PortionVenue

_log = logging.getLogger("goflat")
_NOTHING = Decimal(0)
_ENDS = {
    LiquidationState.COMPLETED: EventType.LIQUIDATION_COMPLETE,
    LiquidationState.PARTIAL: EventType.LIQUIDATION_COMPLETE,
}

Left = Mapping[LegKey, Decimal]


@dataclass(frozen=True, slots=True, kw_only=True)
class RunTerms:
    """What holds for every run of an account."""

    scope: Scope
    config: LiquidationConfig
    quiet_seconds: float


class Liquidator:
    """Begins runs and watches them: one at a time, and none that raises.

    `progress` is told what is left of a run whenever a reading shows something else than before,
    and `foreign` what it saw of others and left alone.
    """

    def __init__(
        self,
        venue: Venue,
        terms: RunTerms,
        audit: Audit | None,
        *,
        progress: Callable[[Remnant], None],
        foreign: Callable[[tuple[Position, ...]], None],
    ) -> None:
        self._venue = venue
        self._terms = terms
        self._audit = audit
        self._progress = progress
        self._foreign = foreign

    async def run(self, order: StartRun, proves_after: Instant) -> RunEnded:
        """One run from its trigger to its deadline. Raises only where it is cancelled."""
        self._log(EventType.LIQUIDATION_START, order.run_id, _terms_of(order))
        try:
            end = await self._driven(order, proves_after)
            ended = RunEnded(result=judge(end, LoopClock().now()), left=left_of(end))
        except Exception as bug:  # noqa: BLE001 - whoever goes on gets an answer, not our bug
            _log.exception("a run stopped on a bug of goflat")
            text = f"goflat itself failed: {type(bug).__name__}; look at the venue"
            ended = RunEnded(
                result=LiquidationResult(
                    state=LiquidationState.FAILED, error_message=text, correlation_id=order.run_id
                ),
                left={},
            )
        kind = _ENDS.get(ended.result.state, EventType.LIQUIDATION_FAILED)
        self._log(kind, order.run_id, ended.result.to_dict())
        return ended

    async def _driven(self, order: StartRun, proves_after: Instant) -> Liquidation:
        clock = LoopClock()
        venue: Venue = self._venue
        if order.only is not None:
            venue = PortionVenue(self._venue, order.only)
        run = begin(
            correlation_id=order.run_id,
            scope=self._terms.scope if order.only is None else Only(order.only.symbols),
            config=_config(self._terms.config, order, proves_after - clock.now()),
            capabilities=venue.capabilities,
            now=clock.now(),
            quiet_seconds=self._terms.quiet_seconds,
            manner=Manner(
                tag=order.run_id.rsplit("_", 1)[-1][:8] + secrets.token_hex(2),
                proves_after=proves_after,
                keeps_stops=order.measures.keeps_stops,
                mine=None if order.only is None else frozenset(order.only.legs),
            ),
        )
        record = _Told(self._audit, order.run_id, run.started, self._progress)
        end = await drive(run, venue, clock, record)
        if isinstance(venue, PortionVenue) and venue.foreign:
            self._foreign(venue.foreign)
        return end

    def _log(self, kind: EventType, run_id: str, data: Mapping[str, object]) -> None:
        if self._audit is not None:
            self._audit.log_event(kind, run_id, data)


def left_of(run: Liquidation) -> Left:
    """The positions that a run acted on, and how much of each was open at last."""
    left = {}
    for leg in run.legs:
        shown = leg.first if leg.position is None else leg.position
        left[leg.key] = _NOTHING if leg.state is LegState.GONE else shown.quantity
    return left


def _config(
    config: LiquidationConfig, order: StartRun, until_proof_seconds: float
) -> LiquidationConfig:
    """The six settings for what was asked for, with the time that a proof cannot begin before."""
    longest = TIMEOUT_SECONDS[1]
    return replace(
        config,
        emergency_liquidation=True,
        close_positions=order.measures.closes,
        cancel_orders=order.measures.cancels,
        timeout_seconds=min(longest, config.timeout_seconds + max(0.0, until_proof_seconds)),
    )


def _terms_of(order: StartRun) -> dict[str, object]:
    only = None if order.only is None else [str(key) for key in order.only.legs]
    return {
        "by": "guard",
        "reason": order.reason,
        "close_positions": order.measures.closes,
        "cancel_orders": order.measures.cancels,
        "keeps_stops": order.measures.keeps_stops,
        "only": only,
    }


class _Told:
    """The record of a run: to the audit trail, and what is left of it to the run file."""

    def __init__(
        self,
        audit: Audit | None,
        run_id: str,
        started: Instant,
        progress: Callable[[Remnant], None],
    ) -> None:
        self._record = None if audit is None else AuditedRecord(audit, run_id, started)
        self._progress = progress
        self._told: Remnant | None = None

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        if self._record is not None:
            self._record.append(now, event, decision)
        if isinstance(event, PositionsRead):
            self._tell(decision.now_is)

    async def flush(self, timeout_seconds: float) -> bool:
        return True if self._record is None else await self._record.flush(timeout_seconds)

    def _tell(self, run: Liquidation) -> None:
        legs: dict[LegKey, Decimal | None] = {
            key: most for key, most in left_of(run).items() if most > 0
        }
        remnant = Remnant(symbols=frozenset(run.holdings), legs=legs)
        if remnant != self._told:
            self._told = remnant
            self._progress(remnant)


async def stopped(task: "asyncio.Task[object] | None") -> None:
    """End a run that is under way, and see that it has ended."""
    if task is not None and not task.done():
        task.cancel()
        await asyncio.wait({task}, timeout=1.0)
