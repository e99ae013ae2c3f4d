"""How a command ended, what that calls for, and what is said about it to a script."""

import signal
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import MappingProxyType

from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.settings import OnExit

KILLED_BY_SIGNAL = 128
NOT_FOUND, NOT_EXECUTABLE = 127, 126
"""As a shell says it: there is no such command, or it cannot be executed. Nothing was started."""

LIQUIDATION_CODES: Mapping[LiquidationState, int] = MappingProxyType(
    {LiquidationState.FAILED: 121, LiquidationState.PARTIAL: 123}
)
"""Exit codes of `goflat run` that stand above the command's own."""


@dataclass(frozen=True, slots=True, kw_only=True)
class CommandEnd:
    """How the command ended: by an exit code, or by a signal."""

    code: int | None = None
    signal: int | None = None

    @property
    def exit_code(self) -> int:
        """As a shell says it: 128 + N for an end by signal N."""
        if self.signal is not None:
            return KILLED_BY_SIGNAL + self.signal
        assert self.code is not None
        return self.code

    def __str__(self) -> str:
        if self.signal is None:
            return f"the command ended with exit code {self.code}"
        return f"the command was ended by {signal_name(self.signal)}"


def signal_name(number: int) -> str:
    """SIGTERM rather than 15."""
    try:
        return signal.Signals(number).name
    except ValueError:
        return f"signal {number}"


def calls_for_flattening(on_exit: OnExit, end: CommandEnd, *, handed_over: bool) -> bool:
    """Whether an end of the command is one after which the account is flattened."""
    match on_exit:
        case "always":
            return True
        case "nonzero":
            return end.exit_code != 0
        case "handover":
            return not handed_over


def state_of(results: Sequence[LiquidationResult]) -> LiquidationState:
    """What several runs in a row came to: the last one says what is left, all say what was done."""
    last = results[-1].state
    was_done = any(it.positions_closed or it.orders_cancelled for it in results)
    if last is LiquidationState.FAILED and was_done:
        return LiquidationState.PARTIAL
    return last


def exit_code(state: LiquidationState, end: CommandEnd) -> int:
    """The command's own code, unless something is left: that never hides behind a zero."""
    return LIQUIDATION_CODES.get(state, end.exit_code)
