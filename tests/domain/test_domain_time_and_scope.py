"""A moment, the promise about it, and what a run covers."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.scope import Everything, Only
from goflat.domain.time import LONG_AGO, NEVER, Deadline, Instant

SECONDS = st.floats(min_value=0, max_value=1e6)


@pytest.mark.parametrize(
    ("now", "has_passed", "left"),
    [(9.0, False, 1.0), (9.999, False, 0.001), (10.0, True, 0.0), (11.0, True, 0.0)],
)
def test_a_deadline_has_passed_from_its_own_instant_on(
    now: float, has_passed: bool, left: float
) -> None:
    deadline = Deadline.after(Instant(5.0), 5.0)

    assert deadline.has_passed(Instant(now)) is has_passed
    assert deadline.left_seconds(Instant(now)) == pytest.approx(left)


@given(now=SECONDS, timeout=SECONDS, attempt=SECONDS)
def test_no_attempt_ever_outlasts_the_deadline(now: float, timeout: float, attempt: float) -> None:
    deadline = Deadline.after(Instant(now), timeout)

    assert deadline.cap(Instant(now), attempt) <= deadline.at
    assert deadline.cap(Instant(now), attempt) <= now + attempt
    assert deadline.left_seconds(Instant(now)) >= 0


def test_everything_happens_between_long_ago_and_never() -> None:
    assert LONG_AGO < Instant(-1e12) < Instant(1e12) < NEVER
    assert Deadline(Instant(1.0)) < Deadline(Instant(2.0))


SYMBOLS = ["BTCUSDT", "btcusdt", "", "x"]


@pytest.mark.parametrize(
    ("scope", "covered"),
    [
        (Everything(), SYMBOLS),
        (Only(frozenset()), []),
        (Only(frozenset({"BTCUSDT"})), ["BTCUSDT"]),
    ],
)
def test_a_scope_covers_what_it_says_and_saying_nothing_is_nothing(
    scope: Everything | Only, covered: list[str]
) -> None:
    assert [symbol for symbol in SYMBOLS if scope.covers(symbol)] == covered
