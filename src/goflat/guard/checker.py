"""Whether the switch could work now: asked of the venue again and again, and never in its way.

What it reads keeps the connections warm as well, so that a trip finds them open.
"""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from decimal import Decimal
from typing import Protocol

from goflat.core.guarding.events import GuardEvent, HeldReading, Readiness
from goflat.domain.facts import AccountFacts, Balance
from goflat.domain.listing import Listing
from goflat.domain.order import CloseOrder
from goflat.domain.position import Position
from goflat.domain.scope import Scope
from goflat.domain.time import LONG_AGO, Instant
from goflat.errors import VenueError
from goflat.ports.venue import Venue

_log = logging.getLogger("goflat")

HELD_SECONDS = 1.0
"""How often an account that is held is looked at."""

ANSWER_SECONDS = 5.0


class ExaminedVenue(Venue, Protocol):
    """A venue that can be asked about its key as well, and build an order without sending it."""

    def rehearse(self, order: CloseOrder, *, valid_seconds: float) -> None:
        """Build and sign; raises NotSent where that cannot be done."""
        ...

    async def examine(self) -> AccountFacts:
        """What can be known of key and account before it matters."""
        ...

    async def read_balance(self) -> Balance:
        """What the account is worth, as the venue sums it up."""
        ...

    async def read_transfers(self, since_seconds: float) -> Decimal:
        """The sum of what was moved in (above zero) and out since then, a time of day."""
        ...


@dataclass(slots=True, kw_only=True)
class Proofs:
    """When what was last shown to work, on the loop's clock."""

    read_at: Instant = LONG_AGO
    examined_at: Instant = LONG_AGO
    rehearsed_at: Instant = LONG_AGO
    rehearsal: str | None = None
    problem: str | None = None
    facts: AccountFacts | None = None


class Checker:
    """Looks after one account: reads it, examines it, and says what is missing.

    `also_missing` is asked each time for what others know to be missing. `proof_seconds` is how
    often the whole examination is made; one that is twice as old counts for nothing.
    """

    def __init__(
        self,
        venue: ExaminedVenue,
        scope: Scope,
        tell: Callable[[GuardEvent], object],
        *,
        check_seconds: float,
        proof_seconds: float,
        is_held: Callable[[], bool],
        also_missing: Callable[[], tuple[str, ...]],
        rehearse: Callable[[], Awaitable[str | None]],
    ) -> None:
        self._venue = venue
        self._scope = scope
        self._tell = tell
        self._check_seconds = check_seconds
        self._proof_seconds = proof_seconds
        self._is_held = is_held
        self._also_missing = also_missing
        self._rehearse = rehearse
        self.proofs = Proofs()
        self.positions: tuple[Position, ...] = ()

    async def keep(self) -> None:
        """Check until this is cancelled."""
        while True:
            await self.check()
            for _ in range(int(self._check_seconds / HELD_SECONDS)):
                await asyncio.sleep(HELD_SECONDS)
                if self._is_held():
                    await self._read()

    async def check(self) -> None:
        """One round: read, examine where it is due, and say what is missing."""
        now = asyncio.get_running_loop().time()
        if now - self.proofs.examined_at >= self._proof_seconds:
            await self._examine()
        if now - self.proofs.rehearsed_at >= self._proof_seconds and not self._is_held():
            await self._prove()
        await self._read()
        self._tell(Readiness(missing=self.missing()))

    def missing(self) -> tuple[str, ...]:
        """What does not work, in words. Empty: the switch could work now."""
        now = asyncio.get_running_loop().time()
        missing = list(self._also_missing())
        if now - self.proofs.read_at > 3 * self._check_seconds:
            missing.append(f"the account cannot be read: {self.proofs.problem or 'no answer'}")
        if now - self.proofs.examined_at > 2 * self._proof_seconds:
            missing.append("the examination of key, clock and rules is overdue")
        if now - self.proofs.rehearsed_at > 2 * self._proof_seconds:
            missing.append("the proof test is overdue")
        if self.proofs.rehearsal is not None:
            missing.append(f"the proof test failed: {self.proofs.rehearsal}")
        if self.proofs.facts is not None:
            missing += _faults(self.proofs.facts)
        return tuple(missing)

    async def _examine(self) -> None:
        try:
            async with asyncio.timeout(2 * ANSWER_SECONDS):
                facts = await self._venue.examine()
        except (VenueError, TimeoutError) as failure:
            self.proofs.problem = str(failure) or "no answer in time"
            return
        self.proofs.facts = facts
        if facts.key_works is not None and facts.clock_offset_seconds is not None:
            self.proofs.examined_at = Instant(asyncio.get_running_loop().time())

    async def _prove(self) -> None:
        """All that a run would send, built and signed; nothing of it leaves."""
        self.proofs.rehearsal = await self._rehearse()
        if self.proofs.rehearsal is None:
            self.proofs.rehearsed_at = Instant(asyncio.get_running_loop().time())

    async def _read(self) -> None:
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                listing = await self._venue.read_positions()
        except (VenueError, TimeoutError) as failure:
            self.proofs.problem = str(failure) or "no answer in time"
            return
        self.proofs.read_at = Instant(asyncio.get_running_loop().time())
        self._seen(listing)

    def _seen(self, listing: Listing[Position]) -> None:
        self.positions = tuple(row for row in listing.rows if self._scope.covers(row.symbol))
        if self._is_held():
            self._tell(HeldReading(positions=self.positions))


def _faults(facts: AccountFacts) -> list[str]:
    """What an examination showed to be wrong. What it could not learn is no fault of the key."""
    found = {
        "the venue does not take the key": facts.key_works is False,
        "the key or the account may not trade": facts.can_trade is False,
        "the key may withdraw, which a guard's key must not": facts.can_withdraw is True,
    }
    return [text for text, is_so in found.items() if is_so]
