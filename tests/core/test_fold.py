"""One event into a run: where it belongs, what it hides, what comes too late."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import BTC, LONG, opener, position, rules, stop, working
from course import Course, closes

from goflat.core.decision import Note
from goflat.core.events import CloseAnswered, QueryAnswered
from goflat.core.looks import Part
from goflat.core.states import LegState, SweepState
from goflat.core.steps import CancelAll, CancelConditional, Close, Query, ReadPositions
from goflat.domain.listing import Unreadable
from goflat.domain.order import Book, OrderReport, OrderStatus
from goflat.domain.scope import Only
from goflat.errors import NotSent, Refusal, Rejected, Unanswered

D = Decimal
ETH = "ETHUSDT"


def begun(**changes: object) -> Course:
    course = Course(**changes)  # type: ignore[arg-type]
    course.start()
    course.rules(rules(), rules(ETH))
    return course


def state(course: Course, symbol: str = BTC) -> LegState:
    leg = course.run.holdings[symbol].leg(LONG)
    assert leg is not None
    return leg.state


# --- scope --------------------------------------------------------------------------------------


def test_what_lies_outside_the_scope_is_told_and_not_touched() -> None:
    course = begun(scope=Only(frozenset({BTC})))
    foreign = replace(position(1), symbol=ETH)

    asked = course.look(foreign, working("w9", ETH), stop("s9", symbol=ETH), opener("o9", ETH))

    assert not any(isinstance(s, Close | CancelAll | CancelConditional) for s in asked)
    assert set(course.run.holdings) <= {BTC}
    found = [(o.kind, o.symbol, o.id) for part in Part for o in course.run.outside[part]]
    assert found == [
        ("position", ETH, None),
        ("working order", ETH, "c-w9"),
        ("conditional order", ETH, "c-s9"),
        ("conditional order", ETH, "c-o9"),
    ]


def test_what_is_no_longer_there_is_no_longer_told() -> None:
    course = begun(scope=Only(frozenset({BTC})))
    course.positions(replace(position(1), symbol=ETH))
    course.positions(began=0.1)

    assert course.run.outside[Part.POSITIONS] == ()


# --- rows that could not be read ----------------------------------------------------------------

HIDES = [
    # the row names -> may it be the position that is not shown?
    (None, True),
    (BTC, True),
    (ETH, False),
]


@pytest.mark.parametrize(("symbol", "hides"), HIDES)
def test_a_row_that_could_not_be_read_never_means_nothing(symbol: str | None, hides: bool) -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)

    course.positions(began=0.2, holes=[Unreadable(reason="odd", symbol=symbol)])

    assert (state(course) is LegState.SETTLING) is hides
    assert course.run.looks[Part.POSITIONS].holes[0].symbol == symbol


@pytest.mark.parametrize(("symbol", "hides"), HIDES)
def test_nor_does_one_in_a_list_of_orders(symbol: str | None, hides: bool) -> None:
    course = begun()
    course.look(working(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)

    course.working(began=0.2, holes=[Unreadable(reason="odd", symbol=symbol)])

    acknowledged = course.run.holdings[BTC].working.state is SweepState.ACKNOWLEDGED
    assert acknowledged is hides


def test_what_does_show_beside_such_a_row_is_acted_on() -> None:
    course = begun()
    course.working()
    course.conditional()

    asked = course.positions(position(2), holes=[Unreadable(reason="odd")])

    assert len(closes(asked)) == 1
    assert Note.UNREADABLE in course.notes


def test_a_row_that_is_outside_the_scope_is_no_hole_of_ours() -> None:
    course = begun(scope=Only(frozenset({BTC})))

    course.positions(holes=[Unreadable(reason="odd", symbol=ETH)])

    assert course.run.looks[Part.POSITIONS].holes == ()


# --- what comes too late ------------------------------------------------------------------------


@pytest.mark.parametrize("part", Part)
def test_a_list_that_a_newer_one_has_overtaken_shows_nothing_that_counts(part: Part) -> None:
    course = begun()
    tell = {
        Part.POSITIONS: course.positions,
        Part.WORKING: course.working,
        Part.CONDITIONAL: course.conditional,
    }[part]
    row = {Part.POSITIONS: position(2), Part.WORKING: working(), Part.CONDITIONAL: opener()}[part]
    tell(began=0.5)  # type: ignore[operator]

    tell(row, began=0.4, now=0.6)  # type: ignore[operator]

    assert course.run.holdings == {}
    assert course.run.looks[part].read_began == 0.5


def test_a_reading_older_than_our_fills_counts_for_nothing_as_a_look_at_the_account() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)

    course.look(position(2), began=0.2)

    look = course.run.looks[Part.POSITIONS]
    assert Note.STALE_READING in course.notes
    assert look.read_began == 0.0
    assert look.reason == "a reading older than our fills"
    assert ReadPositions() in course.woke(look.not_before)


def test_an_empty_reading_of_a_position_that_is_gone_is_no_news() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)
    course.positions(began=0.2)
    assert course.notes.count(Note.GONE) == 1

    # The same instant again is a reading that counts, and says nothing new.
    course.positions(began=0.2, now=0.25)
    course.positions(began=0.3)

    assert course.notes.count(Note.GONE) == 1
    assert course.run.looks[Part.POSITIONS].read_began == 0.3


def test_a_position_that_comes_back_is_closed_again() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)
    course.look(began=0.2)

    # Within quiet time of our own fill it may be an older replica; after that it is believed.
    assert closes(course.look(position(1), began=0.4)) == []
    (again,) = closes(course.look(position(1), began=1.2))

    assert (again.quantity, again.client_order_id) == (D(1), "gf-tag-BTCUSDT-L2.1")
    assert Note.REOPENED in course.notes


def test_answers_that_come_twice_or_too_late_change_no_leg() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)
    course.look(began=0.2)
    before = course.run.holdings[BTC].legs

    course.tell(CloseAnswered(order, OrderReport(status=OrderStatus.FILLED, executed=D(2))), 0.4)
    course.tell(QueryAnswered(order, None), 0.5)
    course.failed(Query(order), Unanswered("silence"), 0.6)

    assert course.run.holdings[BTC].legs == before


def test_a_fill_that_is_learnt_by_asking_makes_older_readings_count_for_nothing() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.failed(Close(order, 1.25), Unanswered("silence"), 1.1)

    course.tell(QueryAnswered(order, OrderReport(status=OrderStatus.FILLED, executed=D(2))), 1.3)

    assert course.run.last_act == 1.3
    assert state(course) is LegState.SETTLING


def test_an_unknown_id_is_no_act() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.failed(Close(order, 1.25), Unanswered("silence"), 1.1)

    course.tell(QueryAnswered(order, None), 1.3)

    assert course.run.last_act == 1.1


def test_a_position_whose_stop_we_took_is_naked_until_it_is_shown_gone() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), stop(), now=0.1))
    in_the_way = Rejected("-2022", refusal=Refusal.ORDERS_IN_THE_WAY)
    course.failed(Close(order, 1.25), in_the_way, 0.2)
    course.cancelled(BTC, Book.CONDITIONAL, 0.3)
    (order,) = closes(course.look(position(2), began=0.3))
    course.filled(order, 0.5)

    course.look(began=0.6)

    (naked,) = course.run.holdings[BTC].naked
    assert (naked.side, naked.since, naked.until) == (LONG, 0.2, pytest.approx(0.62))


# --- cancels ------------------------------------------------------------------------------------


def test_a_single_cancel_that_fails_is_told_to_its_own_book() -> None:
    course = begun()
    course.look(position(2), stop(), opener(), now=0.1)

    course.failed(CancelConditional(opener()), Rejected("no"), 0.2)

    holding = course.run.holdings[BTC]
    assert (holding.conditional.refused, holding.working.refused) == (1, 0)


def test_a_cancelled_book_is_told_to_its_own_book_and_a_list_clears_it() -> None:
    course = begun()
    course.look(working(), opener(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)
    course.failed(CancelAll(BTC, Book.CONDITIONAL), NotSent("no"), 0.2)
    holding = course.run.holdings[BTC]
    assert (holding.working.state, holding.conditional.state) == (
        SweepState.ACKNOWLEDGED,
        SweepState.LISTED,
    )

    course.look(opener(), began=0.2)

    assert course.run.holdings[BTC].working.state is SweepState.CLEAR


def test_with_nothing_known_an_empty_list_makes_no_instrument() -> None:
    course = begun(scope=Only(frozenset({BTC})))

    course.look()

    assert course.run.holdings == {}


def test_a_wake_up_call_before_the_alarm_with_some_waiting_leaves_the_others_alone() -> None:
    course = begun()
    many = [working(f"w{n}", f"S{n:03}") for n in range(130)]
    course.working(*many)
    assert len(course.run.backlog) == 2

    asked = course.woke(0.02)

    assert [type(step) for step in asked] == [CancelAll, CancelAll]
    assert course.run.backlog == frozenset()
