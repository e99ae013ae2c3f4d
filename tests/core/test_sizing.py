"""Cutting a position into orders: nothing is lost, nothing is invented, nothing is too large."""

from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.sizing import PIECES_AT_ONCE, cut, floor_to
from goflat.domain.instrument import LotLimits

D = Decimal


def lot(minimum: str, maximum: str, step: str) -> LotLimits:
    return LotLimits(minimum=D(minimum), maximum=D(maximum), step=D(step))


TABLE = [
    # quantity, minimum, maximum, step, largest -> pieces, dust
    ("1", "0.001", "10", "0.001", None, ["1"], "0"),
    ("25", "0.001", "10", "0.001", None, ["10", "10", "5"], "0"),
    ("20", "0.001", "10", "0.001", None, ["10", "10"], "0"),
    ("1.0005", "0.001", "10", "0.001", None, ["1"], "0.0005"),
    ("0.0005", "0.001", "10", "0.001", None, [], "0.0005"),
    ("0.005", "0.01", "10", "0.001", None, [], "0.005"),
    ("5", "0.001", "10", "0.001", "2", ["2", "2", "1"], "0"),
    ("5", "0.001", "10", "0.001", "2.0005", ["2", "2", "1"], "0"),
    ("5", "1", "10", "1", "0.3", ["1"] * 5, "0"),
    # A maximum that is not a multiple of the step is floored to it.
    ("5", "0.5", "1.75", "0.5", None, ["1.5", "1.5", "1.5", "0.5"], "0"),
    # A crumb below the minimum takes from its neighbour.
    ("21", "2", "10", "1", None, ["10", "9", "2"], "0"),
    # Or, where the neighbour cannot give, stays as dust.
    ("3", "2", "2", "1", None, ["2"], "1"),
    ("25", "10", "10", "1", None, ["10", "10"], "5"),
    # Zero is no limit and no step.
    ("25", "0", "0", "0", None, ["25"], "0"),
    ("25.5", "0.001", "0", "0.001", None, ["25.5"], "0"),
    ("0.1", "0", "0", "1", None, [], "0.1"),
]


@pytest.mark.parametrize(
    ("quantity", "minimum", "maximum", "step", "largest", "pieces", "dust"), TABLE
)
def test_a_quantity_is_cut_like_this(
    quantity: str,
    minimum: str,
    maximum: str,
    step: str,
    largest: str | None,
    pieces: list[str],
    dust: str,
) -> None:
    found = cut(D(quantity), lot(minimum, maximum, step), None if largest is None else D(largest))

    assert found.pieces == tuple(map(D, pieces))
    assert found.dust == D(dust)


@pytest.mark.parametrize(
    ("quantity", "largest", "pieces"),
    [("7", None, ["7"]), ("7", "3", ["3", "3", "1"]), ("7", "100", ["7"])],
)
def test_without_rules_the_venue_decides(
    quantity: str, largest: str | None, pieces: list[str]
) -> None:
    found = cut(D(quantity), None, None if largest is None else D(largest))

    assert sum(found.pieces) == D(quantity)
    assert found.pieces == tuple(map(D, pieces))
    assert found.dust == 0


def test_only_so_many_pieces_set_out_at_once() -> None:
    found = cut(D(1000), lot("1", "1", "1"))

    assert found.pieces == (D(1),) * PIECES_AT_ONCE
    assert found.dust == 0


@pytest.mark.parametrize(
    ("quantity", "step", "floored"),
    [("1.239", "0.01", "1.23"), ("1.23", "0.01", "1.23"), ("5", "0", "5"), ("0.5", "1", "0")],
)
def test_a_floor_is_a_multiple_of_the_step_and_never_above(
    quantity: str, step: str, floored: str
) -> None:
    assert floor_to(D(quantity), D(step)) == D(floored)


AMOUNTS = st.integers(1, 10**9).map(lambda n: D(n).scaleb(-4))
STEPS = st.sampled_from([D("0.0001"), D("0.001"), D("0.01"), D("0.1"), D(1), D(10), D("0.05")])


@given(
    quantity=AMOUNTS,
    step=STEPS,
    least=st.integers(1, 50),
    span=st.integers(0, 500),
    largest=st.none() | AMOUNTS,
)
def test_every_piece_is_one_that_the_venue_takes_and_none_makes_more_than_there_is(
    quantity: Decimal, step: Decimal, least: int, span: int, largest: Decimal | None
) -> None:
    limits = LotLimits(minimum=least * step, maximum=(least + span) * step, step=step)

    found = cut(quantity, limits, largest)

    assert sum(found.pieces) + found.dust <= quantity
    assert len(found.pieces) <= PIECES_AT_ONCE
    for piece in found.pieces:
        assert limits.minimum <= piece <= limits.maximum
        assert piece % step == 0
    if len(found.pieces) < PIECES_AT_ONCE:
        assert sum(found.pieces) + found.dust == quantity
    assert found.pieces or quantity < limits.minimum + step
