"""The guard, as it is used: a process of its own beside a bot, against a venue over sockets."""

import os
import signal
import sys
import time
from collections.abc import Iterator

import pytest
from guard_desk import BOT_TABLE, GuardDesk, guard_desk, until

from goflat.guard.latch_file import read_latch


@pytest.fixture
def desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        yield it


def latched_flat(desk: GuardDesk) -> None:
    until(lambda: desk.is_flat, "flat")
    until(lambda: desk.state_name() in {"HOLDING", "LATCHED"}, "proven flat", 20)
    assert read_latch("main", desk.state) is not None


def test_a_bot_that_is_killed_leaves_a_flat_and_latched_account(desk: GuardDesk) -> None:
    desk.guard()
    bot = desk.bot()
    desk.hold()
    os.kill(bot.pid, signal.SIGKILL)
    latched_flat(desk)
    assert "bot maker ended" in desk.said()


def test_a_bot_that_is_stopped_trips_before_its_silence_does(desk: GuardDesk) -> None:
    desk.configure(BOT_TABLE + "hang_seconds = 30\n")
    desk.guard()
    bot = desk.bot()
    until(desk.is_beating, "beating")
    desk.hold()
    os.kill(bot.pid, signal.SIGSTOP)
    latched_flat(desk)
    assert "kernel state" in desk.said()
    until(lambda: bot.poll() is not None, "the frozen bot is ended")


HUNG = """
import asyncio, time, goflat
async def main():
    async with goflat.heartbeat("maker") as beat:
        for _ in range(50):
            beat()
            await asyncio.sleep(0.02)
        print("hangs at", time.time(), flush=True)
        {hang}
asyncio.run(main())
"""

HANGS = {
    "a blocked event loop": "time.sleep(60)",
    "a C call that keeps the interpreter": ("import ctypes; ctypes.PyDLL(None).sleep(20)"),
}


@pytest.mark.parametrize("hang", HANGS.values(), ids=HANGS)
def test_a_bot_that_hangs_trips_in_time(desk: GuardDesk, hang: str) -> None:
    desk.configure(BOT_TABLE + "hang_seconds = 1\n")
    desk.guard()
    bot = desk.bot(HUNG.format(hang=hang))
    desk.hold()
    until(lambda: "hangs at" in desk.said(), "hanging")
    began = float(desk.said().split("hangs at")[1].split()[0])
    until(lambda: "made no progress" in desk.said(), "tripped")
    assert time.time() - began < 1 + 0.5
    latched_flat(desk)
    until(lambda: bot.poll() is not None, "the frozen bot is ended")


def test_a_guard_that_starts_before_its_bot_does_not_fire_and_says_that_it_waits(
    desk: GuardDesk,
) -> None:
    desk.guard()
    desk.hold()
    status = desk.goflat("status")
    assert status.returncode == 1
    assert "bot maker has not been seen yet" in status.stdout
    assert not desk.is_flat


def test_a_person_trips_resets_and_the_bot_trades_again(desk: GuardDesk) -> None:
    desk.guard()
    bot = desk.bot()
    desk.hold()
    tripped = desk.goflat("trip", "--reason", "a test")
    assert tripped.returncode == 0, tripped
    assert "TRIPPED (flatten)" in tripped.stdout
    latched_flat(desk)
    until(lambda: bot.poll() is not None, "the bot is ended")
    until(lambda: desk.state_name() == "LATCHED", "no longer held")
    reset = desk.goflat("reset", "--reason", "understood")
    assert reset.returncode == 0, reset
    assert read_latch("main", desk.state) is None
    desk.bot()
    assert desk.goflat("status").returncode == 0


def test_a_reset_of_an_account_that_is_not_flat_is_refused(desk: GuardDesk) -> None:
    desk.guard()
    assert desk.goflat("trip", "--severity", "halt").returncode == 0
    desk.hold()
    refused = desk.goflat("reset", "--reason", "in a hurry")
    assert refused.returncode == 1
    assert "not proven flat" in refused.stdout
    assert desk.goflat("reset", "--reason", "I know", "--force").returncode == 0


def test_without_a_guard_a_trip_says_how_to_flatten_by_hand(desk: GuardDesk) -> None:
    tripped = desk.goflat("trip")
    assert tripped.returncode == 2
    assert "goflat flatten --all" in tripped.stderr


def test_a_trip_is_a_short_program(desk: GuardDesk) -> None:
    """What it imports, because that is what takes its time."""
    desk.start(
        sys.executable,
        "-c",
        "import sys, goflat.cli.trip; print(sorted(n for n in sys.modules if n.startswith("
        "('asyncio', 'aiohttp', 'msgspec', 'goflat.venues', 'goflat.settings', 'rich'))))",
    ).wait(10)
    assert desk.said().strip() == "[]"
