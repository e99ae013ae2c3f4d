"""What can happen to a manager besides a venue: its caller, its trail, its loop, its symbols."""

import asyncio
from collections.abc import Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

import pytest

from accounts import BTC, ETH, position, working
from goflat.domain.config import LiquidationConfig
from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState
from goflat.errors import NotSent, Unanswered
from goflat.journal.record import EventType
from goflat.manager import LiquidationManager
from goflat.testing.audit import MemoryAudit
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

SHORT_RUN = LiquidationConfig(timeout_seconds=1.0, max_retries=0)


def account(*held: Any) -> PaperVenue:
    """A venue that holds these positions and has rules for them."""
    return PaperVenue(
        positions={each.key: each for each in held},
        rules={symbol: rules_for(symbol) for symbol in (BTC, ETH)},
    )


def flatten(
    venue: Any, config: LiquidationConfig | None = None, symbols: Any = None, **more: Any
) -> LiquidationResult:
    return run_virtual(LiquidationManager(venue, config, **more).execute_liquidation(symbols))


def silent(venue: PaperVenue, verb: str) -> PaperVenue:
    venue.script(verb, *[Misbehave(failure=Unanswered("reset"), delay=1000.0)] * 100)
    return venue


@pytest.mark.parametrize(
    ("config", "left"),
    [
        (LiquidationConfig(close_positions=False), {"positions"}),
        (LiquidationConfig(cancel_orders=False), {"working"}),
    ],
)
def test_half_switched_off_does_the_other_half(config: LiquidationConfig, left: set[str]) -> None:
    venue = account(position())
    venue.working = [working()]

    result = flatten(venue, config)

    there = {"positions": venue.positions, "working": venue.working}
    assert {name for name, rows in there.items() if rows} == left
    assert result.state is LiquidationState.COMPLETED


def test_a_symbol_that_the_venue_does_not_list_is_a_failed_leg_while_the_others_run() -> None:
    venue = account(position(BTC))

    result = flatten(venue, symbols=[BTC, "NOPEUSDT"])

    assert result.state is LiquidationState.PARTIAL
    assert {leg.symbol: leg.outcome for leg in result.legs} == {
        BTC: LegOutcome.FLAT,
        "NOPEUSDT": LegOutcome.UNPROVEN,
    }
    assert venue.is_bare


def test_an_audit_trail_whose_flush_hangs_costs_what_was_allowed_and_no_more() -> None:
    class Hanging(MemoryAudit):
        async def flush(self, timeout_seconds: float = 0.05) -> bool:
            await asyncio.sleep(1000)
            return True

    async def timed() -> tuple[LiquidationResult, float]:
        manager = LiquidationManager(silent(account(position()), "close"), SHORT_RUN, Hanging())
        began = asyncio.get_running_loop().time()
        return await manager.execute_liquidation(), asyncio.get_running_loop().time() - began

    result, took = run_virtual(timed())

    assert took <= 1.0 + 0.1
    assert result.audit_degraded


def test_whoever_takes_over_what_is_left_cannot_disturb() -> None:
    def hand_over(result: LiquidationResult) -> None:
        raise RuntimeError("nobody there")

    assert flatten(account(position()), hand_over=hand_over).is_success()


def raising_symbols() -> Iterator[str]:
    yield BTC
    raise KeyError("somebody's own generator")


@pytest.mark.parametrize(
    "symbols", [5, [None], [""], [BTC, 7], ["  "], raising_symbols(), object(), b"BTCUSDT"]
)
def test_symbols_that_make_no_sense_are_refused_with_nothing_sent(symbols: Any) -> None:
    venue, audit = account(position()), MemoryAudit()

    result = flatten(venue, symbols=symbols, audit_logger=audit)

    assert result.state is LiquidationState.FAILED
    assert result.error_message
    assert venue.calls == []
    assert audit.types() == [EventType.LIQUIDATION_FAILED]


def test_a_cancelled_caller_gets_its_result_and_is_not_cancelled_any_more() -> None:
    venue = account(position())

    async def cancelled() -> LiquidationResult:
        manager = LiquidationManager(venue)
        run = asyncio.ensure_future(manager.execute_liquidation())
        for _ in range(5):
            await asyncio.sleep(0.01)
            run.cancel()
        result = await run
        assert run.cancelling() == 0
        return result

    result = run_virtual(cancelled())

    assert result.state is LiquidationState.COMPLETED
    assert venue.is_bare


def test_the_end_of_the_loop_ends_the_run_with_an_honest_answer() -> None:
    venue = silent(account(position()), "close")
    told: list[LiquidationResult] = []

    async def left_behind() -> None:
        async def run() -> None:
            told.append(await LiquidationManager(venue).execute_liquidation())

        keep = asyncio.ensure_future(run())
        await asyncio.sleep(0.2)
        assert not keep.done()

    run_virtual(left_behind())

    assert [result.state for result in told] == [LiquidationState.FAILED]
    assert "event loop was stopped" in str(told[0].error_message)


def test_a_lost_answer_after_the_fill_ends_completed_with_one_order() -> None:
    venue = account(position())
    lost = Misbehave(failure=Unanswered("503"), after=True)
    venue.script("close", lost)

    result = flatten(venue, SHORT_RUN)

    assert result.state is LiquidationState.COMPLETED
    assert len(venue.called("close")) == 1
    assert len(result.legs[0].order_ids) == 1


def test_a_lost_answer_before_the_fill_ends_completed_with_two_orders() -> None:
    venue = account(position())
    venue.script("close", Misbehave(failure=Unanswered("503")))

    result = flatten(venue, SHORT_RUN)

    assert result.state is LiquidationState.COMPLETED
    assert len(venue.called("close")) == 2
    assert len({call.about.client_order_id for call in venue.called("close")}) == 2  # type: ignore[attr-defined]


def test_what_never_left_is_sent_again_without_being_counted() -> None:
    venue = account(position())
    venue.script("close", *[Misbehave(failure=NotSent("no route"))] * 3)

    assert flatten(venue, LiquidationConfig(max_retries=0)).is_success()


def test_ten_positions_are_closed_at_once_and_the_riskiest_sets_out_first() -> None:
    held = [
        replace(position(f"S{n}USDT"), liquidation_price=Decimal(100 - n), mark_price=Decimal(100))
        for n in range(1, 11)
    ]
    venue = PaperVenue(
        positions={each.key: each for each in reversed(held)},
        rules={each.symbol: rules_for(each.symbol) for each in held},
    )

    assert flatten(venue).positions_closed == 10
    closes = venue.called("close")
    assert len({call.at for call in closes}) == 1
    assert [call.about.symbol for call in closes] == [f"S{n}USDT" for n in range(1, 11)]  # type: ignore[attr-defined]
