"""A venue that lets nothing but readings through: what a run would do, without doing it.

A run over it takes every decision that a real one takes, because it is a real one. The first
reading of each list is the venue's own. After that the lists change as they would if every act
succeeded, and the acts are kept instead of sent.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TypeAlias, TypeVar

from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import Position
from goflat.errors import VenueError
from goflat.ports.venue import Venue

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Cancel:
    """Orders of one instrument in one book that would be cancelled. `whole_book`: all at once.

    `orders` is empty where the book could not be read: then it would be cancelled unseen.
    """

    symbol: Symbol
    book: Book
    whole_book: bool
    orders: tuple[WorkingOrder | ConditionalOrder, ...] = ()


ANSWER_SECONDS = 0.001
"""What an act takes that is kept: the reading after it has to begin at a later instant."""

WouldBe: TypeAlias = Cancel | CloseOrder | ProtectiveStop
"""An act that was asked for, and kept."""


@dataclass(kw_only=True)
class RehearsedVenue:
    """Keeps the venue port over a real venue, and sends it readings only.

    `acts` is what would have been sent, in order. `unread` says which reading failed, and why.
    """

    venue: Venue
    acts: list[WouldBe] = field(default_factory=list)
    unread: dict[str, str] = field(default_factory=dict)
    _positions: Listing[Position] | None = None
    _working: Listing[WorkingOrder] | None = None
    _conditional: Listing[ConditionalOrder] | None = None

    @property
    def capabilities(self) -> Capabilities:
        return replace(self.venue.capabilities, lists_positions_twice=False)

    @property
    def usage(self) -> Usage:
        return self.venue.usage

    async def read_positions(self) -> Listing[Position]:
        """What the venue says the first time; after that, what would be left."""
        if self._positions is None:
            found = await self._first("positions", self.venue.read_positions)
            if self._positions is None:
                self._positions = found
        return self._positions

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        """As `read_positions`."""
        if self._working is None:
            found = await self._first("working orders", self.venue.read_working_orders)
            if self._working is None:
                self._working = found
        return self._working

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        """As `read_positions`."""
        if self._conditional is None:
            found = await self._first("conditional orders", self.venue.read_conditional_orders)
            if self._conditional is None:
                self._conditional = found
        return self._conditional

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        """The venue's own."""
        try:
            found = await self.venue.read_rules()
        except VenueError as failure:
            self.unread["rules"] = failure.reason
            raise
        self.unread.pop("rules", None)
        return found

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        """Keep the cancel, and let the orders be gone."""
        listing = self._working if book is Book.WORKING else self._conditional
        going = () if listing is None else tuple(o for o in listing.rows if o.symbol == symbol)
        await self._cancel(Cancel(symbol=symbol, book=book, whole_book=True, orders=going))
        return len(going)

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        """Keep the cancel, and let the order be gone."""
        await self._cancel(
            Cancel(symbol=order.symbol, book=Book.CONDITIONAL, whole_book=False, orders=(order,))
        )

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:  # noqa: ARG002
        """Keep the order, and let the position be that much smaller."""
        self.acts.append(order)
        await asyncio.sleep(ANSWER_SECONDS)
        if self._positions is not None:
            rows = (_reduced(position, order) for position in self._positions.rows)
            self._positions = replace(
                self._positions, rows=tuple(row for row in rows if row is not None)
            )
        return OrderReport(status=OrderStatus.FILLED, executed=order.quantity)

    async def query(self, order: CloseOrder) -> OrderReport | None:
        """An order that was kept is filled as if it had been sent."""
        if order in self.acts:
            return OrderReport(status=OrderStatus.FILLED, executed=order.quantity)
        return None

    async def protect(self, stop: ProtectiveStop) -> None:
        """Keep the stop, and let it be back."""
        self.acts.append(stop)
        await asyncio.sleep(ANSWER_SECONDS)
        if self._conditional is not None:
            self._conditional = replace(
                self._conditional, rows=(*self._conditional.rows, stop.order)
            )

    async def aclose(self) -> None:
        """Let go of the venue's connections. Never raises."""
        await self.venue.aclose()

    async def _first(self, what: str, read: Callable[[], Awaitable[Listing[Row]]]) -> Listing[Row]:
        try:
            found = await read()
        except VenueError as failure:
            self.unread[what] = failure.reason
            raise
        self.unread.pop(what, None)
        if found.unreadable:
            self.unread[what] = found.unreadable[0].reason
        return found

    async def _cancel(self, cancel: Cancel) -> None:
        self.acts.append(cancel)
        await asyncio.sleep(ANSWER_SECONDS)
        gone = {order.order_id for order in cancel.orders}
        if cancel.book is Book.WORKING and self._working is not None:
            kept = tuple(o for o in self._working.rows if o.order_id not in gone)
            self._working = replace(self._working, rows=kept)
        elif self._conditional is not None:
            left = tuple(o for o in self._conditional.rows if o.order_id not in gone)
            self._conditional = replace(self._conditional, rows=left)


def _reduced(position: Position, order: CloseOrder) -> Position | None:
    """What would be left of a position; None: nothing."""
    if position.key != order.position.key:
        return position
    left = position.quantity - order.quantity
    return replace(position, quantity=left) if left > 0 else None
