"""Signals and log records, while a run is under way: heard, said, and not obeyed before its end."""

import logging
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

Say = Callable[[str], None]

_ENDING = (signal.SIGINT, signal.SIGTERM, signal.SIGHUP)


@contextmanager
def held(say: Say) -> Iterator[None]:
    """Finish what was begun, whatever signal comes: Ctrl-C, a supervisor, a lost terminal.

    The run has its own deadline, so nobody waits for long; and the exit code is that of the run.
    """
    if threading.current_thread() is not threading.main_thread():
        yield
        return

    def heard(number: int, frame: FrameType | None) -> None:  # noqa: ARG001
        say(f"{signal.Signals(number).name} heard: finishing first, at most until the deadline")

    before = {number: signal.signal(number, heard) for number in _ENDING}
    try:
        yield
    finally:
        for number, handler in before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)


@contextmanager
def told(say: Say) -> Iterator[None]:
    """Say what goflat logs meanwhile. How a run ends is left out: the summary says it better."""
    log, handler = logging.getLogger("goflat"), _Told(say)
    propagates, log.propagate = log.propagate, False
    log.addHandler(handler)
    try:
        yield
    finally:
        log.removeHandler(handler)
        log.propagate = propagates


class _Told(logging.Handler):
    """Hands records over, one line each, and what a bug left behind line by line."""

    def __init__(self, say: Say) -> None:
        super().__init__(logging.WARNING)
        self._say = say

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.CRITICAL

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())
        if record.exc_info:
            for line in logging.Formatter().formatException(record.exc_info).splitlines():
                self._say(f"  {line}")
