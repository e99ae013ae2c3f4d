"""Where the events and decisions of a run go, in order."""

from typing import Protocol

from goflat.core.decision import Decision
from goflat.core.events import Event
from goflat.core.run import Liquidation
from goflat.domain.time import Instant


class Record(Protocol):
    """Takes down what happened and what followed from it. It cannot hold or stop a run."""

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        """Take down one turn of the loop. Returns at once and never raises."""
        ...

    async def flush(self, timeout_seconds: float) -> bool:
        """Wait for durability, at most that long. False: not known to be durable; go on."""
        ...
