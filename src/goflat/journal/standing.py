"""How the audit trail stands: what anybody may read while the writer's thread writes."""

from pathlib import Path
from threading import RLock

_MAX_REASONS = 32


class Standing:
    """The file really written, its last hash, and everything that is not as it should be.

    A *reason* in `degraded` means that evidence is missing, is not durable, or is not where it
    was asked for. A *notice* is worth knowing and takes nothing away. Both stay: what was once
    not so is not made so by what comes later. `lost` counts events that are in no file and will
    be in none. Each field is replaced whole, so that any thread can read it.
    """

    def __init__(self, asked: Path) -> None:
        self.asked = asked
        self.path = asked
        self.last_hash: str | None = None
        self.lost = 0
        # Reentrant: a signal handler may lose an event while its own thread is in here.
        self._lock = RLock()
        self._degraded: dict[str, None] = {}
        self._notices: dict[str, None] = {}

    @property
    def degraded(self) -> tuple[str, ...]:
        return tuple(self._degraded)

    @property
    def notices(self) -> tuple[str, ...]:
        return tuple(self._notices)

    def lose(self, count: int, reason: str) -> None:
        """Count events that are lost, and say why."""
        with self._lock:
            self.lost += count
        self.degrade(reason)

    def degrade(self, reason: str) -> None:
        """Say, once, that the evidence is less than it should be."""
        if len(self._degraded) < _MAX_REASONS:
            self._degraded.setdefault(reason)

    def notice(self, text: str) -> None:
        """Say, once, something that takes nothing from the evidence."""
        if len(self._notices) < _MAX_REASONS:
            self._notices.setdefault(text)
