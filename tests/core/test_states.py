"""The two tables, entry by entry, the missing ones too: each is a decision about real money."""

import pytest
from core_values import in_state, terms

from goflat.core.leg.moves import turn as turn_leg
from goflat.core.states import LEG, SWEEP, LegState, LegTurn, SweepState, SweepTurn, draw
from goflat.core.sweep import Sweep
from goflat.core.sweep import _turn as turn_sweep
from goflat.domain.order import Book

LEG_FROZEN = {
    #            SHOWN       BARE    SENT       ANSWERED    IN_DOUBT    GIVEN_UP  CHANGED
    "EXPOSED": ("EXPOSED", "GONE", "CLOSING", None, None, "STUCK", None),
    "CLOSING": (None, None, None, "SETTLING", "DOUBTFUL", "STUCK", None),
    "DOUBTFUL": ("DOUBTFUL", "GONE", None, "SETTLING", "DOUBTFUL", "STUCK", None),
    "SETTLING": ("EXPOSED", "GONE", None, None, None, "STUCK", None),
    "GONE": ("EXPOSED", "GONE", None, None, None, None, None),
    "STUCK": ("STUCK", "GONE", None, None, None, None, "EXPOSED"),
}
SWEEP_FROZEN = {
    #                 LISTED     BARE     SENT        ACKNOWLEDGED    NOT_DONE  GIVEN_UP
    "CLEAR": ("LISTED", "CLEAR", "CANCELLING", None, None, None),
    "LISTED": ("LISTED", "CLEAR", "CANCELLING", None, None, "STUCK"),
    "CANCELLING": (None, None, None, "ACKNOWLEDGED", "LISTED", "STUCK"),
    "ACKNOWLEDGED": ("LISTED", "CLEAR", None, None, None, None),
    "STUCK": ("STUCK", "CLEAR", None, None, None, None),
}
LEG_CELLS = [
    (LegState[state], turn, None if after is None else LegState[after])
    for state, row in LEG_FROZEN.items()
    for turn, after in zip(LegTurn, row, strict=True)
]
SWEEP_CELLS = [
    (SweepState[state], turn, None if after is None else SweepState[after])
    for state, row in SWEEP_FROZEN.items()
    for turn, after in zip(SweepTurn, row, strict=True)
]


def test_the_frozen_tables_name_every_state() -> None:
    assert set(LEG_FROZEN) == {state.name for state in LegState}
    assert set(SWEEP_FROZEN) == {state.name for state in SweepState}


@pytest.mark.parametrize(("state", "turn", "after"), LEG_CELLS, ids=lambda v: getattr(v, "name", v))
def test_a_leg_takes_this_turn_to_that_state_or_not_at_all(
    state: LegState, turn: LegTurn, after: LegState | None
) -> None:
    if after is None:
        assert turn not in LEG[state]
        with pytest.raises(KeyError):
            turn_leg(in_state(state), turn)
    else:
        assert turn_leg(in_state(state), turn).state is after


@pytest.mark.parametrize(
    ("state", "turn", "after"), SWEEP_CELLS, ids=lambda v: getattr(v, "name", v)
)
def test_a_sweep_takes_this_turn_to_that_state_or_not_at_all(
    state: SweepState, turn: SweepTurn, after: SweepState | None
) -> None:
    sweep = Sweep(symbol="BTCUSDT", book=Book.WORKING, terms=terms(), state=state)
    if after is None:
        assert turn not in SWEEP[state]
        with pytest.raises(KeyError):
            turn_sweep(sweep, turn)
    else:
        assert turn_sweep(sweep, turn).state is after


def test_only_a_reading_makes_a_leg_gone_and_only_a_list_clears_a_sweep() -> None:
    to_gone = {turn for row in LEG.values() for turn, after in row.items() if after.name == "GONE"}
    to_clear = {
        turn for row in SWEEP.values() for turn, after in row.items() if after.name == "CLEAR"
    }

    assert to_gone == {LegTurn.BARE}
    assert to_clear == {SweepTurn.BARE}


def test_closes_set_out_from_one_state_only() -> None:
    assert [state for state in LegState if LegTurn.SENT in LEG[state]] == [LegState.EXPOSED]


@pytest.mark.parametrize("state", LegState)
def test_a_leg_can_always_turn_out_to_be_gone_unless_its_close_is_on_its_way(
    state: LegState,
) -> None:
    assert (LegTurn.BARE in LEG[state]) is (state is not LegState.CLOSING)


def test_the_tables_cannot_be_changed() -> None:
    with pytest.raises(TypeError):
        LEG[LegState.GONE] = {}  # type: ignore[index]


def test_the_picture_is_drawn_from_the_table_and_leaves_out_what_changes_nothing() -> None:
    drawn = draw(LEG).splitlines()

    assert drawn[0] == "stateDiagram-v2"
    assert "    GONE --> EXPOSED: a reading shows it" in drawn
    assert not any("GONE --> GONE" in line for line in drawn)
    moves = [
        (state, after) for state, row in LEG.items() for after in row.values() if after is not state
    ]
    assert len(drawn) == 1 + len(moves)
