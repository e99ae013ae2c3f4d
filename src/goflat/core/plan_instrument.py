"""What one instrument asks for next: cancel what could open, then close; put back what has to be.

Planned from what is known and not from what just happened.
"""

from collections.abc import Iterable

from goflat.core.draft import Draft
from goflat.core.events import Woke
from goflat.core.holding import BOTH_SIDES, Holding, Restore
from goflat.core.leg import Go, Leg, Unblocked
from goflat.core.looks import Part
from goflat.core.naming import stop_id
from goflat.core.pacing import Cost
from goflat.core.run import PATIENCE_SECONDS
from goflat.core.states import LegState, SweepState
from goflat.core.steps import Protect, Query, Request, Step
from goflat.core.sweep import Clear, Keep, Sweep
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ConditionalOrder, ProtectiveStop
from goflat.domain.position import PositionSide
from goflat.domain.time import LONG_AGO, Instant

RESTORE_ATTEMPTS = 3
_UNDER_WAY = frozenset({SweepState.LISTED, SweepState.CANCELLING})


def plan_instrument(draft: Draft, symbol: Symbol) -> None:
    """Ask for everything that is due now in one instrument."""
    if draft.run.config.cancel_orders:
        for sweep in draft.holdings[symbol].sweeps:
            _plan_sweep(draft, sweep)
    if draft.run.config.close_positions:
        for leg in draft.holdings[symbol].legs:
            _plan_leg(draft, leg)
        for leg in draft.holdings[symbol].legs:
            _plan_restores(draft, leg)


# --- orders in the way --------------------------------------------------------------------------


def _plan_sweep(draft: Draft, sweep: Sweep) -> None:
    symbol, book = sweep.symbol, sweep.book
    if book is Book.CONDITIONAL and sweep.orders:
        sides = _sides_to_keep(draft, draft.holdings[symbol])
        if sides != sweep.keep:
            sweep = draft.tell_sweep(symbol, book, Keep(sides))
    if _is_due(draft, sweep) and draft.has_room(_cost_of(draft, sweep.cancels)):
        if book is Book.CONDITIONAL:
            draft.put(draft.holdings[symbol].bared(draft.now))
        sweep = draft.tell_sweep(symbol, book, Clear())
    if sweep.wakes_at > draft.now:
        draft.wake(sweep.wakes_at)


def _cost_of(draft: Draft, steps: Iterable[Step]) -> Cost:
    return sum((draft.budget.cost_of(step) for step in steps), Cost())


def _is_due(draft: Draft, sweep: Sweep) -> bool:
    return sweep.is_ready(draft.now) or _goes_unseen(draft, sweep)


def _goes_unseen(draft: Draft, sweep: Sweep) -> bool:
    """Whether a book is cancelled although it could not be listed.

    Only the regular one: an unseen cancel of the other could take a protective stop away.
    """
    is_wanted = sweep.book is Book.WORKING and sweep.state is SweepState.CLEAR and not sweep.rounds
    return is_wanted and _cannot_be_read(draft, Part.WORKING)


def _cannot_be_read(draft: Draft, part: Part) -> bool:
    if part not in draft.run.parts:
        return True
    look = draft.looks[part]
    if look.read_began > LONG_AGO:
        return False
    return look.failures > 0 or draft.now >= draft.run.patience_at


def _sides_to_keep(draft: Draft, holding: Holding) -> frozenset[PositionSide]:
    """The sides of an instrument whose protective orders have to stay for now."""
    positions = draft.looks[Part.POSITIONS]
    is_hidden = any(hole.symbol in {None, holding.symbol} for hole in positions.holes)
    if positions.read_began == LONG_AGO or is_hidden:
        return BOTH_SIDES
    manner = draft.run.terms.manner
    if not manner.keeps_stops:
        return manner.others_in(holding.symbol)
    return holding.exposed_sides | manner.others_in(holding.symbol)


# --- closes -------------------------------------------------------------------------------------


def _plan_leg(draft: Draft, leg: Leg) -> None:
    if leg.waits_for_orders and _orders_were_looked_for(draft, leg):
        leg = draft.tell_leg(leg.key, Unblocked(_were_cancelled(draft, leg)))
    if leg.state is LegState.DOUBTFUL and leg.wakes_at <= draft.now:
        asking = _cost_of(draft, (Query(doubt.order) for doubt in leg.doubts))
        if draft.has_room(asking):
            leg = draft.tell_leg(leg.key, Woke())
    if leg.is_ready(draft.now) and _way_is_clear(draft, leg.key.symbol):
        rules = draft.run.rules.of(leg.key.symbol)
        if draft.has_room(Cost(orders=leg.pieces(rules))):
            leg = draft.tell_leg(leg.key, Go(rules))
    if leg.wakes_at > draft.now:
        draft.wake(leg.wakes_at)


def _way_is_clear(draft: Draft, symbol: Symbol) -> bool:
    """Cancel, then close; but no cancel, list or rule that does not come holds a close for long."""
    run = draft.run
    impatient = draft.now >= run.patience_at
    if run.rules.known is None and not run.rules.failures and not impatient:
        draft.wake(run.patience_at)
        return False
    if not run.config.cancel_orders:
        return True
    for sweep in draft.holdings[symbol].sweeps:
        part = Part.of(sweep.book)
        if part in run.parts and not draft.looks[part].has_answered and not impatient:
            draft.wake(run.patience_at)
            return False
        if not sweep.lets_close(draft.now, PATIENCE_SECONDS):
            draft.wake(Instant(sweep.since + PATIENCE_SECONDS))
            return False
    return True


def _orders_were_looked_for(draft: Draft, leg: Leg) -> bool:
    """Whether both books were listed since the venue said that our orders are in the way."""
    if not draft.run.config.cancel_orders:
        return True
    lists = (part for part in draft.run.parts if part is not Part.POSITIONS)
    if any(draft.looks[part].read_began < leg.last_act for part in lists):
        return False
    return not any(s.state in _UNDER_WAY for s in draft.holdings[leg.key.symbol].sweeps)


def _were_cancelled(draft: Draft, leg: Leg) -> bool:
    return any(s.last_act >= leg.last_act for s in draft.holdings[leg.key.symbol].sweeps)


# --- stops that go back -------------------------------------------------------------------------


def _plan_restores(draft: Draft, leg: Leg) -> None:
    """Put back what we took away from a position that stays open after all."""
    if not _stays_open(draft, leg):
        return
    for order in draft.holdings[leg.key.symbol].lost_stops(leg.key.side):
        _restore(draft, leg, order)


def _stays_open(draft: Draft, leg: Leg) -> bool:
    """Whether we can no longer hope to close it in this run."""
    if leg.state is LegState.STUCK:
        return leg.dust is None
    return leg.state is not LegState.GONE and draft.now >= draft.run.terms.last_look_at


def _restore(draft: Draft, leg: Leg, order: ConditionalOrder) -> None:
    holding = draft.holdings[leg.key.symbol]
    before = holding.restore_of(order)
    attempts = 0 if before is None else before.attempts
    if before is not None and (before.in_flight or before.done_at is not None):
        return
    if attempts >= RESTORE_ATTEMPTS:
        return
    name = stop_id(draft.run.terms.run_tag, f"{order.symbol}{order.order_id}", attempts + 1)
    stop = ProtectiveStop(order=order, client_order_id=name)
    if not draft.has_room_for(Protect(stop)):
        return
    restore = Restore(stop=stop, side=leg.key.side, in_flight=True, attempts=attempts + 1)
    draft.put(holding.with_restore(restore))
    draft.send([Request(Protect(stop), draft.run.terms.answer_by(draft.now, attempts))])
