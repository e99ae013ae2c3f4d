"""What a reading of the account means for one leg."""

from decimal import Decimal

from goflat.core.decision import Decision, Note, Remark
from goflat.core.evolve import replace
from goflat.core.leg.events import Seen
from goflat.core.leg.known import Leg, LegDecision, Round
from goflat.core.leg.moves import count_refusal, turn
from goflat.core.states import LegState, LegTurn
from goflat.domain.position import Position
from goflat.domain.time import Instant


def see(leg: Leg, seen: Seen, now: Instant) -> LegDecision:
    """Take a reading, if it counts for this leg."""
    if leg.in_flight or seen.began < leg.last_act or seen.began < leg.seen_began:
        return Decision(now_is=leg)
    if seen.position is None:
        gone = turn(leg, LegTurn.BARE, position=None, seen_began=seen.began, reason=None)
        if leg.state is LegState.SETTLING and leg.round is not None and leg.round.claimed_pnl:
            # What was claimed for a close that told no quantity is believed with the reading.
            gone = replace(gone, pnl=(gone.pnl or Decimal(0)) + leg.round.claimed_pnl)
        news = leg.state is not LegState.GONE
        remarks = (Remark(Note.GONE, str(leg.key)),) if news else ()
        return Decision(now_is=replace(gone, blocked=False, dust=None, doubts=()), remarks=remarks)
    if _is_stale(leg, seen.position, seen.began):
        text = f"shows {seen.position.quantity}, but our fills leave {leg.fills_leave}"
        return Decision(now_is=leg, remarks=(Remark(Note.STALE_READING, str(leg.key), text),))
    return shown(leg, seen.position, seen.began, now)


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


def shown(leg: Leg, position: Position, began: Instant, now: Instant) -> LegDecision:
    """A reading that counts shows the position: it has to be closed, or closed again."""
    remarks: tuple[Remark, ...] = ()
    if leg.state is LegState.GONE:
        remarks = (Remark(Note.REOPENED, str(leg.key), f"quantity {position.quantity}"),)
    ended = leg.round if leg.state is LegState.SETTLING else None
    # Dust that has grown, by a late fill say, may be more than the venue's least by now.
    changed = leg.dust is not None and position.quantity != leg.dust
    how = LegTurn.CHANGED if changed and leg.state is LegState.STUCK else LegTurn.SHOWN
    leg = turn(leg, how, position=position, seen_began=began)
    if leg.state is LegState.EXPOSED:
        leg = replace(leg, dust=None, fills_leave=None, filled_at=None, filled_ms=None, round=None)
        if ended is not None and _was_fruitless(ended, position):
            said = "the venue took the order, and the position is what it was"
            counted = count_refusal(leg, said, now)
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
