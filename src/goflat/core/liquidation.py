"""Many legs, one deadline: the decisions of a whole run.

`advance(run, event, now)` folds one event into what is known, and then plans anew from that. So a
duplicate, a late answer or a lost one changes nothing that the next reading would not mend, and a
run is `fold(advance, events)`.
"""

from goflat.core.decision import Decision, Note, Remark
from goflat.core.draft import Draft
from goflat.core.events import Event
from goflat.core.evolve import prepare
from goflat.core.fold import fold
from goflat.core.holding import Holding, Naked, Restore
from goflat.core.leg import Terms
from goflat.core.leg.known import Doubt, Leg, Round
from goflat.core.looks import Look, Part
from goflat.core.manner import ORDINARY, Manner
from goflat.core.pacing import Budget, Window
from goflat.core.plan import plan
from goflat.core.proof import Proof
from goflat.core.run import Liquidation, Rules, parts_of
from goflat.core.sweep import Sweep
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.scope import Scope
from goflat.domain.time import Deadline, Instant

QUIET_SECONDS = 1.0
"""Least time between the two looks that prove, where the deadline leaves room for it."""

VALID_SECONDS_MAX = 2.0
LAST_LOOK_SECONDS_MAX = 0.5

# What changes during a run. Nothing is compiled between a trigger and the venue.
prepare(Budget, Decision, Doubt, Holding, Leg, Liquidation, Look)
prepare(Naked, Restore, Round, Rules, Sweep, Window)


def begin(
    *,
    correlation_id: str,
    scope: Scope,
    config: LiquidationConfig,
    capabilities: Capabilities,
    now: Instant,
    quiet_seconds: float = QUIET_SECONDS,
    manner: Manner = ORDINARY,
) -> Liquidation:
    """A run at the moment of its trigger. Nothing is known yet, and nothing is asked for."""
    quarter = config.timeout_seconds / 4
    deadline = Deadline.after(now, config.timeout_seconds)
    quiet = min(quiet_seconds, quarter)
    terms = Terms(
        run_tag=manner.tag or correlation_id.rsplit("_", 1)[-1],
        deadline=deadline,
        last_look_at=Instant(deadline.at - min(LAST_LOOK_SECONDS_MAX, quarter)),
        max_retries=config.max_retries,
        retry_delay_seconds=config.retry_delay_seconds,
        quiet_seconds=quiet,
        valid_seconds=min(VALID_SECONDS_MAX, quarter),
        answer_seconds=capabilities.answer_seconds,
        asks_by_id=capabilities.finds_orders_by_id,
        manner=manner,
    )
    return Liquidation(
        correlation_id=correlation_id,
        scope=scope,
        config=config,
        capabilities=capabilities,
        terms=terms,
        started=now,
        proof=Proof(quiet_seconds=quiet),
        budget=Budget.of(capabilities.limits, capabilities.costs),
        holdings={},
        looks={part: Look(part=part) for part in Part},
        outside={},
        parts=parts_of(capabilities),
    )


def advance(run: Liquidation, event: Event, now: Instant) -> Decision[Liquidation]:
    """Take one thing that happened; return everything that follows from it."""
    draft = Draft(run, now)
    fold(draft, event)
    if run.terms.deadline.has_passed(now):
        draft.remarks.append(Remark(Note.DEADLINE, "account"))
        draft.change(is_over=True)
    else:
        plan(draft)
    return draft.finish()
