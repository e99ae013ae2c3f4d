"""The only place that says flat: every outcome, count and sentence of it."""

import json
from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import BTC, LONG, SHORT, opener, position, rules, stop, working
from course import Course, closes

from goflat.core.events import BookCancelled, CloseAnswered
from goflat.core.steps import CancelAll, CancelConditional, Close, ReadOrders, ReadPositions
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.listing import Unreadable
from goflat.domain.order import Book, CloseOrder, OrderReport, OrderStatus
from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.domain.scope import Only
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered

D = Decimal
ETH = "ETHUSDT"
COMPLETED, PARTIAL, FAILED = (
    LiquidationState.COMPLETED,
    LiquidationState.PARTIAL,
    LiquidationState.FAILED,
)
FORBIDDEN = Rejected("-2015 no permission", refusal=Refusal.NO_PERMISSION)
BLIND = Capabilities(lists_working_orders=False, lists_conditional_orders=False)


def begun(**changes: object) -> Course:
    course = Course(**changes)  # type: ignore[arg-type]
    course.start()
    course.rules(rules(), rules(ETH))
    return course


def prove(course: Course, *rows: object, began: float = 1.5) -> LiquidationResult:
    """Two agreeing looks at what is left, quiet time apart."""
    for instant in (began, began + 1.5):
        course.woke(instant)
        course.look(*rows, began=instant)  # type: ignore[arg-type]
    assert course.run.is_over
    return course.verdict(began + 1.6)


def only_leg(result: LiquidationResult) -> LegResult:
    (leg,) = result.legs
    return leg


def sent(course: Course, *rows: object) -> CloseOrder:
    (order,) = closes(course.look(position(2), *rows, now=0.1))  # type: ignore[arg-type]
    return order


# --- the four endings ---------------------------------------------------------------------------


def test_an_empty_account_is_completed_and_verified() -> None:
    result = prove(begun())

    assert (result.state, result.verified, result.legs) == (COMPLETED, True, ())
    assert result.error_message is None
    assert result.correlation_id == "liq_20260101_tag"
    assert result.total_duration_seconds == 3.1


def test_a_position_that_was_closed_is_completed_with_its_order_and_profit() -> None:
    course = begun()
    order = sent(course)
    report = OrderReport(status=OrderStatus.FILLED, executed=D(2), realized_pnl=D("-1.5"))
    course.tell(CloseAnswered(order, report), 0.2)

    result = prove(course)

    assert (result.state, result.verified, result.realized_pnl) == (COMPLETED, True, D("-1.5"))
    assert (result.positions_closed, result.positions_failed) == (1, 0)
    assert only_leg(result) == LegResult(
        symbol=BTC,
        side=LONG,
        outcome=LegOutcome.FLAT,
        quantity=D(2),
        quantity_left=D(0),
        order_ids=(order.client_order_id,),
    )


def test_gone_by_somebody_elses_hand_is_gone() -> None:
    course = begun()
    course.failed(Close(sent(course), 1.25), Rejected("no"), 0.2)

    result = prove(course)

    assert (result.state, result.positions_closed) == (COMPLETED, 1)
    assert result.realized_pnl is None


def test_one_of_two_is_partial_and_the_leg_says_why() -> None:
    course = begun()
    orders = closes(course.look(position(2), replace(position(1), symbol=ETH), now=0.1))
    by_symbol = {order.symbol: order for order in orders}
    course.filled(by_symbol[BTC], 0.2)
    course.failed(Close(by_symbol[ETH], 1.25), FORBIDDEN, 0.2)

    result = prove(course, replace(position(1), symbol=ETH))

    assert (result.state, result.verified, result.error_message) == (PARTIAL, False, None)
    assert (result.positions_closed, result.positions_failed) == (1, 1)
    assert [(leg.symbol, leg.outcome, leg.reason, leg.quantity_left) for leg in result.legs] == [
        (BTC, LegOutcome.FLAT, None, D(0)),
        (ETH, LegOutcome.OPEN, "-2015 no permission", D(1)),
    ]
    assert result.legs[1].notional_left == 100


def test_nothing_closed_is_failed() -> None:
    course = begun()
    course.failed(Close(sent(course), 1.25), FORBIDDEN, 0.2)

    result = prove(course, position(2))

    assert (result.state, result.positions_closed, result.positions_failed) == (FAILED, 0, 1)


def test_dust_is_an_outcome_of_its_own_with_its_value_and_makes_it_partial() -> None:
    course = begun()
    course.look(position("0.004"), now=0.1)

    result = prove(course, position("0.004"))

    assert (result.state, result.positions_closed, result.positions_failed) == (PARTIAL, 0, 1)
    leg = only_leg(result)
    assert (leg.outcome, leg.quantity_left) == (LegOutcome.DUST, D("0.004"))
    assert leg.notional_left == D("0.4")
    assert str(leg.reason).startswith("dust: 0.004 is less than")


# --- what was reached at a deadline -------------------------------------------------------------


def at_deadline(course: Course) -> LiquidationResult:
    course.woke(5.0)
    assert course.run.is_over
    return course.verdict(5.0)


def exposed(course: Course) -> None:
    course.failed(Close(sent(course), 1.25), Throttled("slow", retry_after_seconds=60), 0.2)
    course.look(position(2), began=0.2)


DEADLINE = {
    "closing": (
        sent,
        LegOutcome.UNPROVEN,
        None,
        "the close was still unanswered at the deadline",
    ),
    "doubtful": (
        lambda course: course.failed(Close(sent(course), 1.25), Unanswered("silence"), 1.1),
        LegOutcome.UNPROVEN,
        None,
        "the close went unanswered, and what became of it is not known (last: silence)",
    ),
    "settling": (
        lambda course: course.filled(sent(course), 0.2),
        LegOutcome.UNPROVEN,
        None,
        "no reading begun after the last act came back before the deadline",
    ),
    "exposed, refused": (exposed, LegOutcome.OPEN, D(2), "slow"),
    "exposed, untouched": (
        lambda course: course.positions(position(2), began=4.9),
        LegOutcome.OPEN,
        D(2),
        "the deadline came before it could be closed",
    ),
}


@pytest.mark.parametrize("how", DEADLINE)
def test_a_leg_at_the_deadline_says_how_far_it_came(how: str) -> None:
    reach, outcome, left, reason = DEADLINE[how]
    course = Course() if how == "exposed, untouched" else begun()
    course.start()
    reach(course)
    result = at_deadline(course)

    leg = only_leg(result)
    assert (leg.outcome, leg.quantity_left, leg.reason) == (outcome, left, reason)
    assert (result.state, result.verified) == (FAILED, False)


def test_flat_once_and_the_deadline_before_the_second_look_is_partial() -> None:
    course = begun()
    course.filled(sent(course), 0.2)
    course.look(began=0.3)

    result = at_deadline(course)

    assert (result.state, result.verified, result.positions_closed) == (PARTIAL, False, 1)
    assert result.error_message == (
        "the deadline came before two agreeing looks at the account had shown it flat"
    )


@pytest.mark.parametrize("verdicts", [1, 3])
def test_asking_twice_changes_nothing_and_it_can_be_asked_at_any_time(verdicts: int) -> None:
    course = begun()
    sent(course)

    assert len({str(course.verdict(0.2)) for _ in range(verdicts)}) == 1


# --- what could not be read ---------------------------------------------------------------------


def test_what_was_never_read_is_said_and_is_never_flat() -> None:
    course = Course()
    course.start()
    course.failed(ReadPositions(), Unanswered("no answer in time"), 1.0)
    course.failed(ReadOrders(Book.WORKING), NotSent("no road"), 1.0)
    result = at_deadline(course)

    assert (result.state, result.verified, result.legs) == (FAILED, False, ())
    assert result.error_message == (
        "positions could not be read: no answer in time; working orders could not be read: "
        "no road; conditional orders could not be read in time"
    )


def test_orders_without_a_reading_of_positions_say_that_one_may_be_there() -> None:
    course = begun()
    course.working(working(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)
    course.working(began=0.3)
    result = at_deadline(course)

    leg = only_leg(result)
    assert (leg.side, leg.outcome, leg.quantity_left) == (None, LegOutcome.UNPROVEN, None)
    assert leg.reason == "positions could not be read, so it may hold one"
    assert (leg.orders_cancelled, result.orders_cancelled, result.state) == (1, 1, PARTIAL)


def test_a_row_of_an_instrument_that_could_not_be_read_is_a_leg_that_says_so() -> None:
    course = begun()
    course.working()
    course.conditional()
    course.positions(holes=[Unreadable(reason="positionAmt is missing", symbol=ETH)])
    result = at_deadline(course)

    leg = only_leg(result)
    assert (leg.symbol, leg.side, leg.outcome) == (ETH, None, LegOutcome.UNPROVEN)
    assert leg.reason == "its position could not be read: positionAmt is missing"
    assert (result.state, result.error_message, result.positions_failed) == (FAILED, None, 0)


def test_the_row_of_another_instrument_is_not_the_trouble_of_this_one() -> None:
    course = begun()
    course.working(working(), now=0.1)
    course.conditional()
    course.cancelled(BTC, Book.WORKING, 0.2)
    course.working(began=0.3)
    course.positions(began=0.3, holes=[Unreadable(reason="odd", symbol=ETH)])
    result = at_deadline(course)

    assert [(leg.symbol, leg.outcome) for leg in result.legs] == [
        (BTC, LegOutcome.FLAT),
        (ETH, LegOutcome.UNPROVEN),
    ]


@pytest.mark.parametrize(
    ("rows", "message"),
    [
        ({"positions": None}, "positions had a row that could not be read: odd"),
        ({"working": BTC}, "working orders had a row that could not be read: odd"),
        ({"conditional": None}, "conditional orders had a row that could not be read: odd"),
    ],
)
def test_a_row_that_no_leg_can_show_is_in_the_message(
    rows: dict[str, str | None], message: str
) -> None:
    course = begun()
    for name in ("positions", "working", "conditional"):
        holes = [Unreadable(reason="odd", symbol=rows[name])] if name in rows else []
        getattr(course, name)(holes=holes)
    result = at_deadline(course)

    assert (result.state, result.error_message) == (FAILED, message)


# --- symbols that the venue does not list -------------------------------------------------------


def test_a_symbol_that_the_venue_does_not_list_is_a_failed_leg_while_the_others_run() -> None:
    course = begun(scope=Only(frozenset({BTC, "NOPEUSDT"})))
    course.filled(sent(course), 0.2)

    result = prove(course)

    assert (result.state, result.positions_closed) == (PARTIAL, 1)
    assert [(leg.symbol, leg.side, leg.outcome, leg.reason) for leg in result.legs] == [
        (BTC, LONG, LegOutcome.FLAT, None),
        ("NOPEUSDT", None, LegOutcome.UNPROVEN, "the venue does not list this symbol"),
    ]


def test_one_that_it_lists_and_that_had_orders_only_is_flat_like_any_other() -> None:
    course = begun(scope=Only(frozenset({BTC})))
    course.look(working(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)

    result = prove(course)

    assert (result.state, only_leg(result).outcome) == (COMPLETED, LegOutcome.FLAT)


def test_without_rules_no_symbol_is_called_unknown() -> None:
    course = Course(scope=Only(frozenset({"NOPEUSDT"})))
    course.start()

    assert prove(course).state is COMPLETED


# --- orders -------------------------------------------------------------------------------------


def test_orders_that_are_no_longer_listed_are_cancelled_and_the_first_leg_carries_them() -> None:
    course = begun()
    short = replace(position(1), side=SHORT)
    course.look(position(2), short, working(), working("w2"), opener(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)
    for order in closes(course.cancelled(BTC, Book.CONDITIONAL, 0.25)):
        course.filled(order, 0.3)

    result = prove(course)

    assert (result.state, result.orders_cancelled, result.orders_failed) == (COMPLETED, 3, 0)
    assert [(leg.side, leg.orders_cancelled) for leg in result.legs] == [(LONG, 3), (SHORT, 0)]


def test_an_order_that_stays_listed_is_left_and_named_by_its_number_and_reason() -> None:
    course = begun()
    course.look(working(), working("w2"), now=0.1)
    course.failed(CancelAll(BTC, Book.WORKING), FORBIDDEN, 0.2)

    result = prove(course, working())

    assert (result.state, result.orders_cancelled, result.orders_failed) == (PARTIAL, 1, 1)
    leg = only_leg(result)
    assert (leg.outcome, leg.orders_left) == (LegOutcome.UNPROVEN, 1)
    assert leg.reason == "1 order(s) still listed: -2015 no permission"
    assert leg.quantity_left is None


def test_orders_left_beside_a_position_that_is_gone_are_said_in_its_leg() -> None:
    course = begun()
    course.look(position(2), working(), now=0.1)
    for order in closes(course.failed(CancelAll(BTC, Book.WORKING), FORBIDDEN, 0.2)):
        course.filled(order, 0.3)

    result = prove(course, working())

    leg = only_leg(result)
    assert (result.state, leg.outcome, leg.orders_left) == (PARTIAL, LegOutcome.FLAT, 1)
    assert leg.reason == "1 order(s) still listed: -2015 no permission"
    assert result.error_message is None


def test_an_instrument_that_had_orders_only_is_a_leg_and_no_position() -> None:
    course = begun()
    course.look(opener(), now=0.1)
    course.cancelled(BTC, Book.CONDITIONAL, 0.2)

    result = prove(course)

    leg = only_leg(result)
    assert (result.positions_closed, result.positions_failed) == (0, 0)
    assert (leg.side, leg.quantity, leg.quantity_left, leg.outcome) == (
        None,
        D(0),
        D(0),
        LegOutcome.FLAT,
    )
    assert (result.state, leg.orders_cancelled) == (COMPLETED, 1)


def test_stops_that_stay_are_counted_and_said() -> None:
    course = begun()
    course.failed(Close(sent(course, stop()), 1.25), FORBIDDEN, 0.2)

    result = prove(course, position(2), stop())

    leg = only_leg(result)
    assert (leg.stops_kept, leg.orders_left, result.orders_failed) == (1, 0, 0)
    assert leg.reason == "-2015 no permission; 1 protective stop(s) stay in place"


def test_naked_time_is_said_of_the_side_that_was_naked() -> None:
    course = begun()
    short = replace(position(1), side=SHORT)
    orders = closes(course.look(position(2), short, stop("s2", SHORT), now=0.1))
    by_side = {order.position.side: order for order in orders}
    course.filled(by_side[LONG], 0.2)
    in_the_way = Rejected("-2022", refusal=Refusal.ORDERS_IN_THE_WAY)
    course.failed(Close(by_side[SHORT], 1.25), in_the_way, 0.2)
    course.look(short, stop("s2", SHORT), began=0.2)
    legs = {leg.side: leg.naked_seconds for leg in course.verdict(1.2).legs}

    assert legs == {LONG: None, SHORT: 1.0}


def test_an_order_that_is_listed_still_is_left_without_a_reason_where_none_is_known() -> None:
    course = begun()
    course.look(working(), now=4.9)
    result = at_deadline(course)

    assert only_leg(result).reason == "1 order(s) still listed"


# --- switched off in part -----------------------------------------------------------------------


def test_with_cancel_orders_off_orders_are_listed_and_verified_speaks_of_positions() -> None:
    course = begun(config=LiquidationConfig(cancel_orders=False))
    course.filled(sent(course, working()), 0.2)
    course.working(working("w9", ETH), began=0.3)

    result = prove(course, working(), replace(working("w9"), symbol=ETH))

    assert (result.state, result.verified) == (COMPLETED, True)
    assert (result.orders_cancelled, result.orders_failed) == (0, 0)
    assert [(leg.symbol, leg.outcome, leg.orders_left, leg.reason) for leg in result.legs] == [
        (BTC, LegOutcome.FLAT, 1, None),
        (ETH, LegOutcome.LEFT, 1, "cancel_orders is off: not touched"),
    ]


def test_with_close_positions_off_positions_are_left_and_not_counted() -> None:
    course = begun(config=LiquidationConfig(close_positions=False))
    course.look(position(2), working(), now=0.1)
    course.cancelled(BTC, Book.WORKING, 0.2)

    result = prove(course, position(2))

    leg = only_leg(result)
    assert (result.state, result.positions_closed, result.positions_failed) == (COMPLETED, 0, 0)
    assert (leg.outcome, leg.quantity_left) == (LegOutcome.LEFT, D(2))
    assert leg.reason == "close_positions is off: not touched"


# --- order managers that list no orders ---------------------------------------------------------


def blind(course: Course) -> None:
    course.start()
    course.failed(course.requests[0].step, NotSent("tells no rules"), 0.01)
    course.positions(position(2), now=0.1)


def test_without_a_list_the_counts_are_those_it_returned_and_verified_is_false() -> None:
    course = Course(capabilities=BLIND)
    blind(course)
    (order,) = closes(course.tell(BookCancelled(BTC, Book.WORKING, 7), 0.2))
    course.filled(order, 0.3)
    course.positions(began=0.4)
    course.woke(2.0)
    course.positions(began=2.0)
    result = course.verdict(2.1)

    assert course.run.is_over
    assert (result.state, result.verified) == (COMPLETED, False)
    assert (result.orders_cancelled, result.orders_failed) == (7, 0)


def test_without_a_list_a_cancel_that_was_refused_is_an_order_that_may_be_left() -> None:
    course = Course(capabilities=BLIND)
    blind(course)
    (order,) = closes(course.failed(CancelAll(BTC, Book.WORKING), FORBIDDEN, 0.2))
    course.filled(order, 0.3)
    course.positions(began=0.4)
    course.woke(2.0)
    course.positions(began=2.0)
    result = course.verdict(2.1)

    assert (result.state, result.orders_failed, result.positions_closed) == (PARTIAL, 1, 1)
    assert "-2015 no permission" in str(only_leg(result).reason)


def test_a_book_that_was_cancelled_unseen_and_never_listed_may_hold_one_still() -> None:
    course = begun()
    course.positions(position(2), now=0.1)
    course.conditional(now=0.1)
    course.failed_list(Book.WORKING, 0.2)
    for order in closes(course.cancelled(BTC, Book.WORKING, 0.3)):
        course.filled(order, 0.4)
    course.positions(began=0.5)
    result = at_deadline(course)

    assert (result.orders_failed, result.orders_cancelled, result.state) == (1, 0, PARTIAL)
    assert result.error_message == "working orders could not be read: no answer in time"


# --- in any case --------------------------------------------------------------------------------


def test_single_cancels_that_fail_are_left_beside_the_stop_that_stays() -> None:
    course = begun()
    course.look(position(2), stop(), opener(), now=0.1)
    course.failed(CancelConditional(opener()), FORBIDDEN, 0.3)
    result = at_deadline(course)

    leg = only_leg(result)
    assert (leg.stops_kept, leg.orders_left) == (1, 1)
    assert json.dumps(result.to_dict(), allow_nan=False)
