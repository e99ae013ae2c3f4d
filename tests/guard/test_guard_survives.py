"""The guard is killed, stopped and started anew, and the account goes flat all the same."""

import json
import os
import signal
import time
from collections.abc import Iterator
from decimal import Decimal

import pytest
from guard_desk import BOT_TABLE, GuardDesk, guard_desk, until

from goflat.guard.latch_file import read_latch
from goflat.guard.run_file import RunFile


@pytest.fixture
def desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        yield it


def runs_of(desk: GuardDesk) -> set[str]:
    """The ids under which something was sent or begun, as the audit trail has them."""
    lines = [
        json.loads(line)
        for path in sorted(desk.state.glob("audit*.jsonl"))
        for line in path.read_text().splitlines()
    ]
    return {line["correlation_id"] for line in lines if line["event_type"] == "LIQUIDATION_START"}


@pytest.mark.parametrize("boundary", range(1, 9))
def test_a_guard_killed_between_two_effects_goes_on_under_the_same_id(
    desk: GuardDesk, boundary: int
) -> None:
    # Everything that is done before the trip has boundaries as well: they are counted once.
    guard = desk.guard(GOFLAT_KILL_AT=str(4 + boundary))
    bot = desk.bot()
    time.sleep(0.7)
    desk.hold()
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: guard.poll() is not None or desk.is_flat, "the guard is dead, or it was too late")
    if guard.poll() is None:
        guard.kill()
        guard.wait()
    desk.guard()
    until(lambda: desk.is_flat, "flat")
    until(lambda: desk.state_name() in {"HOLDING", "LATCHED"}, "proven flat", 20)
    assert len(runs_of(desk)) == 1
    assert read_latch("main", desk.state) is not None
    assert not desk.venue.truth.enlarging_fills(prefix="gf-")


@pytest.mark.parametrize("boundary", [1, 3, 4, 5, 6])
def test_a_guard_killed_around_the_fence_freezes_and_ends_the_bot_all_the_same(
    desk: GuardDesk, boundary: int
) -> None:
    guard = desk.guard(GOFLAT_KILL_AT=str(4 + boundary))
    bot = desk.bot()
    until(desk.is_beating, "beating")
    time.sleep(0.7)
    desk.hold()
    os.kill(bot.pid, signal.SIGSTOP)
    until(lambda: guard.poll() is not None, "the guard is dead")
    desk.guard()
    until(lambda: desk.is_flat, "flat")
    until(lambda: bot.poll() is not None, "the bot is ended")
    until(lambda: desk.state_name() in {"HOLDING", "LATCHED"}, "proven flat", 20)


def test_a_bot_that_ends_while_no_guard_is_there_is_noticed_by_the_next_one(
    desk: GuardDesk,
) -> None:
    guard = desk.guard()
    bot = desk.bot()
    time.sleep(0.7)
    desk.hold()
    os.killpg(guard.pid, signal.SIGKILL)
    guard.wait()
    os.kill(bot.pid, signal.SIGKILL)
    bot.wait()
    desk.guard()
    until(lambda: desk.is_flat, "flat")


def test_a_guard_that_is_started_anew_watches_the_bots_of_the_one_before(desk: GuardDesk) -> None:
    guard = desk.guard()
    desk.bot()
    time.sleep(0.7)
    os.killpg(guard.pid, signal.SIGKILL)
    guard.wait()
    desk.hold()
    desk.guard()
    until(desk.is_armed, "armed again")
    assert not desk.is_flat


def test_what_opens_again_during_the_hold_is_closed_and_what_is_foreign_is_not(
    desk: GuardDesk,
) -> None:
    desk.configure(hold_seconds=8.0)
    desk.guard()
    desk.bot()
    desk.hold("BTCUSDT")
    assert desk.goflat("trip").returncode == 0
    until(lambda: desk.is_flat, "flat")
    until(lambda: desk.state_name() == "HOLDING", "held", 20)
    desk.hold("BTCUSDT")
    desk.hold("ETHUSDT", "1")
    until(lambda: ("BTCUSDT", "BOTH") not in desk.venue.truth.amounts(), "closed again", 20)
    until(lambda: "foreign" in desk.said(), "foreign")
    assert desk.venue.truth.amounts() == {("ETHUSDT", "BOTH"): Decimal(1)}


def test_the_second_guard_stands_by_and_takes_over(desk: GuardDesk) -> None:
    first = desk.guard()
    desk.bot()
    time.sleep(0.7)
    second = desk.start(*list(map(str, first.args)))  # type: ignore[union-attr, arg-type]
    until(lambda: "standing by" in desk.said(), "standing by")
    os.killpg(first.pid, signal.SIGKILL)
    first.wait()
    until(desk.is_armed, "the second is armed")
    assert second.poll() is None


def test_a_broken_new_configuration_leaves_the_old_one_in_force(desk: GuardDesk) -> None:
    guard = desk.guard()
    bot = desk.bot()
    (desk.state / "goflat.toml").write_text("[guard]\nhold_secnds = 1\n")
    guard.send_signal(signal.SIGHUP)
    until(lambda: "the old one stays" in desk.said(), "said so")
    desk.hold()
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")


def test_a_good_new_configuration_comes_into_force_and_stays_armed(desk: GuardDesk) -> None:
    guard = desk.guard()
    desk.bot()
    time.sleep(0.7)
    desk.configure(BOT_TABLE + "hang_seconds = 9\n")
    guard.send_signal(signal.SIGHUP)

    def has_come() -> bool:
        status = desk.status() or {}
        return bool(status.get("armed")) and status["bots"]["maker"]["hang_seconds"] == 9  # type: ignore[index]

    until(has_come, "armed with the new one")


def test_a_run_that_cannot_be_finished_goes_on_until_it_can_or_somebody_takes_over(
    desk: GuardDesk,
) -> None:
    desk.guard()
    desk.bot()
    desk.hold("BTCUSDT")
    desk.venue.halt("BTCUSDT")
    assert desk.goflat("trip").returncode == 0
    until(lambda: desk.state_name() == "GOING_ON", "it goes on", 25)
    assert not desk.is_flat
    taken = desk.goflat("acknowledge")
    assert taken.returncode == 0, taken
    assert desk.state_name() == "LATCHED"


def test_a_torn_record_leaves_the_one_before_it(desk: GuardDesk) -> None:
    desk.guard()
    assert desk.goflat("trip", "--reason", "first").returncode == 0
    path = desk.state / "run.main.slots"
    until(lambda: desk.state_name() == "LATCHED", "done", 20)
    content = bytearray(path.read_bytes())
    numbers = {place: int(bytes(content[place : place + 20]).split()[0]) for place in (0, 65536)}
    newest = max(numbers, key=numbers.__getitem__)
    content[newest + 200] ^= 1
    path.write_bytes(content)
    note = RunFile("main", desk.state).read()
    assert note is not None
    assert note.latch.reason == "first"
