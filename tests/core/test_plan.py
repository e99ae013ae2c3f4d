"""What a run asks for next: in which order, when, and what it leaves for later."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import BTC, at, opener, position, rules, stop, working
from course import Course, closes

from goflat.core.decision import Note
from goflat.core.events import CloseAnswered, Failed, PositionsRead, RulesRead, UsageSeen
from goflat.core.looks import Part
from goflat.core.manner import Manner
from goflat.core.plan import INSTRUMENTS_A_TURN, RULES_ATTEMPTS
from goflat.core.steps import (
    CancelAll,
    Close,
    ReadOrders,
    ReadPositions,
    ReadRules,
)
from goflat.domain.capabilities import Capabilities, Costs, Limits, Usage
from goflat.domain.config import LiquidationConfig
from goflat.domain.listing import Listing, Unreadable
from goflat.domain.order import Book, OrderReport, OrderStatus
from goflat.domain.outcome import LiquidationState
from goflat.domain.scope import Only
from goflat.domain.time import NEVER
from goflat.errors import NotSent, Throttled, Unanswered

D = Decimal
WORKING, CONDITIONAL = ReadOrders(Book.WORKING), ReadOrders(Book.CONDITIONAL)
LISTS = [ReadPositions(), WORKING, CONDITIONAL]
TIGHT = Limits(weight_per_minute=100, orders_per_ten_seconds=2, orders_per_minute=20)
HOLE = Unreadable(reason="odd", symbol=BTC)


def named(symbol: str, quantity: object = 2, **changes: object):
    return replace(position(quantity), symbol=symbol, **changes)


def settled(now: float = 0.5) -> Course:
    """A run that has seen the venue's rules and an account with nothing on it."""
    course = Course()
    course.start()
    course.rules(rules())
    course.look(now=now)
    return course


# --- the beginning ------------------------------------------------------------------------------


def test_a_run_begins_with_the_rules_and_every_list_at_once() -> None:
    course = Course()

    assert course.start() == [ReadRules(), *LISTS]
    assert {request.answer_by for request in course.requests} == {1.0}


@pytest.mark.parametrize(
    ("capabilities", "lists"),
    [
        (Capabilities(), LISTS),
        (Capabilities(lists_conditional_orders=False), [ReadPositions(), WORKING]),
        (
            Capabilities(lists_working_orders=False, lists_conditional_orders=False),
            [ReadPositions()],
        ),
    ],
)
def test_a_list_that_a_venue_cannot_give_is_not_asked_for(
    capabilities: Capabilities, lists: list[object]
) -> None:
    assert Course(capabilities=capabilities).start() == [ReadRules(), *lists]


def test_it_wakes_for_a_late_list_and_never_after_the_deadline() -> None:
    course = Course()
    course.start()
    assert course.wakes_at == 0.4
    assert course.woke(0.4) == LISTS
    course.look(now=0.45)
    course.rules(now=0.45)
    assert course.wakes_at <= 5.0


# --- rules --------------------------------------------------------------------------------------


def test_rules_that_do_not_come_are_asked_for_a_bounded_number_of_times() -> None:
    course, asked = Course(config=LiquidationConfig(timeout_seconds=30.0)), 1
    course.start()
    course.failed(ReadRules(), NotSent("no"), 0.05)
    for tenth in range(1, 290):
        if ReadRules() in course.woke(tenth / 10):
            asked += 1
            course.failed(ReadRules(), NotSent("no"), tenth / 10 + 0.05)

    assert asked == RULES_ATTEMPTS
    assert course.run.rules.reason == "no"


def test_a_close_does_not_wait_for_rules_that_failed() -> None:
    course = Course()
    course.start()
    course.look(position(3))
    assert closes(course.failed(ReadRules(), NotSent("no"), 0.1)) != []


def test_a_close_waits_for_rules_that_do_not_come_only_half_a_second() -> None:
    course = Course()
    course.start()
    assert closes(course.look(position(3))) == []
    assert course.wakes_at <= 0.5
    assert closes(course.woke(0.49)) == []

    assert [order.quantity for order in closes(course.woke(0.5))] == [D(3)]


def test_the_venues_limits_come_with_its_rules() -> None:
    course = Course(
        capabilities=Capabilities(
            limits=Limits(weight_per_minute=1, orders_per_ten_seconds=1, orders_per_minute=1)
        )
    )
    course.start()
    course.tell(RulesRead({}, TIGHT), 0.1)

    assert [window.limit for window in course.run.budget.orders] == [2, 20]
    assert course.run.rules.known == {}
    assert course.run.rules.of(BTC) is None


# --- the riskiest first -------------------------------------------------------------------------


def test_the_riskiest_instrument_is_closed_first_and_not_the_first_of_the_alphabet() -> None:
    course = Course()
    course.start()
    course.rules()
    course.working()
    course.conditional()

    orders = closes(
        course.positions(
            named("AAA", 1),
            named("BBB", 1, liquidation_price=D(50)),
            named("CCC", 1, liquidation_price=D(99)),
            named("DDD", 9),
        )
    )

    assert [order.symbol for order in orders] == ["CCC", "BBB", "DDD", "AAA"]


def test_many_instruments_are_planned_turn_by_turn_and_none_is_lost() -> None:
    course = Course()
    course.start()
    course.rules()
    course.working()
    course.conditional()
    many = [named(f"S{n:03}", n + 1) for n in range(2 * INSTRUMENTS_A_TURN + 5)]

    first = closes(course.positions(*many))
    assert len(first) == INSTRUMENTS_A_TURN
    assert course.wakes_at == 0.02  # at once: the others wait
    assert first[0].symbol == many[-1].symbol
    second = closes(course.woke(0.02))
    third = closes(course.woke(0.02))

    assert (len(second), len(third)) == (INSTRUMENTS_A_TURN, 5)
    assert len({order.symbol for order in first + second + third}) == len(many)
    assert course.run.backlog == frozenset()


def test_while_some_wait_nothing_is_proven() -> None:
    course = Course()
    course.start()
    course.rules()
    course.working(*(working(f"w{n}", f"S{n:03}") for n in range(INSTRUMENTS_A_TURN + 1)))

    assert course.run.backlog
    assert course.run.proof.began is None


# --- the budget ---------------------------------------------------------------------------------


def test_closes_for_which_there_is_no_room_wait_and_go_when_there_is() -> None:
    course = Course(capabilities=Capabilities(limits=TIGHT))
    course.start()
    course.rules()
    course.working()
    course.conditional()
    sent = closes(course.positions(*(named(f"S{n}", n + 1) for n in range(4))))

    assert [order.symbol for order in sent] == ["S3", "S2"]
    assert course.run.holdings["S1"].legs[0].state.name == "EXPOSED"


def test_a_position_is_not_cut_into_more_orders_than_there_is_room_for() -> None:
    course = Course(capabilities=Capabilities(limits=TIGHT))
    course.start()
    course.rules(rules())
    course.working()
    course.conditional()
    course.tell(UsageSeen(Usage(orders_per_ten_seconds=1)), 0.02)

    # Two pieces need two places, and one is left.
    assert closes(course.positions(position(20), now=0.03)) == []
    assert closes(course.look(position(20), began=0.1)) == []


def test_cancels_wait_for_weight_and_go_when_it_comes_back() -> None:
    limits = Limits(weight_per_minute=10, orders_per_ten_seconds=10, orders_per_minute=10)
    course = Course(
        capabilities=Capabilities(limits=limits, costs=Costs(cancel=4)),
        config=LiquidationConfig(timeout_seconds=30),
    )
    course.start()
    course.rules()
    asked = course.working(working("a", "AAA"), working("b", "BBB"), working("c", "CCC"))

    assert asked == [CancelAll("AAA", Book.WORKING), CancelAll("BBB", Book.WORKING)]


def test_readings_come_last_on_the_budget() -> None:
    limits = Limits(weight_per_minute=10, orders_per_ten_seconds=10, orders_per_minute=10)
    course = Course(capabilities=Capabilities(limits=limits, costs=Costs(read_positions=11)))

    # What is more than the whole limit goes while the window is empty, and then not again.
    assert ReadPositions() in course.start()
    assert ReadPositions() not in course.woke(0.4)


@pytest.mark.parametrize("orders_only", [True, False])
def test_after_a_throttle_nothing_of_its_kind_goes_until_it_may(orders_only: bool) -> None:
    course = Course()
    course.start()
    course.rules(rules())
    sent = course.look(position(2))
    (order,) = closes(sent)
    throttled = Throttled("slow", retry_after_seconds=2, orders_only=orders_only)
    asked = course.failed(Close(order, 1.25), throttled, 0.5)

    assert (ReadPositions() in asked) is orders_only
    assert closes(course.positions(position(2), began=0.5, now=0.7)) == []
    assert closes(course.positions(position(2), began=2.5, now=2.6)) != []


def test_rules_are_not_asked_for_while_the_venue_says_not_now() -> None:
    course = Course()
    course.start()
    course.failed(ReadRules(), Throttled("slow", retry_after_seconds=9), 0.1)

    assert ReadRules() not in course.woke(0.6)


# --- readings -----------------------------------------------------------------------------------


def test_a_list_that_failed_is_asked_for_again_after_a_wait() -> None:
    course = Course()
    course.start()
    course.rules()
    assert course.failed(ReadPositions(), Unanswered("silence"), 0.1) == []
    assert course.wakes_at == pytest.approx(0.2)

    assert ReadPositions() in course.woke(0.2)


@pytest.mark.parametrize("part", Part)
def test_holes_in_a_list_are_looked_into_again_and_prove_nothing(part: Part) -> None:
    course = Course()
    course.start()
    course.rules()
    hidden = Unreadable(reason="odd")
    course.positions(holes=[hidden] if part is Part.POSITIONS else [])
    course.working(holes=[hidden] if part is Part.WORKING else [])
    course.conditional(holes=[hidden] if part is Part.CONDITIONAL else [])

    assert course.run.has_holes
    assert course.run.proof.began is None
    assert course.notes.count(Note.UNREADABLE) == 1
    assert part.step not in course.woke(0.4)
    assert part.step in course.woke(0.53)


def test_acts_make_a_new_reading_needed_begun_after_they_were_answered() -> None:
    course = Course()
    course.start()
    course.rules(rules())
    (order,) = closes(course.look(position(2), now=0.1))

    assert course.filled(order, 0.2) == LISTS
    assert course.run.looks[Part.POSITIONS].in_flight == (0.2,)


def test_while_acts_are_under_way_readings_are_spaced() -> None:
    course = Course()
    course.start()
    course.rules(rules(), rules("ETHUSDT"))
    first, second = closes(course.look(position(2), named("ETHUSDT"), now=0.1))

    assert course.filled(first, 0.2) == []  # the last began at 0, and the next waits a little
    assert course.wakes_at == pytest.approx(0.25)
    assert course.filled(second, 0.21) == LISTS  # nothing more is under way: at once


def settled_after_close() -> tuple[Course, float]:
    course = Course()
    course.start()
    course.rules(rules())
    (order,) = closes(course.look(position(2), now=0.1))
    course.filled(order, 0.2)
    return course, 0.2


@pytest.mark.parametrize("began", [0.0, 0.1, 0.19])
def test_a_look_begun_before_the_last_act_was_answered_does_not_prove(began: float) -> None:
    course, _ = settled_after_close()
    course.look(began=began, now=0.3)

    assert course.run.proof.began is None


# --- the last look ------------------------------------------------------------------------------


def test_time_is_kept_for_one_last_reading_also_where_an_earlier_one_hangs() -> None:
    course = Course()
    course.start()
    course.rules()
    for now in (0.4, 1.2, 2.0, 4.0):
        course.woke(now)
    assert course.wakes_at <= 4.5

    assert set(LISTS) <= set(course.woke(4.5))
    assert course.woke(4.6) == []


def test_where_a_second_call_is_unsafe_the_one_that_hangs_is_left_alone() -> None:
    course = Course(capabilities=Capabilities(answer_seconds=None))
    course.start()
    for now in (0.4, 1.2, 4.5, 4.9):
        assert ReadPositions() not in course.woke(now)
    assert {request.answer_by for request in course.requests} == {5.0}


def test_the_deadline_ends_it_with_a_word_whatever_is_under_way() -> None:
    course = Course()
    course.start()

    assert course.woke(5.0) == []
    assert course.run.is_over
    assert course.notes[-1] is Note.DEADLINE


# --- proof --------------------------------------------------------------------------------------


def test_nothing_there_is_proven_by_two_looks_quiet_time_apart() -> None:
    course = settled(now=0.5)
    assert course.notes == [Note.BARE]
    assert course.wakes_at == pytest.approx(1.5)
    assert course.woke(1.4) == []
    assert course.woke(1.5) == LISTS
    assert not course.run.is_over

    course.look(began=1.5)

    assert course.run.is_over
    assert course.notes[-1] is Note.PROVEN
    assert course.verdict(1.6).state is LiquidationState.COMPLETED
    assert course.verdict(1.6).verified


def test_something_that_turns_up_between_the_looks_begins_it_again() -> None:
    course = settled(now=0.5)
    course.woke(1.5)

    sent = closes(course.look(position(1), began=1.5))

    assert [order.quantity for order in sent] == [D(1)]
    assert course.run.proof.began is None
    assert not course.run.is_over


def test_what_was_given_up_is_proven_to_be_left_and_not_to_be_flat() -> None:
    course = Course()
    course.start()
    course.rules(rules())
    course.look(position("0.004"), now=0.5)
    assert course.run.left == {"BTCUSDT LONG"}
    course.woke(1.5)
    course.look(position("0.004"), began=1.5)

    assert course.run.is_over
    assert course.notes[-2:] == [Note.SETTLED, Note.SETTLED]
    assert course.verdict(1.6).state is LiquidationState.PARTIAL


def test_with_orders_left_alone_by_configuration_they_do_not_keep_it_from_ending() -> None:
    course = Course(config=LiquidationConfig(cancel_orders=False))
    course.start()
    course.rules(rules())
    course.look(working(), stop(), opener(), now=0.5)
    assert course.run.left == frozenset()
    course.woke(1.5)
    course.look(working(), stop(), opener(), began=1.5)

    assert course.run.is_over
    assert course.verdict(1.6).state is LiquidationState.COMPLETED


def test_a_guards_run_proves_nothing_by_looks_from_before_its_fence_holds() -> None:
    course = Course(manner=Manner(proves_after=at(1.0)))
    course.start()
    course.rules()
    course.look(now=0.5)
    assert course.run.proof.began is None
    assert course.wakes_at == pytest.approx(1.0)
    assert course.woke(1.0) == LISTS

    course.look(began=1.0)

    assert course.run.proof.began == 1.0


# --- a second place to ask ----------------------------------------------------------------------

ELSEWHERE = ReadPositions(elsewhere=True)


def at_first_look() -> Course:
    """A run on a venue with two places to ask, that has shown everything bare once."""
    course = Course(capabilities=Capabilities(lists_positions_twice=True))
    assert ELSEWHERE not in course.start()
    course.rules(rules())
    course.look()
    return course


def test_the_look_that_completes_the_proof_asks_for_positions_at_the_other_place() -> None:
    course = at_first_look()

    assert set(course.woke(1.5)) == {ELSEWHERE, WORKING, CONDITIONAL}
    course.look(began=1.5)

    assert course.run.is_over


def test_where_the_other_place_gives_no_answer_the_usual_one_is_asked_at_once() -> None:
    course = at_first_look()
    course.woke(1.5)

    assert course.failed(ELSEWHERE, Unanswered("silence"), 1.6) == [ReadPositions()]
    course.look(began=1.6)

    assert course.run.is_over


def test_a_position_that_the_other_place_shows_is_closed() -> None:
    course = at_first_look()
    course.woke(1.5)

    assert len(closes(course.look(position(2), began=1.5))) == 1
    assert course.run.proof.began is None


# --- what comes late, twice or for nothing ------------------------------------------------------


def test_a_wake_up_call_out_of_season_plans_everything_anew_and_changes_nothing() -> None:
    course = settled(now=0.5)
    before = course.run

    assert course.woke(0.7) == []
    assert replace(course.run, alarm=before.alarm) == before


def test_usage_alone_plans_nothing() -> None:
    course = Course(capabilities=Capabilities(limits=TIGHT))
    course.start()

    assert course.tell(UsageSeen(Usage(weight_per_minute=50)), 0.1) == []


def test_an_event_at_the_alarm_does_what_was_due_as_well() -> None:
    course = Course()
    course.start()
    course.look(position(3))

    # The rules are late, and patience ends at 0.5: any event then lets the close go.
    assert closes(course.tell(UsageSeen(Usage()), 0.5)) != []


def test_a_scope_of_nothing_is_proven_without_an_act() -> None:
    course = Course(scope=Only(frozenset()))
    course.start()
    course.rules()
    assert closes(course.look(position(2), working(), stop(), now=0.5)) == []
    course.woke(1.5)
    course.look(position(2), working(), stop(), began=1.5)
    result = course.verdict(1.6)

    assert result.state is LiquidationState.COMPLETED
    assert [found.kind for found in result.outside_scope] == [
        "position",
        "working order",
        "conditional order",
    ]
    assert all(not isinstance(r.step, Close | CancelAll) for r in course.requests)


def test_a_budget_event_for_a_position_read_twice_is_harmless() -> None:
    course = settled(now=0.5)
    event = PositionsRead(Listing(rows=()), at(0.0))

    assert course.tell(event, 0.6) == []
    assert course.tell(event, 0.7) == []


def test_nothing_is_asked_for_once_it_is_over() -> None:
    course = settled(now=0.5)
    course.woke(1.5)
    course.look(began=1.5)
    assert course.run.is_over

    assert course.woke(1.7) == []
    assert course.wakes_at != NEVER


def test_a_failure_says_the_same_thing_to_the_close_and_to_the_budget() -> None:
    course = Course(capabilities=Capabilities(limits=TIGHT))
    course.start()
    course.rules(rules())
    (order,) = closes(course.look(position(2), now=0.1))
    course.tell(Failed(Close(order, 1.25), Throttled("slow", retry_after_seconds=1)), 0.2)

    assert course.run.budget.shut_until == pytest.approx(1.2)
    assert course.run.acts_in_flight == 0
    assert course.run.last_act == 0.2


def test_an_order_in_doubt_is_not_asked_about_while_the_venue_says_not_now() -> None:
    course = Course()
    course.start()
    course.rules(rules())
    first, second = closes(
        course.look(position(2), replace(position(2), symbol="ETHUSDT"), now=0.1)
    )
    course.failed(Close(first, 1.25), Throttled("slow", retry_after_seconds=1), 0.2)
    asked = course.failed(Close(second, 1.25), Unanswered("silence"), 0.3)
    assert asked == []

    later = course.woke(1.2)

    assert [type(step).__name__ for step in later if step not in LISTS] == ["Query"]


def test_an_unfinished_order_is_asked_about_at_once() -> None:
    course = Course()
    course.start()
    course.rules(rules())
    (order,) = closes(course.look(position(2), now=0.1))
    said = OrderReport(status=OrderStatus.NEW, executed=D(0))

    asked = course.tell(CloseAnswered(order, said), 0.2)

    assert [type(step).__name__ for step in asked if step not in LISTS] == ["Query"]
