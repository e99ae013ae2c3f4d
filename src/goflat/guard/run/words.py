"""What a liquidation came to, in a few lines for whoever reads standard error."""

from collections.abc import Iterator

from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState

LEFT_MAX = 20


def told(result: LiquidationResult) -> Iterator[str]:
    """The lines, the most important first."""
    match result.state:
        case LiquidationState.COMPLETED:
            yield f"{_flat(result)} in {result.total_duration_seconds:.2f} s{_name(result)}"
        case LiquidationState.SKIPPED:
            yield "CRITICAL: NOTHING DONE: emergency liquidation is off by configuration"
        case _:
            yield f"CRITICAL: {result.state.value}: {_counts(result)}{_name(result)}"
            if result.error_message:
                yield f"  {result.error_message}"
    yield from _left(result)
    if result.outside_scope:
        yield f"{len(result.outside_scope)} outside of the scope were seen and not touched"
    if result.audit_degraded:
        yield "WARNING: the audit trail is degraded"


def _flat(result: LiquidationResult) -> str:
    """Flat, and how far that is proven."""
    word = "FLAT" if result.verified else "DONE, BUT NOT ALL OF IT VERIFIED"
    if not result.legs:
        return f"{word}: there was nothing to do"
    return f"{word}: {_counts(result)}"


def _counts(result: LiquidationResult) -> str:
    left = result.positions_failed + result.orders_failed
    done = f"{result.positions_closed} closed, {result.orders_cancelled} order(s) cancelled"
    if not left:
        return done
    return f"{done}; {result.positions_failed} not closed, {result.orders_failed} order(s) left"


def _left(result: LiquidationResult) -> Iterator[str]:
    if result.state in {LiquidationState.COMPLETED, LiquidationState.SKIPPED}:
        return
    left = [leg for leg in result.legs if leg.outcome is not LegOutcome.FLAT]
    for leg in left[:LEFT_MAX]:
        side = "" if leg.side is None else f" {leg.side.value}"
        size = "" if leg.quantity_left is None else f" {leg.quantity_left:f}"
        yield f"  LEFT {leg.symbol}{side}{size}: {leg.reason or leg.outcome.value}"
    if len(left) > LEFT_MAX:
        yield f"  and {len(left) - LEFT_MAX} more"


def _name(result: LiquidationResult) -> str:
    return f" ({result.correlation_id})" if result.correlation_id else ""
