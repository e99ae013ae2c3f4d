"""A process and who it is: its number, the moment it began, and the boot it began in.

A number alone is no name. The kernel gives it to somebody else once it is free, and a signal sent
to a number may hit a stranger. So everything here carries the moment of the beginning as well, and
compares it before anything is done.
"""

import os
from collections.abc import Iterator
from dataclasses import dataclass
from enum import Enum
from functools import cache
from pathlib import Path

from goflat.errors import GoflatError

PROC = "/proc"
_BOOT_ID = Path("/proc/sys/kernel/random/boot_id")
_STAT_BYTES = 4096
ENVIRON_BYTES_MAX = 1024 * 1024


class NotWatchable(GoflatError):
    """There is no such process any more, or the kernel does not let us tell who it is."""


class KernelState(Enum):
    """What the kernel says a process does, by its letter in /proc."""

    RUNNING = "R"
    SLEEPING = "S"
    WAITING = "D"
    STOPPED = "T"
    TRACED = "t"
    ZOMBIE = "Z"
    DEAD = "X"
    OTHER = "?"

    @property
    def is_halted(self) -> bool:
        """Whether it can make no progress: stopped, traced, or in a wait that nothing interrupts.

        A single look at `WAITING` says nothing, because every disk access looks like that.
        """
        return self in _HALTED

    @property
    def is_frozen(self) -> bool:
        """Whether it does nothing until somebody lets it go on."""
        return self in _FROZEN

    @property
    def is_over(self) -> bool:
        """Whether it has ended, also where nobody has asked for its exit status yet."""
        return self in _OVER


_FROZEN = frozenset({KernelState.STOPPED, KernelState.TRACED})
_HALTED = _FROZEN | {KernelState.WAITING}
_OVER = frozenset({KernelState.ZOMBIE, KernelState.DEAD})
_STATES = {state.value: state for state in KernelState}


@dataclass(frozen=True, slots=True, kw_only=True)
class ProcessId:
    """One process, and no other that gets its number later.

    `start_ticks` is when it began, in clock ticks since the boot called `boot_id`.
    """

    pid: int
    start_ticks: int
    boot_id: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """What the kernel says of one process at one moment: its parent, process group and session."""

    id: ProcessId
    state: KernelState
    parent: int
    group: int
    session: int
    name: str = ""

    @property
    def pid(self) -> int:
        return self.id.pid


@cache
def boot_id() -> str:
    """The name of this boot: numbers and beginnings of another one mean nothing here."""
    return _BOOT_ID.read_text(encoding="utf-8").strip()


def read_process(pid: int) -> Process | None:
    """What the kernel says of a process now. None: there is none of that number.

    Raises:
        OSError: it cannot be read, which is not the same as not being there.
    """
    try:
        content = _read(f"{PROC}/{pid}/stat", _STAT_BYTES)
    except (FileNotFoundError, ProcessLookupError):
        return None
    return _parsed(pid, content)


def read_all() -> Iterator[Process]:
    """Every process that can be seen from here.

    One that is hidden from us belongs to somebody whom we could not send a signal either.

    Raises:
        OSError: the list itself cannot be read.
    """
    for entry in os.listdir(PROC):  # noqa: PTH208 - numbers are wanted, and quickly
        if entry.isdecimal():
            try:
                process = read_process(int(entry))
            except PermissionError:
                continue
            if process is not None:
                yield process


def read_environment(process: ProcessId) -> bytes:
    """The environment that a process was started with: NAME=value, each ended by a zero byte.

    Empty where it is gone, or belongs to somebody else.
    """
    try:
        return _read(f"{PROC}/{process.pid}/environ", ENVIRON_BYTES_MAX)
    except (FileNotFoundError, ProcessLookupError, PermissionError):
        return b""


def kernel_state(pid: int) -> KernelState | None:
    """What a process does now, as the kernel sees its first thread. None: it is gone.

    Raises:
        OSError: as `read_process`.
    """
    process = read_process(pid)
    return None if process is None else process.state


def is_same(process: ProcessId) -> bool:
    """Whether that number is still that process. One that has ended and is not reaped counts.

    Raises:
        OSError: as `read_process`.
    """
    found = read_process(process.pid)
    return found is not None and found.id == process


def this_process() -> ProcessId:
    """Who we are. Raises OSError only when it was never asked before."""
    return _identity(os.getpid())


@cache
def _identity(pid: int) -> ProcessId:
    found = read_process(pid)
    assert found is not None
    return found.id


def _read(path: str, most: int) -> bytes:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC)
    try:
        pieces: list[bytes] = []
        size = 0
        while size < most and (piece := os.read(descriptor, most - size)):
            pieces.append(piece)
            size += len(piece)
        return b"".join(pieces)
    finally:
        os.close(descriptor)


def _parsed(pid: int, content: bytes) -> Process:
    """One line of /proc/PID/stat. The name stands in brackets and may hold anything, also ")"."""
    head, _, tail = content.rpartition(b")")
    fields = tail.split()
    return Process(
        id=ProcessId(pid=pid, start_ticks=int(fields[19]), boot_id=boot_id()),
        state=_STATES.get(fields[0].decode(), KernelState.OTHER),
        parent=int(fields[1]),
        group=int(fields[2]),
        session=int(fields[3]),
        name=head.partition(b"(")[2].decode("utf-8", "replace"),
    )
