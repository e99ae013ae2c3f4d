"""What a run asks of its audit trail."""

from collections.abc import Mapping
from typing import Protocol


class Audit(Protocol):
    """Where a run writes what it does, in order. It can lose evidence; it can never hurt the run.

    Nothing here raises and nothing here holds an event loop. What could not be kept is said in
    `degraded`, and the run goes on.
    """

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        """Take one event, as it is now, to be written. Returns at once and never raises.

        `event_type` is one of `goflat.journal.record.EventType`, or any other text.
        """
        ...

    async def flush(self, timeout_seconds: float = 0.05) -> bool:
        """Wait until everything logged so far is on the disk, at most `timeout_seconds`.

        False: not known to be there. Then `degraded` says so, and so will the trail; go on.
        """
        ...

    @property
    def last_hash(self) -> str | None:
        """The hash of the last record written; None before the first. For `verify --expect`."""
        ...

    @property
    def degraded(self) -> tuple[str, ...]:
        """Why the evidence is less than it should be, in words. Empty: it is all there."""
        ...
