"""Over a person's own order manager, whatever it is made of and whatever it returns."""

import asyncio
import subprocess
import sys
import textwrap
import time
from decimal import Decimal
from typing import Any

import pytest

from goflat import LiquidationConfig, LiquidationManager, LiquidationResult, LiquidationState
from goflat.domain.outcome import LegOutcome
from goflat.testing.virtual_time import run_virtual
from goflat.venues.order_manager import CALLS_AT_ONCE
from own_manager import AsyncDesk, AwaitableDesk, Desk, ListingDesk, OldDesk

D = Decimal
BTC, ETH = "BTCUSDT", "ETHUSDT"
COMPLETED, PARTIAL, FAILED = (
    LiquidationState.COMPLETED,
    LiquidationState.PARTIAL,
    LiquidationState.FAILED,
)


async def flatten(
    desk: object, symbols: list[str] | None = None, *, serial: bool = False, **settings: Any
) -> LiquidationResult:
    settings = {"timeout_seconds": 1.0, "retry_delay_seconds": 0.1, **settings}
    manager = LiquidationManager(
        desk,  # type: ignore[arg-type]
        LiquidationConfig(**settings),
        serial=serial,
        quiet_seconds=0.02,
    )
    return await manager.execute_liquidation(symbols)


# --- what it is made of -------------------------------------------------------------------------


@pytest.mark.parametrize("kind", [Desk, AsyncDesk, AwaitableDesk, ListingDesk])
@pytest.mark.parametrize("symbols", [None, [BTC, ETH]], ids=["account", "named"])
async def test_it_goes_flat_whatever_the_methods_are_made_of(
    kind: type[Desk], symbols: list[str] | None
) -> None:
    desk = kind.holding(BTC, ETH, orders=3)

    result = await flatten(desk, symbols)

    assert result.state is COMPLETED
    assert desk.is_flat
    assert (result.positions_closed, result.orders_cancelled) == (2, 6)
    assert result.realized_pnl is None or result.realized_pnl == 3
    assert desk.called("get_all_positions")[0] == (None if symbols is None else [BTC, ETH],)


@pytest.mark.parametrize(("kind", "verified"), [(Desk, False), (ListingDesk, True)])
async def test_verified_says_whether_the_orders_could_be_shown(
    kind: type[Desk], verified: bool
) -> None:
    result = await flatten(kind.holding(BTC, orders=1))

    assert (result.state, result.verified) == (COMPLETED, verified)


async def test_orders_that_stay_listed_are_not_called_cancelled() -> None:
    desk = ListingDesk.holding(BTC, orders=2)
    desk.odd["cancel_all_orders"] = lambda symbol: 2

    result = await flatten(desk)

    assert (result.state, result.positions_closed, result.orders_failed) == (PARTIAL, 1, 2)
    assert not result.verified


async def test_a_quantity_is_a_decimal_that_prints_plainly_and_a_close_only_reduces() -> None:
    desk = Desk(amounts={(BTC, "BOTH"): D("0.00000010")})

    await flatten(desk)

    (call,) = desk.called("execute_market_close")
    symbol, side, quantity, reduce_only, _ = call
    assert (symbol, side, reduce_only) == (BTC, "SELL", True)
    assert isinstance(quantity, Decimal)
    printed = {str(quantity), f"{quantity}", f"{quantity!s}", "{}".format(quantity)}  # noqa: UP032
    assert printed == {"0.00000010"}
    assert f"{quantity:.8f}|{quantity:>12}" == "0.00000010|  0.00000010"


async def test_a_short_position_is_bought_back() -> None:
    desk = Desk(amounts={(BTC, "BOTH"): D(-3)})

    result = await flatten(desk)

    assert result.state is COMPLETED
    assert desk.called("execute_market_close")[0][:3] == (BTC, "BUY", D(3))


# --- hedge mode ---------------------------------------------------------------------------------


async def test_in_hedge_mode_each_side_is_closed_as_itself() -> None:
    desk = Desk(amounts={(BTC, "LONG"): D(2), (BTC, "SHORT"): D(-1)})

    result = await flatten(desk)

    assert (result.state, result.positions_closed) == (COMPLETED, 2)
    assert sorted(call[1:3] + call[4:] for call in desk.called("execute_market_close")) == [
        ("BUY", D(1), "SHORT"),
        ("SELL", D(2), "LONG"),
    ]


async def test_a_close_that_takes_no_position_side_is_not_called_for_such_a_row() -> None:
    desk = OldDesk(amounts={(BTC, "LONG"): D(2), (ETH, "BOTH"): D(1)})

    result = await flatten(desk)

    assert [call[0] for call in desk.called("execute_market_close")] == [ETH]
    assert (result.state, result.positions_closed, result.positions_failed) == (PARTIAL, 1, 1)
    leg = next(leg for leg in result.legs if leg.symbol == BTC)
    assert leg.outcome is LegOutcome.OPEN
    assert "takes no position_side" in str(leg.reason)


# --- what it returns ----------------------------------------------------------------------------

GARBAGE: list[Any] = [None, "rows", b"rows", 7, {"symbol": BTC}, object, True]


@pytest.mark.parametrize("rows", GARBAGE, ids=repr)
def test_a_list_of_positions_that_is_none_is_never_nothing_there(rows: Any) -> None:
    desk = AsyncDesk.holding(BTC)
    desk.odd["get_all_positions"] = lambda symbols: rows

    result = run_virtual(flatten(desk))

    assert (result.state, result.verified) == (FAILED, False)
    assert "positions could not be read" in str(result.error_message)


NAMELESS: list[Any] = [None, "row", {}, {"symbol": ""}, {"symbol": 7, "positionAmt": "1"}]
NAMED: list[Any] = [
    {"symbol": BTC},
    {"symbol": BTC, "positionAmt": None},
    {"symbol": BTC, "positionAmt": ""},
    {"symbol": BTC, "positionAmt": "much"},
    {"symbol": BTC, "positionAmt": True},
    {"symbol": BTC, "positionAmt": [1]},
    {"symbol": BTC, "positionAmt": "NaN"},
    {"symbol": BTC, "positionAmt": float("inf")},
    {"symbol": BTC, "positionAmt": "1", "positionSide": "UP"},
]


@pytest.mark.parametrize("row", NAMED, ids=repr)
def test_a_row_that_cannot_be_read_is_a_leg_while_the_others_are_closed(row: Any) -> None:
    desk = AsyncDesk.holding(ETH)
    desk.odd["get_all_positions"] = lambda symbols: [*desk.rows(), row]

    result = run_virtual(flatten(desk))

    assert desk.is_flat
    assert (result.state, result.verified, result.positions_closed) == (PARTIAL, False, 1)
    (leg,) = [leg for leg in result.legs if leg.symbol == BTC]
    assert "its position could not be read" in str(leg.reason)


@pytest.mark.parametrize("row", NAMELESS, ids=repr)
def test_a_row_without_a_name_may_be_any_position_so_none_is_proven_gone(row: Any) -> None:
    desk = AsyncDesk.holding(ETH)
    desk.odd["get_all_positions"] = lambda symbols: [*desk.rows(), row]

    result = run_virtual(flatten(desk))

    assert desk.is_flat
    assert (result.state, result.verified, result.positions_closed) == (FAILED, False, 0)
    assert "positions had a row that could not be read" in str(result.error_message)


def test_of_two_rows_for_one_position_the_second_is_one_that_cannot_be_read() -> None:
    desk = AsyncDesk.holding(BTC, ETH)
    desk.odd["get_all_positions"] = lambda symbols: [
        *desk.rows(),
        *({"symbol": BTC, "positionAmt": amount} for amount in ("1", "2")),
    ]

    result = run_virtual(flatten(desk))

    assert (result.state, result.verified) == (PARTIAL, False)
    assert [leg.symbol for leg in result.legs if leg.outcome is LegOutcome.FLAT] == [ETH]


@pytest.mark.parametrize("amount", [0.00001, "0.00001", D("0.00001")], ids=repr)
async def test_a_float_says_what_its_shortest_text_says(amount: Any) -> None:
    desk = Desk(amounts={(BTC, "BOTH"): D("0.00001")})
    desk.odd["get_all_positions"] = lambda symbols: [
        {**row, "positionAmt": amount if D(row["positionAmt"]) else 0} for row in desk.rows()
    ]

    result = await flatten(desk)

    assert result.state is COMPLETED
    assert str(desk.called("execute_market_close")[0][2]) == "0.00001"


ANSWERS: list[Any] = [None, True, "ok", 7, {}, {"ok": True}, []]


@pytest.mark.parametrize("answer", ANSWERS, ids=repr)
def test_an_answer_to_a_close_that_says_nothing_is_no_success(answer: Any) -> None:
    desk = AsyncDesk.holding(BTC)
    desk.odd["execute_market_close"] = lambda *args: answer

    result = run_virtual(flatten(desk, max_retries=1))

    assert (result.state, result.positions_closed, result.positions_failed) == (FAILED, 0, 1)
    assert len(desk.called("execute_market_close")) <= 2


async def test_a_success_of_which_nothing_comes_is_no_success_either() -> None:
    desk = Desk.holding(BTC)
    desk.odd["execute_market_close"] = lambda *args: {"success": True}

    result = await flatten(desk, max_retries=1)

    assert (result.state, result.positions_closed) == (FAILED, 0)
    assert len(desk.called("execute_market_close")) == 2
    assert "the position is what it was" in str(result.legs[0].reason)


@pytest.mark.parametrize("count", ["3", 2.5, True, [1]], ids=repr)
async def test_a_count_of_cancelled_orders_that_is_none_is_a_failed_cancel(count: Any) -> None:
    desk = Desk.holding(BTC)
    desk.odd["cancel_all_orders"] = lambda symbol: count

    result = await flatten(desk, max_retries=0)

    assert (result.state, result.positions_closed, result.orders_failed) == (PARTIAL, 1, 1)


async def test_no_count_at_all_is_an_acknowledgement() -> None:
    desk = Desk.holding(BTC)
    desk.odd["cancel_all_orders"] = lambda symbol: None

    result = await flatten(desk)

    assert (result.state, result.orders_cancelled) == (COMPLETED, 0)


# --- what it raises -----------------------------------------------------------------------------


def raising(error: BaseException) -> Any:
    def work(*args: Any) -> Any:
        raise error

    return work


ERRORS: list[BaseException] = [
    RuntimeError("broken"),
    OSError(5, "gone"),
    StopIteration("odd"),
    KeyError("amount"),
    TimeoutError(),
]


@pytest.mark.parametrize("error", ERRORS, ids=repr)
def test_positions_that_raise_are_not_read_and_nothing_escapes(error: BaseException) -> None:
    desk = AsyncDesk.holding(BTC)
    desk.odd["get_all_positions"] = raising(error)

    result = run_virtual(flatten(desk))

    assert (result.state, result.verified) == (FAILED, False)
    assert "positions could not be read" in str(result.error_message)


@pytest.mark.parametrize("error", ERRORS, ids=repr)
async def test_a_cancel_that_raises_does_not_keep_a_position_open(error: BaseException) -> None:
    desk = Desk.holding(BTC, orders=1)
    desk.odd["cancel_all_orders"] = raising(error)

    result = await flatten(desk, max_retries=0)

    assert not any(desk.amounts.values())
    assert (result.state, result.positions_closed, result.orders_failed) == (PARTIAL, 1, 1)


async def test_a_close_that_raises_after_it_executed_is_not_sent_again() -> None:
    desk = Desk.holding(BTC)

    def lost(*args: Any) -> Any:
        desk.close(*args)
        raise ConnectionResetError("the answer was lost")

    desk.odd["execute_market_close"] = lost
    result = await flatten(desk)

    assert (result.state, result.positions_closed) == (COMPLETED, 1)
    assert len(desk.called("execute_market_close")) == 1


async def test_one_that_fails_once_is_tried_again_and_one_read_that_fails_as_well() -> None:
    desk = Desk.holding(BTC)
    failing = {"get_all_positions": 1, "execute_market_close": 1}

    def once(name: str, work: Any) -> Any:
        def do(*args: Any) -> Any:
            if failing[name]:
                failing[name] -= 1
                raise OSError("once")
            return work(*args)

        return do

    desk.odd["get_all_positions"] = once("get_all_positions", desk.rows)
    desk.odd["execute_market_close"] = once("execute_market_close", desk.close)

    assert (await flatten(desk, timeout_seconds=2.0)).state is COMPLETED


async def test_what_it_says_of_a_signed_request_does_not_come_out() -> None:
    desk = Desk.holding(BTC)
    said = "400 for /order?symbol=BTCUSDT&signature=deadbeef0123&apiKey=topsecret\n\x1b[2J"
    desk.odd["execute_market_close"] = raising(RuntimeError(said))

    result = await flatten(desk, max_retries=0)

    text = str(result.to_dict())
    assert "RuntimeError" in text
    for hidden in ("deadbeef", "topsecret", "\x1b", "\\x1b"):
        assert hidden not in text


# --- how many at once, and for how long ---------------------------------------------------------


@pytest.mark.parametrize(("serial", "most"), [(False, CALLS_AT_ONCE), (True, 1)])
async def test_calls_run_beside_each_other_eight_at_most_or_one_by_one(
    serial: bool, most: int
) -> None:
    desk = Desk.holding(*(f"S{n:02}USDT" for n in range(12)))
    desk.seconds = 0.01

    result = await flatten(desk, serial=serial, timeout_seconds=3.0)

    assert (result.state, CALLS_AT_ONCE) == (COMPLETED, 8)
    assert desk.most_at_once == most


async def test_a_call_that_blocks_ten_seconds_is_answered_for_at_one_and_holds_no_loop() -> None:
    desk = Desk.holding(BTC)
    desk.odd["cancel_all_orders"] = lambda symbol: time.sleep(10)
    pauses = []

    async def beat() -> None:
        while True:
            slept = time.monotonic()
            await asyncio.sleep(0.005)
            pauses.append(time.monotonic() - slept)

    beating = asyncio.create_task(beat())
    began = time.monotonic()
    result = await flatten(desk)
    seconds = time.monotonic() - began
    beating.cancel()

    assert 1.0 <= seconds <= 1.1 + 0.5
    assert result.state in {PARTIAL, FAILED}
    assert result.positions_closed == 1  # the cancel that hangs did not keep it open
    assert max(pauses) < 0.5


async def test_a_call_is_never_repeated_while_it_still_runs() -> None:
    desk = Desk.holding(BTC)
    desk.odd["execute_market_close"] = lambda *args: time.sleep(3)

    result = await flatten(desk)

    assert len(desk.called("execute_market_close")) == 1
    assert result.legs[0].outcome is LegOutcome.UNPROVEN
    assert result.legs[0].reason == "the close was still unanswered at the deadline"


def test_a_call_that_never_returns_does_not_hold_the_process() -> None:
    program = textwrap.dedent(
        """
        import asyncio, threading
        from goflat import LiquidationConfig, LiquidationManager

        class Hung:
            def get_all_positions(self, symbols):
                threading.Event().wait()
            def cancel_all_orders(self, symbol):
                return 0
            def execute_market_close(self, symbol, side, quantity, reduce_only=True):
                return {"success": True}

        manager = LiquidationManager(Hung(), LiquidationConfig(timeout_seconds=1.0))
        print(asyncio.run(manager.execute_liquidation()).state.name)
        """
    )
    began = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-c", program], capture_output=True, text=True, timeout=20, check=False
    )

    assert (done.stdout, done.returncode) == ("FAILED\n", 0)
    assert time.monotonic() - began < 6
