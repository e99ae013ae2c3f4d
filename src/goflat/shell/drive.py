"""The one loop: carry a run from its trigger to its end."""

import asyncio
from collections import deque
from decimal import localcontext

from goflat.core.decision import Decision
from goflat.core.draft import is_act
from goflat.core.events import Event, Started, UsageSeen, Woke
from goflat.core.liquidation import advance
from goflat.core.run import Liquidation
from goflat.core.steps import Request
from goflat.domain.arithmetic import EXACT
from goflat.domain.capabilities import Usage
from goflat.domain.time import LONG_AGO, Instant
from goflat.ports.clock import Clock
from goflat.ports.record import Record
from goflat.ports.venue import Venue
from goflat.shell.perform import perform

INTENT_SECONDS = 0.05
"""How long the first send waits for its intent to be durable. Then it goes all the same."""

USAGE_SECONDS = 0.1
"""How often the run looks at what others use of the limits. What it uses itself it knows."""


async def drive(run: Liquidation, venue: Venue, clock: Clock, record: Record) -> Liquidation:
    """Turn events into decisions and decisions into events until the run is over.

    Ends no later than the run's deadline as long as the event loop runs, whatever hangs: requests
    still under way then are cancelled and not waited for. Whatever precision and traps the program
    has set for its own decimals, the run reckons with `EXACT`, and so does every task that it
    starts.
    """
    with localcontext(EXACT):
        return await _turn_by_turn(run, venue, clock, record)


async def _turn_by_turn(
    run: Liquidation, venue: Venue, clock: Clock, record: Record
) -> Liquidation:
    inbox = _Inbox(clock)
    inbox.put(Started())
    asked = _Asked(venue, clock, inbox)
    seen, look_at_usage, has_acted = Usage(), LONG_AGO, False
    try:
        while True:
            event, now = inbox.take(), clock.now()
            decision = advance(run, event, now)
            run = decision.now_is
            record.append(now, event, decision)
            if run.is_over:
                return run
            if not has_acted and _acts(decision):
                has_acted = True
                await record.flush(INTENT_SECONDS)
            asked.ask(decision.requests)
            if decision.wake_at <= now:
                inbox.put_first(Woke())
            if not inbox.is_empty:
                # Others share this loop: let them run between two turns.
                await asyncio.sleep(0)
                continue
            if clock.now() >= look_at_usage and venue.usage != seen:
                look_at_usage, seen = Instant(clock.now() + USAGE_SECONDS), venue.usage
                inbox.put(UsageSeen(seen))
                continue
            await inbox.wait(decision.wake_at)
    finally:
        asked.abandon()


def _acts(decision: Decision[Liquidation]) -> bool:
    return any(is_act(request.step) for request in decision.requests)


class _Inbox:
    """Events in the order in which they came, and the one place where the run waits."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock
        self._events: deque[Event] = deque()
        self._filled = asyncio.Event()

    @property
    def is_empty(self) -> bool:
        return not self._events

    def put(self, event: Event) -> None:
        self._events.append(event)
        self._filled.set()

    def put_first(self, event: Event) -> None:
        """Put an event before those that came already."""
        self._events.appendleft(event)

    def take(self) -> Event:
        """The oldest event; if none came, the alarm did."""
        return self._events.popleft() if self._events else Woke()

    async def wait(self, until: Instant) -> None:
        """Return when an event came, or at `until`."""
        self._filled.clear()
        try:
            async with asyncio.timeout_at(until):
                await self._filled.wait()
        except TimeoutError:
            return


class _Asked:
    """The requests under way. One that fails is one event, and disturbs no other."""

    def __init__(self, venue: Venue, clock: Clock, inbox: _Inbox) -> None:
        self._venue = venue
        self._clock = clock
        self._inbox = inbox
        self._tasks: set[asyncio.Task[Event]] = set()

    def ask(self, requests: tuple[Request, ...]) -> None:
        for request in requests:
            task = asyncio.ensure_future(perform(request, self._venue, self._clock))
            self._tasks.add(task)
            task.add_done_callback(self._answered)

    def _answered(self, task: asyncio.Task[Event]) -> None:
        self._tasks.discard(task)
        if not task.cancelled():
            self._inbox.put(task.result())

    def abandon(self) -> None:
        for task in self._tasks:
            task.cancel()
