"""The only place that says flat.

Counts and words are made here from what readings have shown, and from nothing else.
"""

from collections.abc import Iterator
from decimal import Decimal

from goflat.core.holding import Holding
from goflat.core.leg import Leg
from goflat.core.looks import Part
from goflat.core.run import Liquidation
from goflat.core.states import LegState, SweepState
from goflat.core.sweep import Sweep
from goflat.domain.order import ClientOrderId
from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.domain.scope import Only
from goflat.domain.time import LONG_AGO, Instant

_AS_FAR_AS_CAN_BE = frozenset({LegOutcome.FLAT, LegOutcome.DUST})
"""Nothing is left, or nothing that the venue would take an order for."""


def judge(run: Liquidation, now: Instant) -> LiquidationResult:
    """What is true of a run at this instant, in the words of its result.

    `total_duration_seconds` is on the run's clock. The audit's part of the result is not known
    here and is filled in by whoever keeps the record.
    """
    legs = tuple(_leg_results(run, now))
    positions = [leg for leg in legs if leg.side is not None and leg.outcome is not LegOutcome.LEFT]
    cancelled, failed = _order_counts(run)
    closed = sum(1 for leg in positions if leg.outcome is LegOutcome.FLAT)
    is_done = _is_done(run, legs, failed)
    something = closed > 0 or cancelled > 0 or any(leg.outcome in _AS_FAR_AS_CAN_BE for leg in legs)
    state = LiquidationState.FAILED
    if is_done:
        state = LiquidationState.COMPLETED
    elif something:
        state = LiquidationState.PARTIAL
    return LiquidationResult(
        state=state,
        positions_closed=closed,
        positions_failed=len(positions) - closed,
        orders_cancelled=cancelled,
        orders_failed=failed,
        total_duration_seconds=round(now - run.started, 6),
        error_message=None if is_done else _what_went_wrong(run, legs, failed),
        correlation_id=run.correlation_id,
        realized_pnl=_pnl(run),
        verified=is_done and _could_see_all(run),
        outside_scope=tuple(found for part in Part for found in run.outside.get(part, ())),
        legs=legs,
    )


def _is_done(run: Liquidation, legs: tuple[LegResult, ...], orders_failed: int) -> bool:
    """Everything asked for is proven done."""
    settled = {LegOutcome.FLAT, LegOutcome.LEFT}
    return (
        run.proof.is_complete and orders_failed == 0 and all(leg.outcome in settled for leg in legs)
    )


def _could_see_all(run: Liquidation) -> bool:
    """Whether everything that was asked for could be shown, orders included."""
    return not run.config.cancel_orders or Part.WORKING in run.parts


def _pnl(run: Liquidation) -> Decimal | None:
    known = [leg.pnl for leg in run.legs if leg.pnl is not None]
    return sum(known, Decimal(0)) if known else None


# --- legs ---------------------------------------------------------------------------------------


def _leg_results(run: Liquidation, now: Instant) -> Iterator[LegResult]:
    """One for each position; one for each instrument that had orders only, or could not be read."""
    named = {hole.symbol for hole in run.looks[Part.POSITIONS].holes if hole.symbol is not None}
    if isinstance(run.scope, Only) and run.rules.known is not None:
        named |= {symbol for symbol in run.scope.symbols if symbol not in run.rules.known}
    for symbol in sorted(named | set(run.holdings)):
        holding = run.holdings.get(symbol) or Holding.of(symbol, run.terms)
        legs = sorted(holding.legs, key=lambda leg: leg.key.side.value)
        for leg in legs:
            yield _position_result(run, holding, leg, now, carries_orders=leg is legs[0])
        if not legs and (symbol in named or _had_orders(holding)):
            yield _instrument_result(run, holding)


def _had_orders(holding: Holding) -> bool:
    return any(sweep.found or sweep.reported or sweep.rounds for sweep in holding.sweeps)


def _position_result(
    run: Liquidation, holding: Holding, leg: Leg, now: Instant, *, carries_orders: bool
) -> LegResult:
    cancelled, left, kept = _orders_of(run, holding) if carries_orders else (0, 0, 0)
    outcome = _leg_outcome(run, leg)
    reading = leg.position if leg.state is not LegState.GONE else None
    reason = _orders_still_listed(holding, left) if run.config.cancel_orders else None
    if outcome is not LegOutcome.FLAT:
        reason = _reason(leg, outcome) + _stops(holding, leg)
    return LegResult(
        symbol=leg.key.symbol,
        side=leg.key.side,
        outcome=outcome,
        quantity=leg.first.quantity,
        quantity_left=_quantity_left(leg, outcome),
        reason=reason,
        order_ids=leg.order_ids,
        orders_cancelled=cancelled,
        orders_left=left,
        stops_kept=kept,
        notional_left=None if reading is None else reading.notional,
        naked_seconds=_naked_seconds(holding, leg, now),
    )


def _leg_outcome(run: Liquidation, leg: Leg) -> LegOutcome:
    if leg.state is LegState.GONE:
        return LegOutcome.FLAT
    if not run.config.close_positions:
        return LegOutcome.LEFT
    if leg.state is LegState.STUCK:
        return LegOutcome.OPEN if leg.dust is None else LegOutcome.DUST
    return LegOutcome.OPEN if leg.state is LegState.EXPOSED else LegOutcome.UNPROVEN


def _quantity_left(leg: Leg, outcome: LegOutcome) -> Decimal | None:
    if outcome is LegOutcome.FLAT:
        return Decimal(0)
    if outcome is LegOutcome.UNPROVEN or leg.position is None:
        return None
    return leg.position.quantity


_UNPROVEN = {
    LegState.CLOSING: "the close was still unanswered at the deadline",
    LegState.DOUBTFUL: "the close went unanswered, and what became of it is not known",
    LegState.SETTLING: "no reading begun after the last act came back before the deadline",
}


def _reason(leg: Leg, outcome: LegOutcome) -> str:
    if outcome is LegOutcome.LEFT:
        return "close_positions is off: not touched"
    if leg.state in _UNPROVEN:
        return _UNPROVEN[leg.state] + (f" (last: {leg.reason})" if leg.reason else "")
    return leg.reason or "the deadline came before it could be closed"


def _stops(holding: Holding, leg: Leg) -> str:
    """What stands between an open position and the market."""
    missing = holding.missing_stops(leg.key.side)
    restores = [restore for restore in map(holding.restore_of, missing) if restore is not None]
    stands = [restore for restore in restores if holding.is_back(restore)]
    back = {restore.stop.client_order_id for restore in stands}
    # One that was put back, taken again and put back once more is one stop.
    back -= {order.client_order_id for order in missing}
    counts = {
        "stay in place": len(_stops_in_place(holding, leg) - back),
        "put back": len(back),
        "could not be put back": len(restores) - len(stands),
        "taken away and not known to be back": len(missing) - len(restores),
    }
    return "".join(f"; {n} protective stop(s) {words}" for words, n in counts.items() if n)


def _stops_in_place(holding: Holding, leg: Leg) -> set[ClientOrderId]:
    """Protective orders that the newest list shows, and that no cancel of ours may have hit."""
    missing = {order.order_id for order in holding.missing_stops(leg.key.side)}
    return {
        order.client_order_id
        for order in holding.conditional.kept
        if order.protects(leg.key.side) and order.order_id not in missing
    }


def _naked_seconds(holding: Holding, leg: Leg, now: Instant) -> float | None:
    for naked in holding.naked:
        if naked.side is leg.key.side:
            return round((now if naked.until is None else naked.until) - naked.since, 6)
    return None


# --- orders -------------------------------------------------------------------------------------


def _order_counts(run: Liquidation) -> tuple[int, int]:
    """Found and no longer listed; found and still listed, or not shown to be gone."""
    if not run.config.cancel_orders:
        return 0, 0
    counts = [_orders_of(run, holding) for holding in run.holdings.values()]
    return sum(gone for gone, _, _ in counts), sum(left for _, left, _ in counts)


def _orders_of(run: Liquidation, holding: Holding) -> tuple[int, int, int]:
    """Cancelled, left and kept, of one instrument."""
    if not run.config.cancel_orders:
        return 0, sum(len(sweep.orders) for sweep in holding.sweeps), 0
    working, conditional = (_sweep_counts(run, sweep) for sweep in holding.sweeps)
    gone, left, kept = (a + b for a, b in zip(working, conditional, strict=True))
    return gone, left, kept


def _sweep_counts(run: Liquidation, sweep: Sweep) -> tuple[int, int, int]:
    if Part.of(sweep.book) not in run.parts:
        answered = sweep.state is SweepState.ACKNOWLEDGED
        return sweep.reported, 0 if answered or not sweep.rounds else 1, 0
    listed = {order.order_id for order in sweep.orders}
    kept = {order.order_id for order in sweep.kept}
    left = len(listed - kept)
    gone = len(sweep.found - listed)
    is_listed = sweep.is_shown or sweep.listed_began > LONG_AGO
    if not is_listed and sweep.state is not SweepState.CLEAR:
        left = max(left, 1)
    return gone, left, len(kept)


def _instrument_result(run: Liquidation, holding: Holding) -> LegResult:
    cancelled, left, kept = _orders_of(run, holding)
    reason = _instrument_trouble(run, holding, left)
    outcome = LegOutcome.FLAT if reason is None else LegOutcome.UNPROVEN
    if left and not run.config.cancel_orders:
        outcome, reason = LegOutcome.LEFT, "cancel_orders is off: not touched"
    return LegResult(
        symbol=holding.symbol,
        side=None,
        outcome=outcome,
        quantity=Decimal(0),
        quantity_left=Decimal(0) if reason is None else None,
        reason=reason,
        orders_cancelled=cancelled,
        orders_left=left,
        stops_kept=kept,
    )


def _instrument_trouble(run: Liquidation, holding: Holding, left: int) -> str | None:
    symbol = holding.symbol
    if run.looks[Part.POSITIONS].read_began == LONG_AGO:
        return "positions could not be read, so it may hold one"
    for hole in run.looks[Part.POSITIONS].holes:
        if hole.symbol == symbol:
            return f"its position could not be read: {hole.reason}"
    if isinstance(run.scope, Only) and symbol in run.scope.symbols:
        known = run.rules.known
        if known is not None and symbol not in known:
            return "the venue does not list this symbol"
    return _orders_still_listed(holding, left)


def _orders_still_listed(holding: Holding, left: int) -> str | None:
    if not left:
        return None
    reasons = [sweep.reason for sweep in holding.sweeps if sweep.reason]
    never_seen = [s.book.value for s in holding.sweeps if s.rounds and s.listed_began == LONG_AGO]
    if never_seen:
        text = f"{' and '.join(never_seen)} were cancelled and could not be listed"
    else:
        text = f"{left} order(s) still listed"
    return text + (f": {reasons[0]}" if reasons else "")


# --- what went wrong besides the legs -----------------------------------------------------------


def _what_went_wrong(
    run: Liquidation, legs: tuple[LegResult, ...], orders_failed: int
) -> str | None:
    """None when the legs say it all."""
    unread = [
        f"{part.value} could not be read"
        + (f": {run.looks[part].reason}" if run.looks[part].reason else " in time")
        for part in run.parts
        if run.looks[part].read_began == LONG_AGO
    ]
    holes = [
        f"{part.value} had a row that could not be read: {hole.reason}"
        for part in run.parts
        for hole in run.looks[part].holes
        if part is not Part.POSITIONS or hole.symbol is None
    ]
    if unread or holes:
        return "; ".join(unread + holes)
    named = any(leg.outcome not in {LegOutcome.FLAT, LegOutcome.LEFT} for leg in legs)
    if run.proof.is_complete or named or orders_failed:
        return None
    return "the deadline came before two agreeing looks at the account had shown it flat"
