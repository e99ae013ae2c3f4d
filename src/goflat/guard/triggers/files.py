"""The state of a file: there or not there, so that anything that can touch a file can pull it."""

import os
from collections.abc import Awaitable, Callable

from goflat.core.guarding.limits import Finding
from goflat.guard.triggers.eyes import Eyes, NotReadable
from goflat.settings.guarding import TriggerSettings


def file(said: TriggerSettings, eyes: Eyes) -> Callable[[], Awaitable[Finding]]:  # noqa: ARG001
    """Fires when the file is there, or when it is not."""
    assert said.path is not None
    path, when = said.path, said.fires_when

    async def look() -> Finding:
        try:
            os.stat(path)  # noqa: PTH116 - by the same call, whatever kind of file it is
            is_there = True
        except (FileNotFoundError, NotADirectoryError):
            is_there = False
        except OSError as error:
            raise NotReadable(f"{path}: {error.strerror or error}") from None
        state = "there" if is_there else "not there"
        return Finding(fires=is_there is (when == "present"), text=f"{path} is {state}")

    return look
