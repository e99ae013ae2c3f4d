"""One instrument: cancel what could open, then close; keep, lay bare and put back its stops."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import BTC, LONG, SHORT, opener, position, rules, stop, working
from course import Course, closes, stops

from goflat.core.events import Protected, Woke
from goflat.core.holding import RESTORE_ATTEMPTS
from goflat.core.manner import Manner
from goflat.core.pacing import Budget
from goflat.core.states import LegState, SweepState
from goflat.core.steps import CancelAll, CancelConditional, Close, Protect, Query
from goflat.domain.capabilities import Capabilities, Limits
from goflat.domain.config import LiquidationConfig
from goflat.domain.listing import Unreadable
from goflat.domain.order import Book, ConditionalOrder
from goflat.domain.outcome import LegOutcome, LiquidationState
from goflat.domain.position import LegKey
from goflat.domain.scope import Everything, Only, Scope
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered

D = Decimal
CANCEL_WORKING = CancelAll(BTC, Book.WORKING)
CANCEL_CONDITIONAL = CancelAll(BTC, Book.CONDITIONAL)
IN_THE_WAY = Rejected("-2022", refusal=Refusal.ORDERS_IN_THE_WAY)
FORBIDDEN = Rejected("-2015", refusal=Refusal.NO_PERMISSION)


def begun(**changes: object) -> Course:
    """A run that knows the rules and was not shown anything yet."""
    course = Course(**changes)  # type: ignore[arg-type]
    course.start()
    course.rules(rules())
    return course


def acts(steps: list[object]) -> list[object]:
    return [
        step for step in steps if isinstance(step, Close | CancelAll | CancelConditional | Protect)
    ]


def leg_of(course: Course):
    return course.run.holdings[BTC].leg(LONG)


# --- cancel, then close -------------------------------------------------------------------------


def test_working_orders_are_cancelled_and_the_close_follows_when_that_is_answered() -> None:
    course = begun()
    asked = acts(course.look(position(2), working(), now=0.1))
    assert asked == [CANCEL_WORKING]

    (order,) = closes(course.cancelled(BTC, Book.WORKING, 0.2))

    assert order.quantity == 2


def test_a_close_does_not_wait_longer_than_half_a_second_for_a_cancel() -> None:
    course = begun()
    course.look(position(2), working(), now=0.1)
    assert course.wakes_at <= 0.6
    assert closes(course.woke(0.55)) == []

    assert len(closes(course.woke(0.6))) == 1


def test_a_close_does_not_wait_for_a_cancel_that_failed() -> None:
    course = begun()
    course.look(position(2), working(), now=0.1)

    assert len(closes(course.failed(CANCEL_WORKING, Rejected("no"), 0.2))) == 1


def test_a_failed_cancel_is_sent_again_beside_the_close() -> None:
    course = begun()
    course.look(position(2), working(), now=0.1)
    course.failed(CANCEL_WORKING, NotSent("no"), 0.2)

    assert CANCEL_WORKING in course.woke(0.3)


def test_a_close_waits_for_the_lists_that_have_not_come_and_not_for_long() -> None:
    course = begun()
    assert closes(course.positions(position(2), now=0.1)) == []
    assert closes(course.conditional(now=0.1)) == []
    assert course.wakes_at <= 0.5

    # The regular book goes unseen then, and the close waits for that cancel, as for any.
    assert acts(course.woke(0.5)) == [CANCEL_WORKING]
    assert len(closes(course.woke(1.0))) == 1


def test_the_list_of_conditional_orders_holds_a_close_for_half_a_second_at_most() -> None:
    course = begun()
    course.positions(position(2), now=0.1)
    assert closes(course.working(now=0.1)) == []

    assert len(closes(course.woke(0.5))) == 1


def test_with_cancel_orders_off_no_list_and_no_order_holds_a_close() -> None:
    course = begun(config=LiquidationConfig(cancel_orders=False))

    assert len(closes(course.positions(position(2), now=0.1))) == 1
    assert acts(course.working(working(), now=0.1)) == []
    assert acts(course.conditional(stop(), opener(), now=0.1)) == []


def test_with_close_positions_off_orders_are_cancelled_and_positions_left_with_their_stops() -> (
    None
):
    course = begun(config=LiquidationConfig(close_positions=False))

    asked = acts(course.look(position(2), working(), stop(), opener(), now=0.1))

    assert asked == [CANCEL_WORKING, CancelConditional(opener())]
    assert closes(course.woke(0.7)) == []
    leg = course.verdict(0.8).legs[0]
    assert (leg.outcome, leg.reason) == (
        LegOutcome.LEFT,
        "close_positions is off: not touched; 1 protective stop(s) stay in place",
    )


# --- books that cannot be listed ----------------------------------------------------------------

NO_LISTS = Capabilities(lists_working_orders=False, lists_conditional_orders=False)


def test_a_book_that_cannot_be_listed_is_cancelled_unseen_and_once() -> None:
    course = begun(capabilities=NO_LISTS)
    asked = acts(course.positions(position(2), now=0.1))
    assert asked == [CANCEL_WORKING]

    after = acts(course.cancelled(BTC, Book.WORKING, 0.2))

    assert [type(step) for step in after] == [Close]
    assert CANCEL_WORKING not in course.woke(0.7)


def test_instruments_that_were_named_are_cancelled_unseen_also_without_a_position() -> None:
    course = Course(capabilities=NO_LISTS, scope=Only(frozenset({"ETHUSDT", BTC})))

    asked = acts(course.start())

    assert asked == [CANCEL_WORKING, CancelAll("ETHUSDT", Book.WORKING)]


@pytest.mark.parametrize("scope", [Everything(), Only(frozenset({BTC}))])
def test_where_lists_can_be_had_nothing_is_cancelled_unseen_at_the_start(scope: Scope) -> None:
    assert acts(Course(scope=scope).start()) == []


def test_a_list_that_failed_lets_the_book_be_cancelled_unseen_but_never_the_conditional_one() -> (
    None
):
    course = begun()
    course.positions(position(2), now=0.1)
    course.conditional(now=0.1)

    asked = acts(course.failed_list(Book.WORKING, 0.2))

    assert asked == [CANCEL_WORKING]


def test_conditional_orders_that_could_not_be_listed_are_not_cancelled_unseen() -> None:
    course = begun()
    course.positions(position(2), now=0.1)
    course.working(now=0.1)

    asked = acts(course.failed_list(Book.CONDITIONAL, 0.2)) + acts(course.woke(0.7))

    assert [type(step) for step in asked] == [Close]


def test_a_list_that_does_not_come_is_waited_for_before_the_unseen_cancel() -> None:
    course = begun()
    course.positions(position(2), now=0.1)
    course.conditional(now=0.1)
    assert acts(course.woke(0.4)) == []

    assert acts(course.woke(0.5)) == [CANCEL_WORKING]


# --- which stops stay ---------------------------------------------------------------------------

HIDDEN = Unreadable(reason="odd", symbol=BTC)
KEPT: list[tuple[list[object], list[Unreadable], Manner, list[object]]] = [
    ([position(2), stop()], [], Manner(), []),
    ([stop()], [], Manner(), [CANCEL_CONDITIONAL]),
    ([position(2), stop(), opener()], [], Manner(), [CancelConditional(opener())]),
    ([stop(), opener()], [HIDDEN], Manner(), [CancelConditional(opener())]),
    ([stop(), opener()], [Unreadable(reason="odd")], Manner(), [CancelConditional(opener())]),
    ([stop()], [Unreadable(reason="odd", symbol="ETHUSDT")], Manner(), [CANCEL_CONDITIONAL]),
    ([position(2), stop()], [], Manner(keeps_stops=False), [CANCEL_CONDITIONAL]),
    ([position(2), stop()], [], Manner(keeps_stops=False, mine=frozenset()), []),
    ([stop()], [], Manner(mine=frozenset()), []),
    (
        [position(2), stop(), stop("s2", SHORT)],
        [],
        Manner(keeps_stops=False, mine=frozenset({LegKey(BTC, LONG)})),
        [CancelConditional(stop())],
    ),
]


@pytest.mark.parametrize(("rows", "holes", "manner", "cancels"), KEPT)
def test_which_conditional_orders_go_at_once(
    rows: list[object], holes: list[Unreadable], manner: Manner, cancels: list[object]
) -> None:
    course = begun(manner=manner)
    held = [row for row in rows if not isinstance(row, ConditionalOrder)]
    found = [row for row in rows if isinstance(row, ConditionalOrder)]
    course.positions(*held, holes=holes)  # type: ignore[arg-type]
    course.working()

    asked = acts(course.conditional(*found))

    assert [step for step in asked if not isinstance(step, Close)] == cancels


def test_while_positions_were_not_read_every_stop_stays() -> None:
    course = begun()
    course.working()

    assert acts(course.conditional(stop(), opener())) == [CancelConditional(opener())]
    # A reading without the position lets the stop go as well.
    course.conditional_cancelled(opener(), 0.1)
    course.conditional(stop(), began=0.1)
    assert acts(course.positions(began=0.2)) == [CANCEL_CONDITIONAL]


def test_a_stop_goes_when_a_reading_shows_its_position_gone() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), stop(), now=0.1))
    assert acts(course.filled(order, 0.2)) == []

    assert acts(course.positions(began=0.2)) == [CANCEL_CONDITIONAL]


# --- refused because of our own orders ----------------------------------------------------------


def blocked(**changes: object) -> tuple[Course, list[object]]:
    """The venue has refused the close because of the stop."""
    course = begun(**changes)
    (order,) = closes(course.look(position(2), stop(), now=0.1))
    return course, acts(course.failed(Close(order, 1.25), IN_THE_WAY, 0.2))


def test_a_close_that_the_venue_refuses_because_of_the_stop_takes_the_stop_away_first() -> None:
    course, asked = blocked()

    assert asked == [CANCEL_CONDITIONAL]
    assert course.run.holdings[BTC].naked[0].since == 0.2
    again = course.cancelled(BTC, Book.CONDITIONAL, 0.3)
    assert closes(again) == []
    (order,) = closes(course.look(position(2), began=0.3))
    assert order.client_order_id.endswith("L2.1")


def test_it_counts_as_a_refusal_where_no_order_of_ours_is_found() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.failed(Close(order, 1.25), IN_THE_WAY, 0.2)

    course.look(position(2), began=0.2)

    leg = leg_of(course)
    assert (leg.refused, leg.blocked) == (1, False)
    assert leg.not_before > 0.22


def test_until_both_books_were_listed_again_it_waits() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.failed(Close(order, 1.25), IN_THE_WAY, 0.2)

    course.positions(position(2), began=0.2)
    assert leg_of(course).blocked
    course.working(began=0.2)
    assert leg_of(course).blocked
    course.conditional(began=0.2)
    assert not leg_of(course).blocked


def test_lists_that_do_not_come_hold_the_next_close_for_half_a_second() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))
    course.failed(Close(order, 1.25), IN_THE_WAY, 0.2)
    course.positions(position(2), began=0.2)
    assert course.wakes_at <= 0.7
    assert closes(course.woke(0.6)) == []

    (again,) = closes(course.woke(0.7))

    assert again.client_order_id.endswith("L2.1")
    assert leg_of(course).refused == 0


def test_with_cancel_orders_off_there_is_nothing_to_look_for() -> None:
    course = begun(config=LiquidationConfig(cancel_orders=False))
    (order,) = closes(course.look(position(2), stop(), now=0.1))
    course.failed(Close(order, 1.25), IN_THE_WAY, 0.2)

    course.positions(position(2), began=0.2)

    assert not leg_of(course).blocked
    assert leg_of(course).refused == 1


# --- stops that go back -------------------------------------------------------------------------


def laid_bare() -> Course:
    """The stop was taken away because the venue asked for it, and the position still shows."""
    course, _ = blocked()
    course.cancelled(BTC, Book.CONDITIONAL, 0.3)
    return course


def given_up() -> tuple[Course, list[object]]:
    """And now the venue refuses the close for good."""
    course = laid_bare()
    (order,) = closes(course.look(position(2), began=0.3))
    return course, course.failed(Close(order, 1.25), FORBIDDEN, 0.5)


def test_a_close_that_is_refused_for_good_puts_the_stop_back_at_once() -> None:
    _, asked = given_up()

    (found,) = stops(asked)  # type: ignore[arg-type]
    assert found.order == stop()
    assert found.client_order_id == "gf-tag-BTCUSDTs1-P1"


def test_once_it_is_back_the_position_is_covered_and_the_leg_says_so() -> None:
    course, asked = given_up()
    (found,) = stops(asked)  # type: ignore[arg-type]
    course.tell(Protected(found), 0.6)
    course.woke(0.7)
    leg = course.verdict(0.8).legs[0]

    assert leg.naked_seconds == pytest.approx(0.4)
    assert leg.reason == "-2015; 1 protective stop(s) put back"
    assert stops(course.woke(2.0)) == []


def test_one_that_does_not_go_back_is_tried_a_bounded_number_of_times_and_said() -> None:
    course, asked = given_up()
    tried = 0
    for n in range(1, 9):
        for found in stops(asked):  # type: ignore[arg-type]
            tried += 1
            assert found.client_order_id.endswith(f"P{tried}")
            asked = course.failed(Protect(found), Rejected("no"), 0.5 + n * 0.1)

    assert tried == RESTORE_ATTEMPTS
    assert "1 protective stop(s) could not be put back" in str(course.verdict(2.0).legs[0].reason)
    assert course.verdict(2.0).legs[0].naked_seconds == pytest.approx(1.8)


def test_while_it_is_on_its_way_it_is_not_sent_twice() -> None:
    course, _ = given_up()

    assert stops(course.woke(0.6)) == []
    assert stops(course.look(position(2), began=0.6)) == []


def test_at_the_last_look_a_position_that_still_shows_gets_its_stop_back() -> None:
    course = laid_bare()
    (order,) = closes(course.look(position(2), began=0.3))
    throttled = Throttled("slow", retry_after_seconds=60)
    course.failed(Close(order, 1.25), throttled, 0.5)
    course.tell(Woke(), 4.4)
    course.look(position(2), began=4.4)
    assert course.run.holdings[BTC].restores == ()

    course.run = replace(course.run, budget=Budget())  # the venue listens again

    assert [found.order for found in stops(course.woke(4.5))] == [stop()]


def test_one_in_doubt_gets_it_back_half_of_the_last_look_later() -> None:
    course = laid_bare()
    (order,) = closes(course.look(position(2), began=0.3))
    course.failed(Close(order, 1.25), Unanswered("silence"), 1.3)
    assert stops(course.woke(4.5)) == []

    assert [found.order for found in stops(course.woke(4.75))] == [stop()]


def test_one_that_is_closed_by_all_we_know_gets_none() -> None:
    course = laid_bare()
    (order,) = closes(course.look(position(2), began=0.3))
    course.filled(order, 0.5)

    assert stops(course.woke(4.75)) == []


def test_one_that_went_unanswered_is_not_sent_again_before_a_list_can_tell() -> None:
    course, asked = given_up()
    (found,) = stops(asked)  # type: ignore[arg-type]

    assert stops(course.failed(Protect(found), Unanswered("silence"), 1.5)) == []
    assert stops(course.woke(2.0)) == []
    # A list begun after the silence is without it.
    (again,) = stops(course.look(position(2), began=2.0))

    assert again.client_order_id.endswith("P2")


def test_one_that_went_unanswered_and_is_listed_is_back() -> None:
    course, asked = given_up()
    (found,) = stops(asked)  # type: ignore[arg-type]
    course.failed(Protect(found), Unanswered("silence"), 1.5)
    stands = replace(stop("s9"), client_order_id=found.client_order_id)

    assert stops(course.look(position(2), stands, began=2.0)) == []
    assert course.run.holdings[BTC].restores[0].done_at == pytest.approx(2.02)
    assert course.verdict(2.1).legs[0].reason == "-2015; 1 protective stop(s) put back"


def test_where_no_list_tells_it_is_sent_again_half_of_the_last_look_later() -> None:
    course, asked = given_up()
    (found,) = stops(asked)  # type: ignore[arg-type]
    course.failed(Protect(found), Unanswered("silence"), 1.5)
    assert stops(course.woke(4.5)) == []

    assert len(stops(course.woke(4.75))) == 1


def test_one_that_was_put_back_and_vanished_is_put_back_again() -> None:
    course, asked = given_up()
    (found,) = stops(asked)  # type: ignore[arg-type]
    course.tell(Protected(found), 0.6)

    (again,) = stops(course.look(position(2), began=0.7))

    assert again.client_order_id.endswith("P2")


def test_in_the_last_half_second_a_stop_that_blocks_is_not_taken_away_any_more() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), stop(), now=0.1))
    course.failed(Close(order, 1.25), Throttled("slow", retry_after_seconds=4), 0.2)
    (order,) = closes(course.look(position(2), stop(), began=4.2))

    assert acts(course.failed(Close(order, 1.25), IN_THE_WAY, 4.6)) == []


def test_dust_gets_its_stop_back_like_whatever_stays() -> None:
    course = laid_bare()
    (order,) = closes(course.look(position(2), began=0.3))
    too_small = Rejected("-4003", refusal=Refusal.TOO_SMALL)

    assert len(stops(course.failed(Close(order, 1.25), too_small, 0.5))) == 1


def test_a_stop_waits_for_a_place_on_the_order_limit() -> None:
    one = Limits(weight_per_minute=999, orders_per_ten_seconds=2, orders_per_minute=99)
    course, _ = blocked(
        capabilities=Capabilities(limits=one), config=LiquidationConfig(timeout_seconds=30)
    )
    course.cancelled(BTC, Book.CONDITIONAL, 0.3)
    (order,) = closes(course.look(position(2), began=0.3))
    assert stops(course.failed(Close(order, 1.25), FORBIDDEN, 0.5)) == []

    assert len(stops(course.woke(10.2))) == 1


# --- silence ------------------------------------------------------------------------------------


def test_a_close_in_doubt_is_asked_about_and_the_rest_of_the_run_goes_on() -> None:
    course = begun()
    (order,) = closes(course.look(position(2), now=0.1))

    asked = course.failed(Close(order, 1.25), Unanswered("silence"), 1.1)

    assert Query(order) in asked
    assert course.failed(Query(order), NotSent("no"), 1.2).count(Query(order)) == 0
    assert course.wakes_at <= 1.4
    assert Query(order) in course.woke(1.4)


# --- verdict of a whole course ------------------------------------------------------------------


def test_a_whole_course_from_orders_and_a_stop_to_proven_flat() -> None:
    course = begun()
    course.look(position(2), working(), stop(), now=0.1)
    (order,) = closes(course.cancelled(BTC, Book.WORKING, 0.2))
    course.filled(order, 0.3)
    course.look(stop(), began=0.3)
    course.cancelled(BTC, Book.CONDITIONAL, 0.4)
    course.look(began=0.4)
    assert course.run.proof.began == 0.4
    course.woke(1.42)
    course.look(began=1.42)
    result = course.verdict(1.5)

    assert course.run.is_over
    assert (result.state, result.verified) == (LiquidationState.COMPLETED, True)
    assert (result.positions_closed, result.orders_cancelled) == (1, 2)
    leg = result.legs[0]
    assert (leg.outcome, leg.orders_cancelled, leg.naked_seconds) == (LegOutcome.FLAT, 2, None)
    assert course.run.holdings[BTC].working.state is SweepState.CLEAR
    assert leg_of(course).state is LegState.GONE


def test_two_sides_of_hedge_mode_are_two_legs_with_stops_of_their_own() -> None:
    course = begun()
    short = replace(position(1), side=SHORT)
    sent = closes(course.look(position(2), short, stop(), stop("s2", SHORT), now=0.1))
    assert sorted(order.side.value for order in sent) == ["BUY", "SELL"]
    by_side = {order.position.side: order for order in sent}
    course.filled(by_side[LONG], 0.2)
    course.filled(by_side[SHORT], 0.2)

    # The row of the short is older than its own fill; that the long is gone was not shown before.
    asked = acts(course.look(short, stop(), stop("s2", SHORT), began=0.2))

    assert asked == [CancelConditional(stop())]
    known = course.run.holdings[BTC].leg(SHORT)
    assert known is not None
    assert known.state is LegState.SETTLING
