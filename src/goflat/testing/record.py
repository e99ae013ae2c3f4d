"""A record that keeps what it was given, and can be replayed."""

from functools import reduce
from typing import NamedTuple

from goflat.core.decision import Decision
from goflat.core.events import Event
from goflat.core.liquidation import advance
from goflat.core.run import Liquidation
from goflat.domain.time import Instant


class Turn(NamedTuple):
    """One turn of the loop."""

    now: Instant
    event: Event
    decision: Decision[Liquidation]


class MemoryRecord:
    """Every turn of a run, in order."""

    def __init__(self) -> None:
        self.turns: list[Turn] = []

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        self.turns.append(Turn(now, event, decision))

    async def flush(self, timeout_seconds: float) -> bool:  # noqa: ARG002
        return True


def replay(run: Liquidation, turns: list[Turn]) -> Liquidation:
    """Fold the events of a record over the run as it was at its trigger."""
    return reduce(lambda run, turn: advance(run, turn.event, turn.now).now_is, turns, run)
