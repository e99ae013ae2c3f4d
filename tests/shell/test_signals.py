"""Impatient signals, to real processes, under both event loops."""

import signal
import subprocess
import sys
import textwrap
import threading
import time
from pathlib import Path

import pytest

from goflat.shell.signals import HeldSignals

PROGRAM = """
    import asyncio, signal, sys
    from decimal import Decimal
    from goflat.domain.config import LiquidationConfig
    from goflat.domain.position import LegKey, Position, PositionSide
    from goflat.manager import LiquidationManager
    from goflat.testing.paper import Misbehave, PaperVenue, rules_for

    async def main():
        held = Position(symbol="BTCUSDT", side=PositionSide.LONG, quantity=Decimal(1))
        venue = PaperVenue(positions={held.key: held}, rules={"BTCUSDT": rules_for("BTCUSDT")})
        venue.script("close", Misbehave(delay=0.5))
        manager = LiquidationManager(venue, LiquidationConfig(), quiet_seconds=0.05)
        try:
            print("trading", flush=True)
            await asyncio.sleep(10)
        except asyncio.CancelledError:
            print("shutting down", flush=True)
            result = await manager.execute_liquidation()
            print(result.state.value, venue.is_bare, len(venue.called("close")), flush=True)
            raise

    %s
"""
RUNNERS = {
    "asyncio": "asyncio.run(main())",
    "uvloop": "import uvloop; uvloop.run(main())",
}


def started(runner: str) -> "subprocess.Popen[str]":
    if runner == "uvloop":
        pytest.importorskip("uvloop")
    program = textwrap.dedent(PROGRAM) % RUNNERS[runner]
    return subprocess.Popen(
        [sys.executable, "-c", program],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        cwd=Path(__file__).parent,
    )


def said(process: "subprocess.Popen[str]", expected: str) -> None:
    assert process.stdout is not None
    assert process.stdout.readline().strip() == expected


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_second_ctrl_c_is_heard_and_the_run_is_finished(runner: str) -> None:
    with started(runner) as process:
        said(process, "trading")
        process.send_signal(signal.SIGINT)
        said(process, "shutting down")
        for _ in range(3):
            time.sleep(0.05)
            process.send_signal(signal.SIGINT)
        out, err = process.communicate(timeout=10)

    assert out.split() == ["COMPLETED", "True", "1"]
    assert err.count("SIGINT heard: the liquidation goes on") == 3
    assert process.returncode != 0


@pytest.mark.parametrize("runner", RUNNERS)
def test_a_sigterm_that_would_kill_waits_until_the_run_is_over(runner: str) -> None:
    with started(runner) as process:
        said(process, "trading")
        process.send_signal(signal.SIGINT)
        said(process, "shutting down")
        time.sleep(0.05)
        began = time.monotonic()
        process.send_signal(signal.SIGTERM)
        _, err = process.communicate(timeout=10)

    assert "SIGTERM heard: the liquidation goes on" in err
    assert time.monotonic() - began > 0.3
    assert process.returncode == -signal.SIGTERM


# --- in this process ----------------------------------------------------------------------------


def test_handlers_are_put_back_as_they_were() -> None:
    before = signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)

    with HeldSignals():
        assert signal.getsignal(signal.SIGINT) is not before[0]

    assert (signal.getsignal(signal.SIGINT), signal.getsignal(signal.SIGTERM)) == before


def test_a_sigterm_that_somebody_handles_is_his() -> None:
    heard: list[int] = []
    before = signal.signal(signal.SIGTERM, lambda number, _: heard.append(number))
    try:
        with HeldSignals():
            signal.raise_signal(signal.SIGTERM)
            assert heard == [signal.SIGTERM]
    finally:
        signal.signal(signal.SIGTERM, before)


def test_whoever_is_told_may_fail() -> None:
    def tell(text: str) -> None:
        raise RuntimeError("reentrant call inside a writer")

    with HeldSignals(tell):
        signal.raise_signal(signal.SIGINT)


def test_outside_the_main_thread_nothing_is_held_and_nothing_fails() -> None:
    held: list[object] = []

    def run() -> None:
        with HeldSignals():
            held.append(signal.getsignal(signal.SIGINT))

    thread = threading.Thread(target=run)
    thread.start()
    thread.join()

    assert held == [signal.getsignal(signal.SIGINT)]


def test_a_handler_that_was_not_installed_from_python_becomes_the_default() -> None:
    before = signal.getsignal(signal.SIGINT)
    try:
        with HeldSignals() as held:
            held._before[signal.SIGINT] = None
        assert signal.getsignal(signal.SIGINT) is signal.SIG_DFL
    finally:
        signal.signal(signal.SIGINT, before)


def test_where_signals_cannot_be_held_the_run_goes_on_without(
    monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    def refuse(*_: object) -> None:
        raise ValueError("signal only works in main thread of the main interpreter")

    with monkeypatch.context() as patch:
        patch.setattr(signal, "signal", refuse)
        with HeldSignals():
            pass

    assert "cannot be held" in caplog.text
