"""The tables: every state there is, and every way from one to another.

A leg is one position on its way to flat. A sweep is one instrument's orders in one book, on their
way out. For both, a missing entry is an error of ours: a turn that cannot be taken there.
"""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType
from typing import TypeVar


class LegState(Enum):
    """What we know of one position."""

    EXPOSED = "a reading that counts shows it, and nothing of ours is under way"
    CLOSING = "closes are on their way"
    DOUBTFUL = "a close went unanswered; the venue is asked what became of it"
    SETTLING = "our last act is answered; waiting for a reading begun after it"
    GONE = "a reading begun after our last act shows it gone"
    STUCK = "given up: refused too often, refused for good, or dust"


class LegTurn(Enum):
    """What can happen to a position. Readings are turns only if they count."""

    SHOWN = "a reading shows it"
    BARE = "a reading shows it gone"
    SENT = "closes set out"
    ANSWERED = "every close is answered"
    IN_DOUBT = "a close stayed unanswered"
    GIVEN_UP = "no further attempt makes sense"
    CHANGED = "a reading shows dust that is not the dust it was"


class SweepState(Enum):
    """What we know of one instrument's orders in one book."""

    CLEAR = "nothing is listed that has to go"
    LISTED = "orders are listed that have to go"
    CANCELLING = "the venue is asked to cancel them"
    ACKNOWLEDGED = "the venue said yes; waiting for a list begun after it"
    STUCK = "given up: refused too often or for good"


class SweepTurn(Enum):
    """What can happen to one instrument's orders in one book."""

    LISTED = "a list shows orders that have to go"
    BARE = "a list shows none"
    SENT = "cancels set out"
    ACKNOWLEDGED = "every cancel is answered with a yes"
    NOT_DONE = "a cancel was refused or stayed unanswered, and it may be sent again"
    GIVEN_UP = "no further attempt makes sense"


_L, _T = LegState, LegTurn
LEG: Mapping[LegState, Mapping[LegTurn, LegState]] = MappingProxyType(
    {
        _L.EXPOSED: {
            _T.SHOWN: _L.EXPOSED,
            _T.BARE: _L.GONE,
            _T.SENT: _L.CLOSING,
            _T.GIVEN_UP: _L.STUCK,
        },
        _L.CLOSING: {
            _T.ANSWERED: _L.SETTLING,
            _T.IN_DOUBT: _L.DOUBTFUL,
            _T.GIVEN_UP: _L.STUCK,
        },
        # Shown while in doubt is remembered, but sends nothing: the order may be on its way.
        _L.DOUBTFUL: {
            _T.SHOWN: _L.DOUBTFUL,
            _T.BARE: _L.GONE,
            _T.ANSWERED: _L.SETTLING,
            _T.IN_DOUBT: _L.DOUBTFUL,
            _T.GIVEN_UP: _L.STUCK,
        },
        _L.SETTLING: {
            _T.SHOWN: _L.EXPOSED,
            _T.BARE: _L.GONE,
            _T.GIVEN_UP: _L.STUCK,
        },
        # Gone is not the end: a late fill, or a bot that nobody stopped, opens it again.
        _L.GONE: {_T.SHOWN: _L.EXPOSED, _T.BARE: _L.GONE},
        # Stuck sends nothing any more, but somebody else may close it.
        _L.STUCK: {_T.SHOWN: _L.STUCK, _T.BARE: _L.GONE, _T.CHANGED: _L.EXPOSED},
    }
)

_S, _U = SweepState, SweepTurn
SWEEP: Mapping[SweepState, Mapping[SweepTurn, SweepState]] = MappingProxyType(
    {
        _S.CLEAR: {_U.LISTED: _S.LISTED, _U.BARE: _S.CLEAR, _U.SENT: _S.CANCELLING},
        _S.LISTED: {
            _U.LISTED: _S.LISTED,
            _U.BARE: _S.CLEAR,
            _U.SENT: _S.CANCELLING,
            _U.GIVEN_UP: _S.STUCK,
        },
        _S.CANCELLING: {
            _U.ACKNOWLEDGED: _S.ACKNOWLEDGED,
            _U.NOT_DONE: _S.LISTED,
            _U.GIVEN_UP: _S.STUCK,
        },
        _S.ACKNOWLEDGED: {_U.LISTED: _S.LISTED, _U.BARE: _S.CLEAR},
        _S.STUCK: {_U.LISTED: _S.STUCK, _U.BARE: _S.CLEAR},
    }
)

State = TypeVar("State", LegState, SweepState)
Turn = TypeVar("Turn", LegTurn, SweepTurn)


def draw(table: Mapping[State, Mapping[Turn, State]]) -> str:
    """The table as a Mermaid diagram, for the documentation."""
    lines = ["stateDiagram-v2"]
    for state, row in table.items():
        lines += [
            f"    {state.name} --> {after.name}: {turn.value}"
            for turn, after in row.items()
            if after is not state
        ]
    return "\n".join(lines)
