"""The venue's limit of orders, for floors that place more of them than it takes at once."""

import asyncio
import time

from goflat.venues.simulated.limits import REAL_LIMITS, TEN_SECONDS_MS

PAST_THE_EDGE_SECONDS = 0.005


class OrderPace:
    """Lets through as many orders as the venue takes in each of its windows of ten seconds."""

    def __init__(self) -> None:
        self._taken = 0
        self._first_window = 0

    async def turn(self) -> None:
        """Return when one more order may go."""
        if not self._taken:
            self._first_window = _now_ms() // TEN_SECONDS_MS
        later = self._taken // REAL_LIMITS.orders_per_ten_seconds
        self._taken += 1
        if later:
            opens_ms = (self._first_window + later) * TEN_SECONDS_MS
            await asyncio.sleep((opens_ms - _now_ms()) / 1000 + PAST_THE_EDGE_SECONDS)


def _now_ms() -> int:
    return time.time_ns() // 1_000_000
