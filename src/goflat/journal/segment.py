"""One file of the trail: opened, locked, continued, appended to, made durable.

What is found in the file is never overwritten: `goflat.journal.resume` says where it goes on.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from itertools import accumulate
from pathlib import Path

from goflat.journal.backlog import Unproven
from goflat.journal.descriptor import sync_directory, write_all
from goflat.journal.record import Entry, chain
from goflat.journal.resume import FILE_MODE, End, resume
from goflat.journal.unusable import Busy, Device, NoAccess, Occupied, Unusable

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """How many entries have become records, and what stopped the rest."""

    count: int
    fault: OSError | None


class Segment:
    """An open, locked file and the end of its chain. Used by one thread, but for `sync`.

    `synced_seq` is the last record known to be on the disk, `unproven` holds those after it.
    """

    def __init__(self, *, path: Path, fd: int, end: End) -> None:
        self.path = path
        self.seq = end.seq
        self.last_hash = end.last_hash
        self.torn = end.torn
        self.synced_seq = end.seq
        self.sync_failed = False
        self.unproven = Unproven()
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._named = self._size > 0

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Write entries as the next records. On a failure those wholly written stay, no others."""
        lines, hashes = self._chained(entries)
        written, fault = write_all(self._fd, b"".join(lines))
        ends = list(accumulate(map(len, lines)))
        count = sum(end <= written for end in ends)
        kept = ends[count - 1] if count else 0
        if fault is not None and written > kept:
            fault = _cut_back(self._fd, self._size + kept) or fault
        if count:
            self.seq += count
            self.last_hash = hashes[count - 1]
            self._size += kept
        return Appended(count=count, fault=fault)

    def _chained(self, entries: Sequence[Entry]) -> tuple[list[bytes], list[str]]:
        lines, hashes, last = [], [], self.last_hash
        for seq, entry in enumerate(entries, self.seq + 1):
            line, last = chain(entry, seq=seq, prev_hash=last)
            lines.append(line)
            hashes.append(last)
        return lines, hashes

    def sync(self, fsync: Callable[[int], object]) -> None:
        """Make what was appended durable, the name of a new file included.

        Raises:
            OSError: it is not durable, and asking this descriptor again proves nothing: a kernel
                reports a lost page once.
        """
        fsync(self._fd)
        if not self._named:
            sync_directory(self.path.parent)
            self._named = True

    def displaced(self) -> str | None:
        """Why this is no longer the file at its path, with the content that we gave it."""
        ours = os.fstat(self._fd)
        if ours.st_nlink == 0:
            return "it was deleted while it was being written"
        if ours.st_size != self._size:
            return "somebody else changed it while it was being written"
        return None

    def renamed(self) -> bool:
        """Whether the file was moved to another name, as a log rotation does. It is whole."""
        try:
            there = self.path.stat()
        except FileNotFoundError:
            return True
        except OSError:
            return False
        return not os.path.samestat(there, os.fstat(self._fd))

    def close(self) -> None:
        """Let go of the file and its lock."""
        os.close(self._fd)


def open_segment(path: Path) -> Segment:
    """Open a file for one writer, and find the end of its chain.

    Raises:
        Unusable: as one of its four kinds. The file is as it was.
    """
    try:
        fd = os.open(path, _OPEN, FILE_MODE)
    except OSError as error:
        raise NoAccess(f"{path}: {error.strerror}") from error
    except ValueError as error:
        raise NoAccess(f"{path}: {error}") from error
    try:
        return _continue(path, fd)
    except OSError as error:
        os.close(fd)
        raise NoAccess(f"{path}: {error.strerror}") from error
    except Unusable:
        os.close(fd)
        raise


def _continue(path: Path, fd: int) -> Segment:
    _must_be_a_file(path, fd)
    _lock(path, fd)
    return Segment(path=path, fd=fd, end=resume(path, fd))


def _must_be_a_file(path: Path, fd: int) -> None:
    mode = os.fstat(fd).st_mode
    if stat.S_ISCHR(mode) or stat.S_ISBLK(mode):
        raise Device(f"{path}: is a device, not a file")
    if not stat.S_ISREG(mode):
        raise Occupied(f"{path}: is not a regular file")


def _lock(path: Path, fd: int) -> None:
    try:
        fcntl.flock(fd, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError as error:
        raise Busy(f"{path}: is being written by another process or logger") from error


def _cut_back(fd: int, size: int) -> OSError | None:
    """Take half a line off again that a full disk left. It is still in memory, whole."""
    try:
        os.ftruncate(fd, size)
    except OSError as error:
        return OSError(errno.EIO, f"half a line could not be taken off: {error.strerror}")
    return None
