"""Words on standard error, said by a thread of its own.

A terminal that somebody stopped, or a pipe that nobody reads, makes whoever writes to it wait. An
emergency does not wait: it hands its words over and goes on.
"""

import contextlib
import os
import sys
import threading
import time
from collections.abc import Callable
from queue import Empty, SimpleQueue
from types import TracebackType
from typing import Protocol, Self, TextIO

from goflat.core.run import Liquidation
from goflat.domain.time import Instant

DRAW_SECONDS = 0.1
"""Least time between two pictures of a run."""

LAST_WORDS_SECONDS = 1.0
"""How long the end waits for what was not said yet."""

LINES_WAITING_MAX = 10_000


class Screen(Protocol):
    """Where words and pictures go. Only the voice's own thread calls it."""

    def say(self, line: str) -> None:
        """Show one line that stays."""
        ...

    def draw(self, run: Liquidation, now: Instant) -> None:
        """Show a run as it is now; called again and again while it lasts."""
        ...

    def clear(self) -> None:
        """Take the picture away, if it is one that stays in place."""
        ...


class Voice:
    """Says lines and shows a run, and never makes its caller wait.

    `say` and `show` may be called from anywhere, a signal handler included. What comes faster than
    it can be said is dropped beyond a bound.
    """

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._lines: SimpleQueue[str | threading.Event] = SimpleQueue()
        self._run: Liquidation | None = None
        self._ending = threading.Event()
        self._thread = threading.Thread(target=self._speak, name="goflat-voice", daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._ending.set()
        self._lines.put(threading.Event())
        self._thread.join(LAST_WORDS_SECONDS)

    def say(self, line: str) -> None:
        """Hand over one line."""
        if self._lines.qsize() < LINES_WAITING_MAX:
            self._lines.put(line)

    def show(self, run: Liquidation) -> None:
        """Let this be the picture from now on."""
        self._run = run

    def drain(self, seconds: float) -> bool:
        """Wait until all was said, at most so long."""
        said = threading.Event()
        self._lines.put(said)
        return said.wait(seconds)

    def _speak(self) -> None:
        drawn_at = 0.0
        while not (self._ending.is_set() and self._lines.empty()):
            self._say_what_waits()
            if time.monotonic() - drawn_at >= DRAW_SECONDS:
                drawn_at = time.monotonic()
                self._draw()
        self._draw()
        self._screen.clear()

    def _say_what_waits(self) -> None:
        """Say what is there. Waits a little where nothing is."""
        with contextlib.suppress(Empty):
            waiting = self._lines.get(timeout=DRAW_SECONDS)
            for _ in range(LINES_WAITING_MAX):
                if isinstance(waiting, str):
                    self._screen.say(waiting)
                else:
                    waiting.set()
                waiting = self._lines.get_nowait()

    def _draw(self) -> None:
        if self._run is None:
            return
        try:
            self._screen.draw(self._run, Instant(time.monotonic()))
        except Exception as bug:  # noqa: BLE001 - a picture less, and the words go on
            self._run = None
            self._screen.say(f"the run cannot be shown: {type(bug).__name__}")


def writer_to(stream: TextIO | None) -> Callable[[str], None]:
    """What writes a text to a stream at once, past Python's buffers, and never fails.

    A thread that hangs in a buffered write would take the buffer's lock along into the end of the
    program. Where the stream is closed nothing is written: its number may be another file's now.
    """
    if stream is None:
        return lambda _text: None
    try:
        descriptor = stream.fileno()
    except (OSError, ValueError):
        return lambda text: _write_plainly(stream, text)
    encoding = stream.encoding or "utf-8"

    def write(text: str) -> None:
        rest = text.encode(encoding, "backslashreplace")
        with contextlib.suppress(OSError):
            while rest:
                rest = rest[os.write(descriptor, rest) :]

    return write


def _write_plainly(stream: TextIO, text: str) -> None:
    with contextlib.suppress(OSError, ValueError):
        stream.write(text)
        stream.flush()


def print_out(text: str) -> bool:
    """Print to standard output. False: it could not be; the exit code says the truth all the same.

    Python tries again at its end what could not be written, and would end with a code of its own.
    """
    if sys.stdout is None:
        return False
    try:
        encoding = sys.stdout.encoding or "utf-8"
        sys.stdout.write(text.encode(encoding, "backslashreplace").decode(encoding) + "\n")
        sys.stdout.flush()
    except (OSError, ValueError):
        with contextlib.suppress(OSError, ValueError):
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return False
    return True
