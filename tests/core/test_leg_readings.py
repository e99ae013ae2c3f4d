"""What a reading means for one leg: which count, which are stale, what is dust, what came back."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import at, closing, doubtful, in_state, leg, position, settling, terms

from goflat.core.decision import Note
from goflat.core.leg import Leg, Seen, advance
from goflat.core.leg.known import Round
from goflat.core.states import LegState
from goflat.domain.time import LONG_AGO, NEVER
from goflat.errors import NotSent

D = Decimal


def see(
    leg_: Leg, quantity: object | None, began: float, now: float = 2.0, **changes: object
) -> tuple[Leg, list[Note]]:
    shown = None if quantity is None else position(quantity, **changes)
    decision = advance(leg_, Seen(shown, at(began)), at(now))
    assert decision.requests == ()
    return decision.now_is, [remark.note for remark in decision.remarks]


# --- what a counting reading does in every state ------------------------------------------------

SHOWN = [
    (LegState.EXPOSED, LegState.EXPOSED, []),
    (LegState.CLOSING, LegState.CLOSING, []),
    (LegState.DOUBTFUL, LegState.DOUBTFUL, []),
    (LegState.SETTLING, LegState.EXPOSED, []),
    (LegState.GONE, LegState.EXPOSED, [Note.REOPENED]),
    (LegState.STUCK, LegState.STUCK, []),
]
BARE = [
    (LegState.EXPOSED, LegState.GONE, [Note.GONE]),
    (LegState.CLOSING, LegState.CLOSING, []),
    (LegState.DOUBTFUL, LegState.GONE, [Note.GONE]),
    (LegState.SETTLING, LegState.GONE, [Note.GONE]),
    (LegState.GONE, LegState.GONE, []),
    (LegState.STUCK, LegState.GONE, [Note.GONE]),
]


@pytest.mark.parametrize(("before", "after", "notes"), SHOWN, ids=lambda v: getattr(v, "name", ""))
def test_a_reading_that_shows_the_position(
    before: LegState, after: LegState, notes: list[Note]
) -> None:
    found, said = see(in_state(before), "1.5", began=1.5)

    assert (found.state, said) == (after, notes)
    if before is not LegState.CLOSING:
        assert found.position == position("1.5")


@pytest.mark.parametrize(("before", "after", "notes"), BARE, ids=lambda v: getattr(v, "name", ""))
def test_a_reading_that_shows_it_gone(before: LegState, after: LegState, notes: list[Note]) -> None:
    found, said = see(in_state(before), None, began=1.5)

    assert (found.state, said) == (after, notes)
    if after is LegState.GONE:
        assert (found.position, found.reason, found.blocked, found.doubts) == (
            None,
            None,
            False,
            (),
        )


# --- which readings count -----------------------------------------------------------------------


@pytest.mark.parametrize("quantity", [None, "2", "0.5"])
@pytest.mark.parametrize("state", LegState)
def test_a_reading_begun_before_the_last_act_changes_nothing(
    state: LegState, quantity: str | None
) -> None:
    before = replace(in_state(state), last_act=at(1))

    found, said = see(before, quantity, began=0.999)

    assert (found, said) == (before, [])


@pytest.mark.parametrize("quantity", [None, "2", "0.5"])
@pytest.mark.parametrize("state", LegState)
def test_a_reading_that_a_newer_one_has_overtaken_changes_nothing(
    state: LegState, quantity: str | None
) -> None:
    before = replace(in_state(state), seen_began=at(3), last_act=LONG_AGO)

    found, said = see(before, quantity, began=2.9)

    assert (found, said) == (before, [])


@pytest.mark.parametrize("quantity", [None, "2"])
def test_while_a_close_is_on_its_way_no_reading_counts(quantity: str | None) -> None:
    assert see(closing(), quantity, began=1.9) == (closing(), [])


@pytest.mark.parametrize("began", [1.0, 1.001])
def test_a_reading_begun_at_the_last_act_or_later_counts(began: float) -> None:
    assert see(settling(), None, began=began)[0].state is LegState.GONE


# --- stale readings -----------------------------------------------------------------------------

FILLED = settling(
    round=Round(quantity=D(2), executed=D(2)),
    fills_leave=D(0),
    filled_at=at(1),
    filled_ms=1000,
)
STALE = [
    # what it shows, venue's time of it, began -> counts
    ("2", None, 1.5, False),
    ("2", 1000, 1.5, False),
    ("2", 999, 1.5, False),
    ("2", 1001, 1.5, True),  # the venue dates it after our fill: somebody opened it again
    ("2", 0, 1.5, False),  # zero is no time
    ("2", None, 1.999, False),
    ("2", None, 2.0, True),  # quiet time has gone by: a venue may lag, but not for ever
    ("2", 999, 2.0, True),
]


@pytest.mark.parametrize(("quantity", "ms", "began", "counts"), STALE)
def test_a_reading_that_shows_more_than_our_fills_leave(
    quantity: str, ms: int | None, began: float, counts: bool
) -> None:
    found, said = see(FILLED, quantity, began=began, updated_ms=ms)

    if counts:
        assert (found.state, said) == (LegState.EXPOSED, [])
        assert (found.fills_leave, found.filled_at, found.filled_ms) == (None, None, None)
    else:
        assert (found, said) == (FILLED, [Note.STALE_READING])


@pytest.mark.parametrize(
    ("leave", "quantity", "counts"),
    [("1", "1", True), ("1", "0.5", True), ("1", "1.001", False), (None, "2", True)],
)
def test_a_reading_is_stale_only_if_it_shows_more_than_our_fills_leave(
    leave: str | None, quantity: str, counts: bool
) -> None:
    before = replace(FILLED, fills_leave=None if leave is None else D(leave))

    assert (see(before, quantity, began=1.5)[1] == []) is counts


def test_without_a_time_of_our_fill_the_time_of_the_reading_says_nothing() -> None:
    before = replace(FILLED, filled_ms=None)

    assert see(before, "2", began=1.5, updated_ms=10**12)[1] == [Note.STALE_READING]


def test_gone_is_never_stale() -> None:
    assert see(FILLED, None, began=1.0)[0].state is LegState.GONE


def test_a_stale_reading_says_what_it_shows_and_what_our_fills_leave() -> None:
    decision = advance(FILLED, Seen(position(2), at(1.5)), at(2))

    assert decision.remarks[0].text == "shows 2, but our fills leave 0"
    assert decision.remarks[0].about == "BTCUSDT LONG"


# --- rounds that came to nothing ----------------------------------------------------------------

FRUITLESS = [
    # told, executed, failed, what the next reading shows -> counted as a refusal
    (False, "0", False, "2", True),
    (False, "0", False, "3", True),
    (False, "0", False, "1.9", False),
    (False, "1", False, "2", False),
    (True, "0", False, "2", False),
    (False, "0", True, "2", False),
]


@pytest.mark.parametrize(("told", "executed", "failed", "quantity", "counts"), FRUITLESS)
def test_an_answer_that_was_no_refusal_and_of_which_nothing_came_counts_as_one(
    told: bool, executed: str, failed: bool, quantity: str, counts: bool
) -> None:
    ended = Round(
        quantity=D(2),
        executed=D(executed),
        told=told,
        failure=NotSent("no road") if failed else None,
    )

    found, said = see(settling(round=ended), quantity, began=1.5)

    assert found.refused == int(counts)
    assert said == ([Note.RETRY] if counts else [])
    assert found.round is None


def test_the_last_fruitless_round_gives_up() -> None:
    ended = Round(quantity=D(2), told=False)

    found, said = see(settling(round=ended, refused=3), "2", began=1.5)

    assert found.state is LegState.STUCK
    assert said == [Note.GIVEN_UP]


def test_shown_while_exposed_nothing_is_counted() -> None:
    found, said = see(leg(round=Round(quantity=D(2), told=False)), "2", began=1.5)

    assert (found.refused, said) == (0, [])


# --- dust ---------------------------------------------------------------------------------------

DUST = [
    ("0.004", LegState.STUCK, "0.004"),
    ("0.005", LegState.EXPOSED, None),
    ("0.003", LegState.EXPOSED, None),
    (None, LegState.GONE, None),
]


@pytest.mark.parametrize(("quantity", "state", "dust"), DUST)
def test_dust_that_changes_is_looked_at_anew_and_dust_that_stays_is_left(
    quantity: str | None, state: LegState, dust: str | None
) -> None:
    before = leg(state=LegState.STUCK, dust=D("0.004"), position=position("0.004"))

    found, _ = see(before, quantity, began=1.5)

    assert found.state is state
    assert found.dust == (None if dust is None else D(dust))


def test_a_leg_that_was_given_up_for_another_reason_stays_so_whatever_it_shows() -> None:
    found, _ = see(in_state(LegState.STUCK), "99", began=1.5)

    assert found.state is LegState.STUCK
    assert found.position == position(99)


def test_a_leg_that_opens_again_says_with_how_much() -> None:
    decision = advance(in_state(LegState.GONE), Seen(position("0.3"), at(2)), at(2))

    assert decision.remarks[0].text == "quantity 0.3"


# --- when it wants to be asked again ------------------------------------------------------------


@pytest.mark.parametrize(
    ("before", "wakes_at"),
    [
        (leg(not_before=at(3)), 3.0),
        (leg(not_before=at(3), blocked=True), NEVER),
        (closing(), NEVER),
        (doubtful(), 1.0),
        (doubtful(doubts=()), NEVER),
        (settling(), NEVER),
        (in_state(LegState.GONE), NEVER),
        (in_state(LegState.STUCK), NEVER),
    ],
)
def test_a_leg_wakes_for_its_next_attempt_or_question_and_for_nothing_else(
    before: Leg, wakes_at: float
) -> None:
    assert before.wakes_at == wakes_at
    assert advance(before, Seen(None, LONG_AGO), at(0)).wake_at == wakes_at


@pytest.mark.parametrize(
    ("now", "seconds", "expected"),
    [(1, 0.5, 1.5), (4.2, 0.5, 4.5), (4.7, 0.5, 4.8), (4.7, 0.05, 4.75)],
)
def test_a_wait_ends_with_the_last_look_and_after_it_is_short(
    now: float, seconds: float, expected: float
) -> None:
    assert terms().retry_at(at(now), seconds) == expected


@pytest.mark.parametrize(
    ("answer_seconds", "silences", "now", "answer_by"),
    [
        (1.0, 0, 0, 1.0),
        (1.0, 1, 0, 2.0),
        (1.0, 2, 0, 4.0),
        (1.0, 3, 0, 5.0),
        (0.01, 99, 0, 0.32),
        (None, 0, 0, 5.0),
    ],
)
def test_an_answer_is_waited_for_twice_as_long_after_each_silence_up_to_the_deadline(
    answer_seconds: float | None, silences: int, now: float, answer_by: float
) -> None:
    found = terms(answer_seconds=answer_seconds).answer_by(at(now), silences)

    assert found == pytest.approx(answer_by)


def test_a_profit_that_was_claimed_is_believed_with_the_reading_that_shows_it_gone() -> None:
    claimed = Round(quantity=D("1.5"), told=False, claimed_pnl=D(3))

    gone, _ = see(replace(settling(), round=claimed, pnl=D(1)), None, began=1.5)
    shown, _ = see(replace(settling(), round=claimed, pnl=D(1)), "1.5", began=1.5)

    assert (gone.pnl, shown.pnl) == (D(4), D(1))
