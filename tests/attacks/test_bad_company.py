"""What the program around a liquidation can do to it: its decimals, its trail, its iterables."""

import asyncio
import decimal
from collections.abc import Iterator, Mapping
from decimal import Decimal

import pytest

from goflat import LiquidationManager, LiquidationState
from goflat.domain.position import LegKey, Position, PositionSide
from goflat.testing.audit import MemoryAudit
from goflat.testing.paper import PaperVenue, rules_for


def venue_with(quantity: str = "123456.789") -> PaperVenue:
    """One position at a venue that answers at once."""
    key = LegKey("BTCUSDT", PositionSide.LONG)
    position = Position(symbol=key.symbol, side=key.side, quantity=Decimal(quantity))
    rules = rules_for("BTCUSDT")
    return PaperVenue(positions={key: position}, rules={"BTCUSDT": rules}, latency=0.001)


def manager_over(venue: PaperVenue, audit: object = None) -> LiquidationManager:
    return LiquidationManager(venue, audit_logger=audit, quiet_seconds=0.0)  # type: ignore[arg-type]


async def has_gone_flat(venue: PaperVenue, audit: object = None) -> bool:
    result = await manager_over(venue, audit).execute_liquidation()
    return result.state is LiquidationState.COMPLETED and result.verified and venue.is_bare


@pytest.mark.parametrize("digits", [1, 3, 6, 9])
async def test_a_program_with_few_digits_of_its_own_goes_flat_to_the_last_one(digits: int) -> None:
    with decimal.localcontext() as own:
        own.prec = digits
        venue = venue_with("1204.789")
        assert await has_gone_flat(venue)
        assert decimal.getcontext().prec == digits
    closed = sum((call.about.quantity for call in venue.called("close")), Decimal(0))  # type: ignore[attr-defined]
    assert closed == Decimal("1204.789")


async def test_traps_that_a_program_has_set_do_not_spring_during_a_run() -> None:
    with decimal.localcontext() as own:
        own.prec = 6
        for signal in (decimal.Inexact, decimal.Rounded, decimal.Subnormal):
            own.traps[signal] = True
        assert await has_gone_flat(venue_with("1204.789"))


async def test_a_quantity_of_any_length_is_no_reason_to_leave_the_others_open() -> None:
    venue = venue_with("999999999999999")
    tiny = rules_for("BTCUSDT").market_lot
    lot = decimal.Decimal("0.000000000000000001")
    venue.rules["BTCUSDT"] = rules_for(
        "BTCUSDT", market_lot=type(tiny)(minimum=lot, maximum=Decimal("1e18"), step=lot)
    )
    assert await has_gone_flat(venue)


class BrokenTrail(MemoryAudit):
    """Raises from everything."""

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        raise OSError("No space left on device")

    async def flush(self, timeout_seconds: float = 0.05) -> bool:
        raise OSError("No space left on device")


async def test_a_trail_that_raises_vetoes_nothing_and_is_told() -> None:
    venue = venue_with()
    result = await manager_over(venue, BrokenTrail()).execute_liquidation()
    assert result.state is LiquidationState.COMPLETED
    assert result.verified
    assert result.audit_degraded
    assert venue.is_bare


class HangingTrail(MemoryAudit):
    """Never says whether anything is on the disk."""

    async def flush(self, timeout_seconds: float = 0.05) -> bool:
        await asyncio.Event().wait()
        return True


async def test_a_trail_that_never_answers_holds_nobody() -> None:
    venue = venue_with()
    async with asyncio.timeout(1.0):
        result = await manager_over(venue, HangingTrail()).execute_liquidation()
    assert result.state is LiquidationState.COMPLETED
    assert result.audit_degraded
    assert venue.is_bare


def broken_names() -> Iterator[str]:
    yield "BTCUSDT"
    raise RuntimeError("the list of symbols comes from a database that is down")


async def test_symbols_that_raise_are_a_failed_result_and_no_exception() -> None:
    manager = manager_over(venue_with())
    result = await manager.execute_liquidation(broken_names())
    assert result.state is LiquidationState.FAILED
    assert "database that is down" in str(result.error_message)
    assert manager.state is LiquidationState.IDLE
