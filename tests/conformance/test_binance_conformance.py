"""The Binance adapter does what every adapter has to do, in both position modes."""

from collections.abc import Mapping
from decimal import Decimal

import pytest

from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, CloseOrder
from goflat.domain.position import LegKey, PositionSide
from goflat.domain.secret import Secret
from goflat.ports.venue import Venue
from goflat.testing.conformance import CASES, Case
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.venue import (
    TEST_API_KEY,
    TEST_API_SECRET,
    AccountSetup,
    SimulatedVenue,
)


class SimulatedGround:
    """The simulated venue as the ground of a case."""

    symbols = ("BTCUSDT", "ETHUSDT")
    quantity = Decimal("0.5")

    def __init__(self, there: SimulatedVenue, venue: Venue, other: Venue, *, hedge: bool) -> None:
        self.venue = venue
        self._there = there
        self._other = other
        self._side = "LONG" if hedge else "BOTH"
        self._hedge = hedge

    async def open(self, symbol: Symbol, side: PositionSide, quantity: Decimal) -> None:
        amount = quantity if side is PositionSide.LONG else -quantity
        self._there.open_position(symbol, amount)

    async def reduce(self, symbol: Symbol, side: PositionSide, quantity: Decimal) -> None:
        (position,) = (row for row in self._there.truth.positions() if row.key == (symbol, side))
        order = CloseOrder(position=position, quantity=quantity, client_order_id="somebody-else")
        await self._other.close(order, valid_seconds=2)

    async def rest_order(self, symbol: Symbol) -> None:
        self._there.rest_order(symbol, "BUY", self.quantity, "1500", position_side=self._side)

    async def rest_stop(self, symbol: Symbol) -> None:
        self._there.wait_order(
            symbol,
            "SELL",
            "1500",
            quantity=self.quantity,
            position_side=self._side,
            reduce_only=None if self._hedge else True,
        )

    async def quantities(self) -> Mapping[LegKey, Decimal]:
        return {row.key: row.quantity for row in self._there.truth.positions()}

    async def orders(self, symbol: Symbol, book: Book) -> int:
        truth = self._there.truth
        listed = truth.working_orders() if book is Book.WORKING else truth.conditional_orders()
        return sum(order.symbol == symbol for order in listed)


def adapter(there: SimulatedVenue) -> BinanceVenue:
    return BinanceVenue(
        rest_url=there.rest_url,
        credentials=Credentials(api_key=Secret(TEST_API_KEY), api_secret=Secret(TEST_API_SECRET)),
    )


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
@pytest.mark.parametrize("case", CASES, ids=lambda case: case.number)
async def test_the_binance_adapter_does_what_every_adapter_has_to_do(
    case: Case, hedge: bool
) -> None:
    async with SimulatedVenue(accounts=[AccountSetup(hedge=hedge)]) as there:
        here, other = adapter(there), adapter(there)
        try:
            await case.run(SimulatedGround(there, here, other, hedge=hedge))
        finally:
            await here.aclose()
            await other.aclose()


def test_every_case_has_its_number_and_says_what_it_is_about() -> None:
    assert [case.number for case in CASES] == [f"V{n:02}" for n in range(1, len(CASES) + 1)]
    assert CASES[4].says == "closing what is gone is rejected and opens nothing"
