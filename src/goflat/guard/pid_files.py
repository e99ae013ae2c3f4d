"""Bots that are known by a file with their process id: looked for until they are there."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from goflat.guard.kept_bots import KeptBots
from goflat.guard.processes import NotWatchable
from goflat.settings.guarding import BotSettings

_log = logging.getLogger("goflat")

LOOK_SECONDS = 0.5
_BYTES_MAX = 32


async def keep_pid_files(bots: Iterable[BotSettings], kept: KeptBots) -> None:
    """Watch the process that each file names, and the next one where the bot was started anew."""
    named = {bot.name: bot.pid_file for bot in bots if bot.pid_file is not None}
    said: dict[str, str] = {}
    while named:
        for name, path in named.items():
            if kept.process_of(name) is not None:
                continue
            trouble = _attach(name, path, kept)
            if trouble is not None and said.get(name) != trouble:
                _log.warning("bot %s: %s", name, trouble)
            said[name] = trouble or ""
        await asyncio.sleep(LOOK_SECONDS)


def _attach(name: str, path: Path, kept: KeptBots) -> str | None:
    """Begin to watch what the file names. Why that cannot be, or None."""
    try:
        kept.attach(name, _pid_in(path))
    except FileNotFoundError:
        return "its pid file is not there yet"
    except (OSError, ValueError) as error:
        return f"its pid file cannot be used: {error}"
    except NotWatchable as error:
        return str(error)
    return None


def _pid_in(path: Path) -> int:
    descriptor = os.open(path, os.O_RDONLY | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        text = os.read(descriptor, _BYTES_MAX).strip()
    finally:
        os.close(descriptor)
    with contextlib.suppress(ValueError):
        if (pid := int(text)) > 1:
            return pid
    raise ValueError("it names no process")
