"""The first lines of a liquidator's process: who speaks for it, and its event loop."""

import asyncio
import logging

from goflat.guard.processes import ProcessId
from goflat.guard.run.arming import Arms
from goflat.guard.run.link import Link
from goflat.guard.run.liquidator import Liquidator
from goflat.guard.run.saying import Saying
from goflat.guard.trees import Mark
from goflat.settings import AccountSettings, Settings


def live(
    link: Link,
    supervisor: ProcessId,
    *,
    settings: Settings,
    account: AccountSettings,
    mark: Mark,
    say: Saying,
    is_first: bool,
) -> None:
    """Be the liquidator of one account until it is over."""
    voice = say.anew()
    _speak_through(voice)

    async def lived() -> None:
        await Liquidator(
            arms=Arms(settings=settings, account=account, run_id=f"run_{mark.value[:12]}"),
            link=link,
            supervisor=supervisor,
            mark=mark,
            say=voice,
            is_first=is_first,
        ).live()

    asyncio.run(lived())


def _speak_through(say: Saying) -> None:
    """Let what is logged come out where it can hold nobody."""
    root = logging.getLogger()
    root.handlers = [_Said(say)]
    root.setLevel(logging.WARNING)


class _Said(logging.Handler):
    """Says records. How a run ends is left out: it is told in other words."""

    def __init__(self, say: Saying) -> None:
        super().__init__()
        self._say = say

    def filter(self, record: logging.LogRecord) -> bool:
        return record.levelno < logging.CRITICAL

    def emit(self, record: logging.LogRecord) -> None:
        self._say(record.getMessage())
        if record.exc_info:
            for line in logging.Formatter().formatException(record.exc_info).splitlines():
                self._say(f"  {line}")
