"""Which bots were watched, on disk: so that a guard that is started anew misses nobody.

A bot that ended while no guard was there has ended all the same. Its name is on the roll, its
process is not in the kernel, and that is told as its end.
"""

import asyncio
import json
import logging
import os
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from goflat.core.guarding.events import BotEnded, BotSeen, GuardEvent
from goflat.guard.kept_bots import KeptBots
from goflat.guard.processes import NotWatchable, ProcessId
from goflat.guard.state_directory import make_directory

_log = logging.getLogger("goflat")

LOOK_SECONDS = 0.5
_BYTES_MAX = 65_536
_READ = os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC
_WRITE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


@dataclass(frozen=True, slots=True, kw_only=True)
class Enrolled:
    """One bot: the process that was watched, if one was, and whether it had sent progress."""

    process: ProcessId | None
    has_beaten: bool


Roll = Mapping[str, Enrolled]


class RollFile:
    """The roll of one account. Read once at the start, and written when it changes while armed."""

    def __init__(self, account: str, directory: Path) -> None:
        self._name = f"roll.{account}.json"
        self._directory = directory

    def read(self) -> Roll:
        """Who was watched last. One that cannot be read names nobody, and that is said."""
        directory = make_directory(self._directory)
        try:
            with os.fdopen(os.open(self._name, _READ, dir_fd=directory), "rb") as file:
                rows = json.loads(file.read(_BYTES_MAX))
            return {str(row["bot"]): _enrolled(row) for row in rows}
        except FileNotFoundError:
            return {}
        except (OSError, ValueError, KeyError, TypeError) as error:
            _log.critical("the roll of bots cannot be read: %s", type(error).__name__)
            return {}
        finally:
            os.close(directory)

    def write(self, roll: Roll) -> None:
        """Raises OSError, and then the one before it stays."""
        rows = [
            {"bot": bot, "beaten": it.has_beaten, "process": _row(it.process)}
            for bot, it in roll.items()
        ]
        directory = make_directory(self._directory)
        try:
            draft = f".{self._name}.draft"
            with os.fdopen(os.open(draft, _WRITE, 0o600, dir_fd=directory), "wb") as file:
                file.write(json.dumps(rows).encode())
                file.flush()
                os.fsync(file.fileno())
            os.rename(draft, self._name, src_dir_fd=directory, dst_dir_fd=directory)
        finally:
            os.close(directory)


def call(roll: Roll, kept: KeptBots, tell: Callable[[GuardEvent], object]) -> None:
    """Watch who is still there, and tell the end of who is not."""
    for bot, it in roll.items():
        if it.process is None:
            tell(BotSeen(bot=bot))
            continue
        try:
            kept.attach(bot, it.process.pid, it.process)
        except NotWatchable:
            tell(BotSeen(bot=bot))
            tell(BotEnded(bot=bot, code=None))


async def keep_roll(
    file: RollFile, enrolled: Callable[[], Roll], is_calm: Callable[[], bool]
) -> None:
    """Write the roll whenever it changed, while nothing has tripped."""
    written: Roll | None = None
    while True:
        await asyncio.sleep(LOOK_SECONDS)
        roll = enrolled()
        if roll == written or not is_calm():
            continue
        try:
            await asyncio.to_thread(file.write, roll)
            written = roll
        except OSError as error:
            _log.warning("the roll of bots cannot be written: %s", error.strerror or error)


def _row(process: ProcessId | None) -> list[object] | None:
    return None if process is None else [process.pid, process.start_ticks, process.boot_id]


def _enrolled(row: Mapping[str, object]) -> Enrolled:
    match row["process"]:
        case None:
            process = None
        case [int(pid), int(ticks), str(boot)]:
            process = ProcessId(pid=pid, start_ticks=ticks, boot_id=boot)
        case _:
            raise TypeError("a process is its number, its beginning and its boot")
    return Enrolled(process=process, has_beaten=row["beaten"] is True)
