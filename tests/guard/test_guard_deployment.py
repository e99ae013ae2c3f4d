"""What a new user copies: the units, the compose file, the examples."""

import os
import re
import shutil
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from guard_desk import BOT_TABLE, GuardDesk, guard_desk, until

ROOT = Path(__file__).parents[2]
UNIT = (ROOT / "systemd" / "goflat-guard.service").read_text()
BOT_UNIT = (ROOT / "systemd" / "bot.service.example").read_text()
COMPOSE = (ROOT / "examples" / "compose.guard.yaml").read_text()


@pytest.fixture
def desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        yield it


def said(unit: str) -> list[str]:
    return [line for line in unit.splitlines() if line and not line.startswith("#")]


@pytest.mark.parametrize("unit", [UNIT, BOT_UNIT], ids=["guard", "bot"])
def test_neither_unit_is_bound_to_the_life_of_the_other(unit: str) -> None:
    assert not re.search(r"^(BindsTo|PartOf|Requires|Requisite)=", unit, re.MULTILINE)


@pytest.mark.parametrize(
    "line",
    [
        *("Restart=always", "StartLimitIntervalSec=0", "WatchdogSec=5", "NotifyAccess=main"),
        *("OOMScoreAdjust=-900", "NoNewPrivileges=yes", "ProtectSystem=strict", "UMask=0077"),
        *("CapabilityBoundingSet=", "LimitCORE=0", "SystemCallFilter=@system-service"),
    ],
)
def test_the_unit_is_hardened(line: str) -> None:
    assert line in said(UNIT)


@pytest.mark.skipif(shutil.which("systemd-analyze") is None, reason="no systemd here")
def test_systemd_takes_the_unit(tmp_path: Path) -> None:
    # The program and the user of the unit are not on this machine.
    local = UNIT.replace("/opt/goflat/bin/goflat", "/bin/true").replace("User=trader\n", "")
    path = tmp_path / "goflat-guard.service"
    path.write_text(local)
    told = subprocess.run(
        ["systemd-analyze", "verify", str(path)], capture_output=True, text=True, check=False
    )
    assert "goflat-guard.service:" not in told.stderr, told.stderr
    assert told.returncode == 0, told.stderr


def test_the_services_share_processes_user_and_state_and_not_their_lives() -> None:
    guard, bot = COMPOSE.split("\n  guard:")[1].split("\n  bot:")
    bot = bot.split("\nvolumes:")[0]
    for shared in ("pid: host", 'user: "1000:1000"', "- state:/state"):
        assert shared in guard
        assert shared in bot
    assert "restart: always" in guard
    assert "depends_on" not in COMPOSE


def test_the_asyncio_example_is_guarded(desk: GuardDesk) -> None:
    desk.guard()
    bot = desk.start(sys.executable, str(ROOT / "examples" / "guarded_asyncio_bot.py"))
    until(desk.is_beating, "beating")
    desk.hold()
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")
    again = desk.start(sys.executable, str(ROOT / "examples" / "guarded_asyncio_bot.py"))
    assert again.wait(10) != 0
    assert "latched" in desk.said()


def test_the_ccxt_example_is_guarded(desk: GuardDesk) -> None:
    pytest.importorskip("ccxt")
    desk.guard()
    bot = desk.start(
        sys.executable,
        str(ROOT / "examples" / "guarded_ccxt_bot.py"),
        BOT_REST_URL=desk.venue.rest_url,
        BOT_KEY="k",
        BOT_SECRET="s",
    )
    until(desk.is_beating, "beating")
    desk.hold()
    os.kill(bot.pid, signal.SIGSTOP)
    until(lambda: desk.is_flat, "flat")


def test_the_shell_example_is_guarded(desk: GuardDesk) -> None:
    desk.configure(BOT_TABLE + "hang_seconds = 3\n")
    desk.guard()
    programs = desk.state / "bin"
    programs.mkdir(mode=0o700)
    (programs / "goflat").write_text(f'#!/bin/sh\nexec {sys.executable} -m goflat "$@"\n')
    (desk.state / "trade-once").write_text("#!/bin/sh\ntrue\n")
    for path in (programs / "goflat", desk.state / "trade-once"):
        path.chmod(0o700)
    search = f"{programs}:{os.environ['PATH']}"
    bot = desk.start("/bin/sh", str(ROOT / "examples" / "guarded_shell_bot.sh"), PATH=search)
    until(desk.is_beating, "beating")
    desk.hold()
    os.killpg(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")


def test_the_service_manager_is_told(desk: GuardDesk) -> None:
    import socket

    address = str(desk.state / "notify")
    with socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM) as manager:
        manager.bind(address)
        manager.settimeout(10)
        guard = desk.guard(NOTIFY_SOCKET=address, WATCHDOG_USEC="5000000")
        assert manager.recv(1000).startswith(b"READY=1")
        assert manager.recv(1000) == b"WATCHDOG=1"
        guard.send_signal(signal.SIGTERM)
        told = b""
        while b"STOPPING=1" not in told:
            told = manager.recv(1000)
        assert guard.wait(10) == 0


def test_check_says_whether_it_could_be_started(desk: GuardDesk) -> None:
    assert desk.goflat("guard", "--check").returncode == 0
    (desk.state / "goflat.toml").write_text("[guard]\nhold_secnds = 1\n")
    told = desk.goflat("guard", "--check")
    assert told.returncode == 2
    assert "hold_seconds" in told.stderr


def test_the_switch_that_is_off_is_not_armed(desk: GuardDesk) -> None:
    text = (desk.state / "goflat.toml").read_text()
    off = "[liquidation]\nclose_positions = false"
    (desk.state / "goflat.toml").write_text(text.replace("[liquidation]", off))
    desk.guard()
    until(lambda: "not checked yet" not in desk.goflat("status").stdout, "it is checked")
    told = desk.goflat("status")
    assert told.returncode == 1
    assert "switched off" in told.stdout
