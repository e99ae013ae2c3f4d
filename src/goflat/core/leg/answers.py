"""What the answers to a round of closes mean for the next one."""

from decimal import Decimal

from goflat.core.decision import Decision
from goflat.core.evolve import replace
from goflat.core.leg.known import Doubt, Leg, LegDecision
from goflat.core.leg.moves import count_refusal, give_up, turn
from goflat.core.pacing import backoff_seconds, throttle_seconds
from goflat.core.states import LegTurn
from goflat.domain.order import CloseOrder, OrderReport
from goflat.domain.time import Instant
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError

PIECES_MAX = 100
"""Into how many a position is cut at most where the venue does not say what is too large."""


def answered(leg: Leg, order: CloseOrder, report: OrderReport, now: Instant) -> LegDecision:
    """The venue took a close."""
    if order.client_order_id not in leg.in_flight:
        return Decision(now_is=leg)
    if not report.status.is_final and leg.terms.asks_by_id:
        # The venue took it and did not say how it ended: that is a question, not an answer.
        return doubt(leg, order, now)
    return landed(book(replace(leg, silences=0, unsent=0), report, now), order, now)


def close_failed(leg: Leg, order: CloseOrder, failure: VenueError, now: Instant) -> LegDecision:
    """A close was refused, or stayed unanswered."""
    if order.client_order_id not in leg.in_flight:
        return Decision(now_is=leg)
    duplicate = isinstance(failure, Rejected) and failure.refusal is Refusal.DUPLICATE_ID
    if isinstance(failure, Unanswered):
        leg = replace(leg, silences=leg.silences + 1, reason=failure.reason)
    if (duplicate or isinstance(failure, Unanswered)) and leg.terms.asks_by_id:
        return doubt(leg, order, now)
    if isinstance(failure, Throttled):
        seconds = failure.retry_after_seconds
        wait = throttle_seconds(seconds)
        leg = replace(leg, not_before=max(leg.not_before, Instant(now + wait)))
    if isinstance(failure, Rejected) and failure.refusal is Refusal.TOO_LARGE:
        least = order.position.quantity / PIECES_MAX
        leg = replace(leg, largest=max(order.quantity / 2, least))
    return landed(_note_failure(leg, failure), order, now)


def book(leg: Leg, report: OrderReport, now: Instant) -> Leg:
    """Take down what an answer says was executed."""
    assert leg.round is not None
    if report.executed is None:
        claimed = _sum(leg.round.claimed_pnl, report.realized_pnl)
        return replace(leg, round=replace(leg.round, told=False, claimed_pnl=claimed))
    quantity, executed = leg.round.quantity, leg.round.executed + report.executed
    leg = replace(leg, round=replace(leg.round, executed=executed))
    if report.executed > 0:
        times = [ms for ms in (leg.filled_ms, report.updated_ms) if ms is not None]
        leg = replace(
            leg,
            fills_leave=max(Decimal(0), quantity - executed),
            filled_at=now,
            filled_ms=max(times, default=None),
            pnl=_sum(leg.pnl, report.realized_pnl),
        )
    if report.status.is_final and report.executed == 0:
        said = f"{report.status.value} with nothing filled"
        leg = _note_failure(leg, Rejected(said, refusal=Refusal.PRICE_BAND))
    return leg


def _sum(known: Decimal | None, more: Decimal | None) -> Decimal | None:
    return known if more is None else (known or Decimal(0)) + more


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
            return 5
        case Rejected(refusal=Refusal.ORDERS_IN_THE_WAY):
            return 3
        case Rejected():
            return 4
        case Throttled():
            return 2
        case _:
            return 1


def landed(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    """One close is answered. Once all are, see what the round came to."""
    in_flight = leg.in_flight - {order.client_order_id}
    leg = replace(leg, in_flight=in_flight, last_act=now)
    if in_flight:
        return Decision(now_is=leg)
    if leg.doubts:
        return Decision(now_is=turn(leg, LegTurn.IN_DOUBT))
    return judge_round(turn(leg, LegTurn.ANSWERED), now)


def judge_round(leg: Leg, now: Instant) -> LegDecision:
    """What the answers of a round mean for the next attempt."""
    assert leg.round is not None
    failure = leg.round.failure
    if failure is None or leg.round.executed > 0:
        return Decision(now_is=leg)
    match failure:
        case Rejected(refusal=refusal):
            return _refused(leg, refusal, failure.reason, now)
        case Throttled():
            return Decision(now_is=leg)
        case NotSent():
            unsent = leg.unsent + 1
            wait = backoff_seconds(0.1, min(unsent, 5), str(leg.key))
            return Decision(
                now_is=replace(leg, unsent=unsent, not_before=leg.terms.retry_at(now, wait))
            )
        case _:
            # Silence at a venue that cannot be asked by id: the next reading tells, and a further
            # attempt counts, because nothing else would bound it.
            return count_refusal(leg, failure.reason, now)


def _refused(leg: Leg, refusal: Refusal, reason: str, now: Instant) -> LegDecision:
    match refusal:
        case Refusal.NO_PERMISSION:
            return give_up(leg, reason)
        case Refusal.ORDERS_IN_THE_WAY:
            return Decision(now_is=replace(leg, blocked=True))
        case Refusal.TOO_SMALL:
            assert leg.position is not None
            return give_up(replace(leg, dust=leg.position.quantity), f"dust: {reason}")
        case Refusal.PRICE_BAND if not leg.at_band:
            # A different order, so there is nothing to wait for but the reading.
            counted = count_refusal(replace(leg, at_band=True), reason, now)
            return replace(counted, now_is=replace(counted.now_is, not_before=now))
        case _:
            return count_refusal(leg, reason, now)


def unblock(leg: Leg, *, found: bool, now: Instant) -> LegDecision:
    """Our own orders were looked for: try again, and count it where there were none."""
    if not leg.waits_for_orders:
        return Decision(now_is=leg)
    leg = replace(leg, blocked=False)
    if found:
        return Decision(now_is=leg)
    return count_refusal(leg, leg.reason or "refused", now)


def doubt(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
    """A close went unanswered: what became of it has to be asked."""
    leg = replace(leg, doubts=(*leg.doubts, Doubt(order=order, ask_at=now)))
    return landed(leg, order, now)
