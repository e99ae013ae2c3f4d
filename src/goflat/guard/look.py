"""Two looks at an account, for whoever wants to take a latch off."""

import asyncio

from goflat.domain.scope import Scope
from goflat.errors import VenueError
from goflat.ports.venue import Venue

LOOK_SECONDS = 5.0
BETWEEN_SECONDS = 0.3


async def is_bare(venue: Venue, scope: Scope) -> bool:
    """Whether two looks show no position and no order. A look that fails shows nothing."""
    try:
        async with asyncio.timeout(LOOK_SECONDS):
            if not await _shows_nothing(venue, scope):
                return False
            await asyncio.sleep(BETWEEN_SECONDS)
            return await _shows_nothing(venue, scope)
    except (VenueError, TimeoutError):
        return False


async def _shows_nothing(venue: Venue, scope: Scope) -> bool:
    listings = await asyncio.gather(
        venue.read_positions(), venue.read_working_orders(), venue.read_conditional_orders()
    )
    if any(listing.unreadable for listing in listings):
        return False
    return not any(scope.covers(row.symbol) for listing in listings for row in listing.rows)
