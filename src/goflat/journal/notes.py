"""What the audit trail says about itself: records of its own, beside those of the run.

None is written before the first event: a program that logs nothing leaves an empty file. Each
carries the correlation id of the event that was logged last.
"""

from collections.abc import Mapping
from datetime import UTC, datetime

from goflat.journal.record import Entry, EventType
from goflat.journal.segment import Segment
from goflat.journal.standing import Standing


def timestamp() -> str:
    """The time of day now, in UTC, with microseconds."""
    return datetime.now(UTC).isoformat(timespec="microseconds").replace("+00:00", "Z")


class Notes:
    """Collects what there is to say, and hands it out when there is a file to say it in."""

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._correlation_id: str | None = None
        self._from: dict[str, object] | None = None
        self._waiting: list[tuple[EventType, dict[str, object]]] = []
        self._reasons_told = 0
        self._lost_told = 0

    def about(self, entry: Entry) -> None:
        """Remember which run is being written of."""
        self._correlation_id = entry.correlation_id

    @property
    def have_a_run(self) -> bool:
        """Whether an event was logged yet, and so anything may be said."""
        return self._correlation_id is not None

    def left(self, segment: Segment, reason: str, *, again: int) -> None:
        """A file was given up; `again` of its records come once more in the next one."""
        if segment.seq == 0 and self._from is not None:
            return  # nothing stands in it: the file before it is the one that is continued
        self._from = {
            "file": segment.path.name,
            "seq": segment.seq,
            "hash": segment.last_hash,
            "because": reason,
            "written_again": again,
        }

    def opened(self, segment: Segment) -> None:
        """A file was opened: say so if it is not the one that was asked for, or not the first."""
        self._waiting = [note for note in self._waiting if note[0] is not EventType.AUDIT_MOVED]
        if (torn := segment.torn) is not None:
            self._standing.notice(f"{segment.path}: its torn last line is kept in {torn.kept_in}")
            data = {"kept_in": torn.kept_in, "bytes": torn.bytes, "sha256": torn.sha256}
            self._waiting.append((EventType.AUDIT_TORN_LINE, data))
        if segment.path != self._standing.asked or self._from is not None:
            self._waiting.append((EventType.AUDIT_MOVED, self._moved()))

    def _moved(self) -> dict[str, object]:
        return {
            "asked_for": self._standing.asked.name,
            "because": [*self._standing.degraded, *self._standing.notices],
            "continues": self._from,
        }

    def are_due(self) -> bool:
        """Whether there is something to write, and a run to write it in."""
        return self.have_a_run and (
            bool(self._waiting)
            or len(self._standing.degraded) > self._reasons_told
            or self._standing.lost > self._lost_told
        )

    def due(self) -> list[Entry]:
        """What is to be written now, each thing once."""
        if not self.are_due():
            return []
        notes = [self._note(event_type, data) for event_type, data in self._waiting]
        reasons, lost = self._standing.degraded[self._reasons_told :], self._standing.lost
        if reasons or lost > self._lost_told:
            notes.append(
                self._note(EventType.AUDIT_DEGRADED, {"reasons": reasons, "events_lost": lost})
            )
        self._waiting.clear()
        self._reasons_told += len(reasons)
        self._lost_told = lost
        return notes

    def unsynced(self, segment: Segment, waited_seconds: float) -> Entry:
        """Somebody went on before these records were known to be on the disk."""
        return self._note(
            EventType.AUDIT_DEGRADED,
            {
                "unsynced": True,
                "waited_seconds": waited_seconds,
                "after_seq": segment.synced_seq,
                "through_seq": segment.seq,
            },
        )

    def _note(self, event_type: EventType, data: Mapping[str, object]) -> Entry:
        return Entry(
            timestamp=timestamp(),
            event_type=event_type.value,
            correlation_id=self._correlation_id or "",
            data=data,
        )
