"""Two guards with one state directory: the second one waits until the first is gone."""

import asyncio
import fcntl
import os
from collections.abc import Callable
from pathlib import Path

from goflat.guard.sockets import LOCK_FILE
from goflat.guard.state_directory import make_directory

LOOK_SECONDS = 0.25
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


async def sole(directory: Path, say: Callable[[str], None]) -> int:
    """Become the only guard of this directory, and hold that until the process ends.

    The kernel lets go of it with the process, however it ends. Returns the descriptor.

    Raises:
        Unusable, OSError: the directory or the file in it cannot be used.
    """
    held = make_directory(directory)
    try:
        lock = os.open(LOCK_FILE, _OPEN, 0o600, dir_fd=held)
    finally:
        os.close(held)
    told = False
    while True:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            if not told:
                say("another guard is at work here: standing by")
            told = True
            await asyncio.sleep(LOOK_SECONDS)
        else:
            return lock
