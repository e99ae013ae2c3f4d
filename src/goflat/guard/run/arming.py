"""What a liquidator acts with: the venue, the manager, the audit trail, the latch. All of it opened
and tried before anything depends on it.
"""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime

from goflat.compose import manager_over, open_audit, open_venue
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.severity import Severity
from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.domain.scope import Only, Scope
from goflat.errors import GoflatError, SettingsError, VenueError
from goflat.guard.fencing import Fence
from goflat.guard.latch_file import LatchFile, name_of, read_latch
from goflat.guard.state_directory import Unusable
from goflat.journal import AuditLogger
from goflat.manager import LiquidationManager
from goflat.settings import AccountSettings, Settings
from goflat.venues.binance.venue import BinanceVenue

WARM_SECONDS = 10.0
"""How often the venue is asked for its time, so that a connection is open when it matters."""

WARM_ANSWER_SECONDS = 5.0
CLOSE_AUDIT_SECONDS = 1.0
UNLATCH_TRIES, UNLATCH_PAUSE_SECONDS = 10, 0.2
BY = "goflat run"

Say = Callable[[str], None]


class NotReady(GoflatError):
    """The switch could not work now, and why: one line for each reason."""


class Arms:
    """One account's venue, manager, audit trail and latch, from opening to laying down."""

    def __init__(self, *, settings: Settings, account: AccountSettings, run_id: str) -> None:
        self._settings = settings
        self._account = account
        self._scope: Scope = settings.needed_scope()
        self._run_id = run_id
        self._venue: BinanceVenue | None = None
        self._audit: AuditLogger | None = None
        self._manager: LiquidationManager | None = None
        self._latch: LatchFile | None = None
        self._is_laid_down = False

    @property
    def recv_window_seconds(self) -> float:
        return self._settings.run.recv_window_seconds

    @property
    def protects(self) -> bool:
        """Whether a run does anything at all, by configuration."""
        config = self._settings.liquidation
        return config.close_positions or config.cancel_orders

    @property
    def scope_in_words(self) -> str:
        """For people: which account, and how much of it."""
        if isinstance(self._scope, Only):
            return f"{', '.join(sorted(self._scope.symbols))} of account {self._account.name}"
        return f"account {self._account.name}"

    # --- before it matters ----------------------------------------------------------------------

    async def take_up(self, say: Say, *, is_first: bool) -> None:
        """Open everything and try it: key, account, lists, rules, latch.

        `is_first`: nothing has been started yet, so that a latch is a reason not to start.

        Raises:
            NotReady: the venue does not do what will be asked of it, or the account is latched.
            SettingsError: a secret that cannot be had.
        """
        self._open_latch(say, is_first=is_first)
        self._open()
        if self._audit is not None:
            for notice in (*self._audit.notices, *self._audit.degraded):
                say(f"audit: {notice}")
        if not self.protects:
            return
        assert self._venue is not None
        await self._try_account(self._venue, say)
        await self._try_lists(self._venue)

    async def keep_warm(self, say: Say) -> None:
        """Ask for the time again and again, until this is cancelled. Says when it goes unanswered.

        A failure takes nothing away: when it matters it is tried all the same.
        """
        is_answering = True
        while self._venue is not None:
            await asyncio.sleep(WARM_SECONDS)
            try:
                async with asyncio.timeout(WARM_ANSWER_SECONDS):
                    await self._venue.sync_clock(rounds=1)
            except (VenueError, TimeoutError) as failure:
                if is_answering:
                    say(f"WARNING: the venue does not answer: {str(failure) or 'not in time'}")
                is_answering = False
            else:
                if not is_answering:
                    say("the venue answers again")
                is_answering = True

    def _open(self) -> LiquidationManager:
        """The manager, made once. Raises SettingsError."""
        if self._manager is None:
            self._venue = open_venue(self._account)
            self._audit = open_audit(self._settings)
            self._manager = manager_over(self._venue, self._settings, self._audit)
        return self._manager

    def _open_latch(self, say: Say, *, is_first: bool) -> None:
        if is_first and (latch := read_latch(self._account.name)) is not None:
            since = f" since {latch.since}" if latch.since else ""
            raise NotReady(
                f"account {self._account.name} is latched{since} ({name_of(latch)}): "
                f"{latch.reason}; look at the account, then take the latch off: goflat reset"
            )
        try:
            self._latch = LatchFile(self._account.name)
        except Unusable as error:
            say(f"WARNING: no latch can be kept: {error}")

    async def _try_account(self, venue: BinanceVenue, say: Say) -> None:
        facts = await venue.examine()
        if facts.key_works is not True or facts.can_trade is False:
            said = "it may not trade futures" if facts.key_works else "the key was not taken"
            raise NotReady("\n".join([f"account {self._account.name}: {said}", *facts.problems]))
        if facts.can_withdraw:
            say("WARNING: this key may withdraw; take that right from it at the venue")

    async def _try_lists(self, venue: BinanceVenue) -> None:
        """Everything that a run reads, read once: it works, and its code has been used."""
        try:
            rules, _ = await venue.read_rules()
            await venue.read_positions()
            await venue.read_working_orders()
            await venue.read_conditional_orders()
        except VenueError as failure:
            raise NotReady(f"account {self._account.name}: {failure.reason}") from None
        if isinstance(self._scope, Only) and (unknown := self._scope.symbols - rules.keys()):
            raise NotReady(f"the venue does not list {', '.join(sorted(unknown))}")

    # --- when it matters ------------------------------------------------------------------------

    async def latch(self, reason: str) -> list[str]:
        """Latch the account, waiting no longer than its 50 ms. What is to be said about it."""
        if self._latch is None:
            return ["WARNING: the account could not be latched"]
        latch = Latch(
            run_id=self._run_id,
            severity=Severity.FLATTEN,
            reason=reason,
            by=BY,
            since=datetime.now(UTC).isoformat(timespec="seconds"),
        )
        kept = await self._latch.set(latch)
        return (
            [] if kept.durable else [f"WARNING: the latch is not known to be kept: {kept.reason}"]
        )

    async def flatten(self) -> LiquidationResult:
        """One run. Where not even the venue can be opened, it failed and says why."""
        symbols = sorted(self._scope.symbols) if isinstance(self._scope, Only) else None
        try:
            manager = self._open()
        except SettingsError as error:
            return LiquidationResult(state=LiquidationState.FAILED, error_message=str(error))
        return await manager.execute_liquidation(symbols)

    def note_fence(self, fence: Fence, reason: str) -> None:
        """Put into the audit trail why this began and what was frozen."""
        if self._audit is None:
            return
        self._audit.log_event(
            "GUARD_TRIPPED",
            self._run_id,
            {
                "reason": reason,
                "account": self._account.name,
                "frozen": [process.pid for process in fence.members],
                "not_frozen": [str(untouched) for untouched in fence.untouched],
                "settled": fence.settled,
                "seconds": fence.seconds,
            },
        )

    async def unlatch(self, *, is_done: bool) -> str | None:
        """Take our own latch off again, if nothing is left. What is to be said about it."""
        if self._latch is None or self._latch.read() is None:
            return None
        name = self._account.name
        if not is_done:
            return f"account {name} stays latched ({self._run_id}), until somebody resets it"
        trouble = ""
        for _ in range(UNLATCH_TRIES):
            try:
                self._latch.clear(self._run_id)
            except Unusable as error:
                trouble = str(error)
            if self._latch.read() is None:
                return None
            # The disk may still be busy with setting it.
            await asyncio.sleep(UNLATCH_PAUSE_SECONDS)
        return f"WARNING: account {name} stays latched: {trouble}"

    async def lay_down(self) -> None:
        """Let go of everything. Never raises."""
        if self._is_laid_down:
            return
        self._is_laid_down = True
        if self._venue is not None:
            await self._venue.aclose()
        if self._audit is not None:
            self._audit.close(CLOSE_AUDIT_SECONDS)
        if self._latch is not None:
            self._latch.close()
