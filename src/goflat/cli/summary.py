"""The last words about a run, for somebody who is tired: what is flat, what is left, what to do."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from types import MappingProxyType

from goflat.cli.ask import money
from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.errors import printable

NAMES_MAX = 12
"""So many flat instruments are listed one by one; more of them in one line."""

OUTSIDE_MAX = 20


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """Where the record of the run is. `file` None: no audit trail is kept by configuration.

    `command` is what was typed, without the scope: how to do the same again.
    """

    command: str
    file: Path | None = None
    degraded: tuple[str, ...] = ()


HEADLINES: Mapping[LiquidationState, str] = MappingProxyType(
    {
        LiquidationState.COMPLETED: "FLAT. Everything asked for is done, and readings of the "
        "venue have shown it.",
        LiquidationState.PARTIAL: "NOT ALL FLAT. Something is left, or not proven gone.",
        LiquidationState.FAILED: "NOT FLAT. Nothing is proven done.",
        LiquidationState.SKIPPED: "CRITICAL: SKIPPED. Emergency liquidation is off by "
        "configuration. Not one call was made; capital is at risk.",
    }
)


def lines(result: LiquidationResult, evidence: Evidence) -> Iterator[str]:
    """The whole summary, each line fit to be printed."""
    yield ""
    yield _headline(result)
    if result.error_message:
        yield printable(f"  {result.error_message}")
    left = [leg for leg in result.legs if leg.outcome is not LegOutcome.FLAT]
    for leg in left:
        yield from _left(leg)
    yield from _flat([leg for leg in result.legs if leg.outcome is LegOutcome.FLAT])
    if result.state is not LiquidationState.SKIPPED:
        yield from _counts(result)
    yield from _next(result, left, evidence.command)
    yield ""
    yield from _record(result, evidence)


def _headline(result: LiquidationResult) -> str:
    text = HEADLINES[result.state]
    if result.state is LiquidationState.COMPLETED and not result.verified:
        text = "DONE, AND NOT ALL VERIFIED. Positions are proven closed; orders are not shown."
    if result.state is LiquidationState.COMPLETED and any(map(_was_left, result.legs)):
        text = "DONE WHAT WAS ASKED. What the configuration says to leave is still there."
    if result.state is LiquidationState.COMPLETED and not result.legs:
        text = "FLAT. There was nothing to do, and readings of the venue have shown it."
    return text


def _was_left(leg: LegResult) -> bool:
    return leg.outcome is LegOutcome.LEFT or leg.orders_left > 0


def _left(leg: LegResult) -> Iterator[str]:
    about = (
        printable(leg.symbol) if leg.side is None else f"{printable(leg.symbol)} {leg.side.value}"
    )
    size = "quantity not known" if leg.quantity_left is None else f"{leg.quantity_left:f}"
    worth = "" if leg.notional_left is None else f" ({money(leg.notional_left)})"
    amount = "" if leg.side is None else f" {size}{worth}"
    yield printable(f"  LEFT  {about}{amount}: {leg.outcome.value}")
    if leg.reason:
        yield printable(f"        {leg.reason}")
    if leg.orders_left:
        yield f"        {leg.orders_left} order(s) still listed"
    if leg.naked_seconds is not None:
        yield f"        stood {leg.naked_seconds:.1f} s without its protective stop"


def _flat(legs: list[LegResult]) -> Iterator[str]:
    if len(legs) > NAMES_MAX:
        names = ", ".join(dict.fromkeys(leg.symbol for leg in legs))
        yield printable(f"  flat  {len(legs)}: {names}")
        return
    for leg in legs:
        closed = "orders only" if leg.side is None else f"{leg.side.value} {leg.quantity:f}"
        orders = f", {leg.orders_cancelled} order(s) cancelled" if leg.orders_cancelled else ""
        yield printable(f"  flat  {leg.symbol} {closed}{orders}")


def _counts(result: LiquidationResult) -> Iterator[str]:
    pnl = "" if result.realized_pnl is None else f", realized PnL {result.realized_pnl:f} so far"
    yield (
        f"  {result.positions_closed} position(s) closed, {result.positions_failed} not; "
        f"{result.orders_cancelled} order(s) cancelled, {result.orders_failed} not; "
        f"{result.total_duration_seconds:.2f} s{pnl}"
    )


def _next(result: LiquidationResult, left: list[LegResult], command: str) -> Iterator[str]:
    """What to do now. Nothing, where nothing is left."""
    if result.state is LiquidationState.COMPLETED:
        return
    yield ""
    yield "What to do now"
    if result.state is LiquidationState.SKIPPED:
        yield "  1. If you meant it: set [liquidation] emergency_liquidation, close_positions and"
        yield "     cancel_orders to true, and run this again."
        yield "  2. Else look after the account at the venue by hand."
        return
    names = " ".join(dict.fromkeys(quote(printable(leg.symbol)) for leg in left)) or "--all"
    yield "  1. Look at the account at the venue itself: positions, both kinds of orders."
    yield "  2. Run it again:"
    yield f"     {command} {names}"
    yield "  3. If the same is left again, close it by hand at the venue, reduce-only."
    if any(leg.stops_kept for leg in left):
        yield "  Protective stops were left in place where they guard what is still open."


def _record(result: LiquidationResult, evidence: Evidence) -> Iterator[str]:
    yield f"  run    {result.correlation_id}"
    if evidence.file is None:
        yield "  audit  none: [audit] path is not set"
        return
    yield printable(f"  audit  {evidence.file}")
    for reason in evidence.degraded:
        yield printable(f"  audit  DEGRADED: {reason}")
    if result.audit_degraded and not evidence.degraded:
        yield "  audit  DEGRADED: it was not known to be on the disk in time"


def outside(result: LiquidationResult) -> Iterator[str]:
    """What was seen and not asked for, in words."""
    found = result.outside_scope
    if not found:
        return
    yield f"outside of what was asked for, and not touched: {len(found)}"
    for thing in found[:OUTSIDE_MAX]:
        size = "" if thing.quantity is None else f" {thing.quantity:f}"
        yield printable(f"  {thing.kind} {thing.symbol} {thing.side}{size}")
    if len(found) > OUTSIDE_MAX:
        yield f"  and {len(found) - OUTSIDE_MAX} more"
