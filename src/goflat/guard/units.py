"""The main process of a systemd unit, asked of systemd itself."""

import asyncio
import contextlib
import re

from goflat.guard.processes import NotWatchable

ANSWER_SECONDS = 2.0
"""How long systemd may take. It is asked when a bot is looked for, and never at a trip."""

_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,255}")
_ANSWER_BYTES_MAX = 64
_LET_GO_SECONDS = 0.5


async def main_pid(unit: str) -> int:
    """The process that systemd takes for the unit itself.

    Raises:
        NotWatchable: the unit does not run, there is no such unit, or systemd is not there or does
            not answer in time.
    """
    if not _UNIT.fullmatch(unit):
        raise NotWatchable("that is no name of a unit")
    said = await _asked(unit)
    if not said.isdecimal():
        raise NotWatchable(f"systemd names no main process of {unit}")
    if (pid := int(said)) == 0:
        raise NotWatchable(f"{unit} does not run, or there is no such unit")
    return pid


async def _asked(unit: str) -> str:
    try:
        process = await asyncio.create_subprocess_exec(
            *("systemctl", "show", "--property=MainPID", "--value", "--", unit),
            stdin=asyncio.subprocess.DEVNULL,
            stdout=asyncio.subprocess.PIPE,
            stderr=asyncio.subprocess.DEVNULL,
        )
    except OSError as error:
        raise NotWatchable(f"systemd cannot be asked: {error.strerror or error}") from None
    assert process.stdout is not None
    try:
        async with asyncio.timeout(ANSWER_SECONDS):
            said = await process.stdout.read(_ANSWER_BYTES_MAX)
            if len(said) == _ANSWER_BYTES_MAX:
                raise NotWatchable("systemd says far too much")
            code = await process.wait()
    except TimeoutError:
        raise NotWatchable(f"systemd did not answer within {ANSWER_SECONDS:g} s") from None
    finally:
        await _let_go(process)
    if code != 0:
        raise NotWatchable(f"systemd cannot be asked: systemctl ended with {code}")
    return said.decode("utf-8", "replace").strip()


async def _let_go(process: asyncio.subprocess.Process) -> None:
    with contextlib.suppress(ProcessLookupError):
        process.kill()
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(_LET_GO_SECONDS):
            await process.communicate()
