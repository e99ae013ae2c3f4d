"""The clock of the running event loop."""

import asyncio

from goflat.domain.time import Instant


class LoopClock:
    """Monotonic, and the same one on which the loop's timers run: virtual where the loop's is."""

    def __init__(self) -> None:
        self._time = asyncio.get_running_loop().time

    def now(self) -> Instant:
        return Instant(self._time())
