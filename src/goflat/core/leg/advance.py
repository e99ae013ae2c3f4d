"""One event into one leg."""

from typing import assert_never

from goflat.core.decision import Decision
from goflat.core.events import CloseAnswered, Failed, QueryAnswered, Woke
from goflat.core.evolve import replace
from goflat.core.leg.answers import answered, close_failed, unblock
from goflat.core.leg.events import Go, LegEvent, Seen, Unblocked
from goflat.core.leg.known import Leg, LegDecision
from goflat.core.leg.readings import see
from goflat.core.leg.sending import send
from goflat.core.leg.silence import ask, query_failed, resolve
from goflat.core.steps import Close, Query
from goflat.domain.time import NEVER, Instant


def advance(leg: Leg, event: LegEvent, now: Instant) -> LegDecision:
    """Take one thing that happened; return everything that follows from it."""
    decision = _react(leg, event, now)
    wakes_at = decision.now_is.wakes_at
    return decision if wakes_at == NEVER else replace(decision, wake_at=wakes_at)


def _react(leg: Leg, event: LegEvent, now: Instant) -> LegDecision:
    match event:
        case Seen():
            return see(leg, event, now)
        case Go(rules):
            return send(leg, rules, now)
        case Unblocked(found):
            return unblock(leg, found=found, now=now)
        case CloseAnswered(order, report):
            return answered(leg, order, report, now)
        case Failed(Close(order, _), failure):
            return close_failed(leg, order, failure, now)
        case QueryAnswered(order, report):
            return resolve(leg, order, report, now)
        case Failed(Query(order), _):
            return query_failed(leg, order, now)
        case Woke():
            return ask(leg, now)
        case Failed():
            return Decision(now_is=leg)
        case _:
            assert_never(event)
