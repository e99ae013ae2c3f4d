"""The guard: every account side by side, the doors through which it hears, and who watches it."""

import asyncio
import logging
from collections.abc import Mapping
from contextlib import AbstractAsyncContextManager, nullcontext
from pathlib import Path

from goflat.core.guarding.second_factor import SecondFactor
from goflat.domain.time import Instant
from goflat.guard.account import GuardedAccount
from goflat.guard.control import ControlDoor
from goflat.guard.heartbeat import HeartbeatDoor
from goflat.guard.http_door import served
from goflat.guard.notify import Notifier
from goflat.guard.sockets import CONTROL_SOCKET, HEARTBEAT_SOCKET
from goflat.guard.wire import listen

_log = logging.getLogger("goflat")

ALIVE_SECONDS = 1.0
"""How often it is looked whether every account's loop goes round, and the manager is told."""

STUCK_SECONDS = 3.0
"""A loop that has not gone round for so long is stuck. Then the manager is told nothing more."""


class Guard:
    """Guards accounts until it is told to end. One that fails disturbs no other."""

    def __init__(
        self,
        accounts: Mapping[str, GuardedAccount],
        directory: Path,
        *,
        second_factor: SecondFactor | None = None,
        notifier: Notifier | None = None,
        http_port: int | None = None,
    ) -> None:
        self.accounts = dict(accounts)
        self._directory = directory
        self._control = ControlDoor(self.accounts, second_factor)
        self._heartbeats = HeartbeatDoor(self.accounts)
        self._notifier = Notifier({}) if notifier is None else notifier
        self._http_port = http_port
        self._enough = asyncio.Event()

    def end(self) -> None:
        """Enough. A run that is under way is finished first."""
        self._enough.set()

    async def keep(self) -> None:
        """Guard until `end`.

        Raises:
            Unusable: the state directory is not ours alone.
            OSError: a socket cannot be listened on.
        """
        doors = [
            await listen(self._directory / CONTROL_SOCKET, self._control.talk),
            await listen(self._directory / HEARTBEAT_SOCKET, self._heartbeats.talk),
        ]
        keeping = [asyncio.ensure_future(account.keep()) for account in self.accounts.values()]
        try:
            async with self._http():
                await self._watch()
        finally:
            for door in doors:
                door.close()
            for task in keeping:
                task.cancel()
            await asyncio.gather(*keeping, return_exceptions=True)

    def _http(self) -> AbstractAsyncContextManager[None]:
        if self._http_port is None:
            return nullcontext()
        return served(self.accounts, self._directory, self._http_port)

    async def _watch(self) -> None:
        """Say that it lives, as long as every loop does; and end once nothing is under way."""
        self._notifier.tell("READY=1", "STATUS=guarding")
        is_ending = False
        while not (is_ending and not self._is_busy()):
            is_ending = await self._is_enough()
            if self._all_go_round():
                self._notifier.tell("WATCHDOG=1")
            if is_ending:
                extend = "EXTEND_TIMEOUT_USEC=10000000" if self._is_busy() else "STATUS=ending"
                self._notifier.tell("STOPPING=1", extend)

    async def _is_enough(self) -> bool:
        try:
            async with asyncio.timeout(ALIVE_SECONDS):
                await self._enough.wait()
        except TimeoutError:
            return False
        if self._is_busy():
            # It ends later, and goes on looking meanwhile.
            await asyncio.sleep(ALIVE_SECONDS)
        return True

    def _is_busy(self) -> bool:
        return any(account.is_busy for account in self.accounts.values())

    def _all_go_round(self) -> bool:
        since = Instant(asyncio.get_running_loop().time() - STUCK_SECONDS)
        return all(account.passed_at >= since for account in self.accounts.values())
