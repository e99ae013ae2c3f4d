"""The liquidator's life: arm, wait for a reason, and then freeze, flatten, end, look again.

It waits for four things at once: a word of the supervisor, the supervisor's death, the command's
death without a word about it, and the end of the link. Any of the last three is a reason to act:
who cannot be asked any more would not have sent it home.
"""

import asyncio
import gc
import logging
import signal
from collections.abc import Callable, Coroutine
from dataclasses import dataclass

from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.errors import GoflatError, SettingsError
from goflat.guard.fencing import Fence, freeze, hold, terminate
from goflat.guard.processes import NotWatchable, ProcessId, boot_id
from goflat.guard.run.arming import Arms
from goflat.guard.run.endings import state_of
from goflat.guard.run.link import (
    Armed,
    Ended,
    Flatten,
    Gone,
    Hurry,
    Link,
    Ping,
    Pong,
    Refused,
    StandDown,
    Started,
    Starting,
)
from goflat.guard.run.words import told
from goflat.guard.trees import Lineage, Mark
from goflat.guard.watching import ProcessWatch, watch

WORD_SECONDS = 0.5
"""How long after the command's death the supervisor may take to say how it ended."""

ARM_AGAIN_SECONDS = 5.0
"""How long one that could not be armed waits before it tries again."""

RUNS_MAX = 3
"""How often it is tried to get there, the last look included."""

AGAIN_SECONDS = 0.5
WORTH_SAYING_SECONDS = 0.05
_UNDER_WAY = ", for orders that were under way (goflat run can be told to end before)"
REASONS_MAX = 20
REASON_CHARACTERS_MAX = 400

Say = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Trip:
    """A reason to act."""

    reason: str


class Liquidator:
    """One account, one command: lives until it has acted, or was sent home.

    `is_first`: nothing has been started yet. One that is not the first replaces one that died, and
    stays also where it cannot be armed: it may be able to act all the same.
    """

    def __init__(
        self,
        *,
        arms: Arms,
        link: Link,
        supervisor: ProcessId,
        mark: Mark,
        say: Say,
        is_first: bool,
    ) -> None:
        self._arms = arms
        self._link = link
        self._supervisor = supervisor
        self._mark = mark
        self._say = say
        self._is_first = is_first
        self._is_started = not is_first
        self._root: ProcessId | None = None
        self._command: ProcessWatch | None = None
        self._verdict: asyncio.Future[Trip | None] = asyncio.get_running_loop().create_future()
        self._hurry = asyncio.Event()
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Until it is over."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._link.fileno(), self._hear)
        self._begin(self._outlive_supervisor())
        arming = asyncio.ensure_future(self._arm())
        trip = await self._verdict
        if trip is None:
            arming.cancel()
        else:
            await self._act(trip, arming)
        for task in self._tasks:
            task.cancel()
        await self._arms.lay_down()

    # --- waiting --------------------------------------------------------------------------------

    async def _arm(self) -> None:
        """Open and try everything, and say so; or say why not, and go home or try again."""
        while (reasons := await self._what_is_missing()) is not None:
            self._tell_refusal(reasons)
            if self._is_first:
                self._settle(None)
                return
            await asyncio.sleep(ARM_AGAIN_SECONDS)
        gc.collect()
        gc.freeze()
        self._tell(Armed())
        await self._arms.keep_warm(self._say)

    async def _what_is_missing(self) -> list[str] | None:
        try:
            await self._arms.take_up(self._say, is_first=self._is_first)
        except GoflatError as error:
            return str(error).splitlines()
        except Exception as bug:  # noqa: BLE001 - not armed, and said so, is better than silent
            return [f"goflat itself failed: {type(bug).__name__}"]
        return None

    def _hear(self) -> None:
        """Whatever the supervisor has to say."""
        try:
            while (said := self._link.hear()) is not None:
                self._take(said)
        except Gone:
            asyncio.get_running_loop().remove_reader(self._link.fileno())
            self._supervisor_is_gone()

    def _take(self, said: object) -> None:
        match said:
            case Ping():
                self._tell(Pong())
            case Starting():
                self._is_started = True
            case Started(pid=pid, start_ticks=ticks):
                self._root = ProcessId(pid=pid, start_ticks=ticks, boot_id=boot_id())
                self._begin(self._outlive_command(self._root))
            case Flatten(reason=reason):
                self._settle(Trip(reason))
            case Hurry():
                self._hurry.set()
            case StandDown():
                self._settle(None)
            case _:
                raise Gone(f"not meant for a liquidator: {type(said).__name__}")

    async def _outlive_supervisor(self) -> None:
        try:
            with watch(self._supervisor.pid, self._supervisor) as supervisor:
                await supervisor.ended()
        except NotWatchable as gone:
            self._say(str(gone))
        self._supervisor_is_gone()

    async def _outlive_command(self, root: ProcessId) -> None:
        try:
            self._command = watch(root.pid, root)
            await self._command.ended()
        except NotWatchable:
            # Reaped already: it lived shorter than this message took.
            pass
        await asyncio.sleep(WORD_SECONDS)
        self._settle(Trip("the command ended, and goflat run does not say how"))

    def _supervisor_is_gone(self) -> None:
        self._settle(Trip("goflat run itself was killed") if self._is_started else None)

    def _settle(self, verdict: Trip | None) -> None:
        """The first reason counts."""
        if not self._verdict.done():
            self._verdict.set_result(verdict)

    # --- acting ---------------------------------------------------------------------------------

    async def _act(self, trip: Trip, arming: "asyncio.Future[None]") -> None:
        state = LiquidationState.FAILED
        try:
            arming.cancel()
            state = await self._carry_out(trip)
        except SettingsError as error:
            self._tell_refusal(str(error).splitlines())
        except Exception as bug:
            self._say(f"CRITICAL: the liquidator failed: {type(bug).__name__}; look at the venue")
            logging.getLogger("goflat").exception("the liquidator stopped on a bug of goflat")
        await self._arms.lay_down()
        self._tell(Ended(state=state.value))

    async def _carry_out(self, trip: Trip) -> LiquidationState:
        """Freeze, flatten, end what was frozen, and look again once nothing can be under way."""
        loop = asyncio.get_running_loop()
        if not self._arms.protects:
            return (await self._flatten()).state
        self._say(f"{trip.reason}: flattening {self._arms.scope_in_words}")
        latching = asyncio.ensure_future(self._arms.latch(trip.reason))
        fence = await self._frozen()
        fenced_at = loop.time()
        for line in await latching:
            self._say(line)
        self._arms.note_fence(fence, trip.reason)
        holding = asyncio.ensure_future(hold(fence))
        try:
            first = await self._flatten()
        finally:
            holding.cancel()
        left = await terminate(fence)
        for untouched in left.untouched[:REASONS_MAX]:
            self._say(f"still there: {untouched}")
        state = await self._go_on(first, fenced_at + self._arms.recv_window_seconds)
        is_done = state is LiquidationState.COMPLETED and not left.members
        if (standing := self._arms.unlatch(is_done=is_done)) is not None:
            self._say(standing)
        return state

    async def _frozen(self) -> Fence:
        """Everything of the command that still runs, stopped. The command itself first."""
        if self._command is not None:
            try:
                self._command.send(signal.SIGSTOP)
            except PermissionError as error:
                self._say(f"the command cannot be stopped: {error.strerror}")
        fence = await freeze(
            Lineage(
                root=self._root,
                mark=self._mark,
                adopter=self._supervisor,
                spared=frozenset({self._supervisor}),
            )
        )
        for untouched in fence.untouched[:REASONS_MAX]:
            self._say(f"not frozen: {untouched}")
        return fence

    async def _go_on(self, first: LiquidationResult, quiet_at: float) -> LiquidationState:
        """Try again at once what is left; and look again once nothing can be under way any more.

        What the command sent right before its end may still arrive until `quiet_at`.
        """
        loop = asyncio.get_running_loop()
        results, began = [first], loop.time() - first.total_duration_seconds
        while len(results) < RUNS_MAX and not self._hurry.is_set():
            is_flat = results[-1].state is LiquidationState.COMPLETED
            if is_flat and began >= quiet_at:
                break
            if is_flat:
                await self._pause(quiet_at - loop.time(), "looking again", _UNDER_WAY)
            else:
                await self._pause(AGAIN_SECONDS, "trying again", "")
            if not self._hurry.is_set():
                began = loop.time()
                results.append(await self._flatten())
        if self._hurry.is_set():
            self._say("not looking again: goflat run was told to end")
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

    async def _flatten(self) -> LiquidationResult:
        result = await self._arms.flatten()
        for line in told(result):
            self._say(line)
        return result

    # --- telling --------------------------------------------------------------------------------

    def _tell(self, message: Armed | Ended | Pong | Refused) -> None:
        try:
            self._link.tell(message)
        except Gone:
            # The supervisor is dead. What was to be said was said on standard error as well.
            return

    def _tell_refusal(self, reasons: list[str]) -> None:
        shown = [reason[:REASON_CHARACTERS_MAX] for reason in reasons[:REASONS_MAX]]
        if not self._is_first:
            for reason in shown:
                self._say(f"NOT ARMED: {reason}")
        self._tell(Refused(reasons=shown))

    def _begin(self, work: Coroutine[object, object, None]) -> None:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
