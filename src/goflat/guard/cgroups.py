"""Control groups (version 2): the one grouping of processes that none of them can leave by itself.

Used where a bot has a group of its own: a unit of systemd, a container. The kernel freezes such a
group at once, whatever its processes are forking meanwhile.
"""

import contextlib
import os
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

from goflat.guard.processes import PROC

GROUPS_MAX = 1000
_CGROUP2 = "cgroup2"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cgroup:
    """One control group, by its directory."""

    directory: Path

    def pids(self) -> frozenset[int]:
        """The processes in it and below it. What has gone meanwhile is left out.

        Raises:
            OSError: the group cannot be read.
        """
        found = _numbers(self.directory / "cgroup.procs")
        for directory in _below(self.directory):
            with contextlib.suppress(FileNotFoundError):
                found |= _numbers(directory / "cgroup.procs")
        return frozenset(found)

    def freeze(self) -> None:
        """Stop every process in it, the ones that are just being born included.

        Raises:
            OSError: it is not ours to freeze, or the kernel cannot.
        """
        self._write("cgroup.freeze", "1")

    def thaw(self) -> None:
        """Let all of them go on. Raises OSError as `freeze`."""
        self._write("cgroup.freeze", "0")

    def kill(self) -> None:
        """End every process in it. Raises OSError as `freeze`."""
        self._write("cgroup.kill", "1")

    @property
    def is_frozen(self) -> bool:
        """Whether the kernel says that all of it stands still."""
        try:
            events = (self.directory / "cgroup.events").read_text(encoding="utf-8")
        except OSError:
            return False
        return "frozen 1" in events.splitlines()

    def _write(self, name: str, text: str) -> None:
        # Never created: a file that is not there means a kernel that cannot.
        descriptor = os.open(self.directory / name, os.O_WRONLY | os.O_CLOEXEC)
        try:
            os.write(descriptor, text.encode())
        finally:
            os.close(descriptor)


def cgroup_of(pid: int) -> Cgroup | None:
    """The control group that a process has for itself and what it started.

    None where it has none: it is in the root group, in ours, or in one above ours, so that others
    are in there as well.

    Raises:
        OSError: the process is gone, or cannot be asked.
    """
    mount, theirs, ours = _mount(), path_of(pid), path_of(os.getpid())
    if mount is None or theirs is None or theirs == "/":
        return None
    if ours is not None and (ours == theirs or ours.startswith(f"{theirs}/")):
        return None
    directory = mount / theirs.lstrip("/")
    return Cgroup(directory=directory) if (directory / "cgroup.procs").exists() else None


def path_of(pid: int) -> str | None:
    """The path of a process's control group as it sees it; None where there is no version 2.

    Raises:
        OSError: the process is gone, or cannot be asked.
    """
    for line in Path(f"{PROC}/{pid}/cgroup").read_text(encoding="utf-8").splitlines():
        number, _, rest = line.partition(":")
        if number == "0":
            return rest.partition(":")[2]
    return None


def _mount() -> Path | None:
    """Where the control groups of version 2 are to be found."""
    for line in Path(f"{PROC}/self/mountinfo").read_text(encoding="utf-8").splitlines():
        place, _, kind = line.partition(" - ")
        fields = place.split()
        if kind.startswith(f"{_CGROUP2} ") and len(fields) > 4:
            return Path(fields[4])
    return None


def _below(directory: Path) -> list[Path]:
    walk = islice(os.walk(directory), 1, GROUPS_MAX)
    return [Path(path) for path, _, _ in walk]


def _numbers(path: Path) -> set[int]:
    # 0 stands for a process of another world of numbers: nobody that we could reach.
    return {int(line) for line in path.read_text(encoding="utf-8").split()} - {0}
