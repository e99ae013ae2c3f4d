"""The moves that more than one event comes to: a turn, a counted refusal, giving up."""

from goflat.core.decision import Decision, Note, Remark
from goflat.core.evolve import replace
from goflat.core.leg.known import Leg, LegDecision
from goflat.core.pacing import backoff_seconds
from goflat.core.states import LEG, LegTurn
from goflat.domain.time import Instant


def turn(leg: Leg, turn: LegTurn, **changes: object) -> Leg:
    """The only place where the state of a leg changes."""
    return replace(leg, state=LEG[leg.state][turn], **changes)  # type: ignore[arg-type]


def count_refusal(leg: Leg, reason: str, now: Instant) -> LegDecision:
    """One more refusal: wait, or give up where no retry is left."""
    refused = leg.refused + 1
    leg = replace(leg, refused=refused, reason=reason)
    if refused > leg.terms.max_retries:
        return give_up(leg, reason)
    wait = backoff_seconds(leg.terms.retry_delay_seconds, refused, f"{leg.terms.run_tag}/{leg.key}")
    leg = replace(leg, not_before=leg.terms.retry_at(now, wait))
    text = f"attempt {refused + 1} of {leg.terms.max_retries + 1} after: {reason}"
    return Decision(now_is=leg, remarks=(Remark(Note.RETRY, str(leg.key), text),))


def give_up(leg: Leg, reason: str) -> LegDecision:
    """Send nothing more for this position, and say why."""
    leg = turn(leg, LegTurn.GIVEN_UP, reason=reason, blocked=False)
    return Decision(now_is=leg, remarks=(Remark(Note.GIVEN_UP, str(leg.key), reason),))
