"""Mistakes that a first attempt at such a system made, each impossible here.

Each through the door that programs use. What was seen then is the first sentence of each test.
"""

import asyncio
import re
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest

from accounts import opening, position, stop, working
from goflat import (
    AuditLogger,
    LiquidationConfig,
    LiquidationManager,
    LiquidationResult,
    LiquidationState,
)
from goflat.domain.instrument import LotLimits
from goflat.domain.listing import Listing
from goflat.domain.order import CloseOrder, OrderReport, OrderStatus
from goflat.domain.outcome import LegOutcome
from goflat.domain.position import PositionMode, PositionSide
from goflat.errors import Refusal, Rejected, SettingsError, Unanswered
from goflat.testing.audit import MemoryAudit
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual
from own_manager import AsyncDesk, Desk, OldDesk

D = Decimal
BTC, ETH, DOGE = "BTCUSDT", "ETHUSDT", "DOGEUSDT"
COMPLETED, PARTIAL, FAILED = (
    LiquidationState.COMPLETED,
    LiquidationState.PARTIAL,
    LiquidationState.FAILED,
)


def paper(*symbols: str) -> PaperVenue:
    venue = PaperVenue(rules={symbol: rules_for(symbol) for symbol in (BTC, ETH, DOGE, *symbols)})
    for symbol in symbols:
        row = position(symbol)
        venue.positions[row.key] = row
    return venue


def flatten(
    venue: object, symbols: Any = None, audit: Any = None, **settings: Any
) -> LiquidationResult:
    """One run in virtual time."""

    async def run() -> LiquidationResult:
        manager = LiquidationManager(venue, LiquidationConfig(**settings), audit)  # type: ignore[arg-type]
        return await manager.execute_liquidation(symbols)

    return run_virtual(run())


def test_d1_without_retries_everything_is_still_sent_once() -> None:
    """`max_retries=0` sent no cancel and no close, and called it COMPLETED."""
    venue = paper(BTC, ETH)
    venue.working += [working(BTC, f"w{n}") for n in range(5)]

    result = flatten(venue, max_retries=0)

    assert venue.is_bare
    assert (result.state, result.positions_closed, result.orders_cancelled) == (COMPLETED, 2, 5)


async def test_d2_a_manager_that_sleeps_does_not_hold_the_deadline_or_the_loop() -> None:
    """A synchronous cancel that slept turned a timeout of 1 s into 7.5 s and COMPLETED."""
    desk = Desk.holding(BTC)
    desk.odd["cancel_all_orders"] = lambda symbol: time.sleep(7.5)
    config = LiquidationConfig(timeout_seconds=1.0)
    began = time.monotonic()

    result = await LiquidationManager(desk, config, quiet_seconds=0.05).execute_liquidation()

    assert time.monotonic() - began <= 1.0 + 0.1 + 0.5
    assert result.state is not COMPLETED


def test_d3_what_was_reached_at_the_deadline_is_counted_and_called_by_its_name() -> None:
    """A timeout after two of three closes said 0/0/0/0, in an event named complete."""
    venue, audit = paper(BTC, ETH, DOGE), MemoryAudit()
    lost = Misbehave(failure=Unanswered("lost"), delay=100)
    venue.script("close", Misbehave(), Misbehave(), *[lost] * 9)
    venue.script("query", *[lost] * 9)

    result = flatten(venue, audit=audit, timeout_seconds=2.0)

    assert (result.state, result.positions_closed, result.positions_failed) == (PARTIAL, 2, 1)
    types = audit.types()
    assert types[0] == "LIQUIDATION_START"
    assert audit.of("LIQUIDATION_COMPLETE")[0].data["state"] == "PARTIAL"


def test_d3_forty_positions_on_a_slow_venue_are_closed_beside_each_other() -> None:
    """Forty closes of 150 ms one after the other did not fit into five seconds."""
    venue = paper(*(f"S{n:02}USDT" for n in range(40)))
    venue.latency = 0.15

    result = flatten(venue, timeout_seconds=5.0)

    assert (result.state, result.positions_closed) == (COMPLETED, 40)
    assert result.total_duration_seconds < 3


@pytest.mark.parametrize("symbols", [[BTC], []], ids=["one named", "none named"])
def test_d4_what_lies_outside_the_list_is_always_told(symbols: list[str]) -> None:
    """A position that was not in the list was not mentioned."""
    venue = paper(BTC, DOGE)
    venue.conditional.append(opening(DOGE))

    result = flatten(venue, symbols)

    assert result.state is COMPLETED
    told = {(found.kind, found.symbol) for found in result.outside_scope}
    assert {("position", DOGE), ("conditional order", DOGE)} <= told
    assert DOGE in {key.symbol for key in venue.positions}


def test_d5_an_order_that_expired_unfilled_is_no_closed_position() -> None:
    """A market order EXPIRED with nothing filled counted as closed, and booked a loss of 100."""
    venue = paper(BTC)
    expired = OrderReport(status=OrderStatus.EXPIRED, executed=D(0))
    venue.script("close", *[Misbehave(instead=lambda: expired)] * 99)

    result = flatten(venue, max_retries=1)

    assert (result.state, result.positions_closed, result.verified) == (FAILED, 0, False)
    assert result.realized_pnl is None
    assert result.legs[0].outcome is LegOutcome.OPEN


def test_d6_a_refused_second_call_does_not_open_the_door_for_a_third() -> None:
    """The refused second call reset the state, so that a third one closed everything again."""
    venue = paper(BTC)

    async def story() -> list[LiquidationResult]:
        manager = LiquidationManager(venue)
        calls = [asyncio.ensure_future(manager.execute_liquidation())]
        for _ in range(3):
            await asyncio.sleep(0.005)
            calls.append(asyncio.ensure_future(manager.execute_liquidation()))
        return await asyncio.gather(*calls)

    first, *others = run_virtual(story())

    assert first.state is COMPLETED
    assert [result.state for result in others] == [FAILED] * 3
    assert len(venue.called("close")) == 1


def test_d7_a_lost_answer_after_the_fill_is_asked_about_and_ends_with_one_order() -> None:
    """A lost answer led to a second order, a -2022, and FAILED while the account was flat."""
    venue = paper(BTC)
    venue.script("close", Misbehave(failure=Unanswered("lost"), after=True))

    result = flatten(venue)

    assert (result.state, result.positions_closed) == (COMPLETED, 1)
    assert len(venue.called("close")) == 1
    (order_id,) = result.legs[0].order_ids
    assert re.fullmatch(r"gf-[0-9a-f]{8}-BTCUSDT-L1\.1", order_id)


class BrokenAudit(MemoryAudit):
    """An audit trail that breaks its promise."""

    def log_event(self, event_type: str, correlation_id: str, data: Any) -> None:
        raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "make", [lambda path: BrokenAudit(), AuditLogger], ids=["raises", "no place"]
)
def test_d8_an_audit_trail_that_fails_neither_stops_nor_repeats_a_close(
    tmp_path: Path, make: Callable[[Path], Any]
) -> None:
    """An audit error after a fill sent the order again; a full disk left the position open."""
    (tmp_path / "file").write_text("no directory")
    venue = paper(BTC)

    result = flatten(venue, audit=make(tmp_path / "file" / "audit.jsonl"))

    assert venue.is_bare
    assert (result.state, len(venue.called("close"))) == (COMPLETED, 1)
    assert result.audit_degraded


def test_d9_without_a_configuration_there_is_one() -> None:
    """`config=None` was documented, and raised AttributeError."""
    venue = paper(BTC)

    async def run() -> LiquidationResult:
        return await LiquidationManager(venue, config=None).execute_liquidation()

    assert run_virtual(run()).state is COMPLETED


@pytest.mark.parametrize("times", [1, 3])
def test_d10_a_position_query_that_fails_is_asked_again(times: int) -> None:
    """One failed query of the positions ended the run."""
    venue = paper(BTC)
    venue.script("read_positions", *[Misbehave(failure=Unanswered("503"))] * times)

    assert flatten(venue).state is COMPLETED
    assert venue.is_bare


def test_d10_and_one_that_never_answers_is_never_nothing_there() -> None:
    """A query that keeps failing is not an empty account."""
    venue = paper(BTC)
    venue.script("read_positions", *[Misbehave(failure=Unanswered("503"))] * 999)

    result = flatten(venue)

    assert (result.state, result.verified) == (FAILED, False)
    assert "positions could not be read" in str(result.error_message)


@pytest.mark.parametrize("quantity", ["0.00001", "123456789.123456789", "0.0000001"])
def test_d11_every_digit_of_a_quantity_arrives_as_it_is(quantity: str) -> None:
    """0.00001 was sent as '1e-05', and 123456789.123456789 lost digits."""
    desk = AsyncDesk(amounts={(BTC, "BOTH"): D(quantity)})

    result = flatten(desk)

    (call,) = desk.called("execute_market_close")
    assert (str(call[2]), f"{call[2]}") == (quantity, quantity)
    assert result.to_dict()["legs"][0]["quantity"] == quantity  # type: ignore[index]


def test_d12_a_cancelled_caller_gets_a_result_and_the_trail_an_end() -> None:
    """A second Ctrl-C let CancelledError out, without a result or a row in the trail."""
    venue, audit = paper(BTC), MemoryAudit()

    async def story() -> LiquidationResult:
        task = asyncio.ensure_future(
            LiquidationManager(venue, audit_logger=audit).execute_liquidation()
        )
        await asyncio.sleep(0.01)
        task.cancel()
        await asyncio.sleep(0.01)
        task.cancel()
        return await task

    assert run_virtual(story()).state is COMPLETED
    assert audit.types()[-1] == "LIQUIDATION_COMPLETE"


@pytest.mark.parametrize(
    "settings", [{"timeout_seconds": float("nan")}, {"max_retries": True}], ids=str
)
def test_d13_nan_and_true_are_no_numbers(settings: dict[str, Any]) -> None:
    """A timeout of NaN and `max_retries=True` were accepted."""
    with pytest.raises(SettingsError):
        LiquidationConfig(**settings)


def test_d14_conditional_orders_are_cancelled_as_well() -> None:
    """Without plain orders the gateway returned 0 and left four take-profits and stops."""
    venue = paper()
    venue.conditional += [stop(BTC, "s1"), stop(BTC, "s2"), opening(BTC, "o1"), opening(BTC, "o2")]

    result = flatten(venue)

    assert venue.is_bare
    assert (result.state, result.orders_cancelled) == (COMPLETED, 4)


def test_d14_an_empty_list_that_lags_does_not_hide_orders() -> None:
    """A cache that was stale and empty left three orders, with no call made."""
    venue = paper(BTC)
    venue.working += [working(BTC, f"w{n}") for n in range(3)]
    venue.script("read_working_orders", Misbehave(instead=lambda: Listing(rows=())))

    assert flatten(venue).state is COMPLETED
    assert venue.is_bare


@pytest.mark.parametrize("failure", [Rejected("no"), Unanswered("silence")], ids=repr)
def test_d14_a_cancel_that_fails_is_no_success(failure: Exception) -> None:
    """A failed cancel was swallowed, and orders that stayed counted as success."""
    venue = paper(BTC)
    venue.conditional.append(opening(BTC))
    venue.script("cancel_all", *[Misbehave(failure=failure)] * 99)  # type: ignore[arg-type]
    venue.script("cancel_conditional", *[Misbehave(failure=failure)] * 99)  # type: ignore[arg-type]

    result = flatten(venue)

    assert len(venue.conditional) == 1
    assert (result.state, result.verified, result.orders_failed) == (PARTIAL, False, 1)
    assert result.positions_closed == 1


def test_d15_two_sides_of_hedge_mode_are_two_positions() -> None:
    """Every close of hedge mode was refused, and two rows of a symbol became one."""
    venue = paper()
    for side in PositionSide:
        row = position(BTC, "2", side, PositionMode.HEDGE)
        venue.positions[row.key] = row

    result = flatten(venue)

    assert venue.is_bare
    assert (result.state, result.positions_closed) == (COMPLETED, 2)
    orders = [call.about for call in venue.called("close")]
    assert all(isinstance(o, CloseOrder) and o.position.mode is PositionMode.HEDGE for o in orders)


def test_d15_a_manager_that_knows_no_sides_is_not_asked_to_close_one() -> None:
    """Without a position side a close of hedge mode closes the wrong one, or opens."""
    desk = OldDesk(amounts={(BTC, "SHORT"): D(-1)})
    desk.get_all_positions = _as_coroutine(desk.rows)  # type: ignore[method-assign]
    desk.cancel_all_orders = _as_coroutine(desk.cancel)  # type: ignore[method-assign]

    result = flatten(desk)

    assert (result.state, desk.called("execute_market_close")) == (FAILED, [])


def _as_coroutine(method: Callable[..., Any]) -> Any:
    async def call(*args: Any) -> Any:
        return method(*args)

    return call


def test_d16_a_position_above_the_lot_is_split_and_what_is_refused_for_good_not_repeated() -> None:
    """Nothing was split, nothing filtered, and every refusal was tried again alike."""
    lot = LotLimits(minimum=D("0.001"), maximum=D(10), step=D("0.001"))
    venue = paper()
    venue.rules[BTC] = rules_for(BTC, market_lot=lot)
    row = position(BTC, "25.0004")
    venue.positions[row.key] = row

    result = flatten(venue)

    quantities = [call.about.quantity for call in venue.called("close")]  # type: ignore[attr-defined]
    assert quantities == [D(10), D(10), D(5)]
    assert (result.state, result.legs[0].outcome) == (PARTIAL, LegOutcome.DUST)
    assert result.legs[0].quantity_left == D("0.0004")

    forbidden = paper(BTC)
    no = Misbehave(failure=Rejected("-2015", refusal=Refusal.NO_PERMISSION))
    forbidden.script("close", *[no] * 9)
    assert flatten(forbidden, max_retries=5).state is FAILED
    assert len(forbidden.called("close")) == 1


def test_d16_refused_by_the_band_it_becomes_a_limit_order_at_the_band() -> None:
    """There was no second way when a market order was refused."""
    venue = paper(BTC)
    band = Misbehave(failure=Rejected("-4131", refusal=Refusal.PRICE_BAND))
    venue.script("close", band)

    assert flatten(venue).state is COMPLETED
    first, second = (call.about for call in venue.called("close"))
    assert isinstance(first, CloseOrder)
    assert isinstance(second, CloseOrder)
    assert (first.limit_price, second.limit_price) == (None, D("95"))
    assert first == replace(second, client_order_id=first.client_order_id, limit_price=None)


def test_d17_the_settings_that_were_written_are_the_settings_that_run(tmp_path: Path) -> None:
    """The program ran on numbers of its own, and nobody called the validator."""
    settings = tmp_path / "goflat.toml"
    settings.write_text(
        "[liquidation]\ntimeout_seconds = 7.5\nmax_retries = 1\nretry_delay_seconds = 0.2\n"
        '[venue]\nname = "binance-usdm"\nenvironment = "simulated"\n'
        'rest_url = "http://127.0.0.1:1"\n'
        'api_key = "env:GOFLAT_TEST_KEY"\napi_secret = "env:GOFLAT_TEST_SECRET"\n'
        f'[audit]\npath = "{tmp_path / "audit.jsonl"}"\n'
    )
    program = (
        "from goflat import LiquidationManager\n"
        f"config = LiquidationManager.from_settings({str(settings)!r}).config\n"
        "print(config.timeout_seconds, config.max_retries, config.retry_delay_seconds)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", program],
        capture_output=True,
        text=True,
        check=False,
        env={"GOFLAT_TEST_KEY": "k" * 64, "GOFLAT_TEST_SECRET": "s" * 64, "PATH": ""},
    )

    assert done.stdout == "7.5 1 0.2\n", done.stderr
