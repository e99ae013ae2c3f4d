"""Fold one event into what is known of a run."""

from collections import defaultdict
from collections.abc import Callable, Iterable
from typing import assert_never

from goflat.core.decision import Note, Remark
from goflat.core.draft import Draft, is_act
from goflat.core.events import (
    BookCancelled,
    CloseAnswered,
    ConditionalCancelled,
    ConditionalOrdersRead,
    Event,
    Failed,
    PositionsRead,
    Protected,
    QueryAnswered,
    RulesRead,
    Started,
    UsageSeen,
    Woke,
    WorkingOrdersRead,
)
from goflat.core.evolve import replace
from goflat.core.holding import Holding, Restore
from goflat.core.leg import Leg, Seen
from goflat.core.looks import Part
from goflat.core.states import LegState
from goflat.core.steps import (
    CancelAll,
    CancelConditional,
    Close,
    Protect,
    Query,
    ReadOrders,
    ReadPositions,
    ReadRules,
    Step,
)
from goflat.core.sweep import Found, Listed
from goflat.domain.instrument import Symbol
from goflat.domain.listing import Listing, Unreadable
from goflat.domain.order import Book, ConditionalOrder, ProtectiveStop, WorkingOrder
from goflat.domain.outcome import OutsideScope
from goflat.domain.position import LegKey, Position
from goflat.domain.scope import Only
from goflat.domain.time import LONG_AGO, Instant
from goflat.errors import Throttled, Unanswered, VenueError


def fold(draft: Draft, event: Event) -> None:
    """Take one thing that happened to where it belongs."""
    match event:
        case Started():
            _expect_blind_books(draft)
        case Woke():
            if draft.run.alarm <= draft.now or not draft.run.backlog:
                draft.touch_all()
        case PositionsRead(listing, began):
            _positions_read(draft, listing, began)
        case WorkingOrdersRead(listing, began):
            _orders_read(draft, Book.WORKING, listing, began)
        case ConditionalOrdersRead(listing, began):
            _orders_read(draft, Book.CONDITIONAL, listing, began)
        case RulesRead(rules, limits):
            known = replace(draft.run.rules, known=rules, in_flight=False)
            draft.change(rules=known)
            draft.budget = draft.budget if limits is None else draft.budget.with_limits(limits)
            draft.touch_all()
        case BookCancelled(symbol, book, _):
            draft.acted()
            draft.tell_sweep(symbol, book, event)
        case ConditionalCancelled(order):
            draft.acted()
            draft.tell_sweep(order.symbol, Book.CONDITIONAL, event)
        case CloseAnswered(order, _):
            draft.acted()
            draft.tell_leg(order.position.key, event)
        case QueryAnswered(order, report):
            if report is not None:
                # The answer to the close itself, only later: readings before it do not count.
                draft.last_act = draft.now
            draft.tell_leg(order.position.key, event)
        case Protected(stop):
            draft.acted()
            _restored(draft, stop)
        case Failed(step, failure):
            _failed(draft, step, failure, event)
        case UsageSeen(usage):
            draft.budget = draft.budget.observe(usage, draft.now)
        case _:
            assert_never(event)


def _expect_blind_books(draft: Draft) -> None:
    """Where no list can be had, the instruments that were named are cancelled unseen."""
    scope = draft.run.scope
    if Part.WORKING in draft.run.parts or not isinstance(scope, Only):
        return
    for symbol in sorted(scope.symbols):
        draft.put(draft.holding(symbol))


# --- readings -----------------------------------------------------------------------------------


def _positions_read(draft: Draft, listing: Listing[Position], began: Instant) -> None:
    if _is_overtaken(draft, Part.POSITIONS, began):
        return
    outside = []
    shown: dict[LegKey, Position] = {}
    for position in listing.rows:
        if draft.run.scope.covers(position.symbol):
            shown[position.key] = position
        else:
            outside.append(_outside_position(position))
    _keep_outside(draft, Part.POSITIONS, outside)
    may_hide = _hidden_by(listing.unreadable)
    is_stale = False
    for key in dict.fromkeys([*(leg.key for leg in draft.settle().legs), *shown]):
        seen = shown.get(key)
        if seen is not None or not may_hide(key.symbol):
            is_stale |= _leg_read(draft, key, seen, began)
    if is_stale:
        # Older than our own fills: as a look at the account it counts for nothing.
        look = draft.looks[Part.POSITIONS]
        draft.looks[Part.POSITIONS] = look.failed(draft.now, "a reading older than our fills")
        draft.touch_unsettled()
    else:
        _came_back(draft, Part.POSITIONS, began, listing.unreadable)


def _leg_read(draft: Draft, key: LegKey, position: Position | None, began: Instant) -> bool:
    """Let a leg see a reading. True: it contradicts what is known of our own fills."""
    holding = draft.holding(key.symbol)
    known = holding.leg(key.side)
    if known is None:
        assert position is not None
        draft.put(holding.with_leg(Leg.found(position, began, draft.run.terms)))
        return False
    if position is None and known.state is LegState.GONE:
        return False
    before = len(draft.remarks)
    leg = draft.tell_leg(key, Seen(position, began))
    if leg.state is LegState.GONE and draft.holdings[key.symbol].naked:
        draft.put(draft.holdings[key.symbol].covered(key.side, draft.now))
    return any(remark.note is Note.STALE_READING for remark in draft.remarks[before:])


def _orders_read(
    draft: Draft,
    book: Book,
    listing: Listing[WorkingOrder] | Listing[ConditionalOrder],
    began: Instant,
) -> None:
    part = Part.of(book)
    if _is_overtaken(draft, part, began):
        return
    _came_back(draft, part, began, listing.unreadable)
    by_symbol: defaultdict[Symbol, list[Found]] = defaultdict(list)
    outside = []
    for order in listing.rows:
        if draft.run.scope.covers(order.symbol):
            by_symbol[order.symbol].append(order)
        else:
            outside.append(_outside_order(order, book))
    _keep_outside(draft, part, outside)
    may_hide = _hidden_by(listing.unreadable)
    for symbol in dict.fromkeys([*draft.holdings, *by_symbol]):
        orders = tuple(by_symbol.get(symbol, ()))
        if not orders and (draft.holding(symbol).sweep(book).is_idle or may_hide(symbol)):
            continue
        draft.tell_sweep(symbol, book, Listed(orders, began, has_holes=may_hide(symbol)))
    for hole in draft.looks[part].holes:
        if hole.symbol is not None and hole.symbol not in draft.holdings:
            # All that is known of it is its instrument, which is enough to cancel it.
            draft.put(draft.holding(hole.symbol))


def _is_overtaken(draft: Draft, part: Part, began: Instant) -> bool:
    """A list that a newer one has overtaken shows nothing that counts any more."""
    look = draft.looks[part]
    if began >= look.read_began:
        return False
    draft.looks[part] = look.overtaken()
    return True


def _came_back(
    draft: Draft, part: Part, began: Instant, unreadable: tuple[Unreadable, ...]
) -> None:
    scope = draft.run.scope
    holes = tuple(u for u in unreadable if u.symbol is None or scope.covers(u.symbol))
    before = draft.looks[part]
    draft.looks[part] = before.came_back(began, draft.now, holes)
    if before.read_began == LONG_AGO or before.holes != holes:
        # What can be seen of the account as a whole has changed.
        draft.touch_all()
    else:
        draft.touch_unsettled()
    draft.remarks.extend(
        Remark(Note.UNREADABLE, hole.symbol or part.value, hole.reason) for hole in holes
    )


def _hidden_by(unreadable: tuple[Unreadable, ...]) -> Callable[[Symbol], bool]:
    """Whether a row that could not be read may be the one of a symbol."""
    symbols = {row.symbol for row in unreadable}
    return lambda symbol: None in symbols or symbol in symbols


def _keep_outside(draft: Draft, part: Part, found: Iterable[OutsideScope]) -> None:
    draft.change(outside={**draft.run.outside, part: tuple(found)})


def _outside_position(position: Position) -> OutsideScope:
    return OutsideScope(
        kind="position",
        symbol=position.symbol,
        side=position.side.value,
        quantity=position.quantity,
    )


def _outside_order(order: Found, book: Book) -> OutsideScope:
    kind = "working order" if book is Book.WORKING else "conditional order"
    return OutsideScope(
        kind=kind,
        symbol=order.symbol,
        side=order.side.value,
        quantity=order.quantity,
        id=order.client_order_id,
    )


# --- failures -----------------------------------------------------------------------------------


def _failed(draft: Draft, step: Step, failure: VenueError, event: Failed) -> None:
    if is_act(step):
        draft.acted()
    if isinstance(failure, Throttled):
        draft.budget = draft.budget.throttled(
            draft.now, failure.retry_after_seconds, orders_only=failure.orders_only
        )
    match step:
        case ReadPositions() | ReadOrders():
            part = Part.POSITIONS if isinstance(step, ReadPositions) else Part.of(step.book)
            look = draft.looks[part].failed(draft.now, failure.reason)
            if step == ReadPositions(elsewhere=True):
                look = replace(look, is_single=True, not_before=draft.now)
            draft.looks[part] = look
            draft.touch_all()
        case ReadRules():
            draft.change(rules=draft.run.rules.failed(draft.now, failure.reason))
            draft.touch_all()
        case CancelAll(symbol, book):
            draft.tell_sweep(symbol, book, event)
        case CancelConditional(order):
            draft.tell_sweep(order.symbol, Book.CONDITIONAL, event)
        case Close(order, _) | Query(order):
            draft.tell_leg(order.position.key, event)
        case Protect(stop):
            _not_restored(draft, stop, failure)
        case _:
            assert_never(step)


def _restored(draft: Draft, stop: ProtectiveStop) -> None:
    holding, restore = _restore_of(draft, stop)
    done = replace(restore, in_flight=False, done_at=draft.now, reason=None)
    draft.put(holding.with_restore(done).covered(restore.side, draft.now))


def _not_restored(draft: Draft, stop: ProtectiveStop, failure: VenueError) -> None:
    holding, restore = _restore_of(draft, stop)
    failed = replace(restore, in_flight=False, reason=failure.reason)
    if isinstance(failure, Unanswered):
        failed = replace(failed, doubted_at=draft.now)
    draft.put(holding.with_restore(failed))


def _restore_of(draft: Draft, stop: ProtectiveStop) -> tuple[Holding, Restore]:
    holding = draft.holdings[stop.order.symbol]
    restore = holding.restore_of(stop.order)
    assert restore is not None
    return holding, restore
