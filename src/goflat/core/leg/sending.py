"""Turn what the last reading showed into closes."""

from goflat.core.decision import Decision
from goflat.core.evolve import replace
from goflat.core.leg.known import Leg, LegDecision, Round
from goflat.core.leg.moves import give_up, turn
from goflat.core.naming import close_id
from goflat.core.sizing import cut
from goflat.core.states import LegTurn
from goflat.core.steps import Close, Request
from goflat.domain.instrument import InstrumentRules
from goflat.domain.order import CloseOrder
from goflat.domain.time import Instant


def send(leg: Leg, rules: InstrumentRules | None, now: Instant) -> LegDecision:
    """Send closes for all that the last reading showed, as far as the venue takes it."""
    position = leg.position
    if position is None or not leg.is_ready(now):
        return Decision(now_is=leg)
    limit_price = leg.limit_price_under(rules)
    parts = cut(position.quantity, leg.lot_under(rules), leg.largest)
    if not parts.pieces:
        reason = f"dust: {parts.dust} is less than the venue takes in one order"
        return give_up(replace(leg, dust=parts.dust), reason)
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
    leg = turn(
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
