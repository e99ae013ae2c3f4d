"""The life of a guarded account, as a table. A missing entry is a turn that cannot be taken."""

from collections.abc import Mapping
from enum import Enum
from types import MappingProxyType


class PostState(Enum):
    """What the guard is about to do for one account."""

    WAITING = "not armed: something is missing, and it is said what"
    ARMED = "would act now"
    TRIPPED = "latched; the run is under way"
    GOING_ON = "latched; the deadline came before flat, and it goes on until flat or acknowledged"
    HOLDING = "latched; proven done, and what re-opens is answered"
    LATCHED = "latched; nothing more is done until a reset"
    BYPASSED = "switched off by somebody for a while, with a reason"

    @property
    def is_latched(self) -> bool:
        return self in _LATCHED


class PostTurn(Enum):
    """What can happen to a guarded account."""

    ARM = "everything that has to be there is there"
    UNARM = "something that has to be there is missing"
    TRIP = "a trigger fired, or somebody pulled it"
    DONE = "the run ended, proven done"
    LEFT = "the run ended and something is left"
    QUIET = "the time of the hold is over"
    ACKNOWLEDGE = "somebody takes over what is left"
    RESET = "somebody took the latch off, with a reason"
    BYPASS = "somebody switched it off for a while"
    REARM = "the bypass is over"


_S, _T = PostState, PostTurn
_LATCHED = frozenset({_S.TRIPPED, _S.GOING_ON, _S.HOLDING, _S.LATCHED})

POST: Mapping[PostState, Mapping[PostTurn, PostState]] = MappingProxyType(
    {
        # A person may pull the switch of an account that is not armed, or bypassed.
        _S.WAITING: {
            _T.ARM: _S.ARMED,
            _T.UNARM: _S.WAITING,
            _T.TRIP: _S.TRIPPED,
            _T.BYPASS: _S.BYPASSED,
        },
        _S.ARMED: {
            _T.ARM: _S.ARMED,
            _T.UNARM: _S.WAITING,
            _T.TRIP: _S.TRIPPED,
            _T.BYPASS: _S.BYPASSED,
        },
        # From here on only a reset leads back: nothing else makes it less tripped.
        _S.TRIPPED: {_T.TRIP: _S.TRIPPED, _T.DONE: _S.HOLDING, _T.LEFT: _S.GOING_ON},
        _S.GOING_ON: {
            _T.TRIP: _S.GOING_ON,
            _T.DONE: _S.HOLDING,
            _T.LEFT: _S.GOING_ON,
            _T.ACKNOWLEDGE: _S.LATCHED,
        },
        # What can still happen is more: a person trips again, or something harder fires.
        _S.HOLDING: {
            _T.TRIP: _S.TRIPPED,
            _T.DONE: _S.HOLDING,
            _T.LEFT: _S.GOING_ON,
            _T.QUIET: _S.LATCHED,
            _T.RESET: _S.WAITING,
        },
        _S.LATCHED: {_T.TRIP: _S.TRIPPED, _T.RESET: _S.WAITING},
        _S.BYPASSED: {
            _T.TRIP: _S.TRIPPED,
            _T.BYPASS: _S.BYPASSED,
            _T.REARM: _S.WAITING,
        },
    }
)
