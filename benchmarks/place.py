"""Where a process of the benchmark runs: on which core, and whether ahead of everything else."""

import os
from dataclasses import dataclass

REALTIME_PRIORITY = 5


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """`core` None is anywhere. `is_realtime` keeps everybody else off that core meanwhile."""

    core: int | None = None
    is_realtime: bool = False

    def take(self) -> None:
        """Move this process there.

        Raises:
            PermissionError: the system gives this user no real-time priority.
        """
        if self.core is not None:
            os.sched_setaffinity(0, {self.core})
        if self.is_realtime:
            os.sched_setscheduler(0, os.SCHED_RR, os.sched_param(REALTIME_PRIORITY))


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """One for the venue and one for the client, never on the same core if there are two."""

    venue: Place
    client: Place

    @classmethod
    def here(cls, *, is_realtime: bool = False) -> "Places":
        """The last two cores that this process may use; with only one, nobody is bound to it."""
        usable = sorted(os.sched_getaffinity(0))
        client, venue = usable[-2:] if len(usable) > 1 else (None, None)
        return cls(
            venue=Place(core=venue, is_realtime=is_realtime),
            client=Place(core=client, is_realtime=is_realtime),
        )
