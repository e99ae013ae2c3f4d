"""When a list is read again, and which of its readings count."""

import pytest
from core_values import at

from goflat.core.looks import IN_FLIGHT_MAX, LATE_FACTOR, LATE_SECONDS, Look, Part
from goflat.core.steps import ReadOrders, ReadPositions
from goflat.domain.listing import Unreadable
from goflat.domain.order import Book
from goflat.domain.time import LONG_AGO, NEVER


def look(**changes: object) -> Look:
    return Look(part=Part.POSITIONS, **changes)  # type: ignore[arg-type]


DUE = [
    # in flight, asked, not before, needed, now, busy, hedges -> due
    ((), LONG_AGO, LONG_AGO, 0.0, 0.0, False, True, 0.0),
    ((), LONG_AGO, LONG_AGO, 2.0, 0.0, False, True, 2.0),  # not before it would count
    ((), LONG_AGO, 1.0, 0.0, 0.0, False, True, 1.0),  # held back by a failure
    ((), 0.9, LONG_AGO, 0.0, 1.0, False, True, 1.0),
    ((), 0.9, LONG_AGO, 0.0, 1.0, True, True, 1.15),  # spaced while acts are under way
    # One that counts is under way: a second sets out when the first is late, then twice as late.
    ((1.0,), 1.0, LONG_AGO, 1.0, 1.1, False, True, 1.4),
    ((1.0, 1.4), 1.4, LONG_AGO, 1.0, 1.5, False, True, 2.2),
    ((1.0, 1.4, 2.2), 2.2, LONG_AGO, 1.0, 9.0, False, True, NEVER),  # bounded
    # One that no longer counts is under way: another sets out at once beside it.
    ((1.0,), 1.0, LONG_AGO, 1.5, 1.6, False, True, 1.6),
    # Where a second call is unsafe, nothing sets out while the first runs.
    ((1.0,), 1.0, LONG_AGO, 1.5, 9.0, False, False, NEVER),
    ((), 1.0, LONG_AGO, 1.5, 1.6, False, False, 1.6),
]


@pytest.mark.parametrize(
    ("in_flight", "asked", "not_before", "needed", "now", "busy", "hedges", "due"), DUE
)
def test_when_the_next_request_may_set_out(
    in_flight: tuple[float, ...],
    asked: float,
    not_before: float,
    needed: float,
    now: float,
    busy: bool,
    hedges: bool,
    due: float,
) -> None:
    found = look(
        in_flight=tuple(map(at, in_flight)), asked=at(asked), not_before=at(not_before)
    ).due_at(at(needed), at(now), busy=busy, hedges=hedges)

    assert found == pytest.approx(due)


@pytest.mark.parametrize(
    ("took", "due"),
    [(0.0, 1.4), (0.1, 1.4), (1.0, 1.0 + LATE_FACTOR), (3.0, 1.0 + 3 * LATE_FACTOR)],
)
def test_a_slow_venue_is_late_only_after_longer_than_its_own_answers_take(
    took: float, due: float
) -> None:
    before = look(in_flight=(at(1.0),), asked=at(1.0), read_began=at(0), read_ended=at(took))

    assert before.took_seconds == took
    assert before.due_at(at(1.0), at(1.1), busy=False, hedges=True) == pytest.approx(due)
    assert look().took_seconds == 0


def test_the_bounds_of_one_list() -> None:
    assert (IN_FLIGHT_MAX, LATE_SECONDS) == (3, 0.4)


def test_a_failure_holds_the_next_request_back_longer_each_time_and_at_most_a_second() -> None:
    found, waits = look(in_flight=(at(1),) * 7), []
    for n in range(6):
        found = found.failed(at(2), "why")
        waits.append(round(found.not_before - 2, 6))
        assert (found.failures, found.reason, len(found.in_flight)) == (n + 1, "why", 6 - n)

    assert waits == [0.1, 0.2, 0.4, 0.8, 1.0, 1.0]
    assert found.has_answered
    assert found.read_began == LONG_AGO


def test_a_reading_that_comes_back_forgets_the_failures_and_keeps_its_holes() -> None:
    hole = Unreadable(reason="odd", symbol="BTCUSDT")
    before = look(in_flight=(at(1), at(2)), failures=2, reason="why")

    found = before.came_back(at(2), at(2.5), (hole,))

    assert (found.read_began, found.read_ended, found.holes) == (2, 2.5, (hole,))
    assert (found.failures, found.reason, found.in_flight) == (0, None, (2,))


def test_one_that_was_overtaken_only_leaves_the_line() -> None:
    before = look(in_flight=(at(1), at(2)), read_began=at(2), read_ended=at(2.5))

    assert before.overtaken() == look(in_flight=(at(2),), read_began=at(2), read_ended=at(2.5))


def test_what_set_out_is_in_line_and_asked() -> None:
    found = look(in_flight=(at(1),)).sent(at(2))

    assert (found.in_flight, found.asked) == ((1, 2), 2)


@pytest.mark.parametrize(
    ("before", "has_answered"),
    [(look(), False), (look(failures=1), True), (look(read_began=at(0)), True)],
)
def test_an_answer_is_also_a_failure(before: Look, has_answered: bool) -> None:
    assert before.has_answered is has_answered


@pytest.mark.parametrize(
    ("part", "step", "spacing"),
    [
        (Part.POSITIONS, ReadPositions(), 0.25),
        (Part.WORKING, ReadOrders(Book.WORKING), 0.5),
        (Part.CONDITIONAL, ReadOrders(Book.CONDITIONAL), 0.5),
    ],
)
def test_every_list_has_its_own_request(
    part: Part, step: ReadPositions | ReadOrders, spacing: float
) -> None:
    assert (part.step, part.spacing_seconds) == (step, spacing)
    if isinstance(step, ReadOrders):
        assert Part.of(step.book) is part
