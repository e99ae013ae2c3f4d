"""One emergency: freeze, flatten, end what was frozen, look again, and say what is true then."""

import asyncio
import signal
from collections.abc import Callable, Coroutine
from typing import TypeVar

from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.guard.fencing import Fence, freeze, hold, terminate
from goflat.guard.run.arming import Arms, Say
from goflat.guard.run.endings import state_of
from goflat.guard.run.signals import send_to_group
from goflat.guard.run.words import told
from goflat.guard.trees import Lineage
from goflat.guard.watching import ProcessWatch

RUNS_MAX = 3
"""How often it is tried while somebody waits for an exit code, the last look included."""

ALONE_SECONDS = 3600.0
"""How long it is tried again where nobody is left who waits, and nobody else who would act."""

AGAIN_SECONDS, AGAIN_SECONDS_MAX = 0.5, 30.0
WORTH_SAYING_SECONDS = 0.05
REASONS_MAX = 20
Outcome = TypeVar("Outcome")

_UNDER_WAY = ", for orders that were under way"


class Emergency:
    """Carries out one trip. `hurry` is set when whoever waits wants no more than what is needed.

    `is_alone` says whether the supervisor is gone, so that nobody waits and nobody else will act.
    """

    def __init__(
        self,
        *,
        arms: Arms,
        lineage: Lineage,
        command: ProcessWatch | None,
        say: Say,
        hurry: asyncio.Event,
        is_alone: Callable[[], bool],
    ) -> None:
        self._arms = arms
        self._lineage = lineage
        self._command = command
        self._say = say
        self._hurry = hurry
        self._is_alone = is_alone

    async def carry_out(self, reason: str) -> LiquidationState:
        """All of it. What it came to is the answer, and is said."""
        if not self._arms.protects:
            return (await self._flatten()).state
        loop = asyncio.get_running_loop()
        self._say(f"{reason}: flattening {self._arms.scope_in_words}")
        latching = asyncio.ensure_future(self._tried("latching", self._latched(reason)))
        fence = await self._tried("freezing", self._frozen(reason)) or Fence(lineage=self._lineage)
        fenced_at = loop.time()
        await latching
        holding = asyncio.ensure_future(hold(fence))
        began = loop.time()
        first = await self._flatten()
        holding.cancel()
        left = await self._tried("killing", self._ended(fence)) or fence
        state = await self._go_on(first, began, fenced_at + self._arms.recv_window_seconds)
        is_done = state is LiquidationState.COMPLETED and left.settled and not left.members
        if (standing := await self._arms.unlatch(is_done=is_done)) is not None:
            self._say(standing)
        return state

    async def _tried(self, what: str, work: Coroutine[object, object, Outcome]) -> Outcome | None:
        """What it came to, or None: a bug beside the run must not keep the run from going."""
        try:
            return await work
        except Exception as bug:  # noqa: BLE001 - said, and the account is flattened all the same
            self._say(f"CRITICAL: {what} failed: {type(bug).__name__}; going on")
            return None

    async def _latched(self, reason: str) -> None:
        for line in await self._arms.latch(reason):
            self._say(line)

    async def _frozen(self, reason: str) -> Fence:
        """Everything of the command that still runs, stopped. The command itself first."""
        if self._command is not None:
            try:
                self._command.send(signal.SIGSTOP)
            except PermissionError as error:
                self._say(f"the command cannot be stopped: {error.strerror}")
        fence = await freeze(self._lineage)
        self._tell_untouched("not frozen", fence, signal.SIGSTOP)
        self._arms.note_fence(fence, reason)
        return fence

    async def _ended(self, fence: Fence) -> Fence:
        left = await terminate(fence)
        self._tell_untouched("still there", left, signal.SIGKILL)
        return left

    def _tell_untouched(self, what: str, fence: Fence, number: int) -> None:
        for untouched in fence.untouched[:REASONS_MAX]:
            self._say(f"{what}: {untouched}")
        root = self._lineage.root
        if root is not None and any(it.process is None for it in fence.untouched):
            # Not even a list could be had. The command was made the leader of a group of its own.
            send_to_group(root.pid, number)

    async def _flatten(self) -> LiquidationResult:
        result = await self._arms.flatten()
        for line in told(result):
            self._say(line)
        return result

    # --- going on -------------------------------------------------------------------------------

    async def _go_on(
        self, first: LiquidationResult, began: float, quiet_at: float
    ) -> LiquidationState:
        """Try again what is left; and look again once nothing can be under way any more.

        What the command sent right before its end may still arrive until `quiet_at`; `began` is
        when the first run did.
        """
        loop, results = asyncio.get_running_loop(), [first]
        give_up_at, pause = loop.time() + ALONE_SECONDS, AGAIN_SECONDS
        while len(results) < RUNS_MAX or (self._is_alone() and loop.time() < give_up_at):
            if results[-1].state is LiquidationState.COMPLETED:
                if began >= quiet_at:
                    break
                await self._pause(quiet_at - loop.time(), "looking again", _UNDER_WAY)
            else:
                await self._pause(pause, "trying again", "")
                pause = min(2 * pause, AGAIN_SECONDS_MAX)
            if self._hurry.is_set():
                self._say("not looking again: goflat run was told to end")
                break
            began = loop.time()
            results.append(await self._flatten())
        return state_of(results)

    async def _pause(self, seconds: float, for_what: str, why: str) -> None:
        """Wait so long, or until somebody is in a hurry."""
        if seconds >= WORTH_SAYING_SECONDS:
            self._say(f"{for_what} in {seconds:.1f} s{why}")
        try:
            async with asyncio.timeout(max(0.0, seconds)):
                await self._hurry.wait()
        except TimeoutError:
            return
