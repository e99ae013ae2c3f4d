"""Wait for a client's stream to listen, and for what it is going to hear."""

import asyncio

from goflat.venues.simulated.venue import SimulatedVenue

SECONDS_MOST = 5.0
LOOK_EVERY_SECONDS = 0.005


async def until_heard(venue: SimulatedVenue, listeners: int = 1) -> None:
    """Wait until that many connections listen: what happened before is not told again."""
    async with asyncio.timeout(SECONDS_MOST):
        while venue.world.accounts["main"].listeners < listeners:  # noqa: ASYNC110
            await asyncio.sleep(LOOK_EVERY_SECONDS)
