"""The trail that was asked for and is nowhere: nothing can be kept, and that is said."""

from collections.abc import Mapping


class AbsentTrail:
    """Keeps `goflat.ports.journal.Audit` where a configuration names no file that could be used.

    Not the same as no trail at all: somebody wanted evidence and does not get it.
    """

    def __init__(self, reason: str) -> None:
        self.degraded: tuple[str, ...] = (reason,)
        self.last_hash: str | None = None

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        """Nothing: there is no file."""

    async def flush(self, timeout_seconds: float = 0.05) -> bool:  # noqa: ARG002 - the port's
        """False at once."""
        return False
