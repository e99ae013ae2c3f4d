"""Watch one process from outside: told by the kernel the moment it ends, whoever started it.

The kernel's handle on a process (a pidfd) is opened first, and only then is it asked who the
process is. So neither a signal nor the news of a death can ever be about somebody who got the
number later. What this cannot see is a process that lives and makes no progress: that takes
heartbeats, or the kernel's own word that it is stopped.
"""

import asyncio
import contextlib
import os
import select
import signal
from dataclasses import dataclass
from types import TracebackType
from typing import Self

from goflat.domain.time import Instant
from goflat.guard.processes import (
    KernelState,
    NotWatchable,
    ProcessId,
    kernel_state,
    read_process,
)

LOOK_SECONDS = 0.1
"""How often the kernel is asked what a process does. There is nothing that would tell by itself."""

_KILLED_BY_SIGNAL = 128


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A process is over. `at` is when we were told, on the monotonic clock of the loop.

    `code` and `signal` are known of children only, and as long as nobody has reaped them; of
    anybody else both are None.
    """

    code: int | None
    signal: int | None
    at: Instant

    @property
    def exit_code(self) -> int | None:
        """As a shell says it: 128 + N for an end by signal N. None: not known."""
        return self.code if self.signal is None else _KILLED_BY_SIGNAL + self.signal


class ProcessWatch:
    """One process, held by the kernel's own handle. Made by `watch`; close it when done.

    Takes nothing away from the parent: the exit status is looked at and left to be reaped.
    """

    def __init__(self, process: ProcessId, descriptor: int) -> None:
        self.id = process
        self._descriptor = descriptor
        self._over = asyncio.Event()
        self._ended: Ended | None = None

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()

    def fileno(self) -> int:
        """A descriptor that is readable from the end of the process on: for select and poll."""
        return self._descriptor

    @property
    def has_ended(self) -> bool:
        """Whether it is over now. A zombie is."""
        poll = select.poll()
        poll.register(self._descriptor, select.POLLIN)
        return bool(poll.poll(0))

    def state(self) -> KernelState | None:
        """What the kernel says it does. None: it is gone.

        Raises:
            OSError: the kernel does not say.
        """
        return None if self.has_ended else kernel_state(self.id.pid)

    def send(self, number: int) -> None:
        """Send it a signal; nobody else can get it. One that is gone already gets none.

        Raises:
            PermissionError: it is not ours to signal.
        """
        with contextlib.suppress(ProcessLookupError):
            signal.pidfd_send_signal(self._descriptor, number)

    async def ended(self) -> Ended:
        """Wait for its end. May be waited for by several at once, and cancelled."""
        if self._ended is None:
            loop = asyncio.get_running_loop()
            loop.add_reader(self._descriptor, self._is_told, loop)
            await self._over.wait()
        assert self._ended is not None
        return self._ended

    def close(self) -> None:
        """Let go of it. The process is left as it is."""
        if self._descriptor >= 0:
            with contextlib.suppress(RuntimeError):
                asyncio.get_running_loop().remove_reader(self._descriptor)
            os.close(self._descriptor)
            self._descriptor = -1

    def _is_told(self, loop: asyncio.AbstractEventLoop) -> None:
        loop.remove_reader(self._descriptor)
        code, number = _status(self._descriptor)
        self._ended = self._ended or Ended(code=code, signal=number, at=Instant(loop.time()))
        self._over.set()


def watch(pid: int, expected: ProcessId | None = None) -> ProcessWatch:
    """Begin to watch a process. `expected`: who it has to be, where that was known before.

    Raises:
        NotWatchable: it is gone, it is another one by now, or the kernel does not let us.
    """
    try:
        descriptor = os.pidfd_open(pid)
    except (OSError, OverflowError) as error:
        raise NotWatchable(f"process {pid} cannot be watched: {_reason(error)}") from None
    try:
        process = _identified(pid, descriptor)
        if expected is not None and process != expected:
            raise NotWatchable(f"process {pid} is another one by now")
    except BaseException:
        os.close(descriptor)
        raise
    return ProcessWatch(process, descriptor)


def _identified(pid: int, descriptor: int) -> ProcessId:
    """Who a handle belongs to: its number cannot have gone to another while it is still there."""
    try:
        found = read_process(pid)
        with contextlib.suppress(PermissionError):
            signal.pidfd_send_signal(descriptor, 0)
    except OSError as error:
        raise NotWatchable(f"process {pid} cannot be told: {_reason(error)}") from None
    if found is None:
        raise NotWatchable(f"process {pid} is gone")
    return found.id


def _status(descriptor: int) -> tuple[int | None, int | None]:
    """Exit code and signal of a child that has ended; nothing of anybody else."""
    try:
        said = os.waitid(os.P_PIDFD, descriptor, os.WEXITED | os.WNOWAIT | os.WNOHANG)
    except OSError:
        return None, None
    if said is None:
        return None, None
    if said.si_code == os.CLD_EXITED:
        return said.si_status, None
    return None, said.si_status


def _reason(error: OSError | OverflowError) -> str:
    return getattr(error, "strerror", None) or str(error)


@dataclass(slots=True, kw_only=True)
class Standstill:
    """For how long the kernel has called a process halted, without a break. Told the time."""

    since: Instant | None = None

    def see(self, state: KernelState | None, now: Instant) -> float:
        """Take one look into account. Seconds since the first of the looks that all say halted."""
        if state is None or not state.is_halted:
            self.since = None
            return 0.0
        if self.since is None:
            self.since = now
        return now - self.since


async def halted_for(
    process: ProcessWatch, seconds: float, *, look_seconds: float = LOOK_SECONDS
) -> KernelState | None:
    """Wait until the kernel has called it stopped, traced or uninterruptible for so long.

    The last of these states, or None when it ended. A look that fails is no evidence of anything:
    it is tried again.
    """
    loop = asyncio.get_running_loop()
    standstill = Standstill()
    while not process.has_ended:
        with contextlib.suppress(OSError):
            state = process.state()
            if standstill.see(state, Instant(loop.time())) >= seconds:
                return state
        await asyncio.sleep(look_seconds)
    return None
