"""`goflat run` as a user runs it: a process of its own, a venue, a bot in any language."""

import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

from goflat.guard.processes import KernelState, kernel_state, read_all
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

GOFLAT = [sys.executable, "-m", "goflat"]

CONFIG = """\
[liquidation]
scope = "account"
timeout_seconds = 3.0
quiet_seconds = 0.1
[venue]
environment = "simulated"
rest_url = "{rest_url}"
api_key = "env:BOT_KEY"
api_secret = "env:BOT_SECRET"
[run]
recv_window_seconds = 0.1
kill_grace_seconds = 0.5
"""


def until(what: Callable[[], object], seconds: float = 10.0) -> None:
    """Wait for the world to become so. Fails when it does not."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.005)


def is_gone(pid: int) -> bool:
    state = kernel_state(pid)
    return state is None or state.is_over


def is_stopped(pid: int) -> bool:
    return kernel_state(pid) is KernelState.STOPPED


class Run:
    """One `goflat run`, from its start to its end. What it printed is in `out` and `err`."""

    def __init__(
        self,
        venue: SimulatedVenue,
        folder: Path,
        *argv: str,
        config: str = CONFIG,
        settings: str = "",
        before: tuple[str, ...] = (),
        environment: dict[str, str] | None = None,
        **how: object,
    ) -> None:
        file = folder / "goflat.toml"
        file.write_text(config.format(rest_url=venue.rest_url) + settings)
        self.folder = folder
        self.err = folder / "stderr"
        self.state = folder / "state"
        surroundings = {k: v for k, v in os.environ.items() if not k.startswith("GOFLAT_")}
        with self.err.open("wb") as err:
            self.process = subprocess.Popen(
                [*before, *GOFLAT, "run", "--config", str(file), "--", *argv],
                env=surroundings
                | {
                    "BOT_KEY": TEST_API_KEY,
                    "BOT_SECRET": TEST_API_SECRET,
                    "GOFLAT_STATE_DIR": str(self.state),
                    "FOLDER": str(folder),
                    "PYTHONUNBUFFERED": "1",
                }
                | (environment or {}),
                **({"stdout": subprocess.PIPE, "stderr": err, "text": True} | how),  # type: ignore[call-overload]
            )

    @property
    def said(self) -> str:
        """What is on standard error so far."""
        text = self.err.read_text()
        assert TEST_API_SECRET not in text
        assert "Traceback" not in text, text
        return text

    def wrote(self, name: str) -> str:
        """What the command wrote into a file, once it is there."""
        file = self.folder / name
        until(lambda: file.exists() and file.read_text().endswith("\n"))
        return file.read_text()

    def pid(self, name: str = "pid") -> int:
        """The number that the command wrote down."""
        return int(self.wrote(name))

    def say_nothing_more(self) -> None:
        """End the standard input of the command."""
        assert self.process.stdin is not None
        self.process.stdin.close()
        self.process.stdin = None

    @property
    def liquidator(self) -> int:
        """The number of the liquidator: a goflat process in a session of its own."""
        found = [
            p.pid
            for p in read_all()
            if p.pid != self.process.pid
            and p.session not in {self.process.pid, os.getsid(0)}
            and str(self.folder).encode() in _argv(p.pid)
            and b"goflat" in _argv(p.pid)
            and not p.state.is_over
        ]
        assert len(found) == 1, found
        return found[0]

    def end(self, *signals: signal.Signals, seconds: float = 20) -> int:
        """Send signals to goflat run, and wait for its exit code."""
        for number in signals:
            self.process.send_signal(number)
        self.out, _ = self.process.communicate(timeout=seconds)
        return self.process.returncode


def _argv(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""
