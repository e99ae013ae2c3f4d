"""A venue, a state directory, a guard and bots: all of them real processes and sockets."""

import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from decimal import Decimal
from pathlib import Path

from goflat.guard.asking import NoGuard, ask
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET
from goflat.venues.simulated.venue import SimulatedVenue

SECONDS_MAX = 15.0

BOT_TABLE = '[[bot]]\nname = "maker"\nrecv_window_seconds = 0.2\n'

BOT = """
import sys, time, goflat
with goflat.heartbeat("maker") as beat:
    print("up", flush=True)
    while True:
        beat()
        time.sleep(0.02)
"""


def until(is_so: Callable[[], object], what: str, seconds: float = SECONDS_MAX) -> None:
    """Wait until something is so, and fail with what was waited for."""
    end = time.monotonic() + seconds
    while not is_so():
        assert time.monotonic() < end, f"waited {seconds} s in vain: {what}"
        time.sleep(0.01)


@dataclass(kw_only=True)
class GuardDesk:
    """What a test drives. `state` is a short path, because a socket's address has to be."""

    venue: SimulatedVenue
    state: Path
    processes: list["subprocess.Popen[str]"] = field(default_factory=list)
    logs: list[Path] = field(default_factory=list)

    def configure(self, rest: str = BOT_TABLE, **guard: object) -> None:
        settings = {"hold_seconds": 1.0, "check_seconds": 1.0} | guard
        lines = "\n".join(f"{key} = {json.dumps(value)}" for key, value in settings.items())
        (self.state / "goflat.toml").write_text(
            f"""
[liquidation]
timeout_seconds = 3
quiet_seconds = 0.2
max_retries = 1
retry_delay_seconds = 0.1
scope = "account"
[venue]
environment = "simulated"
rest_url = "{self.venue.rest_url}"
api_key = "env:GF_KEY"
api_secret = "env:GF_SECRET"
[audit]
path = "audit.jsonl"
[guard]
{lines}
{rest}
"""
        )

    def environment(self, **more: str) -> dict[str, str]:
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        return {
            **kept,
            "GF_KEY": TEST_API_KEY,
            "GF_SECRET": TEST_API_SECRET,
            "GOFLAT_STATE_DIR": str(self.state),
            "LANG": "C.UTF-8",
            **more,
        }

    def start(self, *command: str, **env: str) -> "subprocess.Popen[str]":
        log = self.state / f"log.{len(self.processes)}"
        with log.open("w") as out:
            process = subprocess.Popen(
                command,
                cwd=self.state,
                env=self.environment(**env),
                stdin=subprocess.DEVNULL,
                stdout=out,
                stderr=out,
                text=True,
                start_new_session=True,
            )
        self.processes.append(process)
        self.logs.append(log)
        return process

    def goflat(self, *args: str) -> "subprocess.CompletedProcess[str]":
        return subprocess.run(
            [sys.executable, "-m", "goflat", *args],
            cwd=self.state,
            env=self.environment(),
            capture_output=True,
            text=True,
            timeout=SECONDS_MAX,
            check=False,
        )

    def guard(self, **env: str) -> "subprocess.Popen[str]":
        """A guard that listens."""
        process = self.start(sys.executable, "-m", "goflat", "guard", **env)
        until(lambda: self.status() is not None or process.poll() is not None, "guard listens")
        return process

    def bot(self, code: str = BOT) -> "subprocess.Popen[str]":
        """A bot that has been heard, on a guard that is armed because of it."""
        process = self.start(sys.executable, "-c", code)
        until(self.is_armed, "armed")
        return process

    def status(self) -> dict[str, object] | None:
        try:
            accounts = ask({"do": "status"}, directory=self.state, seconds=2)["accounts"]
        except NoGuard:
            return None
        return accounts["main"]  # type: ignore[index, no-any-return]

    def is_armed(self) -> bool:
        status = self.status()
        return status is not None and status["armed"] is True

    def is_beating(self) -> bool:
        status = self.status()
        return status is not None and status["bots"]["maker"]["hang_armed"] is True  # type: ignore[index]

    def state_name(self) -> str:
        status = self.status()
        return "" if status is None else str(status["state"])

    def said(self) -> str:
        return "\n".join(log.read_text() for log in self.logs)

    def hold(self, symbol: str = "BTCUSDT", amount: str = "0.01") -> None:
        """Let the account hold a position."""
        self.venue.open_position(symbol, Decimal(amount))

    @property
    def is_flat(self) -> bool:
        return self.venue.truth.is_flat()

    def end(self) -> None:
        for process in self.processes:
            for number in (signal.SIGCONT, signal.SIGKILL):
                with suppress(ProcessLookupError):
                    os.killpg(process.pid, number)
            process.wait(5)


@contextmanager
def guard_desk() -> Iterator[GuardDesk]:
    state = Path(tempfile.mkdtemp(prefix="gf"))
    try:
        with SimulatedVenue().in_thread() as venue:
            desk = GuardDesk(venue=venue, state=state)
            desk.configure()
            try:
                yield desk
            finally:
                desk.end()
    finally:
        shutil.rmtree(state, ignore_errors=True)
