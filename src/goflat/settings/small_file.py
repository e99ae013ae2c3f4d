"""Reading a file that somebody wrote by hand, without waiting and without end."""

import os
import stat
from pathlib import Path


def read_small_file(path: Path, most: int) -> bytes:
    """The bytes of a regular file of at most `most` bytes.

    Anything else than a regular file is refused: a pipe could block an emergency.

    Raises:
        OSError: whatever keeps it from being read.
    """
    descriptor = os.open(path, os.O_RDONLY | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        mode = os.fstat(descriptor).st_mode
        if not stat.S_ISREG(mode):
            raise OSError("it is a directory" if stat.S_ISDIR(mode) else "it is no regular file")
        with open(descriptor, "rb", closefd=False) as file:
            content = file.read(most + 1)
    finally:
        os.close(descriptor)
    if len(content) > most:
        raise OSError(f"it is larger than {most} bytes")
    return content
