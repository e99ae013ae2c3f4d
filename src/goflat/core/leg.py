"""One position on its way to flat.

`advance(leg, event, now)` takes one thing that happened and returns everything that follows from
it. Three rules carry the safety of it:

1. A close is sized from a reading that began after our last act on the position was answered or
   ran out. Nothing is ever sent from an older one.
2. An answer is a claim. A leg is gone when such a reading shows it gone, and in no other way.
3. Silence is not failure. A close that went unanswered is asked about by its id, and sent again
   only once the id is unknown and the position still shows. A double can only reduce.
"""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias, assert_never

from goflat.core.decision import Decision, Note, Remark
from goflat.core.events import CloseAnswered, Failed, QueryAnswered, Woke
from goflat.core.evolve import replace
from goflat.core.manner import ORDINARY, Manner
from goflat.core.naming import close_id
from goflat.core.pacing import UNSAID_RETRY_SECONDS, backoff_seconds
from goflat.core.pricing import limit_at_band
from goflat.core.sizing import cut
from goflat.core.states import LEG, LegState, LegTurn
from goflat.core.steps import Close, Query, Request
from goflat.domain.instrument import InstrumentRules, LotLimits
from goflat.domain.order import ClientOrderId, CloseOrder, OrderReport
from goflat.domain.position import LegKey, Position
from goflat.domain.time import LONG_AGO, NEVER, Deadline, Instant
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError

QUERIES_MAX = 4
"""Questions about one order before its id counts as unknown."""

ANSWER_DOUBLINGS_MAX = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Terms:
    """What holds for every leg of a run. Lengths in seconds.

    `answer_seconds` None: an answer is waited for until the deadline, because asking again while
    the first call runs would be unsafe. `asks_by_id`: the venue can be asked about an order.
    """

    run_tag: str
    deadline: Deadline
    last_look_at: Instant
    max_retries: int
    retry_delay_seconds: float
    quiet_seconds: float
    valid_seconds: float
    answer_seconds: float | None
    asks_by_id: bool
    manner: Manner = ORDINARY

    def answer_by(self, now: Instant, silences: int) -> Instant:
        """How long an answer is waited for: twice as long after each silence."""
        if self.answer_seconds is None:
            return self.deadline.at
        doublings = min(silences, ANSWER_DOUBLINGS_MAX)
        return self.deadline.cap(now, self.answer_seconds * 2**doublings)

    def retry_at(self, now: Instant, seconds: float) -> Instant:
        """When to try again: never past the moment from which an attempt would come too late."""
        latest = max(now, self.last_look_at)
        return min(Instant(now + seconds), latest)


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading of the account's positions, as far as it concerns this leg. None: it is gone."""

    position: Position | None
    began: Instant


@dataclass(frozen=True, slots=True)
class Go:
    """The way is clear and the budget has room: close what the last reading showed."""

    rules: InstrumentRules | None


@dataclass(frozen=True, slots=True)
class Unblocked:
    """Our own orders of the instrument were looked for; `found` says whether any were listed."""

    found: bool


LegEvent: TypeAlias = Seen | Go | Unblocked | CloseAnswered | QueryAnswered | Failed | Woke


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The closes that set out together, and what their answers said.

    `told` is false once an answer left open how much was executed.
    """

    quantity: Decimal
    executed: Decimal = Decimal(0)
    told: bool = True
    failure: VenueError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A close that went unanswered, and how often it was asked about in vain."""

    order: CloseOrder
    queries: int = 0
    asking: bool = False
    ask_at: Instant = LONG_AGO


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position on its way to flat: what is known of it, and what we did about it.

    `position` is what the last reading that counts showed, None once gone. `fills_leave` is the
    most that can be left by our own fills; a reading that shows more is older than they are.
    """

    key: LegKey
    terms: Terms
    first: Position
    position: Position | None
    seen_began: Instant
    state: LegState = LegState.EXPOSED
    last_act: Instant = LONG_AGO
    not_before: Instant = LONG_AGO
    attempts: int = 0
    refused: int = 0
    silences: int = 0
    unsent: int = 0
    round: Round | None = None
    in_flight: frozenset[ClientOrderId] = frozenset()
    doubts: tuple[Doubt, ...] = ()
    blocked: bool = False
    at_band: bool = False
    largest: Decimal | None = None
    dust: Decimal | None = None
    fills_leave: Decimal | None = None
    filled_ms: int | None = None
    filled_at: Instant | None = None
    reason: str | None = None
    order_ids: tuple[str, ...] = ()
    pnl: Decimal | None = None

    @classmethod
    def found(cls, position: Position, began: Instant, terms: Terms) -> "Leg":
        """A leg for a position that a reading shows for the first time."""
        return cls(
            key=position.key, terms=terms, first=position, position=position, seen_began=began
        )

    @property
    def is_busy(self) -> bool:
        """Whether a close is under way, or its fate is not known."""
        return self.state in {LegState.CLOSING, LegState.DOUBTFUL}

    @property
    def waits_for_orders(self) -> bool:
        """Whether the venue said that our own orders are in the way, and it still shows."""
        return self.blocked and self.state is LegState.EXPOSED

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done unless a reading says otherwise."""
        return self.state in {LegState.GONE, LegState.STUCK}

    def is_ready(self, now: Instant) -> bool:
        """Whether it would send closes as soon as it may."""
        return self.state is LegState.EXPOSED and not self.blocked and now >= self.not_before

    def pieces(self, rules: InstrumentRules | None) -> int:
        """How many orders it would send now."""
        if self.position is None:
            return 0
        return len(cut(self.position.quantity, self.lot_under(rules), self.largest).pieces)

    def limit_price_under(self, rules: InstrumentRules | None) -> Decimal | None:
        if self.position is None or not self.at_band:
            return None
        side = self.position.side.closes_with
        return limit_at_band(side, self.position.mark_price, rules)

    def lot_under(self, rules: InstrumentRules | None) -> LotLimits | None:
        if rules is None:
            return None
        return rules.market_lot if self.limit_price_under(rules) is None else rules.limit_lot

    @property
    def wakes_at(self) -> Instant:
        """When it wants to be asked again, if no answer comes before."""
        if self.state is LegState.EXPOSED and not self.blocked:
            return self.not_before
        if self.state is LegState.DOUBTFUL:
            return min((d.ask_at for d in self.doubts if not d.asking), default=NEVER)
        return NEVER


LegDecision: TypeAlias = Decision[Leg]


def advance(leg: Leg, event: LegEvent, now: Instant) -> LegDecision:
    """Take one thing that happened; return everything that follows from it."""
    decision = _react(leg, event, now)
    wakes_at = decision.now_is.wakes_at
    return decision if wakes_at == NEVER else replace(decision, wake_at=wakes_at)


def _react(leg: Leg, event: LegEvent, now: Instant) -> LegDecision:
    match event:
        case Seen():
            return _see(leg, event, now)
        case Go(rules):
            return _send(leg, rules, now)
        case Unblocked(found):
            return _unblock(leg, found=found, now=now)
        case CloseAnswered(order, report):
            return _answered(leg, order, report, now)
        case Failed(Close(order, _), failure):
            return _close_failed(leg, order, failure, now)
        case QueryAnswered(order, report):
            return _resolve(leg, order, report, now)
        case Failed(Query(order), _):
            return _query_failed(leg, order, now)
        case Woke():
            return _ask(leg, now)
        case Failed():
            return Decision(now_is=leg)
        case _:
            assert_never(event)


# --- readings -----------------------------------------------------------------------------------


def _see(leg: Leg, seen: Seen, now: Instant) -> LegDecision:
    if leg.in_flight or seen.began < leg.last_act or seen.began < leg.seen_began:
        return Decision(now_is=leg)
    if seen.position is None:
        gone = _turn(leg, LegTurn.BARE, position=None, seen_began=seen.began, reason=None)
        news = leg.state is not LegState.GONE
        remarks = (Remark(Note.GONE, str(leg.key)),) if news else ()
        return Decision(now_is=replace(gone, blocked=False, dust=None, doubts=()), remarks=remarks)
    if _is_stale(leg, seen.position, seen.began):
        text = f"shows {seen.position.quantity}, but our fills leave {leg.fills_leave}"
        return Decision(now_is=leg, remarks=(Remark(Note.STALE_READING, str(leg.key), text),))
    return _shown(leg, seen.position, seen.began, now)


def _is_stale(leg: Leg, shown: Position, began: Instant) -> bool:
    """Whether a reading shows more than our own fills can have left.

    It is believed all the same if the venue dates the change after our last fill (somebody opened
    it again), or once quiet time has gone by since: a venue may lag, but not for ever.
    """
    if leg.fills_leave is None or leg.filled_at is None or shown.quantity <= leg.fills_leave:
        return False
    if shown.updated_ms and leg.filled_ms and shown.updated_ms > leg.filled_ms:
        return False
    return began < leg.filled_at + leg.terms.quiet_seconds


def _shown(leg: Leg, position: Position, began: Instant, now: Instant) -> LegDecision:
    remarks: tuple[Remark, ...] = ()
    if leg.state is LegState.GONE:
        remarks = (Remark(Note.REOPENED, str(leg.key), f"quantity {position.quantity}"),)
    ended = leg.round if leg.state is LegState.SETTLING else None
    # Dust that has grown, by a late fill say, may be more than the venue's least by now.
    changed = leg.dust is not None and position.quantity != leg.dust
    turn = LegTurn.CHANGED if changed and leg.state is LegState.STUCK else LegTurn.SHOWN
    leg = _turn(leg, turn, position=position, seen_began=began)
    if leg.state is LegState.EXPOSED:
        leg = replace(leg, dust=None, fills_leave=None, filled_at=None, filled_ms=None, round=None)
        if ended is not None and _was_fruitless(ended, position):
            said = "the venue took the order, and the position is what it was"
            counted = _count_refusal(leg, said, now)
            return replace(counted, remarks=remarks + counted.remarks)
    return Decision(now_is=leg, remarks=remarks)


def _was_fruitless(ended: Round, position: Position) -> bool:
    """An answer that was no refusal, and yet nothing came of it."""
    return (
        ended.failure is None
        and not ended.told
        and ended.executed == 0
        and position.quantity >= ended.quantity
    )


# --- sending ------------------------------------------------------------------------------------


def _send(leg: Leg, rules: InstrumentRules | None, now: Instant) -> LegDecision:
    position = leg.position
    if position is None or not leg.is_ready(now):
        return Decision(now_is=leg)
    limit_price = leg.limit_price_under(rules)
    parts = cut(position.quantity, leg.lot_under(rules), leg.largest)
    if not parts.pieces:
        reason = f"dust: {parts.dust} is less than the venue takes in one order"
        return _give_up(replace(leg, dust=parts.dust), reason)
    attempt = leg.attempts + 1
    orders = tuple(
        CloseOrder(
            position=position,
            quantity=quantity,
            client_order_id=close_id(leg.terms.run_tag, leg.key, attempt, piece),
            limit_price=limit_price,
        )
        for piece, quantity in enumerate(parts.pieces, start=1)
    )
    leg = _turn(
        leg,
        LegTurn.SENT,
        attempts=attempt,
        round=Round(quantity=position.quantity),
        in_flight=frozenset(order.client_order_id for order in orders),
        order_ids=leg.order_ids + tuple(order.client_order_id for order in orders),
    )
    answer_by = leg.terms.answer_by(now, leg.silences)
    requests = tuple(Request(Close(o, leg.terms.valid_seconds), answer_by) for o in orders)
    return Decision(now_is=leg, requests=requests)


# --- answers ------------------------------------------------------------------------------------


def _answered(leg: Leg, order: CloseOrder, report: OrderReport, now: Instant) -> LegDecision:
    if order.client_order_id not in leg.in_flight:
        return Decision(now_is=leg)
    if not report.status.is_final and leg.terms.asks_by_id:
        # The venue took it and did not say how it ended: that is a question, not an answer.
        return _doubt(leg, order, now)
    return _landed(_book(replace(leg, silences=0, unsent=0), report, now), order, now)


def _close_failed(leg: Leg, order: CloseOrder, failure: VenueError, now: Instant) -> LegDecision:
    if order.client_order_id not in leg.in_flight:
        return Decision(now_is=leg)
    duplicate = isinstance(failure, Rejected) and failure.refusal is Refusal.DUPLICATE_ID
    if isinstance(failure, Unanswered):
        leg = replace(leg, silences=leg.silences + 1, reason=failure.reason)
    if (duplicate or isinstance(failure, Unanswered)) and leg.terms.asks_by_id:
        return _doubt(leg, order, now)
    if isinstance(failure, Rejected) and failure.refusal is Refusal.TOO_LARGE:
        leg = replace(leg, largest=order.quantity / 2)
    return _landed(_note_failure(leg, failure), order, now)


def _book(leg: Leg, report: OrderReport, now: Instant) -> Leg:
    """Take down what an answer says was executed."""
    assert leg.round is not None
    if report.executed is None:
        return replace(leg, round=replace(leg.round, told=False))
    quantity, executed = leg.round.quantity, leg.round.executed + report.executed
    leg = replace(leg, round=replace(leg.round, executed=executed))
    if report.executed > 0:
        times = [ms for ms in (leg.filled_ms, report.updated_ms) if ms is not None]
        leg = replace(
            leg,
            fills_leave=max(Decimal(0), quantity - executed),
            filled_at=now,
            filled_ms=max(times, default=None),
        )
    if report.realized_pnl is not None:
        leg = replace(leg, pnl=(leg.pnl or Decimal(0)) + report.realized_pnl)
    if report.status.is_final and report.executed == 0:
        said = f"{report.status.value} with nothing filled"
        leg = _note_failure(leg, Rejected(said, refusal=Refusal.PRICE_BAND))
    return leg


def _note_failure(leg: Leg, failure: VenueError) -> Leg:
    """Keep the failure of a round that says most about the next one."""
    assert leg.round is not None
    known = leg.round.failure
    if known is not None and _weight(known) >= _weight(failure):
        return leg
    return replace(leg, round=replace(leg.round, failure=failure), reason=failure.reason)


def _weight(failure: VenueError) -> int:
    match failure:
        case Rejected(refusal=Refusal.NO_PERMISSION):
            return 4
        case Rejected():
            return 3
        case Throttled():
            return 2
        case _:
            return 1


def _landed(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    """One close is answered. Once all are, see what the round came to."""
    in_flight = leg.in_flight - {order.client_order_id}
    leg = replace(leg, in_flight=in_flight, last_act=now)
    if in_flight:
        return Decision(now_is=leg)
    if leg.doubts:
        return Decision(now_is=_turn(leg, LegTurn.IN_DOUBT))
    return _judge_round(_turn(leg, LegTurn.ANSWERED), now)


def _judge_round(leg: Leg, now: Instant) -> LegDecision:
    """What the answers of a round mean for the next attempt."""
    assert leg.round is not None
    failure = leg.round.failure
    if failure is None or leg.round.executed > 0:
        return Decision(now_is=leg)
    match failure:
        case Rejected(refusal=refusal):
            return _refused(leg, refusal, failure.reason, now)
        case Throttled(retry_after_seconds=seconds):
            wait = UNSAID_RETRY_SECONDS if seconds is None else seconds
            return Decision(now_is=replace(leg, not_before=Instant(now + wait)))
        case NotSent():
            unsent = leg.unsent + 1
            wait = backoff_seconds(0.1, min(unsent, 5), str(leg.key))
            return Decision(
                now_is=replace(leg, unsent=unsent, not_before=leg.terms.retry_at(now, wait))
            )
        case _:
            # Silence at a venue that cannot be asked by id: the next reading tells, and a further
            # attempt counts, because nothing else would bound it.
            return _count_refusal(leg, failure.reason, now)


def _refused(leg: Leg, refusal: Refusal, reason: str, now: Instant) -> LegDecision:
    match refusal:
        case Refusal.NO_PERMISSION:
            return _give_up(leg, reason)
        case Refusal.ORDERS_IN_THE_WAY:
            return Decision(now_is=replace(leg, blocked=True))
        case Refusal.TOO_SMALL:
            assert leg.position is not None
            return _give_up(replace(leg, dust=leg.position.quantity), f"dust: {reason}")
        case Refusal.PRICE_BAND if not leg.at_band:
            # A different order, so there is nothing to wait for but the reading.
            counted = _count_refusal(replace(leg, at_band=True), reason, now)
            return replace(counted, now_is=replace(counted.now_is, not_before=now))
        case _:
            return _count_refusal(leg, reason, now)


def _count_refusal(leg: Leg, reason: str, now: Instant) -> LegDecision:
    refused = leg.refused + 1
    leg = replace(leg, refused=refused, reason=reason)
    if refused > leg.terms.max_retries:
        return _give_up(leg, reason)
    wait = backoff_seconds(leg.terms.retry_delay_seconds, refused, f"{leg.terms.run_tag}/{leg.key}")
    leg = replace(leg, not_before=leg.terms.retry_at(now, wait))
    text = f"attempt {refused + 1} of {leg.terms.max_retries + 1} after: {reason}"
    return Decision(now_is=leg, remarks=(Remark(Note.RETRY, str(leg.key), text),))


def _give_up(leg: Leg, reason: str) -> LegDecision:
    leg = _turn(leg, LegTurn.GIVEN_UP, reason=reason, blocked=False)
    return Decision(now_is=leg, remarks=(Remark(Note.GIVEN_UP, str(leg.key), reason),))


def _unblock(leg: Leg, *, found: bool, now: Instant) -> LegDecision:
    if not leg.waits_for_orders:
        return Decision(now_is=leg)
    leg = replace(leg, blocked=False)
    if found:
        return Decision(now_is=leg)
    return _count_refusal(leg, leg.reason or "refused", now)


# --- silence ------------------------------------------------------------------------------------


def _doubt(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    leg = replace(leg, doubts=(*leg.doubts, Doubt(order=order, ask_at=now)))
    return _landed(leg, order, now)


def _ask(leg: Leg, now: Instant) -> LegDecision:
    """Ask by id about every close in doubt whose turn it is."""
    if leg.state is not LegState.DOUBTFUL:
        return Decision(now_is=leg)
    due = [d for d in leg.doubts if not d.asking and d.ask_at <= now]
    doubts = tuple(replace(d, asking=True) if d in due else d for d in leg.doubts)
    answer_by = leg.terms.answer_by(now, leg.silences)
    requests = tuple(Request(Query(doubt.order), answer_by) for doubt in due)
    return Decision(now_is=replace(leg, doubts=doubts), requests=requests)


def _resolve(leg: Leg, order: CloseOrder, report: OrderReport | None, now: Instant) -> LegDecision:
    """The venue said what became of an order: it is known, or the id is unknown."""
    if all(d.order != order for d in leg.doubts):
        return Decision(now_is=leg)
    if report is not None and not report.status.is_final:
        return _query_failed(leg, order, now)
    if report is not None:
        leg = replace(_book(leg, report, now), last_act=now)
    return _settle_doubt(leg, order, now)


def _query_failed(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    """No word about this order. Ask again, a bounded number of times; readings go on beside it."""
    doubt = next((d for d in leg.doubts if d.order == order), None)
    if doubt is None:
        return Decision(now_is=leg)
    queries = doubt.queries + 1
    if queries >= QUERIES_MAX:
        return _settle_doubt(leg, order, now)
    wait = backoff_seconds(0.1, queries, order.client_order_id)
    again = replace(doubt, queries=queries, asking=False, ask_at=Instant(now + wait))
    doubts = tuple(again if d is doubt else d for d in leg.doubts)
    return Decision(now_is=replace(leg, doubts=doubts))


def _settle_doubt(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    doubts = tuple(d for d in leg.doubts if d.order != order)
    leg = replace(leg, doubts=doubts)
    if doubts or leg.state is not LegState.DOUBTFUL:
        return Decision(now_is=leg)
    shown = leg.position if leg.seen_began >= leg.last_act else None
    settled = _judge_round(_turn(leg, LegTurn.ANSWERED), now)
    if shown is None or settled.now_is.state is not LegState.SETTLING:
        return settled
    after = _shown(settled.now_is, shown, leg.seen_began, now)
    return replace(after, remarks=settled.remarks + after.remarks)


def _turn(leg: Leg, turn: LegTurn, **changes: object) -> Leg:
    """The only place where the state of a leg changes."""
    return replace(leg, state=LEG[leg.state][turn], **changes)  # type: ignore[arg-type]
