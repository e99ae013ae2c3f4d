"""The adapter against the simulated venue: the whole way there and back, over sockets."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from decimal import Decimal

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from goflat.domain.order import Book, CloseOrder, OrderStatus, ProtectiveStop
from goflat.domain.position import Position, PositionMode, PositionSide
from goflat.domain.secret import Secret
from goflat.errors import Refusal, Rejected, Unanswered
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.faults import Match, Shape, Spoil
from goflat.venues.simulated.venue import (
    TEST_API_KEY,
    TEST_API_SECRET,
    AccountSetup,
    SimulatedVenue,
)


@asynccontextmanager
async def account(*, hedge: bool = False) -> AsyncIterator[tuple[SimulatedVenue, BinanceVenue]]:
    async with SimulatedVenue(accounts=[AccountSetup(hedge=hedge)]) as there:
        here = venue_at(there, api_key=TEST_API_KEY, api_secret=TEST_API_SECRET)
        try:
            yield there, here
        finally:
            await here.aclose()


def venue_at(there: SimulatedVenue, *, api_key: str, api_secret: str) -> BinanceVenue:
    return BinanceVenue(
        rest_url=there.rest_url,
        credentials=Credentials(api_key=Secret(api_key), api_secret=Secret(api_secret)),
    )


def close_of(position: Position, number: int) -> CloseOrder:
    return CloseOrder(
        position=position, quantity=position.quantity, client_order_id=f"goflat-{number}"
    )


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
async def test_an_account_is_seen_and_taken_flat(hedge: bool) -> None:
    async with account(hedge=hedge) as (there, here):
        there.open_position("BTCUSDT", "0.5")
        there.open_position("ETHUSDT", "-3")
        side = "LONG" if hedge else "BOTH"
        there.rest_order("BTCUSDT", "BUY", "0.1", "20000", position_side=side)
        there.wait_order("BTCUSDT", "SELL", "20000", position_side=side, close_position=True)

        listing = await here.read_positions()
        assert listing.unreadable == ()
        assert {row.key for row in listing.rows} == {row.key for row in there.truth.positions()}
        elsewhere = await here.read_positions_elsewhere()
        assert [(row.key, row.quantity) for row in elsewhere.rows] == [
            (row.key, row.quantity) for row in listing.rows
        ]
        assert len((await here.read_working_orders()).rows) == 1
        (stop,) = (await here.read_conditional_orders()).rows
        assert stop.protects(PositionSide.LONG)
        mode = PositionMode.HEDGE if hedge else PositionMode.ONE_WAY
        assert await here.read_mode() is mode
        assert {row.mode for row in listing.rows} == {mode}

        await here.cancel_all("BTCUSDT", Book.WORKING)
        reports = await asyncio.gather(
            *(here.close(close_of(row, n), valid_seconds=2) for n, row in enumerate(listing.rows))
        )
        assert [report.status for report in reports] == [OrderStatus.FILLED] * 2
        asked = await here.query(close_of(listing.rows[0], 0))
        assert asked is not None
        assert asked.executed == reports[0].executed == listing.rows[0].quantity

        await here.cancel_conditional(stop)
        await here.cancel_conditional(stop)
        await here.cancel_all("BTCUSDT", Book.CONDITIONAL)
        await here.cancel_all("BTCUSDT", Book.WORKING)

        assert (await here.read_positions()).rows == ()
        assert (await here.read_positions_elsewhere()).rows == ()
        assert (await here.read_working_orders()).rows == ()
        assert (await here.read_conditional_orders()).rows == ()
        assert there.truth.is_flat()


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
async def test_closing_what_is_gone_is_refused_and_opens_nothing(hedge: bool) -> None:
    async with account(hedge=hedge) as (there, here):
        there.open_position("BTCUSDT", "0.5")
        (position,) = (await here.read_positions()).rows
        await here.close(close_of(position, 1), valid_seconds=2)
        with pytest.raises(Rejected) as refused:
            await here.close(close_of(position, 2), valid_seconds=2)

        assert refused.value.refusal is Refusal.ORDERS_IN_THE_WAY
        assert there.truth.is_flat()


async def test_an_order_that_was_never_placed_is_unknown() -> None:
    async with account() as (there, here):
        there.open_position("BTCUSDT", "0.5")
        (position,) = (await here.read_positions()).rows

        assert await here.query(close_of(position, 1)) is None


@pytest.mark.parametrize("closes_all", [False, True])
@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
async def test_a_stop_that_was_taken_away_is_put_back_as_it_was(
    hedge: bool, closes_all: bool
) -> None:
    async with account(hedge=hedge) as (there, here):
        there.open_position("BTCUSDT", "0.5")
        there.wait_order(
            "BTCUSDT",
            "SELL",
            "20000",
            quantity=None if closes_all else "0.5",
            position_side="LONG" if hedge else "BOTH",
            reduce_only=None if hedge or closes_all else True,
            close_position=closes_all,
        )
        (before,) = (await here.read_conditional_orders()).rows
        await here.cancel_conditional(before)
        assert (await here.read_conditional_orders()).rows == ()
        await here.protect(ProtectiveStop(order=before, client_order_id="goflat-stop"))

        (after,) = (await here.read_conditional_orders()).rows
        assert after.protects(PositionSide.LONG)
        assert after.client_order_id == "goflat-stop"
        assert (after.quantity, after.trigger_price, after.close_position) == (
            before.quantity,
            Decimal(20000),
            closes_all,
        )


async def test_the_rules_and_a_preflight_are_read() -> None:
    async with account() as (_, here):
        table, limits = await here.read_rules()
        facts = await here.examine()

        assert all(table.get(symbol) is not None for symbol in table)
        assert limits is not None
        assert facts.key_works
        assert facts.instruments == len(table)
        assert here.usage.weight_per_minute is not None


async def test_a_key_that_is_not_known_is_refused_for_good() -> None:
    async with account() as (there, _):
        stranger = venue_at(there, api_key="x" * 64, api_secret=TEST_API_SECRET)
        with pytest.raises(Rejected) as refused:
            await stranger.read_positions()
        await stranger.aclose()

        assert refused.value.refusal is Refusal.NO_PERMISSION


async def test_an_ed25519_key_signs_as_well() -> None:
    key = Ed25519PrivateKey.generate()
    pem = key.private_bytes(
        serialization.Encoding.PEM,
        serialization.PrivateFormat.PKCS8,
        serialization.NoEncryption(),
    )
    async with account() as (there, _):
        there.add_public_key("ed" * 32, key.public_key().public_bytes_raw())
        here = venue_at(there, api_key="ed" * 32, api_secret=pem.decode())
        assert (await here.read_positions()).rows == ()
        await here.cancel_all("BTCUSDT", Book.WORKING)
        await here.aclose()


SPOILT = {
    Shape.HTML: True,
    Shape.EMPTY: True,
    Shape.CUT: True,
    Shape.NOT_A_LIST: True,
    Shape.HUGE: True,
    Shape.NULLS: False,
    Shape.NAN: False,
    Shape.NO_FIELDS: False,
}


@pytest.mark.parametrize(("shape", "wholly"), SPOILT.items())
async def test_a_spoilt_list_of_positions_never_looks_empty(shape: Shape, wholly: bool) -> None:
    """Either nothing could be read, or what could not is named; the others are read."""
    async with account() as (there, here):
        there.open_position("BTCUSDT", "0.5")
        there.open_position("ETHUSDT", "-3")
        spoil = Spoil(shape=shape, row_symbol=None if wholly else "BTCUSDT", size_bytes=9 * 2**20)
        there.faults.add(Match(path="/fapi/v3/positionRisk"), spoil)
        if wholly:
            with pytest.raises(Unanswered):
                await here.read_positions()
        else:
            listing = await here.read_positions()
            assert [row.symbol for row in listing.rows] == ["ETHUSDT"]
            assert len(listing.unreadable) == 1
