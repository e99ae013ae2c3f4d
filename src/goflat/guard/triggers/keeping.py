"""Read one trigger again and again, and say what it saw. It cannot hold up anything else."""

import asyncio
import logging
from collections.abc import Awaitable, Callable, Mapping
from types import MappingProxyType

from goflat.core.guarding.events import GuardEvent, TriggerRead
from goflat.core.guarding.evidence import Verdict
from goflat.core.guarding.limits import Finding
from goflat.errors import VenueError
from goflat.guard.triggers import accounts, code, files, schedule, urls
from goflat.guard.triggers.eyes import Eyes, NotReadable
from goflat.settings.guarding import TriggerSettings

_log = logging.getLogger("goflat")

READ_SECONDS = 10.0
"""The longest that one reading may take. Then it was none."""

Look = Callable[[], Awaitable[Finding]]

KINDS: Mapping[str, Callable[[TriggerSettings, Eyes], Look]] = MappingProxyType(
    {
        "loss": accounts.loss,
        "margin": accounts.margin,
        "distance": accounts.distance,
        "connection": accounts.connection,
        "schedule": schedule.schedule,
        "file": files.file,
        "url": urls.url,
        "code": code.code,
    }
)
"""Every kind of trigger, and what reads it."""


async def keep_trigger(
    said: TriggerSettings, eyes: Eyes, tell: Callable[[GuardEvent], object]
) -> None:
    """Read it every so often until this is cancelled."""
    look = KINDS[said.kind](said, eyes)
    while True:
        verdict, text = await _read(look)
        tell(TriggerRead(name=said.name, verdict=verdict, text=text))
        await asyncio.sleep(said.every_seconds)


async def _read(look: Look) -> tuple[Verdict, str]:
    try:
        async with asyncio.timeout(READ_SECONDS):
            finding = await look()
    except TimeoutError:
        return Verdict.UNREADABLE, f"no answer within {READ_SECONDS:g} s"
    except (NotReadable, VenueError) as failure:
        return Verdict.UNREADABLE, str(failure)
    except Exception as bug:  # noqa: BLE001 - user code, or a bug of ours: it is not armed and says so
        _log.warning("a trigger failed", exc_info=True)
        return Verdict.UNREADABLE, f"{type(bug).__name__}"
    return (Verdict.FIRES if finding.fires else Verdict.CALM), finding.text
