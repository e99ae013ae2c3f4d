"""The loop of one guarded account: events in, `advance`, effects out, in order."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime
from typing import Protocol

from goflat.core.guarding.advance import PostDecision, advance
from goflat.core.guarding.effects import Alert, Effect, Level, Refuse, StartRun
from goflat.core.guarding.events import GuardEvent, Slept, Ticked
from goflat.core.guarding.post import Post, Stamp
from goflat.domain.time import Instant
from goflat.guard.inbox import Answer, GuardInbox, Reply
from goflat.manager import new_correlation_id

_log = logging.getLogger("goflat")

TICK_SECONDS = 0.5
"""The longest that the loop waits: it shows that it lives, and looks at the time."""

SLEPT_SECONDS = 1.0
"""A pass that comes so much later than it was due means that the guard itself stood still."""


class Hands(Protocol):
    """What the effects are done with."""

    async def do(self, effect: Effect, now: Instant) -> None:
        """Do one effect, within a bound of its own. What takes longer goes on beside the loop."""
        ...

    async def settled(self) -> bool:
        """Whether what had to be durable is, asked after the effects of one event."""
        ...


class Sentry:
    """One account. Everything that happens to it goes through `tell`, in the order it came."""

    def __init__(self, post: Post, *, between_effects: Callable[[], None] = lambda: None) -> None:
        self.post = post
        self.passed_at: Instant | None = None
        self.alerts: list[Alert] = []
        self._inbox = GuardInbox()
        self._between_effects = between_effects

    def tell(self, event: GuardEvent) -> bool:
        """Something happened. False: too much waits already, and it was dropped."""
        return self._inbox.put(event)

    def ask(self, event: GuardEvent) -> Awaitable[Answer]:
        """Somebody wants something, and is answered once it is done or refused."""
        reply: Reply = asyncio.get_running_loop().create_future()
        if not self._inbox.put(event, reply):
            reply.set_result(Answer(ok=False, text="too much waits already", durable=False))
        return reply

    async def keep(self, hands: Hands) -> None:
        """Guard the account until this is cancelled."""
        loop = asyncio.get_running_loop()
        wake_at = Instant(loop.time())
        while True:
            due = min(wake_at, Instant(loop.time() + TICK_SECONDS))
            event, reply = await self._inbox.take(due)
            now = Instant(loop.time())
            if now - due > SLEPT_SECONDS:
                await self._turn(Slept(now - due), now, hands)
            decision = await self._turn(event, now, hands)
            if not isinstance(event, Ticked):
                # Whatever came in: what is due is due.
                decision = await self._turn(Ticked(), now, hands)
            wake_at = decision.wake_at
            self.passed_at = now
            if reply is not None:
                await _answer(reply, self._answers, hands)

    async def _turn(self, event: GuardEvent, now: Instant, hands: Hands) -> PostDecision:
        stamp = Stamp(run_id=new_correlation_id(), utc=datetime.now(UTC).isoformat())
        decision = advance(self.post, event, now, stamp)
        self.post = decision.now_is
        if not isinstance(event, Ticked):
            self._answers = decision.effects
        for effect in decision.effects:
            self._between_effects()
            await self._do(effect, now, hands)
        if decision.effects:
            self._between_effects()
        return decision

    async def _do(self, effect: Effect, now: Instant, hands: Hands) -> None:
        if isinstance(effect, Alert):
            self.alerts = [*self.alerts[-49:], effect]
        try:
            await hands.do(effect, now)
        except Exception:  # noqa: BLE001 - one effect that fails keeps no other from being done
            _log.critical("goflat failed at %s", type(effect).__name__, exc_info=True)

    _answers: tuple[Effect, ...] = ()


async def _answer(reply: Reply, effects: tuple[Effect, ...], hands: Hands) -> None:
    refused = [effect.text for effect in effects if isinstance(effect, Refuse)]
    said = [effect.text for effect in effects if isinstance(effect, Alert)]
    runs = [effect.run_id for effect in effects if isinstance(effect, StartRun)]
    durable = await hands.settled()
    if not reply.done():
        reply.set_result(
            Answer(
                ok=not refused,
                text="; ".join(refused or said) or "done",
                run_id=runs[0] if runs else None,
                durable=durable,
            )
        )


def level_of(level: Level) -> int:
    """How loudly that is in the words of logging."""
    return _LEVELS[level]


_LEVELS = {
    Level.INFO: logging.INFO,
    Level.WARNING: logging.WARNING,
    Level.CRITICAL: logging.CRITICAL,
}
