"""The orders of one book on their way out: protect until closed, claims against lists."""

from dataclasses import replace

import pytest
from core_values import LONG, SHORT, at, opener, stop, terms, working
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.decision import Note
from goflat.core.events import BookCancelled, ConditionalCancelled, Failed
from goflat.core.states import SweepState
from goflat.core.steps import CancelAll, CancelConditional
from goflat.core.sweep import (
    CANCELS_AT_ONCE,
    Clear,
    Found,
    Keep,
    Listed,
    Sweep,
    SweepDecision,
    advance,
)
from goflat.domain.order import Book
from goflat.domain.position import PositionSide
from goflat.domain.time import NEVER
from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError

BTC = "BTCUSDT"
WHOLE = CancelAll(BTC, Book.CONDITIONAL)


def sweep(book: Book = Book.CONDITIONAL, **changes: object) -> Sweep:
    return replace(Sweep(symbol=BTC, book=book, terms=terms()), **changes)  # type: ignore[arg-type]


def listed(*orders: Found, began: float = 0.1, **changes: object) -> Sweep:
    """A sweep that a list begun then has shown these orders to."""
    return advance(sweep(**changes), Listed(orders, at(began)), at(began)).now_is


def cancelling(*orders: Found, now: float = 0.2, **changes: object) -> Sweep:
    return advance(listed(*(orders or (opener(),)), **changes), Clear(), at(now)).now_is


def acknowledged(*orders: Found) -> Sweep:
    return advance(cancelling(*orders), BookCancelled(BTC, Book.CONDITIONAL, None), at(0.3)).now_is


def steps(decision: SweepDecision) -> list[object]:
    return [request.step for request in decision.requests]


# --- lists --------------------------------------------------------------------------------------

BEFORE = {
    SweepState.CLEAR: sweep(),
    SweepState.LISTED: listed(opener()),
    SweepState.CANCELLING: cancelling(),
    SweepState.ACKNOWLEDGED: acknowledged(),
    SweepState.STUCK: sweep(state=SweepState.STUCK, orders=(opener(),), reason="refused"),
}
AFTER_LIST = [
    # state, shown -> state
    (SweepState.CLEAR, True, SweepState.LISTED),
    (SweepState.CLEAR, False, SweepState.CLEAR),
    (SweepState.LISTED, True, SweepState.LISTED),
    (SweepState.LISTED, False, SweepState.CLEAR),
    (SweepState.CANCELLING, True, SweepState.CANCELLING),
    (SweepState.CANCELLING, False, SweepState.CANCELLING),
    (SweepState.ACKNOWLEDGED, True, SweepState.LISTED),
    (SweepState.ACKNOWLEDGED, False, SweepState.CLEAR),
    (SweepState.STUCK, True, SweepState.STUCK),
    (SweepState.STUCK, False, SweepState.CLEAR),
]


@pytest.mark.parametrize(("before", "shown", "after"), AFTER_LIST)
def test_what_a_list_begun_after_our_last_act_makes_of_it(
    before: SweepState, shown: bool, after: SweepState
) -> None:
    orders = (opener(),) if shown else ()

    found = advance(BEFORE[before], Listed(orders, at(0.5)), at(0.6)).now_is

    assert found.state is after
    if after is SweepState.CLEAR:
        assert (found.orders, found.since, found.rounds, found.reason) == ((), NEVER, 0, None)


@pytest.mark.parametrize("orders", [(), (opener("o2"),)], ids=["empty", "full"])
def test_a_list_from_before_our_last_cancel_was_answered_changes_nothing(
    orders: tuple[Found, ...],
) -> None:
    before = acknowledged()

    assert advance(before, Listed(orders, at(0.29)), at(0.6)).now_is == before


def test_a_list_that_a_newer_one_has_overtaken_changes_nothing() -> None:
    before = listed(opener(), began=0.5)

    assert advance(before, Listed((), at(0.4)), at(0.6)).now_is == before


def test_acknowledged_and_still_listed_waits_and_then_sends_again() -> None:
    found = advance(acknowledged(), Listed((opener(),), at(0.4)), at(0.5)).now_is

    assert found.state is SweepState.LISTED
    assert found.reason == "still listed although the venue acknowledged the cancel"
    assert 0.6 <= found.not_before <= 0.62
    assert found.wakes_at == found.not_before
    assert not found.is_ready(at(0.55))
    assert found.is_ready(found.not_before)
    assert steps(advance(found, Clear(), found.not_before)) == [WHOLE]


def test_every_order_ever_listed_is_remembered() -> None:
    found = advance(listed(opener("a")), Listed((opener("b"),), at(0.4)), at(0.5)).now_is

    assert found.found == {"a", "b"}
    assert [order.order_id for order in found.orders] == ["b"]
    assert found.since == 0.1


# --- protect until closed -----------------------------------------------------------------------

KEEPING = [
    # found, sides that show, holes -> what is sent
    ([opener()], {LONG, SHORT}, False, ["o1"]),  # a stop may be newer than the list
    ([stop()], set(), False, "whole"),
    ([stop(), opener()], set(), False, "whole"),
    ([stop(), opener()], {LONG}, False, ["o1"]),
    ([stop(), opener(), opener("o2")], {LONG}, False, ["o1", "o2"]),
    ([stop("s2", SHORT), opener()], {LONG}, False, ["s2", "o1"]),
    ([stop(), stop("s2", SHORT)], {LONG}, False, ["s2"]),
    ([stop()], {LONG}, False, []),
    ([opener()], {LONG}, True, ["o1"]),  # the row that was not read may be the stop
    ([opener()], set(), True, "whole"),
]


@pytest.mark.parametrize(("orders", "sides", "holes", "sent"), KEEPING)
def test_what_is_cancelled_while_positions_show(
    orders: list[Found], sides: set[PositionSide], holes: bool, sent: str | list[str]
) -> None:
    found = sweep(keep=frozenset(sides))
    found = advance(found, Listed(tuple(orders), at(0.1), has_holes=holes), at(0.1)).now_is

    decision = advance(found, Clear(), at(0.2))

    if sent == "whole":
        assert steps(decision) == [WHOLE]
    elif sent == []:
        assert found.state is SweepState.CLEAR
    else:
        assert [step.order.order_id for step in steps(decision)] == sent  # type: ignore[attr-defined]
        assert decision.now_is.in_flight == len(sent)


@given(
    kinds=st.lists(st.sampled_from(["long", "short", "opener"]), max_size=6),
    sides=st.frozensets(st.sampled_from(PositionSide)),
    holes=st.booleans(),
)
def test_no_cancel_ever_takes_a_stop_whose_position_shows(
    kinds: list[str], sides: frozenset[PositionSide], holes: bool
) -> None:
    made = {
        "long": lambda n: stop(f"{n}", LONG),
        "short": lambda n: stop(f"{n}", SHORT),
        "opener": lambda n: opener(f"{n}"),
    }
    orders = tuple(made[kind](n) for n, kind in enumerate(kinds))
    found = advance(sweep(keep=sides), Listed(orders, at(0.1), has_holes=holes), at(0.1)).now_is

    decision = advance(found, Clear(), at(0.2))

    protected = {order.order_id for order in orders if any(map(order.protects, sides))}
    for step in steps(decision):
        if isinstance(step, CancelAll):
            assert not protected
            assert not (holes and sides)
        else:
            assert isinstance(step, CancelConditional)
            assert step.order.order_id not in protected
    assert {o.order_id for o in found.kept} == protected
    assert {o.order_id for o in found.kept} | {o.order_id for o in found.to_go} == {
        o.order_id for o in orders
    }


@pytest.mark.parametrize(
    ("before", "sides", "state"),
    [
        (listed(stop()), {LONG}, SweepState.CLEAR),
        (listed(stop(), opener()), {LONG}, SweepState.LISTED),
        (listed(stop(), keep=frozenset({LONG})), set(), SweepState.LISTED),
        (listed(stop(), keep=frozenset({LONG})), {LONG}, SweepState.CLEAR),
        (listed(stop(), keep=frozenset({LONG})), {LONG, SHORT}, SweepState.CLEAR),
        (cancelling(), {LONG}, SweepState.CANCELLING),
    ],
)
def test_which_sides_show_decides_what_has_to_go(
    before: Sweep, sides: set[PositionSide], state: SweepState
) -> None:
    found = advance(before, Keep(frozenset(sides)), at(0.7)).now_is

    assert found.state is state
    assert found.keep == sides
    if state is SweepState.LISTED:
        assert found.since <= 0.7


def test_what_we_take_away_is_remembered_once_and_only_if_it_protected() -> None:
    first = cancelling(stop(), opener())
    refused = advance(first, Failed(WHOLE, NotSent("no")), at(0.3)).now_is
    second = advance(refused, Clear(), at(0.4)).now_is

    assert [order.order_id for order in first.taken] == ["s1"]
    assert [order.order_id for order in second.taken] == ["s1"]


def test_working_orders_are_cancelled_together_and_nothing_of_them_is_kept() -> None:
    found = listed(working(), working("w2"), book=Book.WORKING)
    found = advance(found, Keep(frozenset(PositionSide)), at(0.2)).now_is

    assert found.kept == ()
    assert steps(advance(found, Clear(), at(0.2))) == [CancelAll(BTC, Book.WORKING)]


def test_single_cancels_set_out_in_portions() -> None:
    many = [opener(f"o{n}") for n in range(CANCELS_AT_ONCE + 5)]

    decision = advance(listed(stop(), *many, keep=frozenset({LONG})), Clear(), at(0.2))

    assert len(decision.requests) == decision.now_is.in_flight == CANCELS_AT_ONCE


# --- sending ------------------------------------------------------------------------------------


@pytest.mark.parametrize("state", SweepState)
def test_cancels_set_out_where_orders_are_listed_or_the_book_could_not_be(
    state: SweepState,
) -> None:
    decision = advance(BEFORE[state], Clear(), at(0.7))

    if state in {SweepState.LISTED, SweepState.CLEAR}:
        assert decision.now_is.state is SweepState.CANCELLING
        assert decision.now_is.rounds == 1
        assert steps(decision) == [WHOLE]
        assert decision.requests[0].answer_by == 1.7
    else:
        assert (decision.now_is, decision.requests) == (BEFORE[state], ())


def test_what_turns_out_to_stay_ends_the_round_without_a_cancel() -> None:
    before = replace(listed(stop()), keep=frozenset({LONG}))

    decision = advance(before, Clear(), at(0.7))

    assert (decision.now_is.state, decision.requests) == (SweepState.CLEAR, ())


# --- answers ------------------------------------------------------------------------------------


@pytest.mark.parametrize(("counts", "reported"), [([None], 0), ([3], 3), ([0], 0)])
def test_an_acknowledgement_is_a_claim_and_its_count_is_kept(
    counts: list[int | None], reported: int
) -> None:
    found = cancelling(silences=2)
    for count in counts:
        found = advance(found, BookCancelled(BTC, Book.CONDITIONAL, count), at(0.3)).now_is

    assert (found.state, found.reported) == (SweepState.ACKNOWLEDGED, reported)
    assert (found.silences, found.last_act, found.in_flight) == (0, 0.3, 0)
    assert not found.is_done
    assert not found.is_shown


def test_of_several_cancels_the_round_ends_with_the_last() -> None:
    before = cancelling(stop(), opener(), opener("o2"), keep=frozenset({LONG}))

    one = advance(before, ConditionalCancelled(opener()), at(0.3)).now_is
    both = advance(one, ConditionalCancelled(opener("o2")), at(0.4)).now_is

    assert (one.state, one.in_flight) == (SweepState.CANCELLING, 1)
    assert both.state is SweepState.ACKNOWLEDGED


def test_one_that_fails_makes_the_round_one_that_is_not_done() -> None:
    before = cancelling(stop(), opener(), opener("o2"), keep=frozenset({LONG}))

    one = advance(before, Failed(CancelConditional(opener()), NotSent("no")), at(0.3)).now_is
    both = advance(one, ConditionalCancelled(opener("o2")), at(0.4)).now_is

    assert both.state is SweepState.LISTED
    assert both.reason == "no"


@pytest.mark.parametrize("state", [s for s in SweepState if s is not SweepState.CANCELLING])
@pytest.mark.parametrize(
    "event",
    [BookCancelled(BTC, Book.CONDITIONAL, None), ConditionalCancelled(opener())],
    ids=["all", "one"],
)
def test_a_late_acknowledgement_changes_no_state(
    state: SweepState, event: BookCancelled | ConditionalCancelled
) -> None:
    assert advance(BEFORE[state], event, at(0.7)).now_is.state is state


FAILED = [
    # failure -> state, refused, silences, least wait, notes
    (NotSent("x"), SweepState.LISTED, 0, 0, 0.05, []),
    (Unanswered("x"), SweepState.LISTED, 0, 1, 0.05, []),
    (Throttled("x", retry_after_seconds=0.7), SweepState.LISTED, 0, 0, 0.7, []),
    (Throttled("x", retry_after_seconds=None), SweepState.LISTED, 0, 0, 1.0, []),
    (Rejected("x"), SweepState.LISTED, 1, 0, 0.5, [Note.RETRY]),
    (Rejected("x", refusal=Refusal.NOT_TRADING), SweepState.LISTED, 1, 0, 0.5, [Note.RETRY]),
    (
        Rejected("x", refusal=Refusal.NO_PERMISSION),
        SweepState.STUCK,
        1,
        0,
        None,
        [Note.GIVEN_UP],
    ),
]


@pytest.mark.parametrize(("failure", "state", "refused", "silences", "wait", "notes"), FAILED)
def test_what_a_failed_cancel_means(
    failure: VenueError,
    state: SweepState,
    refused: int,
    silences: int,
    wait: float | None,
    notes: list[Note],
) -> None:
    decision = advance(cancelling(), Failed(WHOLE, failure), at(1))
    found = decision.now_is

    assert (found.state, found.refused, found.silences) == (state, refused, silences)
    assert (found.reason, [remark.note for remark in decision.remarks]) == ("x", notes)
    if wait is not None:
        assert 1 + wait <= found.not_before <= 1 + wait * 1.11


@pytest.mark.parametrize("max_retries", [0, 2])
def test_refusals_are_counted_and_the_last_gives_up(max_retries: int) -> None:
    found = cancelling(terms=terms(max_retries=max_retries))
    for _ in range(max_retries):
        found = advance(found, Failed(WHOLE, Rejected("no")), at(1)).now_is
        found = advance(found, Clear(), at(2)).now_is
    decision = advance(found, Failed(WHOLE, Rejected("no")), at(2))

    assert decision.now_is.state is SweepState.STUCK
    assert decision.now_is.is_done
    assert decision.remarks[0].about == "BTCUSDT conditional orders"


# --- whether a close may go ---------------------------------------------------------------------

LETS = [
    # state, rounds, now -> may go (orders first stood in the way at 0.1; patience is 0.5)
    (SweepState.CLEAR, 0, 0.2, True),
    (SweepState.LISTED, 0, 0.2, False),
    (SweepState.LISTED, 0, 0.6, True),
    (SweepState.LISTED, 1, 0.2, True),
    (SweepState.CANCELLING, 1, 0.2, False),
    (SweepState.CANCELLING, 1, 0.6, True),
    (SweepState.CANCELLING, 2, 0.2, True),
    (SweepState.ACKNOWLEDGED, 1, 0.2, True),
    (SweepState.STUCK, 1, 0.2, True),
]


@pytest.mark.parametrize(("state", "rounds", "now", "may_go"), LETS)
def test_a_cancel_holds_a_close_once_and_not_for_long(
    state: SweepState, rounds: int, now: float, may_go: bool
) -> None:
    found = sweep(state=state, rounds=rounds, since=at(0.1))

    assert found.lets_close(at(now), 0.5) is may_go


def test_idle_shown_and_when_it_wakes() -> None:
    assert sweep().is_idle
    assert not listed(opener()).is_idle
    assert not sweep(orders=(stop(),), keep=frozenset({LONG})).is_idle
    assert listed(opener()).is_shown
    assert cancelling().wakes_at == NEVER


# --- rows that could not be read ----------------------------------------------------------------


def test_what_a_list_with_an_unread_row_does_not_show_may_be_hidden_in_it() -> None:
    found = advance(
        listed(opener("a"), opener("b")), Listed((opener("b"),), at(0.4), has_holes=True), at(0.4)
    ).now_is

    assert {order.order_id for order in found.orders} == {"a", "b"}
    assert found.hidden == {"a"}
    assert found.shown == {"b"}
    assert not found.is_shown
    whole = advance(found, Listed((opener("b"),), at(0.6)), at(0.6)).now_is
    assert ({order.order_id for order in whole.orders}, whole.hidden) == ({"b"}, frozenset())


def test_while_cancels_are_on_their_way_nothing_counts_as_shown() -> None:
    assert cancelling().shown == frozenset()
    assert acknowledged().shown == frozenset()
    assert listed(opener()).shown == {"o1"}


def test_a_book_that_was_given_up_stays_so_when_it_is_listed_anew_after_being_clear() -> None:
    before = listed(opener(), refused=4)

    decision = advance(before, Clear(), at(0.5))

    assert (decision.now_is.state, decision.requests) == (SweepState.STUCK, ())


def test_a_refusal_is_not_hidden_by_a_later_failure_of_the_same_round() -> None:
    before = cancelling(stop(), opener(), opener("o2"), keep=frozenset({LONG}))

    one = advance(before, Failed(CancelConditional(opener()), Rejected("no")), at(0.3)).now_is
    both = advance(one, Failed(CancelConditional(opener("o2")), NotSent("x")), at(0.4)).now_is

    assert (both.refused, both.reason) == (1, "no")


def test_what_may_go_only_now_is_not_taken_for_what_the_venue_failed_to_cancel() -> None:
    before = replace(acknowledged(opener()), keep=frozenset({LONG}))
    other = advance(before, Listed((opener("new"),), at(0.4)), at(0.5)).now_is

    assert (other.state, other.reason) == (SweepState.LISTED, None)
    assert other.is_ready(at(0.5))
