"""What is noticed around a run: log lines, pauses of the event loop, what has not ended."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field

PULSE_SECONDS = 0.01
GRACE_STEPS = 50
"""How often tasks and threads of a run are looked for after it, until they have ended."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Running:
    """What runs in this process at one moment."""

    tasks: frozenset[asyncio.Task[object]]
    threads: frozenset[threading.Thread]

    @classmethod
    def now(cls) -> "Running":
        return cls(tasks=frozenset(asyncio.all_tasks()), threads=frozenset(threading.enumerate()))


async def left_running(before: Running) -> tuple[str, ...]:
    """Tasks and threads that have not ended although the connections are closed."""
    left: tuple[str, ...] = ()
    for _ in range(GRACE_STEPS):
        now = Running.now()
        tasks = (str(task.get_coro()) for task in now.tasks - before.tasks)
        threads = (thread.name for thread in now.threads - before.threads)
        left = (*tasks, *threads)
        if not left:
            break
        await asyncio.sleep(PULSE_SECONDS)
    return left


@dataclass(kw_only=True)
class Seen:
    """What is noticed around a run: log lines, pauses of the event loop, an exception."""

    lines: list[str] = field(default_factory=list)
    longest_pause: float = 0.0
    error: str | None = None

    @contextmanager
    def log(self) -> Iterator[None]:
        """Keep what goflat logs, and show it to nobody else."""
        log, handler = logging.getLogger("goflat"), _Listener(self.lines)
        propagates, log.propagate = log.propagate, False
        log.addHandler(handler)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.propagate = propagates

    @asynccontextmanager
    async def pulse(self) -> AsyncIterator[None]:
        """Wake up again and again, and note how late that was."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            slept = time.monotonic()
            await asyncio.sleep(PULSE_SECONDS)
            late = time.monotonic() - slept - PULSE_SECONDS
            self.longest_pause = max(self.longest_pause, late)


class _Listener(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage().removeprefix(f"{record.levelname}: ")
        self._lines.append(f"{record.levelname}: {said}")
