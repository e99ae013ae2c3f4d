"""goflat over real sockets under every fault of the simulated venue, judged by the ground truth.

Whatever goes wrong: no order that could open, no position ever enlarged or turned around, never
COMPLETED while anything is left, an answer in time, and what is left is named with a reason.
"""

import time
from collections.abc import Mapping
from typing import Any

import pytest

from every_fault import BTC, COMPLETED, ETH, EVERY_FAULT, SOL, Fault
from every_fault.fault import FOR_EVER, PARTIAL, WAITING
from goflat.core.naming import PREFIX
from goflat.domain.config import LiquidationConfig
from goflat.domain.outcome import LegOutcome, LiquidationResult
from goflat.domain.secret import Secret
from goflat.manager import LiquidationManager
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.effects import Hang
from goflat.venues.simulated.faults import Match
from goflat.venues.simulated.orders import Order, Side
from goflat.venues.simulated.venue import (
    TEST_API_KEY,
    TEST_API_SECRET,
    AccountSetup,
    SimulatedVenue,
    venue_clock,
)

OURS = f"{PREFIX}-"
GRACE_SECONDS = 0.5
CLOSING_SIDES = {("LONG", "SELL"), ("SHORT", "BUY")}


def case(fault: Fault) -> Any:
    marks = [pytest.mark.xfail(strict=True, reason=fault.not_yet)] if fault.not_yet else []
    return pytest.param(fault, marks=marks, id=fault.name)


@pytest.mark.parametrize("fault", [case(fault) for fault in EVERY_FAULT])
async def test_a_run_stays_honest_and_only_reduces(fault: Fault) -> None:
    clock = LateClock()
    async with SimulatedVenue(
        accounts=[AccountSetup(hedge=fault.hedge)],
        knobs=fault.knobs,
        latency_ms=fault.latency_ms,
        clock=clock,
    ) as venue:
        hold_something(venue, hedge=fault.hedge)
        clock.behind_ms = 0
        fault.happens(venue)
        for match, effect in fault.rules:
            venue.faults.add(match, effect)

        result, seconds = await run(venue, fault)

        assert seconds <= fault.timeout_seconds + GRACE_SECONDS
        only_reduced(venue)
        if fault.closes is not None:
            assert len(closes_of_btc(venue)) == fault.closes
        if not fault.reopens:
            stayed_protected(venue)
        told_the_truth(venue, result)
        assert result.state in fault.ends, result
        named = {leg.symbol for leg in result.legs if leg.reason}
        assert named <= fault.left if result.state is not COMPLETED else not named


async def test_waiting_orders_go_unseen_once_their_position_is_gone() -> None:
    async with SimulatedVenue() as venue:
        hold_something(venue, hedge=False)
        venue.faults.add(Match(method="GET", path=WAITING), Hang(seconds=FOR_EVER))

        result, _ = await run(venue, Fault(name="no list", timeout_seconds=1.5))

        assert venue.truth.positions() == ()
        assert venue.truth.conditional_orders() == ()
        assert result.state is PARTIAL
        assert result.error_message is not None


async def test_but_not_while_it_is_open() -> None:
    async with SimulatedVenue() as venue:
        hold_something(venue, hedge=False)
        venue.faults.add(Match(method="GET", path=WAITING), Hang(seconds=FOR_EVER))
        venue.halt(BTC)

        result, _ = await run(venue, Fault(name="no list", timeout_seconds=1.5))

        assert [order.symbol for order in venue.truth.conditional_orders()] == [BTC]
        assert result.state is PARTIAL


class LateClock:
    """The venue's time: a minute behind until set right, so that what it holds then is not new."""

    def __init__(self) -> None:
        self._now = venue_clock()
        self.behind_ms = 60_000

    def __call__(self) -> int:
        return self._now() - self.behind_ms


async def run(venue: SimulatedVenue, fault: Fault) -> tuple[LiquidationResult, float]:
    """One run of the manager over the adapter, and how long the caller waited for it."""
    credentials = Credentials(api_key=Secret(TEST_API_KEY), api_secret=Secret(TEST_API_SECRET))
    manager = LiquidationManager(
        BinanceVenue(rest_url=venue.rest_url, credentials=credentials),
        LiquidationConfig(timeout_seconds=fault.timeout_seconds, retry_delay_seconds=0.1),
        quiet_seconds=fault.quiet_seconds,
    )
    begun = time.monotonic()
    result = await manager.execute_liquidation()
    seconds = time.monotonic() - begun
    await manager.aclose()
    return result, seconds


def hold_something(venue: SimulatedVenue, *, hedge: bool) -> None:
    """Positions, and orders of both books, some that only reduce and some that open."""
    long, short = ("LONG", "SHORT") if hedge else ("BOTH", "BOTH")
    reduces = None if hedge else True
    venue.open_position(BTC, "0.5")
    venue.open_position(ETH, "-3")
    venue.rest_order(BTC, "BUY", "0.1", "59000", position_side=long)
    venue.rest_order(BTC, "SELL", "0.5", "61000", position_side=long, reduce_only=reduces)
    venue.rest_order(SOL, "SELL", "10", "152", position_side=short)
    venue.wait_order(BTC, "SELL", "55000", position_side=long, close_position=True)
    venue.wait_order(ETH, "SELL", "2900", quantity="1", position_side=short)


def only_reduced(venue: SimulatedVenue) -> None:
    """Nothing that we sent could open, and nothing that we sent made a position larger."""
    assert venue.truth.opening_orders(prefix=OURS) == ()
    assert venue.truth.enlarging_fills(prefix=OURS) == ()
    for received in venue.truth.requests("POST"):
        assert could_only_reduce(received.params), received


def closes_of_btc(venue: SimulatedVenue) -> list[Order]:
    return [order for order in venue.truth.orders(prefix=OURS) if order.symbol == BTC]


def could_only_reduce(params: Mapping[str, str]) -> bool:
    """Whether the request itself says so, by a flag or by the side of a hedge position."""
    hedged = (params.get("positionSide", "BOTH"), params["side"]) in CLOSING_SIDES
    return hedged or "true" in (params.get("reduceOnly"), params.get("closePosition"))


def stayed_protected(venue: SimulatedVenue) -> None:
    """What is still open of BTCUSDT has the stop that it had, or one that was put back."""
    stops = [o for o in venue.truth.conditional_orders() if o.symbol == BTC]
    for (symbol, _), amount in venue.truth.amounts().items():
        if symbol == BTC and amount > 0:
            assert any(o.ticket.side is Side.SELL and o.ticket.close_position for o in stops)


def told_the_truth(venue: SimulatedVenue, result: LiquidationResult) -> None:
    """COMPLETED is flat; otherwise whatever is left is named, and says why."""
    left = {row.symbol for row in venue.truth.positions()}
    left |= {order.symbol for order in venue.truth.working_orders()}
    left |= {order.symbol for order in venue.truth.conditional_orders()}
    if result.state is COMPLETED:
        assert result.verified
        assert left == set()
        return
    assert not result.verified
    for leg in result.legs:
        is_done = leg.outcome is LegOutcome.FLAT and leg.orders_left == 0
        assert is_done is (leg.reason is None), leg
    assert left <= {leg.symbol for leg in result.legs if leg.reason} or result.error_message
