"""What the venue says of the account: its equity, its margin, and whether it says anything."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from decimal import Decimal

from goflat.core.guarding.limits import Equity, Finding, LossLimit, margin_used, nearest
from goflat.domain.time import LONG_AGO, Instant
from goflat.guard.checker import ExaminedVenue
from goflat.guard.triggers.eyes import Eyes, NotReadable, known
from goflat.settings.guarding import TriggerSettings

Look = Callable[[], Awaitable[Finding]]


def loss(said: TriggerSettings, eyes: Eyes) -> Look:
    """Fires when the equity has fallen too far below its best of the window."""
    limit = LossLimit(
        window_seconds=said.window_seconds, percent=said.loss_percent, amount=said.loss_amount
    )

    began = time.time()

    async def look() -> Finding:
        equity = await _equity(eyes.venue, began)
        return known(limit.see(equity, Instant(asyncio.get_running_loop().time())))

    return look


async def _equity(venue: ExaminedVenue, since: float) -> Equity:
    """One reading of the equity, from the account and from its positions."""
    balance, listing, transferred = await asyncio.gather(
        venue.read_balance(), venue.read_positions(), venue.read_transfers(since)
    )
    profits = [row.unrealized_pnl for row in listing.rows if row.unrealized_pnl is not None]
    if listing.unreadable or len(profits) < len(listing.rows):
        raise NotReadable("the profit of a position could not be read")
    return Equity(
        wallet=balance.wallet,
        unrealized=balance.unrealized,
        of_positions=sum(profits, Decimal(0)),
        transferred=transferred,
    )


def margin(said: TriggerSettings, eyes: Eyes) -> Look:
    """Fires when too much of the margin is needed to keep the positions."""
    assert said.margin_percent is not None
    most = said.margin_percent

    async def look() -> Finding:
        balance = await eyes.venue.read_balance()
        return margin_used(balance.maintenance, balance.margin, most)

    return look


def distance(said: TriggerSettings, eyes: Eyes) -> Look:
    """Fires when a mark price is too near to the forced liquidation of a position."""
    assert said.distance_percent is not None
    least = said.distance_percent

    async def look() -> Finding:
        listing = await eyes.venue.read_positions()
        if listing.unreadable:
            raise NotReadable("a position could not be read")
        return nearest(listing.rows, least)

    return look


def connection(said: TriggerSettings, eyes: Eyes) -> Look:
    """Fires when the venue has not answered for too long."""
    loop = asyncio.get_running_loop()
    began = loop.time()

    async def look() -> Finding:
        since = began if eyes.proofs.read_at == LONG_AGO else eyes.proofs.read_at
        silent = loop.time() - since
        text = f"the last answer came {silent:.1f} s ago"
        return Finding(fires=silent >= said.silent_seconds, text=text)

    return look
