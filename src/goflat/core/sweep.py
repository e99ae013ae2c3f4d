"""One instrument's orders in one book, on their way out.

Cancels are safe to repeat, so silence is answered by sending again. An acknowledgement is a claim:
orders are gone when a list begun after it no longer shows them.

**Protect until closed.** A conditional order that only reduces stays while the position it protects
still shows. It is taken away when a reading shows that position gone, or when the venue refuses
the close because of it; what was taken away is remembered, so that it can be put back.
"""

from dataclasses import dataclass
from typing import TypeAlias, assert_never

from goflat.core.decision import Decision, Note, Remark
from goflat.core.events import BookCancelled, ConditionalCancelled, Failed
from goflat.core.evolve import replace
from goflat.core.leg import Terms
from goflat.core.pacing import backoff_seconds, throttle_seconds
from goflat.core.states import SWEEP, SweepState, SweepTurn
from goflat.core.steps import CancelAll, CancelConditional, Request
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ConditionalOrder, VenueOrderId, WorkingOrder
from goflat.domain.position import PositionSide
from goflat.domain.time import LONG_AGO, NEVER, Instant
from goflat.errors import Refusal, Rejected, Throttled, Unanswered, VenueError

Found: TypeAlias = WorkingOrder | ConditionalOrder

STILL_LISTED_SECONDS = 0.1
"""First wait after a list that still shows what the venue said it had cancelled."""

CANCELS_AT_ONCE = 50
"""Single cancels of one instrument that set out together."""


@dataclass(frozen=True, slots=True)
class Listed:
    """A list of the book, as far as it concerns this instrument.

    `has_holes`: a row could not be read that may belong to the instrument.
    """

    orders: tuple[Found, ...]
    began: Instant
    has_holes: bool = False


@dataclass(frozen=True, slots=True)
class Keep:
    """The sides whose protective orders have to stay for now."""

    sides: frozenset[PositionSide]


@dataclass(frozen=True, slots=True)
class Clear:
    """The budget has room: send the cancels. Also blind, where no list could be had."""


SweepEvent: TypeAlias = Listed | Keep | Clear | BookCancelled | ConditionalCancelled | Failed


@dataclass(frozen=True, slots=True, kw_only=True)
class Sweep:
    """What is known of the orders, and what we did about them.

    `found` holds every order id ever listed, `orders` what the last list showed, and `hidden` those
    of them that it may have hidden in a row that could not be read. `reported` is the number of
    cancelled orders where the venue counts for us. `asked` are the orders that the last cancels
    were about, `taken` the protective ones that we ever took away. `since` is when orders first
    stood in the way of a close.
    """

    symbol: Symbol
    book: Book
    terms: Terms
    state: SweepState = SweepState.CLEAR
    orders: tuple[Found, ...] = ()
    hidden: frozenset[VenueOrderId] = frozenset()
    has_holes: bool = False
    keep: frozenset[PositionSide] = frozenset()
    found: frozenset[VenueOrderId] = frozenset()
    reported: int = 0
    taken: tuple[ConditionalOrder, ...] = ()
    since: Instant = NEVER
    last_act: Instant = LONG_AGO
    listed_began: Instant = LONG_AGO
    not_before: Instant = LONG_AGO
    asked: frozenset[VenueOrderId] = frozenset()
    in_flight: int = 0
    failed: VenueError | None = None
    rounds: int = 0
    refused: int = 0
    silences: int = 0
    reason: str | None = None

    @property
    def to_go(self) -> tuple[Found, ...]:
        """What the last list showed and what does not have to stay."""
        return tuple(order for order in self.orders if not self._stays(order))

    @property
    def kept(self) -> tuple[ConditionalOrder, ...]:
        """The protective orders that the last list showed and that stay for now."""
        return tuple(
            order
            for order in self.orders
            if isinstance(order, ConditionalOrder) and self._stays(order)
        )

    def _stays(self, order: Found) -> bool:
        return isinstance(order, ConditionalOrder) and any(
            order.protects(side) for side in self.keep
        )

    @property
    def cancels(self) -> tuple[CancelAll | CancelConditional, ...]:
        """What it would send now: one cancel for the book where nothing has to stay, else singles.

        Also where no list has shown what has to stay: it may be newer than the list, on its way
        back, or a row that could not be read.
        """
        if self.book is Book.WORKING or not self.keep:
            return (CancelAll(self.symbol, self.book),)
        single = [order for order in self.to_go if isinstance(order, ConditionalOrder)]
        return tuple(CancelConditional(order) for order in single[:CANCELS_AT_ONCE])

    @property
    def shown(self) -> frozenset[VenueOrderId]:
        """What a list begun after our last cancel was answered has shown."""
        if self.in_flight or self.listed_began < self.last_act:
            return frozenset()
        return frozenset(order.order_id for order in self.orders) - self.hidden

    @property
    def is_shown(self) -> bool:
        """Whether the last list is whole, and began after our last cancel was answered."""
        is_whole = not self.in_flight and not self.has_holes
        return is_whole and self.listed_began >= self.last_act

    def is_ready(self, now: Instant) -> bool:
        """Whether it would send cancels as soon as it may."""
        return self.state is SweepState.LISTED and now >= self.not_before

    @property
    def is_idle(self) -> bool:
        """Whether there is nothing that an empty list could change."""
        return self.state is SweepState.CLEAR and not (self.orders or self.taken)

    @property
    def is_done(self) -> bool:
        """Whether nothing more is to be done unless a list says otherwise."""
        return self.state in {SweepState.CLEAR, SweepState.STUCK}

    def lets_close(self, now: Instant, patience_seconds: float) -> bool:
        """Whether a close may go: nothing in its way, or waited for long enough."""
        if self.state is SweepState.LISTED and self.rounds == 0:
            return now >= self.since + patience_seconds
        if self.state is SweepState.CANCELLING and self.rounds == 1:
            return now >= self.since + patience_seconds
        return True

    @property
    def wakes_at(self) -> Instant:
        return self.not_before if self.state is SweepState.LISTED else NEVER


SweepDecision: TypeAlias = Decision[Sweep]


def advance(sweep: Sweep, event: SweepEvent, now: Instant) -> SweepDecision:
    """Take one thing that happened; return everything that follows from it."""
    match event:
        case Listed():
            return Decision(now_is=_listed(sweep, event, now))
        case Keep(sides):
            return Decision(now_is=_keep(sweep, sides, now))
        case Clear():
            return _clear(sweep, now)
        case BookCancelled(_, _, count):
            sweep = replace(sweep, reported=sweep.reported + (count or 0), silences=0)
            return _landed(sweep, now)
        case ConditionalCancelled():
            return _landed(replace(sweep, silences=0), now)
        case Failed(_, failure):
            return _failed(sweep, failure, now)
        case _:
            assert_never(event)


def _listed(sweep: Sweep, listed: Listed, now: Instant) -> Sweep:
    # A list begun before our last cancel was answered is older than that cancel.
    if sweep.in_flight or listed.began < max(sweep.last_act, sweep.listed_began):
        return sweep
    before = sweep.state
    hidden = _hidden(sweep, listed)
    sweep = replace(
        sweep,
        orders=listed.orders + hidden,
        hidden=frozenset(order.order_id for order in hidden),
        has_holes=listed.has_holes,
        listed_began=listed.began,
        found=sweep.found | {order.order_id for order in listed.orders},
    )
    if not sweep.to_go:
        return _turn(sweep, SweepTurn.BARE, since=NEVER, rounds=0, reason=None)
    sweep = _turn(sweep, SweepTurn.LISTED, since=min(sweep.since, now))
    if before is SweepState.ACKNOWLEDGED and any(o.order_id in sweep.asked for o in sweep.to_go):
        wait = backoff_seconds(STILL_LISTED_SECONDS, min(sweep.rounds, 4), sweep.symbol)
        reason = "still listed although the venue acknowledged the cancel"
        return replace(sweep, not_before=sweep.terms.retry_at(now, wait), reason=reason)
    return sweep


def _hidden(sweep: Sweep, listed: Listed) -> tuple[Found, ...]:
    """What a list does not show any more, but may hide in a row that could not be read."""
    if not listed.has_holes:
        return ()
    shown = {order.order_id for order in listed.orders}
    return tuple(order for order in sweep.orders if order.order_id not in shown)


def _keep(sweep: Sweep, sides: frozenset[PositionSide], now: Instant) -> Sweep:
    if sides == sweep.keep:
        return sweep
    sweep = replace(sweep, keep=sides)
    if sweep.state is SweepState.CLEAR and sweep.to_go:
        return _turn(sweep, SweepTurn.LISTED, since=min(sweep.since, now))
    if sweep.state is SweepState.LISTED and not sweep.to_go:
        return _turn(sweep, SweepTurn.BARE, since=NEVER)
    return sweep


def _clear(sweep: Sweep, now: Instant) -> SweepDecision:
    """Send the cancels."""
    if sweep.state not in {SweepState.LISTED, SweepState.CLEAR}:
        return Decision(now_is=sweep)
    if sweep.state is SweepState.LISTED and sweep.refused > sweep.terms.max_retries:
        # It was given up before, and for a while nothing was listed that had to go.
        return Decision(now_is=_turn(sweep, SweepTurn.GIVEN_UP))
    going, steps = sweep.to_go, sweep.cancels
    if not steps:
        return Decision(now_is=_turn(sweep, SweepTurn.BARE, since=NEVER, rounds=0))
    gone = {o.order_id for o in sweep.taken}
    taken = sweep.taken + tuple(
        order
        for order in going
        if isinstance(order, ConditionalOrder) and order.only_reduces and order.order_id not in gone
    )
    answer_by = sweep.terms.answer_by(now, sweep.silences)
    sent = _turn(
        sweep,
        SweepTurn.SENT,
        in_flight=len(steps),
        asked=frozenset(order.order_id for order in going),
        rounds=sweep.rounds + 1,
        taken=taken,
        failed=None,
        since=min(sweep.since, now),
    )
    return Decision(now_is=sent, requests=tuple(Request(step, answer_by) for step in steps))


def _failed(sweep: Sweep, failure: VenueError, now: Instant) -> SweepDecision:
    if isinstance(failure, Unanswered):
        sweep = replace(sweep, silences=sweep.silences + 1)
    if not isinstance(sweep.failed, Rejected):
        # A refusal is what is counted, so no other failure of the same round hides it.
        sweep = replace(sweep, failed=failure, reason=failure.reason)
    return _landed(sweep, now)


def _landed(sweep: Sweep, now: Instant) -> SweepDecision:
    """One cancel is answered. Once all are, see what they came to."""
    if not sweep.in_flight:
        return Decision(now_is=sweep)
    sweep = replace(sweep, in_flight=sweep.in_flight - 1, last_act=now)
    if sweep.in_flight:
        return Decision(now_is=sweep)
    if sweep.failed is None:
        return Decision(now_is=_turn(sweep, SweepTurn.ACKNOWLEDGED, reason=None))
    return _not_done(sweep, sweep.failed, now)


def _not_done(sweep: Sweep, failure: VenueError, now: Instant) -> SweepDecision:
    match failure:
        case Rejected(refusal=refusal):
            return _refused(sweep, refusal, failure.reason, now)
        case Throttled(retry_after_seconds=seconds):
            not_before = Instant(now + throttle_seconds(seconds))
        case _:
            wait = backoff_seconds(0.05, min(sweep.rounds, 5), sweep.symbol)
            not_before = sweep.terms.retry_at(now, wait)
    return Decision(now_is=_turn(sweep, SweepTurn.NOT_DONE, not_before=not_before))


def _refused(sweep: Sweep, refusal: Refusal, reason: str, now: Instant) -> SweepDecision:
    about = f"{sweep.symbol} {sweep.book.value}"
    refused = sweep.refused + 1
    sweep = replace(sweep, refused=refused)
    if refusal is Refusal.NO_PERMISSION or refused > sweep.terms.max_retries:
        stuck = _turn(sweep, SweepTurn.GIVEN_UP)
        return Decision(now_is=stuck, remarks=(Remark(Note.GIVEN_UP, about, reason),))
    wait = backoff_seconds(sweep.terms.retry_delay_seconds, refused, about)
    again = _turn(sweep, SweepTurn.NOT_DONE, not_before=sweep.terms.retry_at(now, wait))
    text = f"attempt {refused + 1} of {sweep.terms.max_retries + 1} after: {reason}"
    return Decision(now_is=again, remarks=(Remark(Note.RETRY, about, text),))


def _turn(sweep: Sweep, turn: SweepTurn, **changes: object) -> Sweep:
    """The only place where the state of a sweep changes."""
    return replace(sweep, state=SWEEP[sweep.state][turn], **changes)  # type: ignore[arg-type]
