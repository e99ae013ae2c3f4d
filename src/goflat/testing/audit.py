"""An audit trail in memory, for tests."""

import hashlib
from collections.abc import Mapping
from copy import deepcopy
from typing import NamedTuple


class Logged(NamedTuple):
    """One event, as it was when it was logged."""

    event_type: str
    correlation_id: str
    data: dict[str, object]


class MemoryAudit:
    """Keeps `goflat.ports.journal.Audit`, and shows what was logged.

    `degraded` and `durable` are there to be set: the reasons that it gives, and what `flush`
    answers. `flushes` counts how often somebody waited, `logged_at_flush` how many events there
    were each time, so that a test can tell which act had its intent written before it.
    """

    def __init__(self, *, degraded: tuple[str, ...] = (), durable: bool = True) -> None:
        self.events: list[Logged] = []
        self.degraded = degraded
        self.durable = durable
        self.logged_at_flush: list[int] = []
        self._hash = hashlib.sha256()

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        event = Logged(str(event_type), correlation_id, deepcopy(dict(data)))
        self.events.append(event)
        self._hash.update(repr(event).encode("utf-8", "backslashreplace"))

    async def flush(self, timeout_seconds: float = 0.05) -> bool:  # noqa: ARG002 - the port's
        self.logged_at_flush.append(len(self.events))
        return self.durable

    @property
    def flushes(self) -> int:
        """How often somebody waited for the disk."""
        return len(self.logged_at_flush)

    @property
    def last_hash(self) -> str | None:
        """A hash of everything logged so far; None before the first event."""
        return self._hash.hexdigest() if self.events else None

    def of(self, event_type: str) -> list[Logged]:
        """The events of one type, in order."""
        return [event for event in self.events if event.event_type == event_type]

    def types(self) -> list[str]:
        """What happened, in order, as words."""
        return [event.event_type for event in self.events]
