"""Which processes belong to a bot: its children, their children, and those that ran away.

A parent is lost when it ends: the kernel gives its children to somebody else. So a bot's processes
are known by everything that a child inherits and rarely gives up: the group and session that one
of them leads, a mark in the environment, a control group of their own; and by who adopts orphans.
All of it is decided here from one list of processes, without asking anybody.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

from goflat.guard.cgroups import Cgroup
from goflat.guard.processes import Process, ProcessId


@dataclass(frozen=True, slots=True, kw_only=True)
class Mark:
    """A variable in the environment of a bot that all its descendants inherit."""

    name: str
    value: str

    def is_in(self, environment: bytes) -> bool:
        """Whether an environment as in /proc (NAME=value, zero bytes between) carries it."""
        return b"\0" + f"{self.name}={self.value}".encode() + b"\0" in b"\0" + environment + b"\0"


@dataclass(frozen=True, slots=True, kw_only=True)
class Lineage:
    """How the processes of one bot are recognised.

    `root` is the bot itself, also after its end; None where only the mark is known. `adopter` is
    who gets its orphans: a process that is init, or a subreaper, for the bot and nobody else.
    `cgroup` is a control group that holds the bot and nobody else. `spared` are never part of it.
    """

    root: ProcessId | None
    mark: Mark | None = None
    adopter: ProcessId | None = None
    cgroup: Cgroup | None = None
    spared: frozenset[ProcessId] = frozenset()


Carries = Callable[[Process], bool]
"""Whether a process carries the mark. Asked only where nothing else has told yet."""


def members(
    processes: Iterable[Process],
    lineage: Lineage,
    *,
    known: Iterable[ProcessId] = (),
    in_cgroup: Iterable[int] = (),
    carries: Carries = lambda _process: False,
) -> tuple[Process, ...]:
    """Who of these belongs to the bot, youngest first. Zombies have nothing left to do: not they.

    `known` belonged to it before and still does, whatever has become of its parents. Process 1
    and what is spared never belong.
    """
    listed = [process for process in processes if not process.state.is_over]
    alive = {process.pid: process for process in listed if not _is_spared(process, lineage)}
    leaders = _leaders(alive, lineage, known)
    found = {*leaders, *in_cgroup} & alive.keys()
    if any(process.id == lineage.adopter for process in listed):
        found |= _adopted(alive, lineage)
    for process in alive.values():
        if process.pid not in found and _may_carry(process, lineage) and carries(process):
            found.add(process.pid)
    _close(alive, found, leaders)
    kin = [alive[pid] for pid in found]
    return tuple(sorted(kin, key=lambda p: (p.id.start_ticks, p.pid), reverse=True))


def _is_spared(process: Process, lineage: Lineage) -> bool:
    return process.pid == 1 or process.id in lineage.spared or process.id == lineage.adopter


def _leaders(
    alive: Mapping[int, Process], lineage: Lineage, known: Iterable[ProcessId]
) -> set[int]:
    """Numbers after which groups and sessions of the bot are named.

    The number of a group outlives the process that led it, and the kernel gives it to nobody as
    long as the group has a member. A number that somebody else has now names nothing of the bot.
    """
    ours = [*known, *(() if lineage.root is None else (lineage.root,))]
    return {it.pid for it in ours if it.pid not in alive or alive[it.pid].id == it}


def _adopted(alive: Mapping[int, Process], lineage: Lineage) -> set[int]:
    """Children of the adopter. What it had started before the bot is none of the bot's orphans."""
    adopter, root = lineage.adopter, lineage.root
    if adopter is None or root is None:
        return set()
    return {
        process.pid
        for process in alive.values()
        if process.parent == adopter.pid and process.id.start_ticks >= root.start_ticks
    }


def _may_carry(process: Process, lineage: Lineage) -> bool:
    """A process that is older than the bot inherited nothing of it."""
    if lineage.mark is None:
        return False
    return lineage.root is None or process.id.start_ticks >= lineage.root.start_ticks


def _close(alive: Mapping[int, Process], found: set[int], leaders: set[int]) -> None:
    """Add the children of those found, and who is in a group or session that one of them leads."""
    names = leaders | found
    for _ in range(len(alive) + 1):
        more = {
            p.pid
            for p in alive.values()
            if p.pid not in found and not names.isdisjoint((p.parent, p.group, p.session))
        }
        if not more:
            return
        found |= more
        names |= more
