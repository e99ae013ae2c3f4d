"""What a run asks for next, planned from what is known and not from what just happened.

Instrument by instrument, the riskiest first; then the rules and the readings. Everything passes
the budget, and readings come last on it.
"""

from goflat.core.decision import Note, Remark
from goflat.core.draft import Draft
from goflat.core.evolve import replace
from goflat.core.looks import Look, Part
from goflat.core.plan_instrument import plan_instrument
from goflat.core.proof import Proof
from goflat.core.steps import ReadPositions, ReadRules, Request
from goflat.domain.instrument import Symbol
from goflat.domain.time import NEVER, Instant

INSTRUMENTS_A_TURN = 128
RULES_ATTEMPTS = 8
HOLES_WAIT_SECONDS = 0.5


def plan(draft: Draft) -> None:
    """Ask for everything that is due now, and wake when the next thing is."""
    for symbol in _next_instruments(draft):
        plan_instrument(draft, symbol)
    _plan_rules(draft)
    _plan_proof(draft)
    for part in draft.run.parts:
        _plan_look(draft, part)
    draft.wake(draft.run.terms.deadline.at)
    if draft.now < draft.run.terms.last_look_at:
        draft.wake(draft.run.terms.last_look_at)


def _next_instruments(draft: Draft) -> list[Symbol]:
    """The riskiest of those that something happened to; the others are left for the next turn.

    A turn is one piece of work on somebody's event loop, so it has to be short. What is asked for
    in this one is on its way to the venue before the next begins.
    """
    backlog = draft.run.backlog
    waiting = draft.touched or backlog
    riskiest = list(waiting)
    if len(waiting) > 1:
        riskiest.sort(key=lambda symbol: (draft.holdings[symbol].risk, symbol))
    now, later = riskiest[:INSTRUMENTS_A_TURN], riskiest[INSTRUMENTS_A_TURN:]
    if backlog or later:
        draft.change(backlog=backlog.union(later).difference(now))
    return now


def _plan_rules(draft: Draft) -> None:
    rules = draft.run.rules
    if rules.known is not None or rules.in_flight or rules.failures >= RULES_ATTEMPTS:
        return
    if rules.not_before > draft.now:
        draft.wake(rules.not_before)
    elif draft.has_room_for(ReadRules()):
        draft.change(rules=replace(rules, in_flight=True))
        answer_by = draft.run.terms.answer_by(draft.now, rules.failures)
        draft.send([Request(ReadRules(), answer_by)])


def _plan_proof(draft: Draft) -> None:
    """Whether the newest look shows everything at rest, for the first or the second time."""
    if draft.run.backlog:
        return
    before = draft.run.proof
    if not _is_at_rest(draft):
        if before.began is not None:
            draft.change(proof=before.unsettled())
        return
    proof = before.shown(draft.run.look_began, draft.run.look_ended, draft.run.left)
    if proof != before:
        draft.remarks.append(Remark(_note_of(proof), "account"))
        draft.change(proof=proof, is_over=proof.is_complete)


def _note_of(proof: Proof) -> Note:
    """Two looks that agree prove what they show: flat only where nothing is left."""
    if proof.left:
        return Note.SETTLED
    return Note.PROVEN if proof.is_complete else Note.BARE


def _is_at_rest(draft: Draft) -> bool:
    """Whether a whole look, begun after our last act, shows nothing that is still to be done."""
    if draft.acts_in_flight:
        return False
    run = draft.settle()
    newest = max(run.last_act, run.started, run.terms.manner.proves_after)
    return run.is_at_rest and not run.has_holes and run.look_began >= newest


def _plan_look(draft: Draft, part: Part) -> None:
    """Read this list if something happened, or has to be shown, since it was last read."""
    run, look = draft.run, draft.looks[part]
    needed = _needed_since(draft, look)
    if needed == NEVER or run.is_over:
        return
    hedges = run.terms.answer_seconds is not None
    busy = draft.acts_in_flight > 0
    due = look.due_at(needed, draft.now, busy=busy, hedges=hedges)
    if hedges and draft.now >= run.terms.last_look_at > look.asked:
        # Time is kept for one last reading, also where an earlier one hangs.
        due = draft.now
    if due > draft.now:
        draft.wake(due)
    elif draft.has_room_for(part.step):
        step = _second_opinion(draft, look) or part.step
        look = draft.looks[part] = look.sent(draft.now)
        answer_by = run.terms.answer_by(draft.now, look.failures)
        draft.send([Request(step, answer_by)])
        draft.wake(look.due_at(needed, draft.now, busy=busy, hedges=hedges))


def _second_opinion(draft: Draft, look: Look) -> ReadPositions | None:
    """The look that completes the proof asks for positions elsewhere, where there is such a place.

    A list that leaves a position out would leave it out twice. Where the other place gives no
    answer, the usual one is asked: a proof by two looks there is what it was without it.
    """
    can = draft.run.capabilities.lists_positions_twice and not look.is_single
    if can and look.part is Part.POSITIONS and draft.run.proof.began is not None:
        return ReadPositions(elsewhere=True)
    return None


def _needed_since(draft: Draft, look: Look) -> Instant:
    """A reading is wanted that begins at this instant or later; NEVER if none is."""
    run = draft.run
    newest = max(run.started, draft.last_act)
    if look.read_began < newest:
        return newest
    if look.holes:
        return Instant(look.read_ended + HOLES_WAIT_SECONDS)
    if look.read_began < run.terms.manner.proves_after:
        return run.terms.manner.proves_after
    second = run.proof.second_look_at
    return second if look.read_began < second else NEVER
