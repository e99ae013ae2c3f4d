"""One file of the trail: opened, locked, continued, appended to, made durable.

What is found in the file is never overwritten. A file that is ours goes on after its last record;
a torn last line is first copied aside; anything else is left as it is and refused.
"""

import errno
import fcntl
import os
import stat
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from hashlib import sha256
from itertools import accumulate
from pathlib import Path

from goflat.errors import GoflatError
from goflat.journal.backlog import Unproven
from goflat.journal.record import GENESIS, MAX_LINE_BYTES, Entry, chain, parse

_OPEN = os.O_RDWR | os.O_CREAT | os.O_APPEND | os.O_CLOEXEC | os.O_NONBLOCK | os.O_NOCTTY
_MODE = 0o640
_TAIL_BYTES = (64 * 1024, 2 * MAX_LINE_BYTES)
_TORN_FILES = 99


class Unusable(GoflatError):
    """A file that cannot be written as a trail, and why."""


class Busy(Unusable):
    """Another process, or another logger of this one, writes it."""


class Occupied(Unusable):
    """There is something of somebody else's, or something damaged."""


class NoAccess(Unusable):
    """The operating system does not let us: the reason is its word."""


class Device(Unusable):
    """It is a device. A file beside it would be one among devices."""


@dataclass(frozen=True, slots=True, kw_only=True)
class TornLine:
    """The end of a file that a crash cut off in the middle of a line, and where it is kept."""

    kept_in: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Appended:
    """How many entries have become records, and what stopped the rest."""

    count: int
    fault: OSError | None


class Segment:
    """An open, locked file and the end of its chain. Used by one thread, but for `sync`.

    `synced_seq` is the last record known to be on the disk, `unproven` holds those after it.
    """

    def __init__(
        self, *, path: Path, fd: int, seq: int, last_hash: str, torn: TornLine | None
    ) -> None:
        self.path = path
        self.seq = seq
        self.synced_seq = seq
        self.sync_failed = False
        self.last_hash = last_hash
        self.torn = torn
        self.unproven = Unproven()
        self._fd = fd
        self._size = os.fstat(fd).st_size
        self._named = self._size > 0

    def append(self, entries: Sequence[Entry]) -> Appended:
        """Write entries as the next records. On a failure those wholly written stay, no others."""
        lines, hashes = self._chained(entries)
        written, fault = _write(self._fd, b"".join(lines))
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
            _sync_directory(self.path.parent)
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
        fd = os.open(path, _OPEN, _MODE)
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
    line, torn_bytes = _tail(path, fd)
    seq, last_hash = _end_of_chain(path, line, torn_bytes)
    torn = _set_aside(path, fd, torn_bytes) if torn_bytes else None
    return Segment(path=path, fd=fd, seq=seq, last_hash=last_hash, torn=torn)


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


def _tail(path: Path, fd: int) -> tuple[bytes | None, bytes]:
    """The last whole line, without its newline, and what stands after it."""
    size = os.fstat(fd).st_size
    for reach in _TAIL_BYTES:
        start = max(0, size - reach)
        lines, newline, rest = _read(fd, start, size).rpartition(b"\n")
        if start == 0 and not newline:
            return None, rest
        _, newline_before, line = lines.rpartition(b"\n")
        if newline and (newline_before or start == 0):
            return line, rest
    raise Occupied(f"{path}: is not an audit trail: no line ends where one should")


def _end_of_chain(path: Path, line: bytes | None, rest: bytes) -> tuple[int, str]:
    if line is None:
        first = b'{"seq":1,'
        if rest[: len(first)] != first[: len(rest)]:
            raise Occupied(f"{path}: is not an audit trail, so it was not touched")
        return 0, GENESIS
    parsed = parse(line)
    if parsed is None or not parsed.sound:
        raise Occupied(f"{path}: its last line is damaged or not ours, so it was not touched")
    return parsed.record.seq, parsed.record.hash


def _set_aside(path: Path, fd: int, rest: bytes) -> TornLine:
    """Keep the bytes after the last whole line in a file of their own, then take them off."""
    for number in range(1, _TORN_FILES + 1):
        beside = path.with_name(f"{path.name}.torn.{number}")
        try:
            kept = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, _MODE)
        except FileExistsError:
            continue
        try:
            _, fault = _write(kept, rest)
            if fault is not None:
                raise fault
            os.fsync(kept)
        finally:
            os.close(kept)
        os.ftruncate(fd, os.fstat(fd).st_size - len(rest))
        return TornLine(kept_in=beside.name, bytes=len(rest), sha256=sha256(rest).hexdigest())
    raise Occupied(f"{path}: {_TORN_FILES} torn lines are kept beside it already")


def _read(fd: int, start: int, end: int) -> bytes:
    chunks = []
    while start < end and (chunk := os.pread(fd, end - start, start)):
        chunks.append(chunk)
        start += len(chunk)
    return b"".join(chunks)


def _write(fd: int, data: bytes) -> tuple[int, OSError | None]:
    """Write all of it, however often the system takes only a part. How much, and what stopped."""
    written = 0
    while written < len(data):
        try:
            taken = os.write(fd, memoryview(data)[written:])
        except OSError as error:
            return written, error
        if taken == 0:
            return written, OSError(errno.EIO, "the system took nothing")
        written += taken
    return written, None


def _cut_back(fd: int, size: int) -> OSError | None:
    """Take half a line off again that a full disk left. It is still in memory, whole."""
    try:
        os.ftruncate(fd, size)
    except OSError as error:
        return OSError(errno.EIO, f"half a line could not be taken off: {error.strerror}")
    return None


def _sync_directory(directory: Path) -> None:
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some file systems cannot sync a directory and say so; there is nothing to lose then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)
