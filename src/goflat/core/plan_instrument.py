"""What one instrument asks for next: cancel what could open, then close; put back what has to be.

Planned from what is known and not from what just happened.
"""

from collections.abc import Iterable

from goflat.core.draft import Draft
from goflat.core.events import Woke
from goflat.core.evolve import replace
from goflat.core.holding import BOTH_SIDES, Holding, Restore
from goflat.core.leg import Go, Leg, Unblocked
from goflat.core.looks import Part
from goflat.core.naming import stop_id
from goflat.core.pacing import Cost
from goflat.core.run import PATIENCE_SECONDS, Liquidation
from goflat.core.states import LegState, SweepState
from goflat.core.steps import Protect, Query, Request, Step
from goflat.core.sweep import Clear, Keep, Sweep
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ClientOrderId, ConditionalOrder, ProtectiveStop
from goflat.domain.position import PositionSide
from goflat.domain.time import LONG_AGO, NEVER, Instant

_UNDER_WAY = frozenset({SweepState.LISTED, SweepState.CANCELLING})


def plan_instrument(draft: Draft, symbol: Symbol) -> None:
    """Ask for everything that is due now in one instrument."""
    _settle_what_stays(draft, symbol)
    if draft.run.config.cancel_orders:
        for sweep in draft.holdings[symbol].sweeps:
            _plan_sweep(draft, sweep)
        _settle_what_stays(draft, symbol)
    if draft.run.config.close_positions:
        for leg in draft.holdings[symbol].legs:
            _plan_leg(draft, leg)
        for leg in draft.holdings[symbol].legs:
            _plan_restores(draft, leg)


# --- orders in the way --------------------------------------------------------------------------


def _settle_what_stays(draft: Draft, symbol: Symbol) -> None:
    """Which legs need not wait for orders any more, and which stops stay because of that."""
    _plan_keep(draft, symbol)
    if draft.run.config.close_positions:
        for leg in draft.holdings[symbol].legs:
            _unblock(draft, leg)
        _plan_keep(draft, symbol)


def _plan_keep(draft: Draft, symbol: Symbol) -> None:
    """Tell the conditional book which positions keep what protects them."""
    sweep = draft.holdings[symbol].conditional
    if sweep.orders:
        sides = _sides_to_keep(draft, draft.holdings[symbol])
        if sides != sweep.keep:
            draft.tell_sweep(symbol, Book.CONDITIONAL, Keep(sides))


def _plan_sweep(draft: Draft, sweep: Sweep) -> None:
    symbol, book = sweep.symbol, sweep.book
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

    The conditional one only once nothing is open that a stop in it could protect: what is left
    there could open a position, and a list that does not come must not let it.
    """
    if sweep.state is not SweepState.CLEAR or sweep.rounds:
        return False
    part = Part.of(sweep.book)
    if not (_cannot_be_read(draft, part) or _has_a_hole_for(draft, part, sweep.symbol)):
        return False
    return sweep.book is Book.WORKING or _protects_nothing(draft, sweep.symbol)


def _protects_nothing(draft: Draft, symbol: Symbol) -> bool:
    """Whether no stop of an instrument has anything to protect, as far as readings show."""
    holding = draft.holdings[symbol]
    is_shown_gone = all(leg.state is LegState.GONE for leg in holding.legs)
    is_listed_here = Part.CONDITIONAL in draft.run.parts
    return is_listed_here and is_shown_gone and not _sides_to_keep(draft, holding)


def _has_a_hole_for(draft: Draft, part: Part, symbol: Symbol) -> bool:
    """Whether a list showed an order of the instrument that could not be read."""
    return any(hole.symbol == symbol for hole in draft.looks[part].holes)


def _cannot_be_read(draft: Draft, part: Part) -> bool:
    """Whether a list cannot be had, or was waited for long enough."""
    if part not in draft.run.parts:
        return True
    look = draft.looks[part]
    if look.has_answered:
        return look.read_began == LONG_AGO
    if draft.now < draft.run.patience_at:
        draft.wake(draft.run.patience_at)
    return draft.now >= draft.run.patience_at


def _sides_to_keep(draft: Draft, holding: Holding) -> frozenset[PositionSide]:
    """The sides of an instrument whose protective orders have to stay for now."""
    positions = draft.looks[Part.POSITIONS]
    is_hidden = any(hole.symbol in {None, holding.symbol} for hole in positions.holes)
    if positions.read_began == LONG_AGO or is_hidden:
        return BOTH_SIDES
    manner = draft.run.terms.manner
    if not manner.keeps_stops:
        return manner.others_in(holding.symbol)
    # Too late for another close: what still stands between the position and the market stays.
    is_late = draft.now >= draft.run.terms.last_look_at
    sides = holding.open_sides if is_late else holding.exposed_sides
    return sides | manner.others_in(holding.symbol)


# --- closes -------------------------------------------------------------------------------------


def _plan_leg(draft: Draft, leg: Leg) -> None:
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


def _unblock(draft: Draft, leg: Leg) -> None:
    """What stood in the way of a close was looked for: let it try again, or count a refusal."""
    if leg.waits_for_orders and _orders_were_looked_for(draft, leg):
        draft.tell_leg(leg.key, Unblocked(_were_in_the_way(draft, leg)))


def _orders_were_looked_for(draft: Draft, leg: Leg) -> bool:
    """Whether both books were listed and cleared since the venue said that orders are in the way.

    No list and no cancel that does not come holds the next close for long.
    """
    if _books_are_shown_since(draft, leg):
        return True
    patience_at = Instant(leg.last_act + PATIENCE_SECONDS)
    if draft.now < patience_at:
        draft.wake(patience_at)
    return draft.now >= patience_at


def _books_are_shown_since(draft: Draft, leg: Leg) -> bool:
    if not draft.run.config.cancel_orders:
        return True
    lists = (part for part in draft.run.parts if part is not Part.POSITIONS)
    if any(draft.looks[part].read_began < leg.last_act for part in lists):
        return False
    return not any(s.state in _UNDER_WAY for s in draft.holdings[leg.key.symbol].sweeps)


def _were_in_the_way(draft: Draft, leg: Leg) -> bool:
    """Whether orders were found and cancelled since, or are still there for all we know."""
    sweeps = draft.holdings[leg.key.symbol].sweeps
    return any(s.last_act >= leg.last_act for s in sweeps) or not _books_are_shown_since(draft, leg)


# --- stops that go back -------------------------------------------------------------------------


def _plan_restores(draft: Draft, leg: Leg) -> None:
    """Put back what we took away from a position that stays open after all.

    Once a list no longer shows it; unseen where no list comes, because a double can only reduce.
    """
    run, holding = draft.run, draft.holdings[leg.key.symbol]
    missing = holding.missing_stops(leg.key.side)
    if not missing or leg.state is LegState.GONE or not run.puts_stops_back:
        return
    due_at = max(_stays_open_at(run, leg), _unseen_at(run, holding.conditional))
    if due_at > draft.now:
        draft.wake(due_at)
        return
    for order in missing:
        _restore(draft, leg, order)


def _stays_open_at(run: Liquidation, leg: Leg) -> Instant:
    """From when on we no longer hope to close a position in this run."""
    if leg.state is LegState.STUCK:
        return LONG_AGO
    if leg.state is LegState.SETTLING and leg.fills_leave == 0:
        # It is closed by all we know. A stop without a position would be left behind.
        return NEVER
    return run.terms.last_look_at if leg.state is LegState.EXPOSED else run.last_restore_at


def _unseen_at(run: Liquidation, sweep: Sweep) -> Instant:
    """From when on a stop goes back although no list has shown it gone."""
    if sweep.is_shown:
        return LONG_AGO
    if sweep.in_flight:
        return run.last_restore_at
    return min(Instant(sweep.last_act + PATIENCE_SECONDS), run.last_restore_at)


def _restore(draft: Draft, leg: Leg, order: ConditionalOrder) -> None:
    holding = draft.holdings[leg.key.symbol]
    before = holding.restore_of(order)
    if before is not None and (before.in_flight or holding.has_ended(before)):
        return
    if before is not None and _may_stand(draft, holding, before):
        return
    attempt = 1 if before is None else before.attempts + 1
    stop = ProtectiveStop(order=order, client_order_id=_name(draft, order, attempt))
    if not draft.has_room_for(Protect(stop)):
        return
    restore = Restore(stop=stop, side=leg.key.side, in_flight=True, attempts=attempt)
    draft.put(holding.with_restore(restore))
    draft.send([Request(Protect(stop), draft.run.terms.answer_by(draft.now, attempt - 1))])


def _may_stand(draft: Draft, holding: Holding, restore: Restore) -> bool:
    """Whether an attempt that went unanswered has put the stop back, or the next list will tell."""
    if restore.doubted_at is None:
        return False
    sweep, order = holding.conditional, restore.stop.order
    names = {_name(draft, order, attempt) for attempt in range(1, restore.attempts + 1)}
    if any(listed.client_order_id in names for listed in sweep.orders):
        back = replace(restore, done_at=draft.now, reason=None)
        draft.put(holding.with_restore(back).covered(restore.side, draft.now))
        return True
    if sweep.listed_began >= restore.doubted_at or draft.now >= draft.run.last_restore_at:
        return False
    draft.wake(draft.run.last_restore_at)
    return True


def _name(draft: Draft, order: ConditionalOrder, attempt: int) -> ClientOrderId:
    return stop_id(draft.run.terms.run_tag, f"{order.symbol}{order.order_id}", attempt)
