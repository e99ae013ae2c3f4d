"""What a guard lives through at the worst minute: floods, strangers, full disks, no descriptors."""

import contextlib
import json
import os
import resource
import signal
import socket
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from guard_desk import GuardDesk, guard_desk, until

from goflat.guard.latch_file import read_latch


@pytest.fixture
def desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        yield it


WARM = """
import asyncio, sys
from goflat.guard.opening import open_guard
from goflat.guard.state_directory import state_directory
from goflat.settings import load_settings

seen, hears = [], False

def hook(event, args):
    if hears and event in ("import", "open", "compile"):
        seen.append(f"{event} {args[0]}")

sys.addaudithook(hook)

async def main():
    global hears
    guard = open_guard(load_settings(), state_directory())
    keeping = asyncio.ensure_future(guard.keep())
    account = guard.accounts["main"]
    while not account.status()["armed"]:
        await asyncio.sleep(0.01)
    await asyncio.sleep(1)
    hears = True
    while account.status()["state"] not in ("HOLDING", "LATCHED"):
        await asyncio.sleep(0.01)
    hears = False
    print("SEEN", seen, flush=True)
    keeping.cancel()

asyncio.run(main())
"""


def test_the_trip_imports_nothing_and_opens_no_file(desk: GuardDesk) -> None:
    guard = desk.start(sys.executable, "-c", WARM)
    until(lambda: desk.status() is not None, "guard listens")
    bot = desk.bot()
    time.sleep(1.2)
    desk.hold()
    os.kill(bot.pid, signal.SIGKILL)
    guard.wait(15)
    (said,) = [line for line in desk.said().splitlines() if line.startswith("SEEN")]
    # The kernel's word on processes is no file; and the thread of the latch looks, beside the run,
    # whether somebody else has set it meanwhile.
    opened = [it for it in eval(said.removeprefix("SEEN ")) if "/proc" not in it]
    assert not [it for it in opened if "latch." not in it and it != f"open {desk.state}"]


def test_from_kill_to_the_first_request_on_the_wire(desk: GuardDesk) -> None:
    desk.guard()
    bot = desk.bot()
    time.sleep(1.2)
    desk.hold()
    began_ms = desk.venue.world.clock()
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")
    acts = [
        received.at_ms - began_ms
        for received in desk.venue.truth.requests()
        if received.method in {"POST", "DELETE"}
    ]
    assert min(acts) < 1000


FLOOD = """
import json, os, socket, threading
path = os.environ["GOFLAT_STATE_DIR"]
def flood(name, line):
    while True:
        try:
            with socket.socket(socket.AF_UNIX) as it:
                it.connect(path + "/" + name)
                for _ in range(200):
                    it.sendall(line)
        except OSError:
            pass
hello = json.dumps({"v": 1, "hello": "maker", "watch": False}).encode() + b"\\n"
beat = json.dumps({"v": 1, "answer": "x", "progress": 10**6}).encode() + b"\\n"
status = json.dumps({"v": 1, "do": "nothing"}).encode() + b"\\n"
for args in (("heartbeat.sock", hello + beat * 50), ("control.sock", status)):
    threading.Thread(target=flood, args=args, daemon=True).start()
print("flooding", flush=True)
threading.Event().wait()
"""


def test_a_flood_of_messages_does_not_hold_up_a_trip(desk: GuardDesk) -> None:
    desk.guard()
    bot = desk.bot()
    time.sleep(0.7)
    desk.start(sys.executable, "-c", FLOOD)
    until(lambda: "flooding" in desk.said(), "flooding")
    desk.hold()
    began = time.monotonic()
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")
    assert time.monotonic() - began < 2.0


STRANGER = """
import json, os, socket, sys
os.setgid(65534); os.setuid(65534)
for name, line in (
    ("control.sock", {"v": 1, "do": "trip"}),
    ("heartbeat.sock", {"v": 1, "hello": "maker", "watch": False}),
):
    with socket.socket(socket.AF_UNIX) as it:
        it.settimeout(3)
        try:
            it.connect(sys.argv[1] + "/" + name)
            it.sendall(json.dumps(line).encode() + b"\\n")
            print(name, "answered:", it.recv(1000), flush=True)
        except OSError as error:
            print(name, "refused:", type(error).__name__, flush=True)
"""


@pytest.mark.skipif(os.geteuid() != 0, reason="only root can become somebody else")
def test_another_user_cannot_trip_or_speak_for_a_bot(desk: GuardDesk) -> None:
    desk.guard()
    desk.bot()
    for opened in (False, True):
        if opened:
            # Even where somebody opened the doors, the kernel says who comes.
            desk.state.chmod(0o755)
            for name in ("control.sock", "heartbeat.sock"):
                (desk.state / name).chmod(0o777)
        python = "/usr/bin/python3" if Path("/usr/bin/python3").exists() else sys.executable
        told = subprocess.run(
            [python, "-c", STRANGER, str(desk.state)],
            capture_output=True,
            text=True,
            timeout=20,
            check=False,
            cwd="/",
        )
        assert told.stdout.count("refused") + told.stdout.count("answered: b''") == 2, told
    assert desk.is_armed()


def test_a_beat_of_another_process_than_the_watched_bot_is_refused(desk: GuardDesk) -> None:
    desk.guard()
    desk.bot()
    time.sleep(0.3)
    told = desk.goflat("beat", "maker")
    assert told.returncode == 1
    assert "none of it" in told.stderr
    assert desk.goflat("beat", "nobody").returncode == 1


def test_a_shell_loop_beats_and_its_silence_trips(desk: GuardDesk) -> None:
    desk.configure('[[bot]]\nname = "maker"\nhang_seconds = 2\nrecv_window_seconds = 0.2\n')
    desk.guard()
    loop = f"while true; do {sys.executable} -m goflat beat maker; sleep 0.1; done"
    shell = desk.start("/bin/sh", "-c", loop)
    until(desk.is_armed, "armed")
    desk.hold()
    os.killpg(shell.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")
    assert "made no progress" in desk.said()


def test_whoever_says_nothing_waits_alone(desk: GuardDesk) -> None:
    desk.guard()
    desk.bot()
    silent = []
    for _ in range(20):
        it = socket.socket(socket.AF_UNIX)
        it.connect(str(desk.state / "control.sock"))
        it.sendall(b'{"v": 1, "do"')
        silent.append(it)
    began = time.monotonic()
    assert desk.goflat("trip").returncode == 0
    assert time.monotonic() - began < 3
    for it in silent:
        it.close()


@pytest.mark.parametrize(
    "line",
    [
        b"no json\n",
        b"[]\n",
        b'{"v": 2, "do": "status"}\n',
        b'{"v": 1}\n',
        b'{"v": 1, "do": "explode"}\n',
        b'{"v": 1, "do": "trip", "account": "other"}\n',
        b'{"v": 1, "do": "trip", "severity": "very"}\n',
        b'{"v": 1, "do": "bypass", "seconds": true, "reason": "x"}\n',
        b'{"v": 1, "do": "handover", "legs": []}\n',
        b'{"v": 1, "do": "handover", "run_id": "x", "legs": [["BTCUSDT", "LONG", "-1"]]}\n',
        b'{"v": 1, "do": "handover", "run_id": "x", "legs": [["BTCUSDT", "LONG", "x"]]}\n',
        b"[" * 5000 + b"\n",
        b"x" * 20_000,
    ],
)
def test_what_is_none_of_our_messages_is_refused_and_changes_nothing(
    one_desk: GuardDesk, line: bytes
) -> None:
    with socket.socket(socket.AF_UNIX) as it:
        it.settimeout(5)
        it.connect(str(one_desk.state / "control.sock"))
        it.sendall(line)
        it.shutdown(socket.SHUT_WR)
        try:
            answer = it.recv(65_536)
        except ConnectionResetError:
            answer = b""
    assert not answer or json.loads(answer)["ok"] is False
    assert one_desk.state_name() == "WAITING"


@pytest.fixture(scope="module")
def one_desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        it.guard()
        yield it


def test_without_file_descriptors_it_still_flattens(desk: GuardDesk) -> None:
    guard = desk.guard()
    bot = desk.bot()
    time.sleep(1.5)
    desk.hold()
    used = len(list(Path(f"/proc/{guard.pid}/fd").iterdir()))
    resource.prlimit(guard.pid, resource.RLIMIT_NOFILE, (used, used))
    os.kill(bot.pid, signal.SIGKILL)
    until(lambda: desk.is_flat, "flat")


def test_a_disk_that_is_full_does_not_hold_it_up(desk: GuardDesk) -> None:
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", "size=16m,mode=0700", "tmpfs", str(desk.state)],
        capture_output=True,
        check=False,
    )
    if mounted.returncode != 0:
        pytest.skip("no file system can be mounted here")
    try:
        desk.configure()
        desk.guard()
        bot = desk.bot()
        time.sleep(1)
        desk.hold()
        ballast = os.open(desk.state / "ballast", os.O_WRONLY | os.O_CREAT)
        with contextlib.suppress(OSError):
            while True:
                os.write(ballast, b"x" * 4096)
        os.kill(bot.pid, signal.SIGKILL)
        until(lambda: desk.is_flat, "flat")
        until(lambda: desk.state_name() in {"HOLDING", "LATCHED"}, "proven flat", 20)
    finally:
        desk.end()
        subprocess.run(["umount", "-l", str(desk.state)], check=False)


def test_ten_bots_and_threads_that_trip_at_once_are_one_run(desk: GuardDesk) -> None:
    desk.guard()
    desk.bot()
    desk.hold()
    answers: list[int] = []
    trips = [
        threading.Thread(target=lambda: answers.append(desk.goflat("trip").returncode))
        for _ in range(4)
    ]
    for it in trips:
        it.start()
    for it in trips:
        it.join()
    until(lambda: desk.is_flat, "flat")
    assert answers == [0, 0, 0, 0]
    closes = desk.venue.truth.requests("POST", "/fapi/v1/order")
    assert len(closes) == 1
    assert read_latch("main", desk.state) is not None
