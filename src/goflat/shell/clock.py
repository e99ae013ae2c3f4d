"""The clock of the running event loop."""

import asyncio

from goflat.domain.time import Instant

TICK_SECONDS = 1e-9


class LoopClock:
    """Monotonic, and the same one on which the loop's timers run: virtual where the loop's is.

    No two instants that it gives are equal, so that the order of two events of a run can always be
    read from them. Some loops look at the time only once in a while.
    """

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time
        self._last = float("-inf")

    def now(self) -> Instant:
        self._last = max(self._time(), self._last + TICK_SECONDS)
        return Instant(self._last)
