"""What the engine asks of a venue."""

from collections.abc import Mapping
from typing import Protocol

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


class Venue(Protocol):
    """One account at one venue. Every verb fails in four ways, and in no other.

    `NotSent`, `Rejected`, `Throttled` and `Unanswered` (`goflat.errors`) say what is known
    afterwards. A list that could not be read raises; it never comes back empty. Nothing here waits
    without a bound, and nothing sends an order a second time on its own.
    """

    @property
    def capabilities(self) -> Capabilities: ...

    @property
    def usage(self) -> Usage:
        """What the venue last said of its limits."""
        ...

    async def read_positions(self) -> Listing[Position]:
        """Every open position of the account."""
        ...

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        """Every order in the regular book, of every instrument."""
        ...

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        """Every order that waits for its trigger, of every instrument."""
        ...

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        """What the venue says of its instruments and of its limits."""
        ...

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        """Cancel every order of one instrument in one book. How many, where the venue says it."""
        ...

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        """Cancel one conditional order. One that is gone already counts as cancelled."""
        ...

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        """Send one order that can only reduce. The venue refuses it after `valid_seconds`."""
        ...

    async def query(self, order: CloseOrder) -> OrderReport | None:
        """What became of an order of ours, by its client order id. None: the id is unknown."""
        ...

    async def protect(self, stop: ProtectiveStop) -> None:
        """Put a conditional order that only reduces back on the venue."""
        ...

    async def aclose(self) -> None:
        """Let go of every connection. Never raises."""
        ...


class SecondSight(Protocol):
    """What a venue whose card says `lists_positions_twice` has besides."""

    async def read_positions_elsewhere(self) -> Listing[Position]:
        """Every open position of the account, from another place than `read_positions`."""
        ...
