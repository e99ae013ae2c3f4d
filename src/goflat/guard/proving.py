"""Everything short of sending: today's positions, all their closes built, cut and signed."""

from dataclasses import replace

from goflat.core.decision import Decision
from goflat.core.events import Event
from goflat.core.liquidation import begin
from goflat.core.run import Liquidation
from goflat.core.verdict import judge
from goflat.domain.order import CloseOrder
from goflat.domain.outcome import LegOutcome
from goflat.domain.time import Instant
from goflat.errors import NotSent
from goflat.guard.checker import ExaminedVenue
from goflat.guard.liquidator import RunTerms
from goflat.manager import new_correlation_id
from goflat.shell.clock import LoopClock
from goflat.shell.drive import drive
from goflat.shell.rehearse import RehearsedVenue

VALID_SECONDS = 1.0
_LEFT = frozenset({LegOutcome.OPEN, LegOutcome.UNPROVEN})


async def rehearsal_problem(venue: ExaminedVenue, terms: RunTerms) -> str | None:
    """Why a run could not be built now; None: it could. Reads the account, and sends nothing."""
    rehearsed = RehearsedVenue(venue=venue)
    clock = LoopClock()
    run = begin(
        correlation_id=new_correlation_id(),
        scope=terms.scope,
        config=replace(terms.config, close_positions=True, cancel_orders=True),
        capabilities=venue.capabilities,
        now=clock.now(),
        quiet_seconds=0.0,
    )
    end = await drive(run, rehearsed, clock, _Forgotten())
    result = judge(end, clock.now())
    try:
        for act in rehearsed.acts:
            if isinstance(act, CloseOrder):
                venue.rehearse(act, valid_seconds=VALID_SECONDS)
    except NotSent as failure:
        return f"a close could not be built: {failure.reason}"
    open_legs = [leg for leg in result.legs if leg.outcome in _LEFT]
    if open_legs:
        return f"{open_legs[0].symbol} could not be closed: {open_legs[0].reason}"
    return result.error_message


class _Forgotten:
    """The record of a run that never was."""

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        """Nothing to keep."""

    async def flush(self, timeout_seconds: float) -> bool:  # noqa: ARG002 - nobody waits for it
        return True
