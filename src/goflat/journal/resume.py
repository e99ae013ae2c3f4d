"""What a file ends with, and where its chain goes on.

A torn last line, which a crash leaves, is kept in a file of its own before it is taken off. A file
that is not ours, or whose last line is damaged, is not touched.
"""

import os
from dataclasses import dataclass
from hashlib import sha256
from pathlib import Path

from goflat.journal.descriptor import read_span, write_all
from goflat.journal.record import GENESIS, MAX_LINE_BYTES, parse
from goflat.journal.unusable import Occupied

FILE_MODE = 0o640

_TAIL_BYTES = (64 * 1024, 2 * MAX_LINE_BYTES)
_TORN_FILES = 99


@dataclass(frozen=True, slots=True, kw_only=True)
class TornLine:
    """The end of a file that a crash cut off in the middle of a line, and where it is kept."""

    kept_in: str
    bytes: int
    sha256: str


@dataclass(frozen=True, slots=True, kw_only=True)
class End:
    """The last record of a file, and the torn line that stood after it, if one did."""

    seq: int
    last_hash: str
    torn: TornLine | None


def resume(path: Path, fd: int) -> End:
    """Find the end of the chain in an open, locked file, and keep a torn line aside.

    Raises:
        Occupied: it is not ours, or damaged, and it is as it was.
        OSError: it could not be read, or the torn line not be kept.
    """
    line, rest = _tail(path, fd)
    seq, last_hash = _end_of_chain(path, line, rest)
    torn = _set_aside(path, fd, rest) if rest else None
    return End(seq=seq, last_hash=last_hash, torn=torn)


def _tail(path: Path, fd: int) -> tuple[bytes | None, bytes]:
    """The last whole line, without its newline, and what stands after it."""
    size = os.fstat(fd).st_size
    for reach in _TAIL_BYTES:
        start = max(0, size - reach)
        lines, newline, rest = read_span(fd, start, size).rpartition(b"\n")
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
            kept = os.open(beside, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, FILE_MODE)
        except FileExistsError:
            continue
        try:
            _, fault = write_all(kept, rest)
            if fault is not None:
                raise fault
            os.fsync(kept)
        finally:
            os.close(kept)
        os.ftruncate(fd, os.fstat(fd).st_size - len(rest))
        return TornLine(kept_in=beside.name, bytes=len(rest), sha256=sha256(rest).hexdigest())
    raise Occupied(f"{path}: {_TORN_FILES} torn lines are kept beside it already")
