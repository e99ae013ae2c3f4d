"""The examples, run as a user runs them, and ended by real signals."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

EXAMPLES = Path(__file__).parents[2] / "examples"
INTERRUPTED = {130, -signal.SIGINT}


@pytest.fixture
def venue() -> Iterator[SimulatedVenue]:
    venue = SimulatedVenue(latency_ms=5)
    with venue.in_thread():
        venue.open_position("BTCUSDT", "0.5")
        venue.open_position("ETHUSDT", "-3")
        venue.rest_order("BTCUSDT", "BUY", "0.1", "30000")
        venue.wait_order("ETHUSDT", "BUY", "9000", close_position=True)
        yield venue


class Bot:
    """An example in a process of its own."""

    def __init__(self, venue: SimulatedVenue, folder: Path, *argv: str) -> None:
        settings = folder / "goflat.toml"
        settings.write_text(
            "[liquidation]\ntimeout_seconds = 5.0\n[venue]\nname = 'binance-usdm'\n"
            f"environment = 'simulated'\nrest_url = '{venue.rest_url}'\n"
            "api_key = 'env:BOT_KEY'\napi_secret = 'env:BOT_SECRET'\n"
            f"[audit]\npath = '{folder / 'audit.jsonl'}'\n"
        )
        environment = os.environ | {
            "GOFLAT_CONFIG": str(settings),
            "BOT_KEY": TEST_API_KEY,
            "BOT_SECRET": TEST_API_SECRET,
            "PYTHONUNBUFFERED": "1",
        }
        self.process = subprocess.Popen(
            [sys.executable, str(EXAMPLES / argv[0]), *argv[1:]],
            env=environment,
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )

    def trading(self) -> "Bot":
        assert self.process.stdout is not None
        assert self.process.stdout.readline() == "trading\n"
        return self

    def end(self, *signals: signal.Signals, apart: float = 0.15) -> tuple[int, str]:
        for number in signals:
            self.process.send_signal(number)
            time.sleep(apart)
        out, err = self.process.communicate(timeout=20)
        assert TEST_API_SECRET not in out + err
        return self.process.returncode, out + err


ASYNC = "armed_asyncio_bot.py"
PLAIN = "armed_plain_bot.py"


@pytest.mark.parametrize("argv", [(ASYNC,), (ASYNC, "--uvloop"), (PLAIN,)], ids=" ".join)
def test_sigterm_flattens_and_ends_the_program_with_143(
    venue: SimulatedVenue, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    code, said = Bot(venue, tmp_path, *argv).trading().end(signal.SIGTERM)

    assert venue.truth.is_flat(), said
    assert code == 143, said


@pytest.mark.parametrize(
    "argv", [(ASYNC,), (ASYNC, "--uvloop"), (PLAIN,), ("asyncio_bot.py",)], ids=" ".join
)
def test_impatient_ctrl_c_is_heard_and_does_not_abandon_the_liquidation(
    venue: SimulatedVenue, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    code, said = Bot(venue, tmp_path, *argv).trading().end(*[signal.SIGINT] * 3)

    assert venue.truth.is_flat(), said
    assert "heard" in said
    assert code in INTERRUPTED, said


@pytest.mark.parametrize("argv", [(ASYNC,), (ASYNC, "--uvloop"), (PLAIN,)], ids=" ".join)
def test_sigterm_again_and_again_does_not_abandon_the_liquidation(
    venue: SimulatedVenue, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    code, said = Bot(venue, tmp_path, *argv).trading().end(*[signal.SIGTERM] * 3)

    assert venue.truth.is_flat(), said
    assert code == 143, said


@pytest.mark.parametrize("argv", [(ASYNC,), (ASYNC, "--uvloop"), (PLAIN,)], ids=" ".join)
def test_a_crash_flattens_and_keeps_its_traceback_and_exit_code(
    venue: SimulatedVenue, tmp_path: Path, argv: tuple[str, ...]
) -> None:
    code, said = Bot(venue, tmp_path, *argv, "--crash").end()

    assert venue.truth.is_flat(), said
    assert "RuntimeError: the strategy crashed" in said
    assert code == 1


def test_a_block_that_ends_well_leaves_its_positions(venue: SimulatedVenue, tmp_path: Path) -> None:
    code, said = Bot(venue, tmp_path, PLAIN, "--done").end()

    assert code == 0, said
    assert len(venue.truth.positions()) == 2


def test_the_shutdown_path_goes_on_after_the_liquidation(
    venue: SimulatedVenue, tmp_path: Path
) -> None:
    code, said = Bot(venue, tmp_path, "asyncio_bot.py").trading().end(signal.SIGINT)

    assert "liquidation: COMPLETED, verified: True" in said
    assert "shutdown complete" in said
    assert code in INTERRUPTED


def test_the_shutdown_path_goes_on_where_the_venue_is_gone(
    venue: SimulatedVenue, tmp_path: Path
) -> None:
    bot = Bot(venue, tmp_path, "asyncio_bot.py").trading()
    venue.revoke_key(TEST_API_KEY)

    _, said = bot.end(signal.SIGINT)

    assert "liquidation: FAILED" in said
    assert "shutdown complete" in said


def test_goflat_works_over_somebody_elses_order_manager() -> None:
    argv = [sys.executable, str(EXAMPLES / "own_order_manager.py")]

    said = subprocess.run(argv, capture_output=True, text=True, timeout=20, check=True).stdout

    assert said == "COMPLETED closed 2\n"
