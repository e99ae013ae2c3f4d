"""A close that went unanswered: ask what became of it, a bounded number of times."""

from goflat.core.decision import Decision
from goflat.core.evolve import replace
from goflat.core.leg.answers import book, judge_round
from goflat.core.leg.known import Leg, LegDecision
from goflat.core.leg.moves import turn
from goflat.core.leg.readings import shown
from goflat.core.pacing import backoff_seconds
from goflat.core.states import LegState, LegTurn
from goflat.core.steps import Query, Request
from goflat.domain.order import CloseOrder, OrderReport
from goflat.domain.time import Instant

QUERIES_MAX = 4
"""Questions about one order before its id counts as unknown."""


def ask(leg: Leg, now: Instant) -> LegDecision:
    """Ask by id about every close in doubt whose turn it is."""
    if leg.state is not LegState.DOUBTFUL:
        return Decision(now_is=leg)
    due = [d for d in leg.doubts if not d.asking and d.ask_at <= now]
    doubts = tuple(replace(d, asking=True) if d in due else d for d in leg.doubts)
    answer_by = leg.terms.answer_by(now, leg.silences)
    requests = tuple(Request(Query(doubt.order), answer_by) for doubt in due)
    return Decision(now_is=replace(leg, doubts=doubts), requests=requests)


def resolve(leg: Leg, order: CloseOrder, report: OrderReport | None, now: Instant) -> LegDecision:
    """The venue said what became of an order: it is known, or the id is unknown."""
    if all(d.order != order for d in leg.doubts):
        return Decision(now_is=leg)
    if report is not None and not report.status.is_final:
        return query_failed(leg, order, now)
    if report is not None:
        leg = replace(book(leg, report, now), last_act=now)
    return _settle_doubt(leg, order, now)


def query_failed(leg: Leg, order: CloseOrder, now: Instant) -> LegDecision:
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
    position = leg.position if leg.seen_began >= leg.last_act else None
    settled = judge_round(turn(leg, LegTurn.ANSWERED), now)
    if position is None or settled.now_is.state is not LegState.SETTLING:
        return settled
    after = shown(settled.now_is, position, leg.seen_began, now)
    return replace(after, remarks=settled.remarks + after.remarks)
