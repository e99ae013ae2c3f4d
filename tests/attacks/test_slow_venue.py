"""A venue that answers, only slowly: patience comes from what its answers take."""

from decimal import Decimal

import pytest

from goflat import LiquidationConfig, LiquidationManager, LiquidationResult, LiquidationState
from goflat.domain.capabilities import Capabilities
from goflat.domain.position import LegKey, Position, PositionSide
from goflat.testing.paper import PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

NAMES = ("BTCUSDT", "ETHUSDT", "XAUUSDT")


def slow_venue(seconds: float) -> PaperVenue:
    """Three positions at a venue whose every answer takes so long."""
    keys = [LegKey(name, PositionSide.LONG) for name in NAMES]
    return PaperVenue(
        positions={
            key: Position(symbol=key.symbol, side=key.side, quantity=Decimal(1)) for key in keys
        },
        rules={name: rules_for(name) for name in NAMES},
        latency=seconds,
        capabilities=Capabilities(answer_seconds=1.0),
    )


def flatten(venue: PaperVenue, timeout_seconds: float) -> LiquidationResult:
    config = LiquidationConfig(timeout_seconds=timeout_seconds)
    return run_virtual(LiquidationManager(venue, config).execute_liquidation())


@pytest.mark.parametrize(("seconds", "timeout"), [(1.0, 10.0), (1.5, 15.0), (3.0, 30.0)])
def test_an_account_goes_flat_and_proven_at_a_venue_that_takes_seconds_to_answer(
    seconds: float, timeout: float
) -> None:
    venue = slow_venue(seconds)
    result = flatten(venue, timeout)
    assert result.state is LiquidationState.COMPLETED
    assert result.verified
    assert venue.is_bare
    assert len(venue.called("close")) == len(NAMES)


def test_what_was_closed_in_time_is_counted_where_the_proof_comes_too_late() -> None:
    result = flatten(slow_venue(1.0), 5.0)
    assert result.state is LiquidationState.PARTIAL
    assert result.positions_closed == len(NAMES)
    assert not result.verified


def test_a_slow_venue_is_not_asked_again_while_its_answer_is_on_its_way() -> None:
    venue = slow_venue(3.0)
    flatten(venue, 30.0)
    # Before its first answer nobody knows how slow it is.
    assert len(venue.called("read_positions")) <= 12
