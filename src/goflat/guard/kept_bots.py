"""The processes of the bots of one account: watched, frozen, and ended or woken."""

import asyncio
import contextlib
import logging
from collections.abc import Callable, Coroutine

from goflat.core.guarding.events import BotEnded, BotSeen, BotStopped, GuardEvent
from goflat.guard import fencing
from goflat.guard.fencing import Fence
from goflat.guard.processes import NotWatchable, ProcessId
from goflat.guard.trees import Lineage
from goflat.guard.watching import ProcessWatch, halted_for, watch

_log = logging.getLogger("goflat")

HALTED_SECONDS = 0.5
"""How long the kernel has to call a bot stopped before it counts: a debugger's glance does not."""


class KeptBots:
    """Every bot of an account that has a process here.

    `after_trip` is the policy for the frozen: terminate, freeze or resume.
    """

    def __init__(self, after_trip: str, tell: Callable[[GuardEvent], object]) -> None:
        self._after_trip = after_trip
        self._tell = tell
        self._watches: dict[str, ProcessWatch] = {}
        self._tasks: dict[str, asyncio.Task[None]] = {}
        self._fences: dict[str, Fence] = {}
        self._work: set[asyncio.Task[object]] = set()
        self._parting: dict[str, tuple[int | None, bool]] = {}

    def process_of(self, name: str) -> ProcessId | None:
        """Who a bot is, where it is watched and lives."""
        kept = self._watches.get(name)
        return None if kept is None or kept.has_ended else kept.id

    def roll(self) -> dict[str, ProcessId]:
        """Everybody who is watched and lives."""
        return {name: kept.id for name, kept in self._watches.items() if not kept.has_ended}

    def attach(self, name: str, pid: int, expected: ProcessId | None = None) -> None:
        """Watch this process from now on; once for each process.

        Raises:
            NotWatchable: it is gone, or the kernel does not let us.
        """
        if (known := self.process_of(name)) is not None:
            if known.pid == pid:
                return
            raise NotWatchable(f"bot {name} is watched as process {known.pid}")
        self._forget(name)
        found = watch(pid, expected)
        self._watches[name] = found
        self._parting.pop(name, None)
        self._tell(BotSeen(bot=name))
        self._tasks[name] = asyncio.ensure_future(self._attend(name, found))

    def parts(self, name: str, code: int | None, *, handed_over: bool) -> None:
        """A bot says that it ends on purpose. Its end is news once it comes, or now if it is
        nobody's process here."""
        self._parting[name] = (code, handed_over)
        if name not in self._watches:
            self._tell(BotEnded(bot=name, code=code, handed_over=handed_over))

    def look_again(self) -> None:
        """After a reset: tell of those that are there, so that the account can be armed.

        What is frozen still is left as it is, and nobody stops it again.
        """
        self._let_go()
        for name, kept in self._watches.items():
            if not kept.has_ended:
                self._tell(BotSeen(bot=name))

    async def freeze(self, name: str) -> None:
        """Stop every process of a bot, within a quarter of a second."""
        kept = self._watches.get(name)
        if kept is None:
            return
        fence = await fencing.freeze(Lineage(root=kept.id))
        self._fences[name] = fence
        for left in fence.untouched:
            _log.critical("bot %s: %s", name, left)

    def end(self) -> None:
        """The run has begun: do with the frozen what the policy says. Nobody waits for it."""
        for name, fence in self._fences.items():
            if self._after_trip == "terminate":
                self._do(self._terminate(name, fence))
            else:
                self._do(fencing.hold(fence), name=f"hold {name}")
        if self._after_trip == "terminate":
            self._fences = {}

    def wake(self) -> None:
        """It is flat. Where the policy says so, the frozen go on, and have to ask the latch."""
        if self._after_trip != "resume":
            return
        self._let_go()
        for fence in self._fences.values():
            self._do(fencing.resume(fence))
        self._fences = {}

    def _let_go(self) -> None:
        for task in [task for task in self._work if task.get_name().startswith("hold ")]:
            task.cancel()

    def close(self) -> None:
        """Let go of every process, as it is."""
        for task in [*self._work, *self._tasks.values()]:
            task.cancel()
        for kept in self._watches.values():
            kept.close()

    async def _attend(self, name: str, kept: ProcessWatch) -> None:
        halted = asyncio.ensure_future(self._mind_halts(name, kept))
        try:
            ended = await kept.ended()
        finally:
            halted.cancel()
        said, handed_over = self._parting.pop(name, (None, False))
        code = said if ended.exit_code is None else ended.exit_code
        self._tell(BotEnded(bot=name, code=code, handed_over=handed_over))

    async def _mind_halts(self, name: str, kept: ProcessWatch) -> None:
        while (state := await halted_for(kept, HALTED_SECONDS)) is not None:
            self._tell(BotStopped(bot=name, kernel_state=state.value))
            await asyncio.sleep(HALTED_SECONDS)

    async def _terminate(self, name: str, fence: Fence) -> None:
        ended = await fencing.terminate(fence)
        for left in ended.untouched:
            _log.critical("bot %s: %s", name, left)

    def _do(self, work: Coroutine[object, object, object], name: str = "bot") -> None:
        task = asyncio.get_running_loop().create_task(work, name=name)
        self._work.add(task)
        task.add_done_callback(self._work.discard)

    def _forget(self, name: str) -> None:
        if (task := self._tasks.pop(name, None)) is not None:
            task.cancel()
        if (kept := self._watches.pop(name, None)) is not None:
            with contextlib.suppress(OSError):
                kept.close()
