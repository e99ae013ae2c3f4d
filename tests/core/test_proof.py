"""Zero is only true at the instant it is read: two looks that agree, quiet time apart."""

import pytest
from core_values import at
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.proof import Proof
from goflat.domain.time import NEVER

NOTHING: frozenset[str] = frozenset()
ONE = frozenset({"BTCUSDT LONG"})


def once(left: frozenset[str] = NOTHING) -> Proof:
    return Proof(quiet_seconds=1.0).shown(at(1.0), at(1.2), left)


def test_the_first_look_proves_nothing() -> None:
    assert not once().is_complete
    assert (once().began, once().ended) == (1.0, 1.2)
    assert once().second_look_at == pytest.approx(2.2)


SECOND = [
    # began, left -> complete, began of the look that counts first
    (2.2, NOTHING, True, 1.0),
    (9.0, NOTHING, True, 1.0),
    (2.199, NOTHING, False, 1.0),  # too early
    (1.0, NOTHING, False, 1.0),  # the same look
    (2.2, ONE, False, 2.2),  # something is there that was not: begin again
    (2.0, ONE, False, 2.0),
]


@pytest.mark.parametrize(("began", "left", "complete", "first"), SECOND)
def test_the_second_look_completes_it_only_if_it_is_late_enough_and_shows_the_same(
    began: float, left: frozenset[str], complete: bool, first: float
) -> None:
    found = once().shown(at(began), at(began + 0.1), left)

    assert (found.is_complete, found.began, found.left) == (complete, first, left)


def test_what_is_gone_in_the_second_look_alone_has_been_shown_gone_once() -> None:
    found = once(ONE).shown(at(2.5), at(2.6), NOTHING)

    assert not found.is_complete
    assert found.shown(at(3.6), at(3.7), NOTHING).is_complete


def test_an_act_between_the_looks_begins_it_again() -> None:
    found = once().unsettled()

    assert found == Proof(quiet_seconds=1.0)
    assert found.second_look_at == NEVER
    assert not found.shown(at(2.5), at(2.6), NOTHING).is_complete
    assert Proof(quiet_seconds=1.0).unsettled() == Proof(quiet_seconds=1.0)


def test_once_it_is_complete_no_further_look_is_wanted() -> None:
    assert once().shown(at(2.2), at(2.3), NOTHING).second_look_at == NEVER


LOOKS = st.lists(
    st.tuples(st.floats(0, 1), st.floats(0, 0.5), st.sampled_from([NOTHING, ONE])), max_size=12
)


@given(looks=LOOKS, quiet=st.floats(0, 2))
def test_it_is_complete_only_with_two_agreeing_looks_at_least_quiet_time_apart(
    looks: list[tuple[float, float, frozenset[str]]], quiet: float
) -> None:
    proof, now, seen = Proof(quiet_seconds=quiet), 0.0, []
    for gap, length, left in looks:
        began = now + gap
        now = began + length
        proof = proof.shown(at(began), at(now), left)
        seen.append((began, now, left))
        if proof.is_complete:
            first = next(e for b, e, kept in seen if b == proof.began)
            assert began >= first + quiet
            assert left == proof.left
            return
