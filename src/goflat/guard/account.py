"""One guarded account, put together: its decisions, its hands, its eyes on venue and bots."""

import asyncio
import logging
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from pathlib import Path

from goflat.core.guarding.effects import RunPhase
from goflat.core.guarding.events import GuardEvent, Resumed, WasArmed
from goflat.core.guarding.evidence import Standing, Trigger
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.post import Bot, OnExit, Post, PostTerms
from goflat.core.guarding.pulse import Pulse
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Severity
from goflat.domain.position import Position
from goflat.domain.scope import Scope
from goflat.domain.time import LONG_AGO, NEVER, Instant
from goflat.guard.checker import Checker, ExaminedVenue
from goflat.guard.hands import AccountHands
from goflat.guard.inbox import Answer
from goflat.guard.kept_bots import KeptBots
from goflat.guard.latch_file import LatchFile
from goflat.guard.liquidator import Liquidator, RunTerms
from goflat.guard.look import is_bare
from goflat.guard.pid_files import keep_pid_files
from goflat.guard.proving import rehearsal_problem
from goflat.guard.roll import Enrolled, Roll, RollFile, call, keep_roll
from goflat.guard.run_file import DamagedRunFile, RunFile
from goflat.guard.sentry import Sentry
from goflat.guard.state_directory import Unusable
from goflat.guard.status import status_of
from goflat.guard.triggers.eyes import Eyes
from goflat.guard.triggers.keeping import keep_trigger
from goflat.guard.warming import warm_up
from goflat.guard.wire import Message
from goflat.ports.journal import Audit
from goflat.settings.guarding import BotSettings, GuardSettings, TriggerSettings

_log = logging.getLogger("goflat")

RESTART_SECONDS = 0.2
"""How long a part of the guard that failed waits before it is started again."""


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountTerms:
    """What the configuration says of one account and how it is guarded."""

    account: str
    scope: Scope
    run: RunTerms
    guard: GuardSettings
    bots: tuple[BotSettings, ...]
    triggers: tuple[TriggerSettings, ...]
    protects: bool


class GuardedAccount:
    """Everything about one account. A part that fails is started again and disturbs no other."""

    def __init__(
        self,
        terms: AccountTerms,
        venue: ExaminedVenue,
        audit: Audit | None,
        directory: Path,
        *,
        between_effects: Callable[[], None] = lambda: None,
    ) -> None:
        self.terms = terms
        self._venue = venue
        self._audit = audit
        self._directory = directory
        self._sentry = Sentry(_post(terms), between_effects=between_effects)
        self.kept_bots = KeptBots(terms.guard.after_trip, self.tell)
        self._roll_file = RollFile(terms.account, directory)
        self._run_file, self._troubles = _opened(terms.account, directory)
        self._hands = AccountHands(
            terms.account,
            liquidator=self._liquidator,
            bots=self.kept_bots,
            latch_file=lambda: LatchFile(terms.account, directory),
            run_file=self._run_file,
            audit=audit,
            tell=self.tell,
            window_seconds={bot.name: bot.recv_window_seconds for bot in terms.bots},
        )
        self._checker = Checker(
            venue,
            terms.scope,
            self.tell,
            check_seconds=terms.guard.check_seconds,
            proof_seconds=terms.guard.proof_seconds,
            is_held=lambda: self._sentry.post.is_held,
            also_missing=self._missing,
            rehearse=lambda: rehearsal_problem(venue, terms.run),
        )

    # --- life -----------------------------------------------------------------------------------

    async def keep(self) -> None:
        """Guard it until this is cancelled."""
        found = self._found()
        if found is None:
            await warm_up(self.terms.run)
        self._resume(found)
        parts: dict[str, Callable[[], Awaitable[None]]] = {
            "decisions": lambda: self._sentry.keep(self._hands),
            "checks": self._checker.keep,
            "roll": lambda: keep_roll(self._roll_file, self._enrolled, lambda: not self.is_latched),
            "pid files": lambda: keep_pid_files(self.terms.bots, self.kept_bots),
        }
        eyes = Eyes(venue=self._venue, proofs=self._checker.proofs)
        for trigger in self.terms.triggers:
            parts[f"trigger {trigger.name}"] = lambda it=trigger: keep_trigger(  # type: ignore[misc]
                it, eyes, self.tell
            )
        try:
            await asyncio.gather(*(self._part(name, part) for name, part in parts.items()))
        finally:
            await self._hands.end_run()
            self.kept_bots.close()
            self._hands.aclose()

    async def _part(self, name: str, part: Callable[[], Awaitable[None]]) -> None:
        """One part of it, for ever."""
        while True:
            try:
                await part()
                return
            except Exception:  # noqa: BLE001 - it is started again, and said
                _log.critical(
                    "%s: the %s failed and start again", self.terms.account, name, exc_info=True
                )
            await asyncio.sleep(RESTART_SECONDS)

    def _resume(self, found: Resumed | None) -> None:
        """What a guard before this one left: its latch, its run, and whom it watched."""
        if found is not None:
            self.tell(found)
        roll = {bot: it for bot, it in self._roll_file.read().items() if self.hang_seconds_of(bot)}
        if roll:
            self.tell(WasArmed(frozenset(bot for bot, it in roll.items() if it.has_beaten)))
            call(roll, self.kept_bots, self.tell)

    def _found(self) -> Resumed | None:
        with LatchFile(self.terms.account, self._directory) as file:
            latch = file.read()
        try:
            note = None if self._run_file is None else self._run_file.read()
        except DamagedRunFile as error:
            _log.critical("%s: %s; trip it to flatten", self.terms.account, error)
            note = None
        if note is not None and note.phase is not RunPhase.DONE:
            return Resumed(
                latch=note.latch, phase=note.phase, remnant=note.remnant, held=note.held or {}
            )
        return None if latch is None else Resumed(latch=latch, phase=RunPhase.DONE)

    def _enrolled(self) -> Roll:
        """Every bot that is there, with its process where one is watched."""
        kept = self.kept_bots.roll()
        return {
            name: Enrolled(process=kept.get(name), has_beaten=bot.pulse.last_progress is not None)
            for name, bot in self._sentry.post.bots.items()
            if bot.is_seen
        }

    # --- what the doors ask ---------------------------------------------------------------------

    def tell(self, event: GuardEvent) -> bool:
        """Something happened to this account."""
        return self._sentry.tell(event)

    def ask(self, event: GuardEvent) -> Awaitable[Answer]:
        """Somebody wants something of it."""
        return self._sentry.ask(event)

    def hang_seconds_of(self, bot: str) -> float | None:
        """How long that bot may make no progress; None: there is no such bot."""
        found = self._sentry.post.bots.get(bot)
        return None if found is None else found.pulse.hang_seconds

    @property
    def latch(self) -> Latch | None:
        return self._sentry.post.latch

    @property
    def is_latched(self) -> bool:
        return self.latch is not None

    @property
    def passed_at(self) -> Instant:
        """When the loop last went round."""
        return LONG_AGO if self._sentry.passed_at is None else self._sentry.passed_at

    @property
    def is_busy(self) -> bool:
        """Whether a run is under way or will go on: no time to stop the guard."""
        post = self._sentry.post
        return post.is_running or post.next_run_at < NEVER

    async def is_proven_flat(self) -> bool:
        """Whether the venue shows it flat now, in two looks."""
        return await is_bare(self._venue, self.terms.scope)

    def status(self) -> Message:
        """Armed or not, and why: the account, its bots, its triggers, the ages of its proofs."""
        return status_of(self._sentry, self._checker, self.kept_bots)

    # --- what is missing ------------------------------------------------------------------------

    def _missing(self) -> tuple[str, ...]:
        switched_off = () if self.terms.protects else ("[liquidation] is switched off",)
        return (*switched_off, *self._troubles)

    def _liquidator(self, progress: Callable[[Remnant], None]) -> Liquidator:
        return Liquidator(
            self._venue, self.terms.run, self._audit, progress=progress, foreign=self._say_foreign
        )

    def _say_foreign(self, positions: tuple[Position, ...]) -> None:
        names = ", ".join(f"{position.key} {position.quantity:f}" for position in positions)
        _log.warning("%s: foreign, and left alone: %s", self.terms.account, names)


def _post(terms: AccountTerms) -> Post:
    bots = {
        bot.name: Bot(
            name=bot.name,
            pulse=Pulse(hang_seconds=bot.hang_seconds),
            on_exit=OnExit(bot.on_exit),
        )
        for bot in terms.bots
    }
    return Post(
        terms=PostTerms(
            account=terms.account,
            hold_seconds=terms.guard.hold_seconds,
            asks_to_resume=terms.guard.open_run == "ask",
        ),
        bots=bots,
        standings={it.name: Standing(trigger=_trigger(it)) for it in terms.triggers},
    )


def _trigger(said: TriggerSettings) -> Trigger:
    return Trigger(
        name=said.name,
        severity=Severity(said.severity),
        trips_unreadable=said.on_unreadable == "trip",
    )


def _opened(account: str, directory: Path) -> tuple[RunFile | None, tuple[str, ...]]:
    """The record of runs, or why there is none. Without one the account is not armed."""
    try:
        return RunFile(account, directory), ()
    except (Unusable, OSError) as error:
        return None, (f"the record of runs cannot be kept: {error}",)
