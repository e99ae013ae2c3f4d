"""What the answers to closes mean: every refusal in every state, mixed rounds, late answers."""

from dataclasses import replace
from decimal import Decimal
from itertools import permutations

import pytest
from core_values import at, close, closing, doubtful, in_state, leg, report, settling, terms
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.decision import Note
from goflat.core.events import CloseAnswered, Failed
from goflat.core.leg import Leg, LegDecision, Unblocked, advance
from goflat.core.leg.known import Round
from goflat.core.states import LegState
from goflat.core.steps import Close, ReadPositions
from goflat.domain.order import CloseOrder, OrderStatus
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError

D = Decimal
FAILURES: list[VenueError] = [
    NotSent("no road"),
    Unanswered("silence"),
    Throttled("slow down", retry_after_seconds=None),
    *(Rejected("no", refusal=refusal) for refusal in Refusal),
]


def failed(before: Leg, failure: VenueError, order: CloseOrder | None = None) -> LegDecision:
    return advance(before, Failed(Close(order or close(), 1.25), failure), at(2))


def notes(decision: LegDecision) -> list[Note]:
    return [remark.note for remark in decision.remarks]


# --- every refusal ------------------------------------------------------------------------------

REFUSED = [
    # refusal -> state, refused, blocked, at band, dust, largest, waits
    (Refusal.PLAIN, LegState.SETTLING, 1, False, False, None, None, True),
    (Refusal.ORDERS_IN_THE_WAY, LegState.SETTLING, 0, True, False, None, None, False),
    (Refusal.PRICE_BAND, LegState.SETTLING, 1, False, True, None, None, False),
    (Refusal.TOO_LARGE, LegState.SETTLING, 1, False, False, None, "1", True),
    (Refusal.TOO_SMALL, LegState.STUCK, 0, False, False, "2", None, False),
    (Refusal.WRONG_MODE, LegState.SETTLING, 1, False, False, None, None, True),
    (Refusal.DUPLICATE_ID, LegState.DOUBTFUL, 0, False, False, None, None, False),
    (Refusal.NOT_TRADING, LegState.SETTLING, 1, False, False, None, None, True),
    (Refusal.NO_PERMISSION, LegState.STUCK, 0, False, False, None, None, False),
]


def test_the_table_names_every_refusal() -> None:
    assert [row[0] for row in REFUSED] == list(Refusal)


@pytest.mark.parametrize(
    ("refusal", "state", "refused", "blocked", "at_band", "dust", "largest", "waits"),
    REFUSED,
    ids=lambda value: getattr(value, "name", ""),
)
def test_what_follows_from_a_refusal(
    refusal: Refusal,
    state: LegState,
    refused: int,
    blocked: bool,
    at_band: bool,
    dust: str | None,
    largest: str | None,
    waits: bool,
) -> None:
    found = failed(closing(), Rejected("no", refusal=refusal)).now_is

    assert (found.state, found.refused, found.blocked) == (state, refused, blocked)
    assert found.at_band is at_band
    assert found.dust == (None if dust is None else D(dust))
    assert found.largest == (None if largest is None else D(largest))
    assert (found.not_before > 2) is waits
    assert found.last_act == 2


@pytest.mark.parametrize("failure", FAILURES, ids=repr)
@pytest.mark.parametrize("state", [s for s in LegState if s is not LegState.CLOSING])
def test_a_failure_of_a_close_that_is_over_changes_nothing(
    state: LegState, failure: VenueError
) -> None:
    before = in_state(state)

    decision = failed(before, failure)

    assert (decision.now_is, decision.requests, decision.remarks) == (before, (), ())


@pytest.mark.parametrize("refusal", Refusal, ids=lambda r: r.name)
def test_the_last_refusal_gives_up_unless_it_is_no_attempt(refusal: Refusal) -> None:
    before = closing(refused=3, at_band=True)

    found = failed(before, Rejected("no", refusal=refusal)).now_is

    goes_on = {Refusal.ORDERS_IN_THE_WAY, Refusal.DUPLICATE_ID}
    assert (found.state is LegState.STUCK) is (refusal not in goes_on)


@pytest.mark.parametrize("max_retries", [0, 1, 3, 10])
def test_there_are_as_many_attempts_as_retries_and_one(max_retries: int) -> None:
    before = closing(terms=terms(max_retries=max_retries))
    for n in range(max_retries):
        found = failed(replace(before, refused=n), Rejected("no"))
        assert found.now_is.state is LegState.SETTLING
        assert notes(found) == [Note.RETRY]
        assert f"attempt {n + 2} of {max_retries + 1} after: no" in found.remarks[0].text

    last = failed(replace(before, refused=max_retries), Rejected("no"))

    assert last.now_is.state is LegState.STUCK
    assert notes(last) == [Note.GIVEN_UP]
    assert last.now_is.reason == "no"


def test_at_the_band_already_a_further_band_refusal_waits_like_any_other() -> None:
    found = failed(closing(at_band=True), Rejected("no", refusal=Refusal.PRICE_BAND)).now_is

    assert found.not_before > 2


def test_one_that_was_too_large_is_halved_from_what_was_sent() -> None:
    order = close("0.5")

    found = failed(closing(order), Rejected("no", refusal=Refusal.TOO_LARGE), order).now_is

    assert found.largest == D("0.25")


def test_where_the_venue_cannot_be_asked_a_duplicate_id_is_a_refusal_like_any_other() -> None:
    before = closing(terms=terms(asks_by_id=False))

    found = failed(before, Rejected("no", refusal=Refusal.DUPLICATE_ID)).now_is

    assert (found.state, found.refused) == (LegState.SETTLING, 1)


# --- failures that are no refusal ---------------------------------------------------------------


@pytest.mark.parametrize(("seconds", "expected"), [(0.7, 2.7), (60.0, 62.0), (None, 3.0)])
def test_throttled_waits_for_as_long_as_the_venue_said(
    seconds: float | None, expected: float
) -> None:
    found = failed(closing(), Throttled("slow", retry_after_seconds=seconds)).now_is

    assert (found.state, found.refused, found.not_before) == (LegState.SETTLING, 0, expected)


def test_what_never_left_is_sent_again_soon_and_later_each_time_but_never_too_late() -> None:
    waits = []
    for unsent in range(8):
        found = failed(closing(unsent=unsent), NotSent("no road")).now_is
        assert (found.state, found.refused, found.unsent) == (LegState.SETTLING, 0, unsent + 1)
        waits.append(found.not_before - 2)

    assert waits[:5] == sorted(waits[:5])
    assert 0.1 <= waits[0] <= 0.11
    assert max(waits) <= 1.76


def test_silence_is_asked_about_where_the_venue_can_be_asked() -> None:
    found = failed(closing(), Unanswered("silence")).now_is

    assert (found.state, found.refused, found.silences) == (LegState.DOUBTFUL, 0, 1)
    assert [doubt.order for doubt in found.doubts] == [close()]
    assert found.wakes_at == 2


def test_silence_where_it_cannot_be_asked_counts_as_an_attempt() -> None:
    before = closing(terms=terms(asks_by_id=False))

    found = failed(before, Unanswered("silence")).now_is

    assert (found.state, found.refused, found.silences) == (LegState.SETTLING, 1, 1)
    assert found.doubts == ()


# --- answers ------------------------------------------------------------------------------------

ANSWERS = [
    # status, executed -> state, fills leave, told, failure noted
    (OrderStatus.FILLED, "2", LegState.SETTLING, "0", True, False),
    (OrderStatus.EXPIRED, "1.5", LegState.SETTLING, "0.5", True, False),
    (OrderStatus.EXPIRED, "0", LegState.SETTLING, None, True, True),
    (OrderStatus.CANCELLED, "0", LegState.SETTLING, None, True, True),
    (OrderStatus.REJECTED, "0", LegState.SETTLING, None, True, True),
    (OrderStatus.FILLED, "2.5", LegState.SETTLING, "0", True, False),
    (OrderStatus.FILLED, None, LegState.SETTLING, None, False, False),
    (OrderStatus.NEW, "0", LegState.DOUBTFUL, None, True, False),
    (OrderStatus.PARTIALLY_FILLED, "1", LegState.DOUBTFUL, None, True, False),
    (OrderStatus.UNKNOWN, None, LegState.DOUBTFUL, None, True, False),
]


@pytest.mark.parametrize(("status", "executed", "state", "leave", "told", "noted"), ANSWERS)
def test_what_an_answer_to_a_close_says(
    status: OrderStatus,
    executed: str | None,
    state: LegState,
    leave: str | None,
    told: bool,
    noted: bool,
) -> None:
    found = advance(
        closing(silences=2, unsent=2), CloseAnswered(close(), report(executed, status)), at(2)
    ).now_is

    assert found.state is state
    assert found.fills_leave == (None if leave is None else D(leave))
    assert found.round is not None
    assert (found.round.told, found.round.failure is not None) == (told, noted)
    assert found.in_flight == frozenset()
    if state is LegState.SETTLING:
        assert (found.silences, found.unsent) == (0, 0)


def test_nothing_filled_tries_the_band_next_and_says_so() -> None:
    decision = advance(closing(), CloseAnswered(close(), report(0, OrderStatus.EXPIRED)), at(2))

    assert decision.now_is.at_band
    assert decision.now_is.reason == "EXPIRED with nothing filled"
    assert notes(decision) == [Note.RETRY]


def test_where_it_cannot_be_asked_a_word_that_is_not_the_last_is_taken_as_told() -> None:
    found = advance(
        closing(terms=terms(asks_by_id=False)),
        CloseAnswered(close(), report(None, OrderStatus.UNKNOWN)),
        at(2),
    ).now_is

    assert found.state is LegState.SETTLING
    assert found.round is not None
    assert not found.round.told


@pytest.mark.parametrize("state", [s for s in LegState if s is not LegState.CLOSING])
def test_an_answer_to_what_is_over_changes_nothing(state: LegState) -> None:
    before = in_state(state)

    decision = advance(before, CloseAnswered(close(), report()), at(2))

    assert (decision.now_is, decision.requests, decision.remarks) == (before, (), ())


def test_the_same_answer_twice_is_counted_once() -> None:
    first, second = close(1, "a"), close(1, "b")
    answer = CloseAnswered(first, report(1, realized_pnl=D(5)))

    once = advance(closing(first, second), answer, at(2)).now_is
    twice = advance(once, answer, at(2)).now_is

    assert twice == once
    assert once.pnl == 5


@pytest.mark.parametrize(
    ("profits", "pnl"), [([None, None], None), (["1.5", None], "1.5"), (["1.5", "-2"], "-0.5")]
)
def test_profit_is_the_sum_of_what_is_known_and_none_where_nothing_is(
    profits: list[str | None], pnl: str | None
) -> None:
    found = closing(close(1, "a"), close(1, "b"))
    for name, profit in zip("ab", profits, strict=True):
        said = report(1, realized_pnl=None if profit is None else D(profit))
        found = advance(found, CloseAnswered(close(1, name), said), at(2)).now_is

    assert found.pnl == (None if pnl is None else D(pnl))


@pytest.mark.parametrize(
    ("times", "kept"), [((None, None), None), ((7, None), 7), ((7, 5), 7), ((5, 7), 7)]
)
def test_the_newest_time_of_our_fills_is_kept(
    times: tuple[int | None, int | None], kept: int | None
) -> None:
    found = closing(close(1, "a"), close(1, "b"))
    for name, ms in zip("ab", times, strict=True):
        answer = CloseAnswered(close(1, name), report(1, updated_ms=ms))
        found = advance(found, answer, at(2)).now_is

    assert (found.filled_ms, found.filled_at, found.fills_leave) == (kept, 2.0, D(0))


# --- rounds of several closes -------------------------------------------------------------------

MIXED = [
    # what the closes came to -> state, refused, reason
    (["filled", "rejected"], LegState.SETTLING, 0, "no"),
    (["rejected", "throttled"], LegState.SETTLING, 1, "no"),
    (["throttled", "unsent"], LegState.SETTLING, 0, "slow"),
    (["rejected", "forbidden"], LegState.STUCK, 0, "forbidden"),
    (["filled", "forbidden"], LegState.SETTLING, 0, "forbidden"),
    (["unsent", "silence"], LegState.DOUBTFUL, 0, None),
    (["filled", "silence"], LegState.DOUBTFUL, 0, None),
    (["filled", "filled"], LegState.SETTLING, 0, None),
]
WORDS: dict[str, VenueError | None] = {
    "filled": None,
    "rejected": Rejected("no"),
    "forbidden": Rejected("forbidden", refusal=Refusal.NO_PERMISSION),
    "throttled": Throttled("slow", retry_after_seconds=1),
    "unsent": NotSent("no road"),
    "silence": Unanswered("silence"),
}


def answer_round(words: tuple[str, ...], order: tuple[int, ...]) -> Leg:
    orders = [close(1, f"id{n}") for n in range(len(words))]
    found = closing(*orders)
    for n in order:
        failure = WORDS[words[n]]
        event = (
            CloseAnswered(orders[n], report(1))
            if failure is None
            else Failed(Close(orders[n], 1.25), failure)
        )
        assert found.state is LegState.CLOSING
        found = advance(found, event, at(2)).now_is
    return found


@pytest.mark.parametrize(("words", "state", "refused", "reason"), MIXED)
def test_a_round_says_what_its_worst_answer_says_in_whatever_order_they_come(
    words: list[str], state: LegState, refused: int, reason: str | None
) -> None:
    for order in permutations(range(len(words))):
        found = answer_round(tuple(words), order)

        assert (found.state, found.refused) == (state, refused)
        if reason is not None:
            assert found.reason == reason


@given(words=st.lists(st.sampled_from(sorted(WORDS)), min_size=1, max_size=4), data=st.data())
def test_a_round_is_open_until_every_close_is_answered_and_then_never_closing(
    words: list[str], data: st.DataObject
) -> None:
    order = data.draw(st.permutations(range(len(words))))

    found = answer_round(tuple(words), tuple(order))

    assert found.in_flight == frozenset()
    assert found.state in {LegState.SETTLING, LegState.DOUBTFUL, LegState.STUCK}
    assert (found.state is LegState.DOUBTFUL) is ("silence" in words)
    assert found.refused <= 1


# --- our own orders in the way ------------------------------------------------------------------

UNBLOCKED = [
    # found, refused before -> blocked, state, refused, notes
    (True, 0, False, LegState.EXPOSED, 0, []),
    (False, 0, False, LegState.EXPOSED, 1, [Note.RETRY]),
    (False, 3, False, LegState.STUCK, 4, [Note.GIVEN_UP]),
    (True, 3, False, LegState.EXPOSED, 3, []),
]


@pytest.mark.parametrize(("found", "refused", "blocked", "state", "after", "said"), UNBLOCKED)
def test_a_leg_that_was_blocked_tries_again_once_our_orders_were_looked_for(
    found: bool, refused: int, blocked: bool, state: LegState, after: int, said: list[Note]
) -> None:
    decision = advance(leg(blocked=True, refused=refused), Unblocked(found), at(2))

    assert (decision.now_is.blocked, decision.now_is.state) == (blocked, state)
    assert (decision.now_is.refused, notes(decision)) == (after, said)
    if not found:
        assert decision.now_is.reason == "refused"


def test_the_reason_of_a_block_is_kept_when_it_is_counted() -> None:
    found = advance(leg(blocked=True, reason="-2022"), Unblocked(found=False), at(2)).now_is

    assert found.reason == "-2022"


@pytest.mark.parametrize("before", [leg(), settling(blocked=True), doubtful(blocked=True)])
def test_a_leg_that_does_not_wait_for_orders_is_not_unblocked(before: Leg) -> None:
    assert advance(before, Unblocked(found=True), at(2)).now_is == before


# --- what is no business of a leg ---------------------------------------------------------------


@pytest.mark.parametrize("state", LegState)
def test_the_failure_of_a_step_that_is_not_its_own_changes_nothing(state: LegState) -> None:
    before = in_state(state)

    assert advance(before, Failed(ReadPositions(), NotSent("no")), at(2)).now_is == before


def test_a_round_keeps_the_failure_that_says_most() -> None:
    kept = Round(quantity=D(2), failure=Rejected("first"))
    order, other = close(1, "a"), close(1, "b")

    found = failed(replace(closing(order, other), round=kept), Rejected("second"), order).now_is

    assert found.round is not None
    assert found.round.failure == Rejected("first")


def test_a_refusal_that_counts_is_not_hidden_by_one_because_of_our_orders() -> None:
    in_the_way = Rejected("-2022", refusal=Refusal.ORDERS_IN_THE_WAY)
    for failures in permutations([in_the_way, Rejected("no")]):
        found = closing(close(1, "a"), close(1, "b"))
        for name, failure in zip("ab", failures, strict=True):
            found = failed(found, failure, close(1, name)).now_is

        assert (found.refused, found.blocked, found.reason) == (1, False, "no")


def test_one_that_is_throttled_waits_from_when_it_was_said_also_with_another_in_doubt() -> None:
    found = closing(close(1, "a"), close(1, "b"))
    throttled = Throttled("slow", retry_after_seconds=0.5)
    found = failed(found, throttled, close(1, "a")).now_is
    found = failed(found, Unanswered("silence"), close(1, "b")).now_is

    assert (found.state, found.not_before) == (LegState.DOUBTFUL, 2.5)
