"""Somebody else's audit trail, held to what the port promises: it loses evidence, never the run.

A trail that raises would otherwise end the emergency before its first cancel, and one that never
answers would hold its result for ever.
"""

import asyncio
import logging
from collections.abc import Callable, Mapping
from typing import Any

from goflat.ports.journal import Audit

_log = logging.getLogger("goflat")

LATE_SECONDS = 0.02
"""How much longer than it was told to wait a trail may take to say so."""


class UnfailingAudit:
    """Keeps `goflat.ports.journal.Audit` over a trail that may not.

    What it raises is taken note of in `degraded`, once for each kind, and goes no further.
    """

    def __init__(self, audit: Audit) -> None:
        self._audit = audit
        self._faults: tuple[str, ...] = ()
        if callable(later := getattr(audit, "log_later", None)):
            # Ours puts events into words off the loop; who has not this is told them in words.
            self.log_later: Callable[..., None] = later

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        """Hand one event over; where that fails it is lost, and `degraded` says so."""
        try:
            self._audit.log_event(event_type, correlation_id, data)
        except Exception as fault:  # noqa: BLE001 - evidence is lost, the run goes on
            self._note("log_event", fault)

    async def flush(self, timeout_seconds: float = 0.05) -> bool:
        """Wait at most that long, whatever the trail does."""
        try:
            async with asyncio.timeout(timeout_seconds + LATE_SECONDS):
                return bool(await self._audit.flush(timeout_seconds))
        except Exception as fault:  # noqa: BLE001 - TimeoutError included: not known to be there
            self._note("flush", fault)
            return False

    @property
    def last_hash(self) -> str | None:
        """The trail's own; None where it cannot say."""
        said = self._asked("last_hash")
        return said if isinstance(said, str) else None

    @property
    def degraded(self) -> tuple[str, ...]:
        """The trail's own reasons, and what it raised."""
        said = self._asked("degraded")
        return (*(tuple(map(str, said)) if isinstance(said, tuple) else ()), *self._faults)

    def _asked(self, name: str) -> Any:
        try:
            return getattr(self._audit, name)
        except Exception as fault:  # noqa: BLE001 - it cannot say, and nothing depends on it
            self._note(name, fault)
            return None

    def _note(self, what: str, fault: Exception) -> None:
        said = f"the audit trail's {what} failed: {type(fault).__name__}"
        if said not in self._faults:
            self._faults = (*self._faults, said)
            _log.warning("%s", said)
