"""goflat guard: the daemon, in the foreground."""

import asyncio
import logging
import os
import signal
import sys
from collections.abc import Callable
from pathlib import Path

import click

from goflat.cli.refusal import UNUSABLE
from goflat.errors import SettingsError
from goflat.guard.daemon import Guard
from goflat.guard.notify import Notifier
from goflat.guard.opening import open_guard
from goflat.guard.standby import sole
from goflat.guard.state_directory import Unusable, state_directory
from goflat.settings import load_settings

KILL_AT = "GOFLAT_KILL_AT"
"""For tests alone: the guard kills itself at the n-th boundary between two effects."""


@click.command("guard")
@click.option(
    "--config", metavar="FILE", help="The configuration; else $GOFLAT_CONFIG, else ./goflat.toml."
)
@click.option("--check", is_flag=True, help="Only say whether the guard could be started.")
def command(config: str | None, check: bool) -> None:  # noqa: FBT001 - what was typed
    """Watch over bots from outside of their processes, and flatten when they stop.

    Runs until SIGTERM or SIGINT, and finishes first what is under way. SIGHUP reads the
    configuration anew; a broken one leaves the old one in force. Exit codes: 0 ended, or --check
    found nothing wrong; 2 the configuration or the state directory cannot be used.
    """
    logging.basicConfig(
        stream=sys.stderr, level=logging.INFO, format="goflat: %(levelname)s: %(message)s"
    )
    try:
        code = asyncio.run(_run(config, check=check))
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(f"goflat guard: {mistake}", err=True)
        code = UNUSABLE
    except (Unusable, OSError) as error:
        click.echo(f"goflat guard: {error}", err=True)
        code = UNUSABLE
    raise click.exceptions.Exit(code)


async def _run(config: str | None, *, check: bool) -> int:
    directory = state_directory()
    guard = _opened(config, directory)
    if check:
        click.echo(f"goflat guard: {len(guard.accounts)} account(s) could be guarded", err=True)
        return 0
    lock = await sole(directory, lambda text: click.echo(f"goflat guard: {text}", err=True))
    try:
        await _kept(guard, config, directory)
    finally:
        os.close(lock)
    return 0


async def _kept(guard: Guard, config: str | None, directory: Path) -> None:
    """Guard until a signal says that it is enough. SIGHUP goes on with another configuration."""
    loop = asyncio.get_running_loop()
    again: list[Guard] = [guard]

    def reload() -> None:
        try:
            fresh = _opened(config, directory)
        except (SettingsError, Unusable, OSError) as error:
            logging.getLogger("goflat").critical(
                "the new configuration cannot be used, and the old one stays: %s", error
            )
            return
        again.append(fresh)
        again[0].end()

    def enough() -> None:
        for one in again:
            one.end()

    loop.add_signal_handler(signal.SIGTERM, enough)
    loop.add_signal_handler(signal.SIGINT, enough)
    loop.add_signal_handler(signal.SIGHUP, reload)
    while again:
        await again[0].keep()
        again.pop(0)


def _opened(config: str | None, directory: Path) -> Guard:
    return open_guard(
        load_settings(config),
        directory,
        notifier=Notifier(),
        between_effects=_killer(os.environ.get(KILL_AT, "")),
    )


def _killer(at: str) -> Callable[[], None]:
    if not at.isdigit():
        return lambda: None
    left = int(at)

    def count() -> None:
        nonlocal left
        left -= 1
        if left <= 0:
            os.kill(os.getpid(), signal.SIGKILL)

    return count
