"""What waits for one account, in order: with room for every word of a person, and for few beats."""

import asyncio
from collections import deque
from dataclasses import dataclass

from goflat.core.guarding.events import BotBeat, GuardEvent, Ticked
from goflat.domain.time import Instant

EVENTS_MAX = 1000
"""More than this waits for nobody: what comes then is refused, and whoever asked is told."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What an account has to say to whoever asked. `durable`: it would survive a crash now."""

    ok: bool
    text: str
    run_id: str | None = None
    durable: bool = True


Reply = asyncio.Future[Answer]


class GuardInbox:
    """Events of one account. Of beats only the newest of each bot waits, so none can flood it."""

    def __init__(self) -> None:
        self._events: deque[tuple[GuardEvent, Reply | None]] = deque()
        self._beats: dict[str, BotBeat] = {}
        self._filled = asyncio.Event()

    def put(self, event: GuardEvent, reply: Reply | None = None) -> bool:
        """Let an event wait for its turn. False: there is no room."""
        if isinstance(event, BotBeat):
            self._beats[event.bot] = event
        elif len(self._events) >= EVENTS_MAX:
            return False
        else:
            self._events.append((event, reply))
        self._filled.set()
        return True

    async def take(self, until: Instant) -> tuple[GuardEvent, Reply | None]:
        """The next event: the oldest, then beats; and if none comes, at `until`, that time passed.

        Beats wait behind everything else, but a beat that came before `until` is heard before the
        time is.
        """
        if not self._events and not self._beats:
            self._filled.clear()
            try:
                async with asyncio.timeout_at(until):
                    await self._filled.wait()
            except TimeoutError:
                return Ticked(), None
        if self._events:
            return self._events.popleft()
        name = next(iter(self._beats))
        return self._beats.pop(name), None
