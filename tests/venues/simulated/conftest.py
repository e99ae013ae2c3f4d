from collections.abc import AsyncIterator
from dataclasses import dataclass

import pytest

from goflat.venues.simulated.exchange import Exchange
from goflat.venues.simulated.instruments import standard_instruments
from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.venue import SimulatedVenue


@dataclass
class HandClock:
    """The venue's time, moved by hand."""

    ms: int = 1_795_000_000_000

    def __call__(self) -> int:
        return self.ms

    def pass_seconds(self, seconds: float) -> None:
        self.ms += round(seconds * 1000)


@pytest.fixture
def clock() -> HandClock:
    return HandClock()


@pytest.fixture
def exchange(clock: HandClock) -> Exchange:
    return Exchange(clock=clock, instruments=standard_instruments())


@pytest.fixture
async def venue() -> AsyncIterator[SimulatedVenue]:
    async with SimulatedVenue() as started:
        yield started


@pytest.fixture
async def trader(venue: SimulatedVenue) -> AsyncIterator[Trader]:
    async with venue.trader() as client:
        yield client
