"""A changed copy is a copy that is changed, and nothing else."""

import dataclasses
from dataclasses import dataclass

import pytest
from core_values import close, leg
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.evolve import replace
from goflat.core.pacing import Cost


@dataclass(frozen=True, slots=True)
class Single:
    """A value of one field."""

    only: int


@given(weight=st.integers(), orders=st.integers(), after=st.integers())
def test_it_says_what_dataclasses_replace_says(weight: int, orders: int, after: int) -> None:
    before = Cost(weight, orders)

    assert replace(before, orders=after) == dataclasses.replace(before, orders=after)
    assert before == Cost(weight, orders)


def test_a_copy_with_no_change_is_equal_and_another() -> None:
    before = leg()

    assert replace(before) == before
    assert replace(before) is not before


def test_a_field_that_does_not_exist_is_refused() -> None:
    with pytest.raises(AttributeError):
        replace(leg(), no_such_field=1)  # type: ignore[call-arg]


def test_what_is_checked_when_it_is_built_cannot_be_changed_past_its_checks() -> None:
    with pytest.raises(TypeError, match=r"CloseOrder is changed with dataclasses\.replace"):
        replace(close(), quantity=10**9)


def test_a_value_of_one_field_is_copied_as_well() -> None:
    assert replace(Single(1), only=2) == Single(2)
