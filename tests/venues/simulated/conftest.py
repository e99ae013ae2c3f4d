from collections.abc import AsyncIterator

import pytest

from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import SimulatedVenue


@pytest.fixture
async def venue() -> AsyncIterator[SimulatedVenue]:
    async with SimulatedVenue() as started:
        yield started


@pytest.fixture
async def trader(venue: SimulatedVenue) -> AsyncIterator[Trader]:
    async with venue.trader() as client:
        yield client
