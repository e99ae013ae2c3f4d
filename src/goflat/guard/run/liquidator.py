"""The liquidator's life: arm, wait for a reason, and act on it.

It waits for four things at once: a word of the supervisor, the supervisor's death, the command's
death without a word about it, and the end of the link. Any of the last three is a reason to act:
who cannot be asked any more would not have sent it home.
"""

import asyncio
import gc
import logging
from collections.abc import Coroutine
from dataclasses import dataclass

from goflat.domain.outcome import LiquidationState
from goflat.errors import GoflatError
from goflat.guard.fencing import find
from goflat.guard.processes import NotWatchable, ProcessId, boot_id
from goflat.guard.run.arming import Arms, Say
from goflat.guard.run.emergency import Emergency
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
from goflat.guard.trees import Lineage, Mark
from goflat.guard.watching import ProcessWatch, watch

WORD_SECONDS = 0.5
"""How long after the command's death the supervisor may take to say how it ended."""

ARM_AGAIN_SECONDS = 5.0
"""How long one that could not be armed waits before it tries again."""

REASONS_MAX = 20
REASON_CHARACTERS_MAX = 400

_log = logging.getLogger("goflat")


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
        self._is_alone = False
        self._tasks: set[asyncio.Task[None]] = set()

    async def live(self) -> None:
        """Until it is over."""
        loop = asyncio.get_running_loop()
        loop.add_reader(self._link.fileno(), self._hear)
        self._begin(self._outlive_supervisor())
        arming = asyncio.ensure_future(self._arm())
        trip = await self._verdict
        arming.cancel()
        if trip is None:
            await self._tell_who_goes_on()
        else:
            await self._act(trip)
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
                self._meet(ProcessId(pid=pid, start_ticks=ticks, boot_id=boot_id()))
            case Flatten(reason=reason):
                self._settle(Trip(reason))
            case Hurry():
                self._hurry.set()
            case StandDown():
                self._settle(None)
            case _:
                raise Gone(f"not meant for a liquidator: {type(said).__name__}")

    def _meet(self, root: ProcessId) -> None:
        """The command says itself who it is, and the supervisor says it again."""
        if self._root is None:
            self._root = root
            self._begin(self._outlive_command(root))

    async def _outlive_supervisor(self) -> None:
        try:
            with watch(self._supervisor.pid, self._supervisor) as supervisor:
                await supervisor.ended()
        except NotWatchable:
            # Gone already.
            pass
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
        self._is_alone = True
        self._settle(Trip("goflat run itself was killed") if self._is_started else None)

    def _settle(self, verdict: Trip | None) -> None:
        """The first reason counts."""
        if not self._verdict.done():
            self._verdict.set_result(verdict)

    # --- acting ---------------------------------------------------------------------------------

    @property
    def _lineage(self) -> Lineage:
        """By what the processes of the command are known."""
        return Lineage(
            root=self._root,
            mark=self._mark,
            adopter=self._supervisor,
            spared=frozenset({self._supervisor}),
        )

    async def _tell_who_goes_on(self) -> None:
        """Sent home: nobody watches any more what of the command is still there."""
        if self._root is None:
            return
        found = await find(self._lineage)
        if found.members:
            count = len(found.members)
            self._say(f"WARNING: {count} process(es) of the command go on, and nobody watches them")

    async def _act(self, trip: Trip) -> None:
        emergency = Emergency(
            arms=self._arms,
            lineage=self._lineage,
            command=self._command,
            say=self._say,
            hurry=self._hurry,
            is_alone=lambda: self._is_alone,
        )
        state = LiquidationState.FAILED
        try:
            state = await emergency.carry_out(trip.reason)
        except Exception as bug:  # noqa: BLE001 - whoever waits gets an answer, not our bug
            self._say(f"CRITICAL: the liquidator failed: {type(bug).__name__}; look at the venue")
            _log.exception("the liquidator stopped on a bug of goflat")
        await self._arms.lay_down()
        self._tell(Ended(state=state.value))

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
