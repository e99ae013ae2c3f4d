"""A close that went unanswered: asked about by its id, a bounded number of times."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import at, close, doubtful, in_state, position, report

from goflat.core.decision import Note
from goflat.core.events import Failed, QueryAnswered, Woke
from goflat.core.leg import Leg, Seen, advance
from goflat.core.leg.known import Round
from goflat.core.leg.silence import QUERIES_MAX
from goflat.core.states import LegState
from goflat.core.steps import Query
from goflat.domain.order import OrderReport, OrderStatus
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered

D = Decimal


@pytest.mark.parametrize("state", LegState)
def test_only_a_leg_in_doubt_asks(state: LegState) -> None:
    before = in_state(state)

    decision = advance(before, Woke(), at(2))

    if state is LegState.DOUBTFUL:
        assert [request.step for request in decision.requests] == [Query(close())]
        assert decision.now_is.wakes_at == float("inf")
    else:
        assert (decision.now_is, decision.requests) == (before, ())


def test_it_asks_about_those_whose_turn_it_is_and_not_twice_at_once() -> None:
    before = doubtful(close(1, "a"), close(1, "b"))
    later = replace(before.doubts[1], ask_at=at(3))
    before = replace(before, doubts=(before.doubts[0], later))

    first = advance(before, Woke(), at(2))
    second = advance(first.now_is, Woke(), at(2.5))
    third = advance(second.now_is, Woke(), at(3))

    assert [r.step for r in first.requests] == [Query(close(1, "a"))]
    assert second.requests == ()
    assert second.wake_at == 3
    assert [r.step for r in third.requests] == [Query(close(1, "b"))]


ANSWERS = [
    # the answer -> state, fills leave, refused, still in doubt
    (report(2), LegState.SETTLING, "0", 0, False),
    (report("0.5", OrderStatus.EXPIRED), LegState.SETTLING, "1.5", 0, False),
    (report(0, OrderStatus.EXPIRED), LegState.SETTLING, None, 1, False),
    (report(None), LegState.SETTLING, None, 0, False),
    (None, LegState.SETTLING, None, 0, False),
    (report(0, OrderStatus.NEW), LegState.DOUBTFUL, None, 0, True),
    (report(1, OrderStatus.PARTIALLY_FILLED), LegState.DOUBTFUL, None, 0, True),
    (report(None, OrderStatus.UNKNOWN), LegState.DOUBTFUL, None, 0, True),
]


@pytest.mark.parametrize(("answer", "state", "leave", "refused", "in_doubt"), ANSWERS)
def test_what_the_venue_says_of_an_order_in_doubt(
    answer: OrderReport | None, state: LegState, leave: str | None, refused: int, in_doubt: bool
) -> None:
    found = advance(doubtful(), QueryAnswered(close(), answer), at(2)).now_is

    assert (found.state, found.refused, bool(found.doubts)) == (state, refused, in_doubt)
    assert found.fills_leave == (None if leave is None else D(leave))
    # A fill that is learnt late is an answer like any other: readings before it do not count.
    is_known = answer is not None and not in_doubt
    assert found.last_act == (2 if is_known else 1)


@pytest.mark.parametrize("state", [s for s in LegState if s is not LegState.DOUBTFUL])
@pytest.mark.parametrize("answer", [report(), None], ids=["filled", "unknown"])
def test_a_late_answer_about_what_is_settled_changes_nothing(
    state: LegState, answer: OrderReport | None
) -> None:
    before = in_state(state)

    assert advance(before, QueryAnswered(close(), answer), at(2)).now_is == before
    assert advance(before, Failed(Query(close()), NotSent("no")), at(2)).now_is == before


@pytest.mark.parametrize(
    "failure",
    [
        NotSent("no road"),
        Unanswered("silence"),
        Rejected("no"),
        Throttled("slow", retry_after_seconds=1),
    ],
    ids=repr,
)
def test_a_question_without_an_answer_is_asked_again_a_bounded_number_of_times(
    failure: NotSent,
) -> None:
    found, asked = doubtful(), []
    for now in range(2, 2 + QUERIES_MAX):
        asking = advance(found, Woke(), at(now + 0.9))
        asked += asking.requests
        found = advance(asking.now_is, Failed(Query(close()), failure), at(now + 0.95)).now_is

    assert len(asked) == QUERIES_MAX
    assert found.state is LegState.SETTLING
    assert found.doubts == ()
    # Unknown, not refused: it is sized anew from a reading, and counts as no attempt.
    assert found.refused == 0


def test_each_question_waits_longer_than_the_one_before() -> None:
    found, waits = doubtful(), []
    for _ in range(QUERIES_MAX - 1):
        found = advance(found, Failed(Query(close()), NotSent("no")), at(2)).now_is
        waits.append(found.doubts[0].ask_at - 2)

    assert waits == sorted(waits)
    assert 0.1 <= waits[0] < waits[-1] < 0.5


def test_with_two_in_doubt_the_first_answer_settles_one() -> None:
    first, second = close(1, "a"), close(1, "b")
    found = advance(doubtful(first, second), QueryAnswered(first, report(1)), at(2)).now_is

    assert (found.state, [d.order for d in found.doubts]) == (LegState.DOUBTFUL, [second])

    found = advance(found, QueryAnswered(second, None), at(3)).now_is

    assert (found.state, found.doubts) == (LegState.SETTLING, ())


def test_a_failed_question_leaves_the_others_alone() -> None:
    first, second = close(1, "a"), close(1, "b")

    found = advance(doubtful(first, second), Failed(Query(first), NotSent("no")), at(2)).now_is

    assert [(d.queries, d.order) for d in found.doubts] == [(1, first), (0, second)]


# --- readings beside it -------------------------------------------------------------------------


def seen(before: Leg, quantity: object, began: float) -> Leg:
    return advance(before, Seen(position(quantity), at(began)), at(2)).now_is


def test_a_reading_begun_since_and_an_unknown_id_together_let_it_close_again_at_once() -> None:
    found = seen(doubtful(), 2, began=1.5)
    assert found.state is LegState.DOUBTFUL

    found = advance(found, QueryAnswered(close(), None), at(2)).now_is

    assert (found.state, found.position) == (LegState.EXPOSED, position(2))


def test_a_reading_from_before_the_silence_does_not() -> None:
    found = advance(doubtful(seen_began=at(0.5)), QueryAnswered(close(), None), at(2)).now_is

    assert found.state is LegState.SETTLING


def test_a_fill_learnt_by_asking_is_newer_than_the_reading_that_showed_the_position() -> None:
    found = seen(doubtful(), 2, began=1.5)

    found = advance(found, QueryAnswered(close(), report(2)), at(2)).now_is

    assert (found.state, found.fills_leave) == (LegState.SETTLING, D(0))


def test_a_round_that_was_refused_for_good_stays_given_up_when_its_doubt_is_settled() -> None:
    forbidden = Rejected("no", refusal=Refusal.NO_PERMISSION)
    before = seen(doubtful(round=Round(quantity=D(2), failure=forbidden)), 2, began=1.5)

    decision = advance(before, QueryAnswered(close(), None), at(2))

    assert decision.now_is.state is LegState.STUCK
    assert [remark.note for remark in decision.remarks] == [Note.GIVEN_UP]


def test_gone_settles_every_doubt() -> None:
    found = advance(doubtful(), Seen(None, at(1.5)), at(2)).now_is

    assert (found.state, found.doubts) == (LegState.GONE, ())


def test_a_doubt_settled_after_the_leg_is_no_longer_in_doubt_changes_no_state() -> None:
    before = replace(doubtful(), state=LegState.STUCK)

    found = advance(before, QueryAnswered(close(), None), at(2)).now_is

    assert (found.state, found.doubts) == (LegState.STUCK, ())
