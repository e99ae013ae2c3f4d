"""Client order ids: what every venue takes, and never two alike in one run."""

import re

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.naming import close_id, stop_id
from goflat.domain.position import LegKey, PositionSide

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
TAKEN = re.compile(r"[\.A-Z\:/a-z0-9_-]{1,36}\Z")


@pytest.mark.parametrize(
    ("symbol", "side", "attempt", "piece", "name"),
    [
        ("BTCUSDT", LONG, 1, 1, "gf-0a1b2c3d-BTCUSDT-L1.1"),
        ("BTCUSDT", SHORT, 12, 10, "gf-0a1b2c3d-BTCUSDT-S12.10"),
        ("BTCUSDT_260925", LONG, 1, 1, "gf-0a1b2c3d-BTCUSDT_260925-L1.1"),
    ],
)
def test_a_close_says_run_instrument_side_attempt_and_piece(
    symbol: str, side: PositionSide, attempt: int, piece: int, name: str
) -> None:
    assert close_id("0a1b2c3d", LegKey(symbol, side), attempt, piece) == name


@pytest.mark.parametrize(
    "symbol", ["币安人生USDT", "A" * 40, "BTC/USDT:USDT", "", "BTC USDT", "\n", "1000000MOGUSDTXX"]
)
def test_a_symbol_that_is_long_or_not_plain_gives_a_name_that_venues_take(symbol: str) -> None:
    name = close_id("0a1b2c3d", LegKey(symbol, LONG), 99, 10)

    assert TAKEN.match(name)
    assert name.startswith("gf-0a1b2c3d-")


def test_a_stop_that_goes_back_has_a_name_of_its_own() -> None:
    assert stop_id("0a1b2c3d", "BTC1", 2) == "gf-0a1b2c3d-BTC1-P2"


KEYS = st.builds(LegKey, st.text(min_size=1, max_size=30), st.sampled_from(PositionSide))


@given(key=KEYS, other=KEYS, numbers=st.tuples(*[st.integers(1, 99)] * 4))
def test_ids_are_taken_by_venues_and_differ_wherever_what_they_name_differs(
    key: LegKey, other: LegKey, numbers: tuple[int, int, int, int]
) -> None:
    attempt, piece, other_attempt, other_piece = numbers
    first = close_id("0a1b2c3d", key, attempt, piece)
    second = close_id("0a1b2c3d", other, other_attempt, other_piece)

    assert TAKEN.match(first)
    assert (first == second) is ((key, attempt, piece) == (other, other_attempt, other_piece))
    assert first != stop_id("0a1b2c3d", key.symbol, attempt)
