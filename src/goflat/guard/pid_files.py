"""Bots that are known by a file with their process id, or by their unit: looked for until there."""

import asyncio
import contextlib
import logging
import os
from collections.abc import Iterable
from pathlib import Path

from goflat.guard.kept_bots import KeptBots
from goflat.guard.processes import NotWatchable
from goflat.guard.units import main_pid
from goflat.settings.guarding import BotSettings

_log = logging.getLogger("goflat")

LOOK_SECONDS = 0.5
_BYTES_MAX = 32


async def keep_pid_files(bots: Iterable[BotSettings], kept: KeptBots) -> None:
    """Watch the process that each names, and the next one where the bot was started anew."""
    named = [bot for bot in bots if bot.pid_file is not None or bot.unit is not None]
    said: dict[str, str] = {}
    while named:
        for bot in named:
            if kept.process_of(bot.name) is not None:
                continue
            trouble = await _attach(bot, kept)
            if trouble is not None and said.get(bot.name) != trouble:
                _log.warning("bot %s: %s", bot.name, trouble)
            said[bot.name] = trouble or ""
        await asyncio.sleep(LOOK_SECONDS)


async def _attach(bot: BotSettings, kept: KeptBots) -> str | None:
    """Begin to watch what the file or the unit names. Why that cannot be, or None."""
    try:
        if bot.pid_file is not None:
            kept.attach(bot.name, _pid_in(bot.pid_file))
        elif bot.unit is not None:
            kept.attach(bot.name, await main_pid(bot.unit))
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
