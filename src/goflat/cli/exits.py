"""What each ending of a run is to a script: the exit codes of `goflat flatten`."""

from collections.abc import Mapping
from types import MappingProxyType

from goflat.domain.outcome import LiquidationState

EXIT_CODES: Mapping[LiquidationState, int] = MappingProxyType(
    {
        LiquidationState.COMPLETED: 0,
        LiquidationState.FAILED: 1,
        # 2 says that the command or the configuration is wrong and nothing was sent.
        LiquidationState.PARTIAL: 3,
        LiquidationState.SKIPPED: 4,
    }
)
