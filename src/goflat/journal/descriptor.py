"""Bytes to and from an open file, all of them, and what stopped it if not."""

import errno
import os
from pathlib import Path


def read_span(fd: int, start: int, end: int) -> bytes:
    """The bytes from `start` up to `end`, or up to where the file ends now."""
    chunks = []
    while start < end and (chunk := os.pread(fd, end - start, start)):
        chunks.append(chunk)
        start += len(chunk)
    return b"".join(chunks)


def write_all(fd: int, data: bytes) -> tuple[int, OSError | None]:
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


def sync_directory(directory: Path) -> None:
    """Make the names in a directory durable.

    Raises:
        OSError: they are not.
    """
    fd = os.open(directory, os.O_RDONLY | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        os.fsync(fd)
    except OSError as error:
        # Some file systems cannot sync a directory and say so; there is nothing to lose then.
        if error.errno not in (errno.EINVAL, errno.ENOTSUP):
            raise
    finally:
        os.close(fd)
