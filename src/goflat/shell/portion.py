"""A venue on which only our part of the positions is seen, for a run that goes on with another's.

Everything else passes through untouched. What is somebody else's is kept in `foreign`, to be told.
"""

from collections.abc import Mapping
from typing import cast

from goflat.core.guarding.remnant import Portion, Remnant
from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import Position
from goflat.ports.venue import SecondSight, Venue


class PortionVenue:
    """Keeps `goflat.ports.venue.Venue`. Closing the connections stays the business of the owner."""

    def __init__(self, venue: Venue, remnant: Remnant) -> None:
        self._venue = venue
        self._portion = Portion(remnant=remnant)
        self.foreign: tuple[Position, ...] = ()

    @property
    def capabilities(self) -> Capabilities:
        return self._venue.capabilities

    @property
    def usage(self) -> Usage:
        return self._venue.usage

    async def read_positions(self) -> Listing[Position]:
        """Our part of every position; rows that could not be read stay what they are."""
        return self._ours(await self._venue.read_positions())

    async def read_positions_elsewhere(self) -> Listing[Position]:
        """The same, where the venue can be asked at a second place."""
        second = cast("SecondSight", self._venue)
        return self._ours(await second.read_positions_elsewhere())

    def _ours(self, listing: Listing[Position]) -> Listing[Position]:
        self._portion = self._portion.seen(listing.rows)
        parts = [(row, self._portion.own_part(row)) for row in listing.rows]
        self.foreign = tuple(
            row for row, own in parts if own is None or own.quantity < row.quantity
        )
        return Listing(
            rows=tuple(own for _, own in parts if own is not None), unreadable=listing.unreadable
        )

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        return await self._venue.read_working_orders()

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        return await self._venue.read_conditional_orders()

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        return await self._venue.read_rules()

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        return await self._venue.cancel_all(symbol, book)

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        await self._venue.cancel_conditional(order)

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        return await self._venue.close(order, valid_seconds=valid_seconds)

    async def query(self, order: CloseOrder) -> OrderReport | None:
        return await self._venue.query(order)

    async def protect(self, stop: ProtectiveStop) -> None:
        await self._venue.protect(stop)

    async def aclose(self) -> None:
        """Nothing: the venue belongs to somebody else."""
