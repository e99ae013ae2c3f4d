"""What a liquidator outlives: said once, at the start, because nobody can tell from looking."""

from dataclasses import dataclass
from enum import Enum
from pathlib import Path

from goflat.guard.cgroups import path_of

_FIRST_PID_NAMESPACE = 0xEFFFFFFC
"""The inode that the kernel gives to the world of numbers that it begins with."""

_CONTAINER_WORDS = ("docker", "kubepods", "containerd", "libpod", "lxc", "crio")


class Shelter(Enum):
    """What takes the liquidator along when it dies as a whole."""

    ITS_OWN = "nothing but a kill of everything"
    CONTAINER = "the container"
    UNIT = "the unit"


@dataclass(frozen=True, slots=True, kw_only=True)
class Surroundings:
    """Where this process lives: its number, its control group, its world of numbers."""

    pid: int
    cgroup: str
    pid_namespace: int

    @property
    def shelter(self) -> Shelter:
        if self.pid == 1 or self.pid_namespace != _FIRST_PID_NAMESPACE:
            return Shelter.CONTAINER
        if any(word in self.cgroup for word in _CONTAINER_WORDS):
            return Shelter.CONTAINER
        return Shelter.UNIT if self.cgroup.endswith(".service") else Shelter.ITS_OWN

    @property
    def sentence(self) -> str:
        """One line for whoever starts it."""
        match self.shelter:
            case Shelter.ITS_OWN:
                return "the liquidator is a process of its own, and acts if goflat run is killed"
            case Shelter.CONTAINER:
                return (
                    "in a container: the liquidator acts if the command is killed, but not if the "
                    "container is, with all that is in it; for that a `goflat guard` has to live "
                    "outside of it"
                )
            case Shelter.UNIT:
                unit = self.cgroup.rpartition("/")[2]
                return (
                    f"in {unit}: the liquidator acts if the command is killed, but not if goflat "
                    "run is, because systemd then ends the whole unit; for that `goflat guard` has "
                    "to be a unit of its own"
                )


def look_around(pid: int) -> Surroundings:
    """Where we live. What cannot be read is taken for the ordinary case."""
    try:
        cgroup = path_of(pid) or ""
        namespace = Path("/proc/self/ns/pid").stat().st_ino
    except OSError:
        return Surroundings(pid=pid, cgroup="", pid_namespace=_FIRST_PID_NAMESPACE)
    return Surroundings(pid=pid, cgroup=cgroup, pid_namespace=namespace)
