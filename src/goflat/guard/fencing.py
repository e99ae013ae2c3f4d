"""Freeze a bot with everything that it started, end it, or let it go on.

A process that is forking cannot be stopped by one signal: its child is not on any list yet. So the
list is read again and again until two lists in a row show nobody new and everybody as wanted, or
until the time for it is up; what could not be done is in the answer, and nothing waits for it.
"""

import asyncio
import contextlib
import os
import signal
from collections import Counter
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace

from goflat.guard.cgroups import Cgroup
from goflat.guard.processes import (
    Process,
    ProcessId,
    read_all,
    read_environment,
    read_process,
    this_process,
)
from goflat.guard.trees import Lineage, members

FREEZE_SECONDS = 0.25
TERMINATE_SECONDS = 1.0
RESUME_SECONDS = 0.25
HOLD_SECONDS = 0.2
"""How often a fence that is held looks whether somebody has opened it."""

_SHORTEST_PAUSE_SECONDS = 0.001
_LONGEST_PAUSE_SECONDS = 0.02
_QUIET_ROUNDS = 2
_BLANK_LOOKS = 4
_KTHREADD = 2
"""The parent of what the kernel itself runs: never a bot's."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Untouched:
    """A process, or the whole list of them, with which something could not be done, and why."""

    process: ProcessId | None
    reason: str

    def __str__(self) -> str:
        return self.reason if self.process is None else f"process {self.process.pid}: {self.reason}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Fence:
    """The processes of a bot, and what was done with them.

    `members` are those that are still there. `settled`: two lists in a row showed nobody new and
    everybody as wanted. `untouched` says what could not be done. `rounds` counts the lists read.
    """

    lineage: Lineage
    members: tuple[ProcessId, ...] = ()
    settled: bool = False
    untouched: tuple[Untouched, ...] = ()
    rounds: int = 0
    seconds: float = 0.0


async def freeze(lineage: Lineage, *, seconds: float = FREEZE_SECONDS) -> Fence:
    """Stop every process of a bot. Takes `seconds` at most; never raises."""
    return await _Drive(Fence(lineage=lineage), _FREEZE, seconds).run()


async def terminate(fence: Fence, *, seconds: float = TERMINATE_SECONDS) -> Fence:
    """End every process of a bot, best of all a frozen one. Takes `seconds` at most; never raises.

    `members` of the answer are those that did not go: the kernel holds them, or they are not ours.
    """
    return await _Drive(fence, _TERMINATE, seconds).run()


async def resume(fence: Fence, *, seconds: float = RESUME_SECONDS) -> Fence:
    """Let every process of a bot go on. Takes `seconds` at most; never raises."""
    return await _Drive(fence, _RESUME, seconds).run()


async def hold(fence: Fence, *, look_seconds: float = HOLD_SECONDS) -> None:
    """Keep a bot frozen until this is cancelled.

    The kernel itself lets stopped processes go on when their group loses its last tie to the
    terminal's session, and anybody of the same user can. Whoever does so is stopped again.
    """
    while True:
        await asyncio.sleep(look_seconds)
        drive = _Drive(fence, _FREEZE, FREEZE_SECONDS)
        if drive.has_work():
            fence = await drive.run()


async def find(lineage: Lineage, *, seconds: float = FREEZE_SECONDS) -> Fence:
    """Who belongs to a bot now. Nobody is touched. Takes `seconds` at most; never raises."""
    return await _Drive(Fence(lineage=lineage), _LEAVE, seconds).run()


# --- what is wanted, as data --------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class _Wish:
    """A signal for every process, who needs it no more, and the same said to a control group."""

    number: int
    is_done: Callable[[Process], bool]
    to_group: Callable[[Cgroup], None]


_LEAVE = _Wish(number=0, is_done=lambda _process: True, to_group=lambda _group: None)
_FREEZE = _Wish(
    number=signal.SIGSTOP, is_done=lambda process: process.state.is_frozen, to_group=Cgroup.freeze
)
# One that is gone is on no list any more.
_TERMINATE = _Wish(number=signal.SIGKILL, is_done=lambda _process: False, to_group=Cgroup.kill)
_RESUME = _Wish(
    number=signal.SIGCONT,
    is_done=lambda process: not process.state.is_frozen,
    to_group=Cgroup.thaw,
)


# --- round after round --------------------------------------------------------------------------


class _Drive:
    """One wish, carried out round after round until it is fulfilled or the time is up."""

    def __init__(self, fence: Fence, wish: _Wish, seconds: float) -> None:
        self._wish = wish
        self._lineage = _never_us(fence.lineage)
        self._seconds = seconds
        self._known = set(fence.members)
        self._present: tuple[Process, ...] = ()
        self._done_in_group: frozenset[int] = frozenset()
        self._carriers: dict[ProcessId, bool] = {}
        self._blank: Counter[ProcessId] = Counter()
        self._is_unsure = False
        self._failures: dict[ProcessId | None, str] = {}

    async def run(self) -> Fence:
        loop = asyncio.get_running_loop()
        began, pause, quiet, rounds = loop.time(), _SHORTEST_PAUSE_SECONDS, 0, 0
        self._tell_group()
        while True:
            quiet = 0 if self.has_work() else quiet + 1
            rounds += 1
            left = began + self._seconds - loop.time()
            if quiet == _QUIET_ROUNDS or left <= 0:
                break
            # The first two lists are read at once: that is enough for most bots.
            if rounds > 1:
                await asyncio.sleep(min(pause, left))
                pause = min(2 * pause, _LONGEST_PAUSE_SECONDS)
        untouched = tuple(self._untouched())
        return Fence(
            lineage=self._lineage,
            members=tuple(process.id for process in self._present),
            settled=quiet == _QUIET_ROUNDS and not untouched,
            untouched=untouched,
            rounds=rounds,
            seconds=loop.time() - began,
        )

    def has_work(self) -> bool:
        """One round. Whether the list was not as wanted yet, or could not be read."""
        try:
            self._present = self._listed()
        except OSError as error:
            self._failures[None] = f"processes cannot be listed: {error.strerror}"
            return True
        self._failures.pop(None, None)
        # Youngest first: a parent that dies before its children would have the kernel wake them.
        work = [self._touch(process) for process in self._present]
        return any(work) or self._is_unsure

    def _touch(self, process: Process) -> bool:
        """Signal it if it needs it. Whether there was, or is, something to wait for."""
        is_new = process.id not in self._known
        self._known.add(process.id)
        if self._is_done(process):
            return is_new
        reason = send(process.id, self._wish.number)
        if reason is not None:
            self._failures[process.id] = reason
        return is_new or reason is None

    def _is_done(self, process: Process) -> bool:
        return self._wish.is_done(process) or process.pid in self._done_in_group

    def _listed(self) -> tuple[Process, ...]:
        self._is_unsure = False
        cgroup = self._lineage.cgroup
        in_cgroup = frozenset[int]() if cgroup is None else cgroup.pids()
        self._done_in_group = (
            in_cgroup
            if cgroup is not None and self._wish is _FREEZE and cgroup.is_frozen
            else frozenset()
        )
        return members(
            read_all(),
            self._lineage,
            known=self._known,
            in_cgroup=in_cgroup,
            carries=self._carries,
        )

    def _carries(self, process: Process) -> bool:
        """Whether it carries the mark. Asked once: a mark is inherited and not acquired.

        A process that is just being executed shows no environment at all for a moment. It is asked
        again; only one that stays so has none.
        """
        known = self._carriers.get(process.id)
        if known is not None or self._lineage.mark is None:
            return bool(known)
        environment = read_environment(process.id)
        self._blank[process.id] += not environment
        if environment or self._blank[process.id] >= _BLANK_LOOKS or process.parent == _KTHREADD:
            self._carriers[process.id] = self._lineage.mark.is_in(environment)
            return self._carriers[process.id]
        self._is_unsure = True
        return False

    def _tell_group(self) -> None:
        if self._lineage.cgroup is None:
            return
        # Where this fails the processes are told one by one; what that leaves is in the answer.
        with contextlib.suppress(OSError):
            self._wish.to_group(self._lineage.cgroup)

    def _untouched(self) -> Iterator[Untouched]:
        if None in self._failures:
            yield Untouched(process=None, reason=self._failures[None])
        for process in self._present:
            if not self._is_done(process):
                slow = f"it did not obey in time ({process.state.name.lower()})"
                yield Untouched(process=process.id, reason=self._failures.get(process.id, slow))


def _never_us(lineage: Lineage) -> Lineage:
    try:
        return replace(lineage, spared=lineage.spared | {this_process()})
    except OSError:
        # `send` refuses us by our number all the same.
        return lineage


def send(process: ProcessId, number: int) -> str | None:
    """Send a signal to that process and to nobody else. Why it could not be, or None.

    One that is gone has nothing to be told. Process 1 and we ourselves are never signalled.
    """
    if process.pid in {0, 1, os.getpid()}:
        return "never signalled"
    try:
        descriptor = os.pidfd_open(process.pid)
    except ProcessLookupError:
        return None
    except OSError as error:
        return error.strerror or str(error)
    try:
        found = read_process(process.pid)
        if found is not None and found.id == process:
            with contextlib.suppress(ProcessLookupError):
                signal.pidfd_send_signal(descriptor, number)
    except OSError as error:
        return error.strerror or str(error)
    finally:
        os.close(descriptor)
    return None
