"""Limits as sliding windows: never exceeded, never shut for longer than they have to be."""

import pytest
from core_values import at, close, opener, stop
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.pacing import Budget, Cost, Window, backoff_seconds, cost_of
from goflat.core.steps import (
    CancelAll,
    CancelConditional,
    Close,
    Protect,
    Query,
    ReadOrders,
    ReadPositions,
    ReadRules,
    Step,
)
from goflat.domain.capabilities import Costs, Limits, Usage
from goflat.domain.order import Book, ProtectiveStop
from goflat.domain.time import LONG_AGO

LIMITS = Limits(weight_per_minute=100, orders_per_ten_seconds=5, orders_per_minute=20)
COSTS = Costs(read_positions=5, read_orders=40, read_rules=1, cancel=2, query=3)
ORDER = Cost(orders=1)


# --- one window ---------------------------------------------------------------------------------


@given(
    wants=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 4)), max_size=40),
    limit=st.integers(4, 12),
)
def test_a_sliding_window_never_holds_more_than_its_limit(
    wants: list[tuple[float, int]], limit: int
) -> None:
    window, now, sent = Window(limit=limit, seconds=10.0), 0.0, []
    for gap, cost in wants:
        now = max(now + gap, window.opens_at(cost, at(now + gap)))
        window = window.spend(cost, at(now))
        sent.append((now, cost))

    for began, _ in sent:
        assert sum(cost for when, cost in sent if began <= when < began + 10.0) <= limit


@given(
    wants=st.lists(st.tuples(st.floats(0, 3), st.integers(1, 4)), min_size=1, max_size=20),
    cost=st.integers(1, 4),
)
def test_it_says_when_it_opens_and_then_there_is_room(
    wants: list[tuple[float, int]], cost: int
) -> None:
    window, now = Window(limit=6, seconds=10.0), 0.0
    for gap, spent in wants:
        now += gap
        window = window.spend(spent, at(now))

    opens = window.opens_at(cost, at(now))

    assert now <= opens <= now + 10.0
    assert window.room(opens) >= cost


def test_requests_close_together_are_counted_as_one_and_never_leave_too_soon() -> None:
    window = Window(limit=5, seconds=10.0).spend(1, at(1.0)).spend(2, at(1.05)).spend(1, at(1.2))

    assert window.spent == ((1.05, 3), (1.2, 1))
    assert window.room(at(11.0)) == 1
    assert window.room(at(11.05)) == 4


def test_what_has_slid_out_is_forgotten_and_nothing_costs_nothing() -> None:
    window = Window(limit=5, seconds=10.0).spend(1, at(1)).spend(1, at(5))

    assert window.spend(0, at(6)) is window
    assert window.spend(1, at(12)).spent == ((5, 1), (12, 1))


OTHERS = [
    # used as the venue says, ours -> others
    (None, 2, 0),
    (2, 2, 0),
    (5, 2, 3),
    (1, 2, 0),  # it has not counted ours yet
]


@pytest.mark.parametrize(("used", "ours", "others"), OTHERS)
def test_what_the_venue_counts_and_is_not_ours_is_others(
    used: int | None, ours: int, others: int
) -> None:
    window = Window(limit=10, seconds=10.0).spend(ours, at(1)).observe(used, at(2))

    assert window.room(at(2)) == 10 - ours - others


def test_what_others_used_leaves_the_window_as_well() -> None:
    window = Window(limit=10, seconds=10.0).observe(9, at(1))

    assert window.opens_at(2, at(2)) == 11
    assert window.observe(9, at(3)) is window
    assert window.room(at(11)) == 10


def test_more_than_the_limit_never_fits_and_is_said_to_open_after_a_whole_window() -> None:
    assert Window(limit=1, seconds=10.0).opens_at(2, at(3)) == 13


def test_an_entry_that_has_left_already_frees_nothing_twice() -> None:
    window = Window(limit=3, seconds=10.0, spent=((at(0), 3), (at(5), 3)))

    assert window.opens_at(1, at(12)) == 15


# --- prices -------------------------------------------------------------------------------------

PRICES: list[tuple[Step, Cost]] = [
    (ReadPositions(), Cost(weight=5)),
    (ReadOrders(Book.WORKING), Cost(weight=40)),
    (ReadRules(), Cost(weight=1)),
    (CancelAll("BTCUSDT", Book.WORKING), Cost(weight=2)),
    (CancelConditional(opener()), Cost(weight=2)),
    (Query(close()), Cost(weight=3)),
    (Close(close(), 1.0), ORDER),
    (Protect(ProtectiveStop(order=stop(), client_order_id="p")), ORDER),
]


@pytest.mark.parametrize(("step", "cost"), PRICES, ids=lambda v: type(v).__name__)
def test_what_every_step_costs(step: Step, cost: Cost) -> None:
    assert cost_of(step, COSTS) == cost
    assert Budget.of(LIMITS, COSTS).cost_of(step) == cost


def test_costs_add_up() -> None:
    assert Cost(1, 2) + Cost(3, 4) == Cost(4, 6)


# --- the budget ---------------------------------------------------------------------------------


def test_without_known_limits_everything_may_go_until_the_venue_says_no() -> None:
    budget = Budget.of(None, COSTS).spend(Cost(10**6, 10**6), at(1))

    assert budget.opens_at(Cost(10**6, 10**6), at(1)) == 1
    assert budget.observe(Usage(weight_per_minute=10**6), at(1)).opens_at(ORDER, at(1)) == 1
    assert budget.with_limits(LIMITS).weight is None


@pytest.mark.parametrize(
    ("spent", "wanted", "opens"),
    [
        (Cost(), Cost(), 1.0),
        (Cost(orders=5), ORDER, 11.0),
        (Cost(orders=5), Cost(weight=1), 1.0),
        (Cost(weight=100), Cost(weight=1), 61.0),
        (Cost(weight=100), ORDER, 1.0),  # a close costs no weight
        (Cost(), Cost(orders=500), 1.0),  # more than the limit goes when the window is empty
        (Cost(), Cost(weight=5000), 1.0),
    ],
)
def test_when_there_is_room(spent: Cost, wanted: Cost, opens: float) -> None:
    budget = Budget.of(LIMITS, COSTS).spend(spent, at(1))

    assert budget.opens_at(wanted, at(1)) == opens


def test_the_minute_of_orders_counts_as_well() -> None:
    budget = Budget.of(LIMITS, COSTS)
    for n in range(4):
        budget = budget.spend(Cost(orders=5), at(n * 10))

    assert budget.opens_at(ORDER, at(40)) == 60


def test_nothing_spent_is_the_same_budget() -> None:
    budget = Budget.of(LIMITS, COSTS)

    assert budget.spend(Cost(), at(1)) is budget


def test_the_venues_own_figures_replace_ours_and_what_was_spent_stays() -> None:
    budget = Budget.of(LIMITS, COSTS).spend(Cost(weight=10, orders=5), at(1))
    wider = Limits(weight_per_minute=20, orders_per_ten_seconds=6, orders_per_minute=7)

    after = budget.with_limits(wider)

    assert after.weight is not None
    assert after.weight.room(at(1)) == 10
    assert [window.room(at(1)) for window in after.orders] == [1, 2]


def test_what_others_use_is_taken_from_the_venues_headers() -> None:
    said = Usage(weight_per_minute=60, orders_per_ten_seconds=4, orders_per_minute=None)

    budget = Budget.of(LIMITS, COSTS).observe(said, at(1))

    assert budget.opens_at(Cost(weight=41), at(1)) == 61
    assert budget.opens_at(Cost(orders=2), at(1)) == 11
    assert budget.opens_at(ORDER, at(1)) == 1


THROTTLED = [
    # retry after, orders only -> closes open, reads open
    (2.0, False, 3.0, 3.0),
    (2.0, True, 3.0, 1.0),
    (None, False, 2.0, 2.0),
    (None, True, 2.0, 1.0),
    (0.0, False, 2.0, 2.0),
]


@pytest.mark.parametrize(("seconds", "orders_only", "orders", "reads"), THROTTLED)
def test_a_venue_that_says_not_now_is_left_alone_until_then(
    seconds: float | None, orders_only: bool, orders: float, reads: float
) -> None:
    budget = Budget.of(LIMITS, COSTS).throttled(at(1), seconds, orders_only=orders_only)

    assert budget.opens_at(ORDER, at(1)) == orders
    assert budget.opens_at(Cost(weight=1), at(1)) == reads


@pytest.mark.parametrize("orders_only", [True, False])
def test_a_shorter_word_does_not_undo_a_longer_one(orders_only: bool) -> None:
    budget = Budget.of(LIMITS, COSTS)
    assert budget.shut_until == LONG_AGO
    budget = budget.throttled(at(1), 9.0, orders_only=orders_only)

    budget = budget.throttled(at(2), 1.0, orders_only=orders_only)

    assert budget.opens_at(ORDER, at(2)) == 10


@given(
    wants=st.lists(st.tuples(st.floats(0, 5), st.integers(0, 30), st.integers(0, 3)), max_size=30)
)
def test_a_budget_that_is_asked_before_is_never_exceeded(
    wants: list[tuple[float, int, int]],
) -> None:
    budget, now, sent = Budget.of(LIMITS, COSTS), 0.0, []
    for gap, weight, orders in wants:
        now = max(now + gap, budget.opens_at(Cost(weight, orders), at(now + gap)))
        budget = budget.spend(Cost(weight, orders), at(now))
        sent.append((now, weight, orders))

    for began, _, _ in sent:
        minute = [(w, o) for when, w, o in sent if began <= when < began + 60]
        ten = [o for when, _, o in sent if began <= when < began + 10]
        assert sum(w for w, _ in minute) <= 100
        assert sum(o for _, o in minute) <= 20
        assert sum(ten) <= 5


# --- backoff ------------------------------------------------------------------------------------


@given(base=st.floats(0.1, 5), refusals=st.integers(1, 11), seed=st.text(max_size=20))
def test_backoff_doubles_with_a_jitter_of_up_to_a_tenth_and_is_the_same_when_replayed(
    base: float, refusals: int, seed: str
) -> None:
    found = backoff_seconds(base, refusals, seed)

    least = base * 2 ** (refusals - 1)
    assert least <= found <= least * 1.1
    assert found == backoff_seconds(base, refusals, seed)


@pytest.mark.parametrize(("refusals", "least"), [(0, 1.0), (-5, 1.0), (99, 1024.0), (10**6, 1024)])
def test_backoff_is_bounded_at_both_ends(refusals: int, least: float) -> None:
    assert least <= backoff_seconds(1.0, refusals, "s") <= least * 1.1


def test_two_seeds_do_not_wait_in_step() -> None:
    assert len({backoff_seconds(1.0, 1, f"seed{n}") for n in range(20)}) == 20


def test_under_steady_traffic_the_window_moves_on() -> None:
    window = Window(limit=1000, seconds=10.0)
    for n in range(400):
        window = window.spend(1, at(n * 0.05))

    # Twenty a second for twenty seconds: the last ten are counted, and a grain at the edge.
    assert 200 <= 1000 - window.room(at(20.0)) <= 204


def test_what_sets_out_beside_it_takes_its_place_first() -> None:
    budget = Budget.of(LIMITS, COSTS)

    assert budget.opens_at(ORDER, at(1), beside=Cost(orders=4)) == 1
    assert budget.opens_at(ORDER, at(1), beside=Cost(orders=5)) == 11
    assert budget.opens_at(Cost(weight=1), at(1), beside=Cost(weight=100)) == 61
    assert budget.opens_at(Cost(weight=1), at(1), beside=Cost(orders=5)) == 1
