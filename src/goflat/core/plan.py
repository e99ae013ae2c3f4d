"""What a run asks for next, planned from what is known and not from what just happened.

Instrument by instrument, the riskiest first; then the rules and the readings. Everything passes
the budget, and readings come last on it.
"""

from dataclasses import replace

from goflat.core.decision import Note, Remark
from goflat.core.draft import Draft
from goflat.core.looks import Look, Part
from goflat.core.plan_instrument import plan_instrument
from goflat.core.steps import ReadRules, Request
from goflat.domain.instrument import Symbol
from goflat.domain.time import NEVER, Instant

RULES_ATTEMPTS = 3
HOLES_WAIT_SECONDS = 0.5


def plan(draft: Draft) -> None:
    """Ask for everything that is due now, and wake when the next thing is."""
    for symbol in _riskiest_first(draft):
        plan_instrument(draft, symbol)
    _plan_rules(draft)
    _plan_proof(draft)
    for part in draft.run.parts:
        _plan_look(draft, part)
    draft.wake(draft.run.terms.deadline.at)
    if draft.now < draft.run.terms.last_look_at:
        draft.wake(draft.run.terms.last_look_at)


def _riskiest_first(draft: Draft) -> list[Symbol]:
    if len(draft.touched) == 1:
        return list(draft.touched)
    return sorted(draft.touched, key=lambda symbol: (draft.holdings[symbol].risk, symbol))


def _plan_rules(draft: Draft) -> None:
    rules = draft.run.rules
    if rules.known is not None or rules.in_flight or rules.failures >= RULES_ATTEMPTS:
        return
    if draft.has_room_for(ReadRules()):
        draft.change(rules=replace(rules, in_flight=True))
        answer_by = draft.run.terms.answer_by(draft.now, rules.failures)
        draft.send([Request(ReadRules(), answer_by)])


def _plan_proof(draft: Draft) -> None:
    """Whether the newest look shows everything at rest, for the first or the second time."""
    before = draft.run.proof
    run = draft.run if draft.run.acts_in_flight else draft.settle()
    if not run.is_at_rest or run.has_holes or run.look_began < max(run.last_act, run.started):
        if before.began is not None:
            draft.change(proof=before.unsettled())
        return
    proof = before.shown(run.look_began, run.look_ended)
    if proof != before:
        note = Note.PROVEN if proof.is_complete else Note.BARE
        draft.remarks.append(Remark(note, "account"))
        draft.change(proof=proof, is_over=proof.is_complete)


def _plan_look(draft: Draft, part: Part) -> None:
    """Read this list if something happened, or has to be shown, since it was last read."""
    run, look = draft.run, draft.looks[part]
    needed = _needed_since(draft, look)
    if needed == NEVER or run.is_over:
        return
    hedges = run.terms.answer_seconds is not None
    busy = run.acts_in_flight > 0
    due = look.due_at(needed, draft.now, busy=busy, hedges=hedges)
    if hedges and draft.now >= run.terms.last_look_at > look.asked:
        # Time is kept for one last reading, also where an earlier one hangs.
        due = draft.now
    if due > draft.now:
        draft.wake(due)
    elif draft.has_room_for(part.step):
        look = draft.looks[part] = look.sent(draft.now)
        answer_by = run.terms.answer_by(draft.now, look.failures)
        draft.send([Request(part.step, answer_by)])
        draft.wake(look.due_at(needed, draft.now, busy=busy, hedges=hedges))


def _needed_since(draft: Draft, look: Look) -> Instant:
    """A reading is wanted that begins at this instant or later; NEVER if none is."""
    run = draft.run
    newest = max(run.started, run.last_act)
    if look.read_began < newest:
        return newest
    if look.holes:
        return Instant(look.read_ended + HOLES_WAIT_SECONDS)
    second = run.proof.second_look_at
    return second if look.read_began < second else NEVER
