"""The manager: one run at a time, never an exception, an answer in time, and the truth."""

import asyncio
import contextlib
import os
import signal
import subprocess
import sys
import textwrap
import time
from datetime import datetime
from typing import Any

import pytest

from accounts import position, stop, working
from goflat import LiquidationConfig, LiquidationManager, LiquidationResult, LiquidationState
from goflat.errors import Refusal, Rejected, Unanswered
from goflat.testing.audit import MemoryAudit
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual
from own_manager import AsyncDesk, Desk

BTC, ETH = "BTCUSDT", "ETHUSDT"
IDLE, IN_PROGRESS = LiquidationState.IDLE, LiquidationState.IN_PROGRESS
COMPLETED, PARTIAL, FAILED, SKIPPED = (
    LiquidationState.COMPLETED,
    LiquidationState.PARTIAL,
    LiquidationState.FAILED,
    LiquidationState.SKIPPED,
)
OFF = LiquidationConfig(emergency_liquidation=False, close_positions=False, cancel_orders=False)


def paper(*symbols: str, **changes: Any) -> PaperVenue:
    venue = PaperVenue(rules={symbol: rules_for(symbol) for symbol in (BTC, ETH)}, **changes)
    for symbol in symbols or (BTC,):
        row = position(symbol)
        venue.positions[row.key] = row
    return venue


def manager(venue: object, audit: MemoryAudit | None = None, **settings: Any) -> LiquidationManager:
    return LiquidationManager(venue, LiquidationConfig(**settings), audit)  # type: ignore[arg-type]


def run(venue: object, symbols: Any = None, **settings: Any) -> LiquidationResult:
    """One run in virtual time."""

    async def flatten() -> LiquidationResult:
        return await manager(venue, **settings).execute_liquidation(symbols)

    return run_virtual(flatten())


# --- what is asked for --------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("symbols", "closed", "left"),
    [
        (None, 2, set()),
        ([], 0, {BTC, ETH}),
        ([BTC], 1, {ETH}),
        (BTC, 1, {ETH}),
        ((BTC, f" {ETH} "), 2, set()),
        (iter([ETH]), 1, {BTC}),
    ],
)
def test_none_is_everything_an_empty_list_is_nothing_and_a_list_is_what_it_names(
    symbols: Any, closed: int, left: set[str]
) -> None:
    venue = paper(BTC, ETH)

    result = run(venue, symbols)

    assert (result.state, result.positions_closed) == (COMPLETED, closed)
    assert {key.symbol for key in venue.positions} == left
    assert {found.symbol for found in result.outside_scope} == left


@pytest.mark.parametrize("symbols", [7, [7], [""], ["  "], [None], b"BTCUSDT", object], ids=repr)
def test_symbols_that_are_none_fail_with_a_sentence_and_nothing_is_sent(symbols: Any) -> None:
    venue = paper()

    result = run(venue, symbols)

    assert result.state is FAILED
    assert result.error_message
    assert venue.calls == []


# --- switched off -------------------------------------------------------------------------------


def test_skipped_makes_not_one_call_and_says_so_in_the_trail(
    caplog: pytest.LogCaptureFixture,
) -> None:
    venue, audit = paper(), MemoryAudit()

    async def flatten() -> LiquidationResult:
        found = LiquidationManager(venue, OFF, audit)  # type: ignore[arg-type]
        return await found.execute_liquidation()

    result = run_virtual(flatten())

    assert (result.state, result.verified, venue.calls) == (SKIPPED, False, [])
    assert audit.types() == ["LIQUIDATION_SKIPPED"]
    assert any(r.levelname == "CRITICAL" and "at risk" in r.message for r in caplog.records)


def test_without_a_configuration_the_safe_defaults_hold() -> None:
    assert LiquidationManager(paper(), None).config == LiquidationConfig()


# --- retries ------------------------------------------------------------------------------------


@pytest.mark.parametrize("max_retries", [0, 1, 3])
def test_there_are_as_many_closes_as_retries_and_one(max_retries: int) -> None:
    venue = paper()
    venue.script("close", *[Misbehave(failure=Rejected("no"))] * 99)

    result = run(venue, max_retries=max_retries, retry_delay_seconds=0.1, timeout_seconds=10)

    assert (result.state, result.positions_failed) == (FAILED, 1)
    assert len(venue.called("close")) == max_retries + 1


def test_without_retries_one_attempt_is_made_and_does() -> None:
    venue = paper()

    result = run(venue, max_retries=0)

    assert (result.state, len(venue.called("close"))) == (COMPLETED, 1)


# --- states and metrics -------------------------------------------------------------------------


def test_the_state_is_idle_but_for_a_run_and_the_metrics_count_runs() -> None:
    async def story() -> None:
        found = manager(paper())
        assert (found.state, found.get_metrics()["execution_count"]) == (IDLE, 0)
        assert found.get_metrics()["last_state"] is None
        task = asyncio.ensure_future(found.execute_liquidation())
        await asyncio.sleep(0.01)
        assert found.state is IN_PROGRESS

        result = await task

        assert found.state is IDLE
        metrics = found.get_metrics()
        assert (metrics["execution_count"], metrics["last_state"]) == (1, "COMPLETED")
        assert metrics["last_duration_seconds"] == result.total_duration_seconds
        assert (metrics["last_positions_closed"], metrics["last_positions_failed"]) == (1, 0)
        assert datetime.fromisoformat(str(metrics["last_run_at"])).utcoffset() is not None
        await found.execute_liquidation()
        assert found.get_metrics()["execution_count"] == 2

    run_virtual(story())


def test_a_second_run_beside_the_first_is_refused_and_so_is_a_third() -> None:
    venue, audit = paper(), MemoryAudit()

    async def story() -> list[LiquidationResult]:
        found = manager(venue, audit)
        first = asyncio.ensure_future(found.execute_liquidation())
        await asyncio.sleep(0.01)
        refused = [await found.execute_liquidation() for _ in range(2)]
        assert found.state is IN_PROGRESS
        assert found.get_metrics()["execution_count"] == 0
        return [await first, *refused]

    first, second, third = run_virtual(story())

    assert (first.state, second.state, third.state) == (COMPLETED, FAILED, FAILED)
    assert "already in progress" in str(second.error_message)
    assert len({first.correlation_id, second.correlation_id, third.correlation_id}) == 3
    assert len(venue.called("close")) == 1


def test_after_a_run_of_any_ending_the_next_is_admitted() -> None:
    async def story() -> list[LiquidationState]:
        found = manager(paper())
        ends = [await found.execute_liquidation([7])]  # type: ignore[list-item]
        ends += [await found.execute_liquidation() for _ in range(2)]
        return [result.state for result in ends]

    assert run_virtual(story()) == [FAILED, COMPLETED, COMPLETED]


# --- time ---------------------------------------------------------------------------------------

VERBS = ["read_positions", "read_working_orders", "read_rules", "cancel_all", "close", "query"]


@pytest.mark.parametrize("verb", VERBS)
def test_whatever_hangs_the_answer_comes_at_the_deadline(verb: str) -> None:
    venue = paper()
    venue.working.append(working())
    venue.script(verb, *[Misbehave(delay=1000)] * 99)

    async def timed() -> tuple[LiquidationResult, float]:
        loop = asyncio.get_running_loop()
        result = await manager(venue, timeout_seconds=3.0).execute_liquidation()
        return result, loop.time()

    result, seconds = run_virtual(timed())

    assert seconds <= 3.1
    assert result.state in {COMPLETED, PARTIAL, FAILED}
    assert (result.state is COMPLETED) <= venue.is_bare


def test_what_was_reached_before_the_deadline_is_counted() -> None:
    venue = paper(BTC, ETH)
    lost = Misbehave(failure=Unanswered("it never came"), delay=1000)
    venue.script("close", Misbehave(), *[lost] * 99)
    venue.script("query", *[lost] * 99)

    result = run(venue, timeout_seconds=2.0)

    assert (result.state, result.positions_closed) == (PARTIAL, 1)


# --- cancelled callers --------------------------------------------------------------------------


def test_a_cancelled_caller_gets_the_result_of_the_finished_run() -> None:
    venue = paper()

    async def story() -> LiquidationResult:
        task = asyncio.ensure_future(manager(venue).execute_liquidation())
        for _ in range(5):
            await asyncio.sleep(0.02)
            task.cancel()
        return await task

    assert run_virtual(story()).state is COMPLETED
    assert venue.is_bare


def test_a_callers_own_timeout_does_not_abandon_the_run() -> None:
    venue = paper()

    async def story() -> LiquidationResult:
        async with asyncio.timeout(0.05):
            return await manager(venue).execute_liquidation()

    with contextlib.suppress(TimeoutError):
        run_virtual(story())
    assert venue.is_bare


def test_a_second_ctrl_c_is_heard_and_does_not_abandon_it() -> None:
    program = textwrap.dedent(
        """
        import asyncio, sys, time
        from decimal import Decimal
        from goflat import LiquidationConfig, LiquidationManager

        class Slow:
            amount = Decimal(2)
            def get_all_positions(self, symbols):
                print("reading", flush=True)
                time.sleep(0.3)
                return [{"symbol": "BTCUSDT", "positionAmt": str(self.amount)}]
            def cancel_all_orders(self, symbol):
                return 0
            def execute_market_close(self, symbol, side, quantity, reduce_only=True):
                self.amount -= quantity
                return {"success": True}

        async def main():
            try:
                await asyncio.sleep(60)
            finally:
                manager = LiquidationManager(
                    Slow(), LiquidationConfig(timeout_seconds=5.0), quiet_seconds=0.1)
                result = await manager.execute_liquidation()
                print(result.state.name, result.positions_closed, flush=True)

        print("ready", flush=True)
        asyncio.run(main())
        """
    )
    child = subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "PYTHONUNBUFFERED": "1"},
    )
    try:
        assert child.stdout is not None
        assert child.stdout.readline() == "ready\n"
        time.sleep(0.2)
        child.send_signal(signal.SIGINT)
        assert child.stdout.readline() == "reading\n"
        for _ in range(3):
            child.send_signal(signal.SIGINT)
            time.sleep(0.05)
        out, error = child.communicate(timeout=15)
    finally:
        child.kill()

    assert out.splitlines()[-1] == "COMPLETED 1"
    assert "KeyboardInterrupt" in error  # the caller's own shutdown goes on as it was


# --- the trail ----------------------------------------------------------------------------------


def test_a_run_tells_its_trail_from_start_to_end() -> None:
    venue, audit = paper(), MemoryAudit()
    venue.working.append(working())

    async def flatten() -> LiquidationResult:
        return await manager(venue, audit).execute_liquidation()

    result = run_virtual(flatten())

    types = audit.types()
    assert (types[0], types[-1]) == ("LIQUIDATION_START", "LIQUIDATION_COMPLETE")
    assert {"ORDER_PLACED", "ORDER_CANCELLED"} <= set(types)
    assert {event.correlation_id for event in audit.events} == {result.correlation_id}
    assert (result.audit_hash, result.audit_degraded) == (audit.last_hash, False)


@pytest.mark.parametrize(
    ("audit", "degraded"),
    [
        (MemoryAudit(), False),
        (MemoryAudit(durable=False), True),
        (MemoryAudit(degraded=("the disk is full",)), True),
        (None, False),
    ],
)
def test_a_trail_that_is_less_than_it_should_be_is_said_and_changes_nothing_else(
    audit: MemoryAudit | None, degraded: bool
) -> None:
    venue = paper()

    async def flatten() -> LiquidationResult:
        return await manager(venue, audit).execute_liquidation()

    result = run_virtual(flatten())

    assert (result.state, result.audit_degraded) == (COMPLETED, degraded)
    assert venue.is_bare


# --- what must never escape ---------------------------------------------------------------------


def test_a_bug_below_comes_back_as_words() -> None:
    class Broken(PaperVenue):
        @property
        def usage(self) -> Any:  # type: ignore[override]
            raise ZeroDivisionError("a bug")

        @usage.setter
        def usage(self, value: Any) -> None:
            return

    result = run(Broken())

    assert result.state is FAILED
    assert "goflat itself failed: ZeroDivisionError" in str(result.error_message)


def test_whoever_watches_and_fails_disturbs_nothing() -> None:
    venue, seen = paper(), []

    def watch(run_: object) -> None:
        seen.append(run_)
        raise RuntimeError("the drawing broke")

    async def flatten() -> LiquidationResult:
        found = LiquidationManager(venue, watch=watch)
        return await found.execute_liquidation()

    assert run_virtual(flatten()).state is COMPLETED
    assert len(seen) == 1


def test_a_close_that_is_refused_for_good_leaves_the_stop_in_place_and_says_so() -> None:
    venue = paper()
    venue.conditional.append(stop())
    refused = Rejected("-2015", refusal=Refusal.NO_PERMISSION)
    venue.script("close", *[Misbehave(failure=refused)] * 9)

    result = run(venue)

    assert [order.order_id for order in venue.conditional] == ["s1"]
    assert result.legs[0].stops_kept == 1
    assert "1 protective stop(s) stay in place" in str(result.legs[0].reason)


@pytest.mark.parametrize("kind", [Desk, AsyncDesk])
async def test_letting_go_touches_nothing_of_somebody_elses(kind: type[Desk]) -> None:
    await LiquidationManager(kind()).aclose()  # type: ignore[arg-type]
    await LiquidationManager(paper()).aclose()
