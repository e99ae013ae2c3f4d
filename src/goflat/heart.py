"""DOOR for bots: tell a guard how far your own loop has got.

    async with goflat.heartbeat("maker") as beat:    # or: with goflat.heartbeat("maker") as beat:
        while trading:
            beat()
            ...

Call `beat()` where the strategy makes progress, and nowhere else: a heart that beats by itself
proves nothing. It only counts; a thread of its own answers the guard, connects anew where a guard
was restarted, and never raises into the bot. The standard library is all it needs.
"""

import json
import logging
import socket
import threading
import time
from pathlib import Path
from types import TracebackType
from typing import Self

from goflat.errors import GoflatError
from goflat.guard.sockets import HEARTBEAT_SOCKET
from goflat.guard.state_directory import state_directory

_log = logging.getLogger("goflat")

VERSION = 1
MEET_SECONDS = 2.0
"""How long a bot waits at its start for a guard that answers."""

AGAIN_SECONDS = (0.05, 1.0)
LINE_BYTES_MAX = 8192
_LOOK_SECONDS = 0.5


class NotGuarded(GoflatError):
    """No guard listens, or it does not know this bot: nobody will act if it stops."""


def heartbeat(
    bot: str,
    *,
    account: str = "main",
    required: bool = False,
    watch: bool = True,
    directory: Path | None = None,
) -> "Heart":
    """A heart for one bot, to be used with `with` or `async with`.

    `bot` is its name in a [[bot]] of the guard's configuration. `required`: refuse to start where
    no guard answers; otherwise that is logged as CRITICAL and the bot goes on. `watch` false: the
    guard watches the beats alone and not this process, for one that only speaks for the bot.
    """
    return Heart(bot, account=account, required=required, watch=watch, directory=directory)


class Heart:
    """Counts progress, and lets a thread of its own tell it. Calling it is one beat."""

    def __init__(
        self, bot: str, *, account: str, required: bool, watch: bool, directory: Path | None
    ) -> None:
        self._hello = {"hello": bot, "account": account, "watch": watch}
        self._path = (state_directory() if directory is None else directory) / HEARTBEAT_SOCKET
        self._required = required
        self._progress = 0
        self._met = threading.Event()
        self._over = threading.Event()
        self._end: dict[str, object] | None = None
        self._refused: str | None = None
        self._is_latched = False
        self._thread = threading.Thread(target=self._live, name="goflat-heart", daemon=True)

    def __call__(self) -> None:
        """The loop has come so far."""
        self._progress += 1

    @property
    def is_latched(self) -> bool:
        """Whether the guard said with its last challenge that the account is latched."""
        return self._is_latched

    def handover(self) -> None:
        """Say that the end that comes now is on purpose, and that the positions may stay."""
        self._end = {"code": 0, "handover": True}

    def __enter__(self) -> Self:
        """Begin, and wait for the guard for two seconds at most.

        Raises:
            NotGuarded: there is none, and one is required.
        """
        self._thread.start()
        if not self._met.wait(MEET_SECONDS):
            why = self._refused or f"no guard listens at {self._path}"
            if self._required:
                self._over.set()
                raise NotGuarded(why)
            _log.critical("not guarded: %s; nobody will act if this bot stops", why)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        if self._end is None:
            self._end = {"code": 0 if kind is None else 1, "handover": False}
        self._over.set()
        self._thread.join(_LOOK_SECONDS * 2)

    async def __aenter__(self) -> Self:
        import asyncio  # noqa: PLC0415 - only a bot that has it already comes here

        return await asyncio.to_thread(self.__enter__)

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.__exit__(kind, error, trace)

    # --- the thread -----------------------------------------------------------------------------

    def _live(self) -> None:
        pause, longest = AGAIN_SECONDS
        while not self._over.is_set():
            try:
                with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
                    connection.settimeout(_LOOK_SECONDS)
                    connection.connect(str(self._path))
                    self._talk(connection)
                    pause = AGAIN_SECONDS[0]
            except (OSError, ValueError):
                # No guard, or one that is being started anew: it is looked for again.
                pause = min(2 * pause, longest)
            self._over.wait(pause)

    def _talk(self, connection: socket.socket) -> None:
        _send(connection, self._hello)
        rest = b""
        while not self._over.is_set():
            line, rest = _next_line(connection, rest)
            if line is None:
                continue
            self._answer(connection, json.loads(line))
        if self._end is not None:
            _send(connection, {"end": self._end})

    def _answer(self, connection: socket.socket, said: dict[str, object]) -> None:
        if "refused" in said:
            self._say_once(str(said["refused"]))
            raise ValueError("refused")
        if "challenge" in said:
            self._refused = None
            self._is_latched = said.get("latched") is True
            _send(connection, {"answer": said["challenge"], "progress": self._progress})
            self._met.set()

    def _say_once(self, why: str) -> None:
        if self._refused != why:
            _log.critical("not guarded: %s", why)
        self._refused = why


def beat_once(
    bot: str,
    *,
    account: str = "main",
    progress: int | None = None,
    end: dict[str, object] | None = None,
    directory: Path | None = None,
) -> None:
    """One beat, or the news of an end, from a process that is not the bot itself: a shell's loop.

    `progress` None: the time since the machine was started, because whoever calls has come so far.

    Raises:
        NotGuarded: no guard took it, and why.
    """
    path = (state_directory() if directory is None else directory) / HEARTBEAT_SOCKET
    count = time.monotonic_ns() // 1_000_000 if progress is None else progress
    try:
        with socket.socket(socket.AF_UNIX, socket.SOCK_STREAM) as connection:
            connection.settimeout(MEET_SECONDS)
            connection.connect(str(path))
            _send(connection, {"hello": bot, "account": account, "watch": False})
            line, _ = _next_line(connection, b"")
            said = json.loads(line or b"{}")
            if "challenge" not in said:
                raise NotGuarded(str(said.get("refused", "the guard did not answer in time")))
            _send(connection, {"answer": said["challenge"], "progress": count})
            if end is not None:
                _send(connection, {"end": end})
            connection.shutdown(socket.SHUT_WR)
    except (OSError, ValueError) as error:
        raise NotGuarded(f"no guard listens at {path}: {error}") from None


def _send(connection: socket.socket, message: dict[str, object]) -> None:
    connection.sendall(json.dumps({"v": VERSION, **message}).encode() + b"\n")


def _next_line(connection: socket.socket, rest: bytes) -> tuple[bytes | None, bytes]:
    """The next line, and what came after it. None: nothing came for a while.

    Raises:
        OSError: the other end is gone.
    """
    while b"\n" not in rest:
        if len(rest) > LINE_BYTES_MAX:
            raise ValueError("a line without an end")
        try:
            more = connection.recv(4096)
        except TimeoutError:
            return None, rest
        if not more:
            raise ConnectionResetError("the guard hung up")
        rest += more
    line, _, rest = rest.partition(b"\n")
    return line, rest
