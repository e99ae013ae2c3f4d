"""What a run asks for next, planned from what is known and not from what just happened.

Instrument by instrument, the riskiest first: cancel what could open, then close. Then readings,
then stops that have to go back. Everything passes the budget; reads come last on it.
"""

from dataclasses import replace
from decimal import Decimal

from goflat.core.decision import Note, Remark
from goflat.core.events import Woke
from goflat.core.leg import Go, Leg, Unblocked
from goflat.core.looks import Look, Part
from goflat.core.naming import stop_id
from goflat.core.pacing import Cost
from goflat.core.run import PATIENCE_SECONDS, Draft, Naked, Restore, SweepKey
from goflat.core.states import LegState, SweepState
from goflat.core.steps import CancelAll, Protect, Query, ReadRules, Request
from goflat.core.sweep import Clear, Keep, Sweep
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ConditionalOrder, ProtectiveStop
from goflat.domain.position import LegKey, PositionSide
from goflat.domain.time import LONG_AGO, NEVER, Instant

RULES_ATTEMPTS = 3
RESTORE_ATTEMPTS = 3
HOLES_WAIT_SECONDS = 0.5
_BOTH_SIDES = frozenset(PositionSide)


def plan(draft: Draft) -> None:
    """Ask for everything that is due now, and wake when the next thing is."""
    for symbol in _riskiest_first(draft):
        if draft.run.config.cancel_orders:
            _plan_sweeps(draft, symbol)
        if draft.run.config.close_positions:
            _plan_legs(draft, symbol)
        _plan_restores(draft, symbol)
    _plan_rules(draft)
    _plan_proof(draft)
    for part in draft.run.parts:
        _plan_look(draft, part)
    draft.wake(draft.run.terms.deadline.at)
    if draft.now < draft.run.terms.last_look_at:
        draft.wake(draft.run.terms.last_look_at)


def _riskiest_first(draft: Draft) -> list[Symbol]:
    """Nearest to forced liquidation first, then by notional; without a position last."""
    if len(draft.touched) == 1:
        return list(draft.touched)
    return sorted(draft.touched, key=lambda symbol: (_risk(draft, symbol), symbol))


def _risk(draft: Draft, symbol: Symbol) -> tuple[Decimal, Decimal]:
    far = Decimal(1000)
    positions = [leg.position for leg in draft.legs_of(symbol) if leg.position is not None]
    nearest = min(
        (
            far if p.distance_to_forced_liquidation is None else p.distance_to_forced_liquidation
            for p in positions
        ),
        default=2 * far,
    )
    notional = sum((p.notional or Decimal(0) for p in positions), Decimal(0))
    return (nearest, -notional)


# --- orders in the way --------------------------------------------------------------------------


def _plan_sweeps(draft: Draft, symbol: Symbol) -> None:
    if draft.legs_of(symbol) and draft.run.config.close_positions:
        _expect_unread_book(draft, symbol)
    for book in Book:
        key = SweepKey(symbol, book)
        if key not in draft.sweeps:
            continue
        if book is Book.CONDITIONAL:
            draft.tell_sweep(key, Keep(_sides_to_keep(draft, symbol)))
        sweep = draft.sweeps[key]
        if _is_due(draft, sweep) and draft.has_room_for(CancelAll(symbol, book)):
            _note_naked(draft, sweep)
            sweep = draft.tell_sweep(key, Clear())
        if sweep.wakes_at > draft.now:
            draft.wake(sweep.wakes_at)


def _is_due(draft: Draft, sweep: Sweep) -> bool:
    if sweep.is_ready(draft.now):
        return True
    return (
        sweep.book is Book.WORKING
        and sweep.state is SweepState.CLEAR
        and sweep.rounds == 0
        and _is_unread(draft, Part.WORKING)
    )


def _is_unread(draft: Draft, part: Part) -> bool:
    """Whether this list cannot be had, or does not come: then books are cancelled unseen."""
    if part not in draft.run.parts:
        return True
    look = draft.looks[part]
    if look.read_began > LONG_AGO:
        return False
    return look.failures > 0 or draft.now >= draft.run.patience_at


def _expect_unread_book(draft: Draft, symbol: Symbol) -> None:
    """Only the regular book: an unseen cancel of the other one could take a stop away."""
    if _is_unread(draft, Part.WORKING):
        draft.sweep_of(symbol, Book.WORKING)


def _sides_to_keep(draft: Draft, symbol: Symbol) -> frozenset[PositionSide]:
    """The sides of an instrument whose protective orders have to stay for now."""
    positions = draft.looks[Part.POSITIONS]
    hidden = any(hole.symbol in {None, symbol} for hole in positions.holes)
    if positions.read_began == LONG_AGO or hidden:
        return _BOTH_SIDES
    return frozenset(
        leg.key.side
        for leg in draft.legs_of(symbol)
        if leg.state is not LegState.GONE and not leg.blocked
    )


def _note_naked(draft: Draft, sweep: Sweep) -> None:
    """Remember when a position that still shows loses a stop that protects it."""
    for leg in draft.legs_of(sweep.symbol):
        loses = any(
            isinstance(order, ConditionalOrder) and order.protects(leg.key.side)
            for order in sweep.to_go
        )
        if loses and leg.state is not LegState.GONE:
            draft.naked.setdefault(leg.key, Naked(since=draft.now))


# --- closes -------------------------------------------------------------------------------------


def _plan_legs(draft: Draft, symbol: Symbol) -> None:
    for leg in draft.legs_of(symbol):
        _plan_leg(draft, leg)


def _plan_leg(draft: Draft, leg: Leg) -> None:
    if leg.waits_for_orders and _orders_were_looked_for(draft, leg):
        leg = draft.tell_leg(leg.key, Unblocked(_were_cancelled(draft, leg)))
    if leg.state is LegState.DOUBTFUL and leg.wakes_at <= draft.now:
        asking = sum((draft.budget.cost_of(Query(d.order)) for d in leg.doubts), Cost())
        if draft.has_room(asking):
            leg = draft.tell_leg(leg.key, Woke())
    if leg.is_ready(draft.now) and _way_is_clear(draft, leg.key.symbol):
        rules = draft.run.rules.of(leg.key.symbol)
        if draft.has_room(Cost(orders=leg.pieces(rules))):
            leg = draft.tell_leg(leg.key, Go(rules))
    _end_nakedness(draft, leg)
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
    for book in Book:
        part = Part.of(book)
        if part in run.parts and not draft.looks[part].has_answered and not impatient:
            draft.wake(run.patience_at)
            return False
        sweep = draft.sweeps.get(SweepKey(symbol, book))
        if sweep is not None and not sweep.lets_close(draft.now, PATIENCE_SECONDS):
            draft.wake(Instant(sweep.since + PATIENCE_SECONDS))
            return False
    return True


def _orders_were_looked_for(draft: Draft, leg: Leg) -> bool:
    """Whether both books were listed since the venue said that our orders are in the way."""
    if not draft.run.config.cancel_orders:
        return True
    listed = all(
        draft.looks[part].read_began >= leg.last_act
        for part in draft.run.parts
        if part is not Part.POSITIONS
    )
    under_way = {SweepState.LISTED, SweepState.CANCELLING}
    return listed and not any(
        sweep.state in under_way for sweep in _sweeps_of(draft, leg.key.symbol)
    )


def _were_cancelled(draft: Draft, leg: Leg) -> bool:
    return any(s.last_act >= leg.last_act for s in _sweeps_of(draft, leg.key.symbol))


def _sweeps_of(draft: Draft, symbol: Symbol) -> list[Sweep]:
    return [s for book in Book if (s := draft.sweeps.get(SweepKey(symbol, book)))]


def _end_nakedness(draft: Draft, leg: Leg) -> None:
    naked = draft.naked.get(leg.key)
    if naked is not None and naked.until is None and leg.state is LegState.GONE:
        draft.naked[leg.key] = replace(naked, until=draft.now)


# --- stops that go back -------------------------------------------------------------------------


def _plan_restores(draft: Draft, symbol: Symbol) -> None:
    """Put back what we took away from a position that stays open after all."""
    sweep = draft.sweeps.get(SweepKey(symbol, Book.CONDITIONAL))
    if sweep is None or not sweep.taken or sweep.state is SweepState.CANCELLING:
        return
    for leg in draft.legs_of(symbol):
        if not _stays_open(draft, leg):
            continue
        still_listed = {order.order_id for order in sweep.orders if sweep.is_done}
        for order in sweep.taken:
            if order.protects(leg.key.side) and order.order_id not in still_listed:
                _restore(draft, leg.key, order)


def _stays_open(draft: Draft, leg: Leg) -> bool:
    """Whether we can no longer hope to close it in this run."""
    if leg.state is LegState.STUCK:
        return leg.dust is None
    return leg.state is not LegState.GONE and draft.now >= draft.run.terms.last_look_at


def _restore(draft: Draft, key: LegKey, order: ConditionalOrder) -> None:
    restore = draft.restores.get(order.order_id)
    attempts = 0 if restore is None else restore.attempts
    if restore is not None and (restore.in_flight or restore.done_at is not None):
        return
    if attempts >= RESTORE_ATTEMPTS:
        return
    name = stop_id(draft.run.terms.run_tag, f"{order.symbol}{order.order_id}", attempts + 1)
    stop = ProtectiveStop(order=order, client_order_id=name)
    if not draft.has_room_for(Protect(stop)):
        return
    draft.restores[order.order_id] = Restore(
        stop=stop, leg=key, in_flight=True, attempts=attempts + 1
    )
    draft.send([Request(Protect(stop), draft.run.terms.answer_by(draft.now, attempts))])


# --- readings -----------------------------------------------------------------------------------


def _plan_rules(draft: Draft) -> None:
    rules = draft.run.rules
    if rules.known is not None or rules.in_flight or rules.failures >= RULES_ATTEMPTS:
        return
    if draft.has_room_for(ReadRules()):
        draft.change(rules=replace(rules, in_flight=True))
        answer_by = draft.run.terms.answer_by(draft.now, rules.failures)
        draft.send([Request(ReadRules(), answer_by)])


def _plan_proof(draft: Draft) -> None:
    """Whether the newest look shows everything at rest, for the first or the second time."""
    run = draft.run = draft.finish().now_is
    if not run.is_at_rest or run.has_holes or run.look_began < run.last_act:
        draft.change(proof=run.proof.unsettled())
        return
    if run.look_began < run.started:
        return
    before = run.proof
    proof = before.shown(run.look_began, run.look_ended)
    if proof != before:
        note = Note.PROVEN if proof.is_complete else Note.BARE
        draft.remarks.append(Remark(note, "account"))
    draft.change(proof=proof, is_over=proof.is_complete)


def _plan_look(draft: Draft, part: Part) -> None:
    """Read this list if something happened, or has to be shown, since it was last read."""
    run, look = draft.run, draft.looks[part]
    needed = _needed_since(draft, look)
    if needed == NEVER or run.is_over:
        return
    hedges = run.terms.answer_seconds is not None
    busy = run.acts_in_flight > 0
    due = look.due_at(needed, draft.now, busy=busy, hedges=hedges)
    last = run.terms.last_look_at
    if hedges and draft.now >= last > look.asked:
        due = draft.now
    if due > draft.now:
        draft.wake(due)
        return
    if draft.has_room_for(part.step):
        draft.looks[part] = look.sent(draft.now)
        answer_by = run.terms.answer_by(draft.now, look.failures)
        draft.send([Request(part.step, answer_by)])
        again = draft.looks[part].due_at(needed, draft.now, busy=busy, hedges=hedges)
        draft.wake(again)


def _needed_since(draft: Draft, look: Look) -> Instant:
    """A reading is wanted that begins at this instant or later; NEVER if none is."""
    run = draft.run
    newest = max(run.started, run.last_act)
    if look.read_began < newest:
        return newest
    if look.part is Part.POSITIONS and run.look_again_at < NEVER:
        return run.look_again_at
    if look.holes:
        return Instant(look.read_ended + HOLES_WAIT_SECONDS)
    second = run.proof.second_look_at
    return second if look.read_began < second else NEVER
