"""What a decision about one account asks for, done: latch, fence, run, alert."""

import asyncio
import logging
from collections.abc import Callable, Coroutine, Mapping
from dataclasses import replace
from typing import assert_never

from goflat.core.guarding.effects import (
    Alert,
    ClearLatch,
    Effect,
    EndBots,
    Fence,
    NoteRun,
    Refuse,
    RunPhase,
    SetLatch,
    StartRun,
    StopRun,
)
from goflat.core.guarding.events import GuardEvent
from goflat.core.guarding.remnant import Remnant
from goflat.domain.time import LONG_AGO, Instant
from goflat.guard.kept_bots import KeptBots
from goflat.guard.latch_file import Kept, LatchFile, name_of
from goflat.guard.liquidator import Liquidator, stopped
from goflat.guard.run_file import RunFile, RunNote
from goflat.guard.sentry import level_of
from goflat.guard.state_directory import Unusable
from goflat.ports.journal import Audit

_log = logging.getLogger("goflat")

DURABLE_SECONDS = 0.05
"""How long a run waits for its latch to be on the disk. Then it begins all the same."""


class AccountHands:
    """The hands of one account. Everything they will need at the trip is opened before it."""

    def __init__(
        self,
        account: str,
        *,
        liquidator: Callable[[Callable[[Remnant], None]], Liquidator],
        bots: KeptBots,
        latch_file: Callable[[], LatchFile],
        run_file: RunFile | None,
        audit: Audit | None,
        tell: Callable[[GuardEvent], object],
        window_seconds: Mapping[str, float],
    ) -> None:
        self._account = account
        self._liquidator = liquidator(self._progress)
        self._bots = bots
        self._new_latch_file = latch_file
        self._latch_file = latch_file()
        self._run_file = run_file
        self._audit = audit
        self._tell = tell
        self._window_seconds = max(window_seconds.values(), default=0.0)
        self._note: RunNote | None = None
        self._kept: list[asyncio.Future[bool]] = []
        self._is_lost = False
        self._run: asyncio.Task[None] | None = None
        self._proves_after = LONG_AGO

    async def do(self, effect: Effect, now: Instant) -> None:
        """Do one effect. Nothing here waits longer than its own bound."""
        match effect:
            case NoteRun(latch=latch, phase=phase, legs=legs):
                self._is_lost = False
                self._keep(RunNote(latch=latch, phase=phase, held=legs))
            case SetLatch(latch):
                setting = _is_durable(self._latch_file.set(latch))
                self._kept.append(asyncio.ensure_future(setting))
            case ClearLatch(by=by, reason=reason):
                await self._clear(by, reason)
            case Fence(name):
                await self._bots.freeze(name)
            case StartRun():
                await self._start(effect, now)
            case EndBots():
                self._bots.end()
            case StopRun():
                await stopped(self._run)
            case Alert():
                self._say(effect)
            case Refuse():
                pass
            case _:
                assert_never(effect)

    async def settled(self) -> bool:
        """Whether the latch and the record of its run are on the disk. Waits for 50 ms at most."""
        if self._kept:
            done, late = await asyncio.wait(self._kept, timeout=DURABLE_SECONDS)
            self._kept = [*late]
            self._is_lost |= not all(one.result() for one in done)
        return not self._kept and not self._is_lost

    def aclose(self) -> None:
        """Let go of the files. A run that is under way is somebody else's to end."""
        self._latch_file.close()
        if self._run_file is not None:
            self._run_file.close()

    async def end_run(self) -> None:
        """End a run that is under way; its record stays open."""
        await stopped(self._run)

    # --- runs -----------------------------------------------------------------------------------

    async def _start(self, order: StartRun, now: Instant) -> None:
        await stopped(self._run)
        durable = await self.settled()
        if not durable:
            _log.critical("the latch of account %s is not known to be on the disk", self._account)
        if order.measures.fences:
            window = Instant(now + self._window_seconds)
            self._proves_after = window if self._proves_after == LONG_AGO else self._proves_after
        self._run = asyncio.ensure_future(self._carry_out(order))

    async def _carry_out(self, order: StartRun) -> None:
        ended = await self._liquidator.run(order, self._proves_after)
        if ended.result.is_success():
            self._bots.wake()
        self._tell(ended)

    def _progress(self, remnant: Remnant) -> None:
        """A reading showed what is left of the run: the record says so, and nobody waits."""
        if self._note is not None and self._note.phase is RunPhase.OPEN:
            self._keep(replace(self._note, remnant=remnant))

    def _keep(self, note: RunNote) -> None:
        self._note = note
        if self._run_file is not None:
            self._kept = [*self._kept[-9:], self._run_file.keep(note)]

    async def _clear(self, by: str, reason: str) -> None:
        """Take the latch off the disk, and open what the next trip will need."""
        found = self._latch_file.read()
        try:
            if found is not None:
                self._latch_file.clear(name_of(found))
        except Unusable as error:
            _log.critical("the latch of account %s stays on the disk: %s", self._account, error)
        self._latch_file.close()
        self._latch_file = self._new_latch_file()
        self._proves_after = LONG_AGO
        if self._note is not None:
            self._keep(replace(self._note, phase=RunPhase.DONE, remnant=None))
        self._log("GUARD_RESET", {"by": by, "reason": reason})
        self._bots.look_again()

    def _say(self, alert: Alert) -> None:
        _log.log(level_of(alert.level), "%s: %s", self._account, alert.text)
        self._log("GUARD_" + alert.level.name, {"about": alert.about, "text": alert.text})

    def _log(self, kind: str, data: Mapping[str, object]) -> None:
        if self._audit is not None:
            run_id = "" if self._note is None else self._note.latch.run_id
            self._audit.log_event(kind, run_id, {"account": self._account, **data})


async def _is_durable(setting: Coroutine[object, object, Kept]) -> bool:
    return (await setting).durable
