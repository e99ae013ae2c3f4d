"""What ties the positions and orders of one instrument together: which stops stay or go back."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import (
    BTC,
    LONG,
    SHORT,
    at,
    in_state,
    leg,
    opener,
    position,
    stop,
    terms,
    working,
)

from goflat.core.holding import Holding, Naked, Restore
from goflat.core.leg import Leg
from goflat.core.states import LegState, SweepState
from goflat.domain.order import Book, ConditionalOrder, ProtectiveStop
from goflat.domain.position import PositionSide

D = Decimal


def holding(*legs: Leg, **changes: object) -> Holding:
    return replace(Holding.of(BTC, terms()), legs=legs, **changes)  # type: ignore[arg-type]


def short(**changes: object) -> Leg:
    held = position(side=SHORT)
    return leg(key=held.key, position=held, first=held, **changes)


def restore(order: ConditionalOrder, **changes: object) -> Restore:
    plain = Restore(stop=ProtectiveStop(order=order, client_order_id="p"), side=LONG)
    return replace(plain, **changes)  # type: ignore[arg-type]


@pytest.mark.parametrize("state", LegState)
@pytest.mark.parametrize("blocked", [True, False])
def test_stops_stay_for_every_position_that_shows_unless_they_are_in_the_way(
    state: LegState, blocked: bool
) -> None:
    found = holding(replace(in_state(state), blocked=blocked))

    stays = state is not LegState.GONE and not blocked
    assert found.exposed_sides == ({LONG} if stays else set())


def test_each_side_of_an_instrument_is_exposed_for_itself() -> None:
    found = holding(leg(), short(state=LegState.GONE))

    assert found.exposed_sides == {LONG}
    assert found.leg(LONG) == leg()
    assert found.leg(SHORT) == short(state=LegState.GONE)
    assert holding(leg()).leg(SHORT) is None


def test_a_leg_or_a_book_takes_the_place_of_its_own_kind_only() -> None:
    found = holding(leg(), short()).with_leg(leg(attempts=7))
    assert [(known.key.side, known.attempts) for known in found.legs] == [(SHORT, 0), (LONG, 7)]

    for book in Book:
        swept = found.with_sweep(replace(found.sweep(book), rounds=3))
        assert [sweep.rounds for sweep in swept.sweeps] == (
            [3, 0] if book is Book.WORKING else [0, 3]
        )


# --- risk ---------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("first", "second"),
    [
        # the riskier one first
        ({"liquidation_price": D(95)}, {"liquidation_price": D(50)}),
        ({"liquidation_price": D(50)}, {}),
        ({"quantity": D(3)}, {"quantity": D(2)}),
        ({}, {"mark_price": None}),
        ({"liquidation_price": D(95), "quantity": D(1)}, {"quantity": D(99)}),
    ],
)
def test_the_nearest_to_forced_liquidation_comes_first_then_the_largest(
    first: dict[str, object], second: dict[str, object]
) -> None:
    risky, calm = (holding(leg(position=replace(position(), **how))) for how in (first, second))

    assert risky.risk < calm.risk < holding().risk
    assert holding().risk == holding(in_state(LegState.GONE)).risk


def test_two_sides_of_one_instrument_count_together() -> None:
    assert holding(leg(), short()).risk == (D(1000), D(-400))


# --- settled ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", LegState)
def test_an_instrument_is_settled_once_nothing_is_to_be_done(state: LegState) -> None:
    assert holding(in_state(state)).is_settled is (state in {LegState.GONE, LegState.STUCK})


@pytest.mark.parametrize("book", Book)
@pytest.mark.parametrize("state", SweepState)
def test_and_no_book_is_on_its_way_out(book: Book, state: SweepState) -> None:
    found = holding()
    found = found.with_sweep(replace(found.sweep(book), state=state))

    assert found.is_settled is (state in {SweepState.CLEAR, SweepState.STUCK})


# --- naked --------------------------------------------------------------------------------------


def with_orders(found: Holding, *orders: ConditionalOrder) -> Holding:
    return found.with_sweep(replace(found.conditional, orders=orders))


BARED = [
    # legs, orders that go -> sides that become naked
    ((leg(),), (stop(),), [LONG]),
    ((leg(),), (opener(),), []),
    ((leg(),), (stop("s2", SHORT),), []),
    ((leg(), short()), (stop(), stop("s2", SHORT)), [LONG, SHORT]),
    ((in_state(LegState.GONE),), (stop(),), []),
    ((), (stop(),), []),
]


@pytest.mark.parametrize(("legs", "orders", "sides"), BARED)
def test_a_position_is_naked_from_the_cancel_of_its_stop_on(
    legs: tuple[Leg, ...], orders: tuple[ConditionalOrder, ...], sides: list[PositionSide]
) -> None:
    found = with_orders(holding(*legs), *orders).bared(at(2))

    assert [(naked.side, naked.since, naked.until) for naked in found.naked] == [
        (side, 2.0, None) for side in sides
    ]


def test_it_is_naked_once_and_until_it_is_gone_or_covered() -> None:
    found = with_orders(holding(leg()), stop()).bared(at(2)).bared(at(3))
    assert len(found.naked) == 1

    covered = found.covered(LONG, at(4))

    assert covered.naked == (Naked(side=LONG, since=at(2), until=at(4)),)
    assert covered.covered(LONG, at(5)) is covered
    assert found.covered(SHORT, at(5)) is found


def test_a_working_order_in_the_list_of_what_goes_lays_nothing_bare() -> None:
    found = holding(leg())
    found = found.with_sweep(replace(found.conditional, orders=(working(),)))

    assert found.bared(at(2)).naked == ()


# --- stops that are missing ---------------------------------------------------------------------

MISSING = [
    # last list, last cancel answered, under way, still listed, hidden by a row -> missing
    (2.0, 1.0, 0, (), (), ["s1"]),
    (2.0, 1.0, 0, ("s1",), (), []),
    (2.0, 1.0, 0, ("s1",), ("s1",), ["s1"]),  # the list may hide it or it may be gone
    (1.0, 2.0, 0, ("s1",), (), ["s1"]),  # a list from before the cancel shows nothing
    (2.0, 1.0, 1, ("s1",), (), ["s1"]),  # it is being taken away at this moment
]


@pytest.mark.parametrize(
    ("listed", "acted", "in_flight", "still_listed", "hidden", "missing"), MISSING
)
def test_which_stops_we_took_and_no_list_since_has_shown(
    listed: float,
    acted: float,
    in_flight: int,
    still_listed: tuple[str, ...],
    hidden: tuple[str, ...],
    missing: list[str],
) -> None:
    found = holding(leg())
    sweep = replace(
        found.conditional,
        listed_began=at(listed),
        last_act=at(acted),
        in_flight=in_flight,
        taken=(stop(), stop("s2", SHORT)),
        orders=tuple(map(stop, still_listed)),
        hidden=frozenset(hidden),
    )

    orders = found.with_sweep(sweep).missing_stops(LONG)

    assert [order.order_id for order in orders] == missing


def test_where_nothing_was_taken_nothing_is_missing() -> None:
    assert holding(leg()).missing_stops(LONG) == ()


def test_a_stop_that_goes_back_is_known_by_the_order_it_was() -> None:
    found = holding().with_restore(restore(stop())).with_restore(restore(stop("s2")))
    found = found.with_restore(restore(stop(), attempts=2))

    known = found.restore_of(stop())
    assert known is not None
    assert known.attempts == 2
    assert len(found.restores) == 2
    assert found.restore_of(stop("s3")) is None


# --- stops that went back -----------------------------------------------------------------------

BACK = [
    # done at, list begun, whole, names that it shows -> back
    (None, 5.0, True, (), False),
    (2.0, 1.0, True, (), True),  # no list since: the venue's word
    (2.0, 2.0, True, ("p",), True),
    (2.0, 3.0, True, ("other",), False),
    (2.0, 3.0, True, (), False),
    (2.0, 3.0, False, (), True),  # a list with a row that could not be read says nothing
]


@pytest.mark.parametrize(("done_at", "began", "is_whole", "names", "back"), BACK)
def test_a_stop_is_back_until_a_list_is_without_it(
    done_at: float | None, began: float, is_whole: bool, names: tuple[str, ...], back: bool
) -> None:
    found = holding(leg())
    listed = tuple(replace(stop(name), client_order_id=name) for name in names)
    sweep = replace(
        found.conditional, orders=listed, listed_began=at(began), has_holes=not is_whole
    )
    put_back = restore(stop(), done_at=None if done_at is None else at(done_at))

    assert found.with_sweep(sweep).is_back(put_back) is back


def test_sides_that_show_are_open_also_where_our_orders_are_in_the_way() -> None:
    found = holding(leg(blocked=True), short(state=LegState.GONE))

    assert found.open_sides == {LONG}
    assert found.exposed_sides == set()
