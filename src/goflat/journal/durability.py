"""What of the trail is known to be on the disk, and who waits to hear it."""

from collections.abc import Sequence
from dataclasses import dataclass

from goflat.journal.disk import Disk
from goflat.journal.inbox import Flush, Synced
from goflat.journal.record import Entry
from goflat.journal.segment import Segment


@dataclass(frozen=True, slots=True, kw_only=True)
class _Waiting:
    """A question, and how far which files have to be on the disk before it is answered yes."""

    flush: Flush
    marks: dict[Segment, int]

    def is_over(self) -> bool:
        return all(segment.synced_seq >= seq for segment, seq in self.marks.items())


class Durability:
    """Follows every file from its records being written to their being on the disk.

    A file that is left for another stays here until the disk has answered for the last time.
    """

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._left: set[Segment] = set()
        self._waiting: list[_Waiting] = []
        self._denied: list[Flush] = []

    @property
    def is_settled(self) -> bool:
        """Whether no answer of the disk is still to come."""
        return not self._disk.busy_with

    @property
    def files(self) -> frozenset[Segment]:
        """The files that were left, and those of which the disk has not answered."""
        return self._disk.busy_with | self._left

    def wrote(self, segment: Segment, entries: Sequence[Entry]) -> None:
        """Remember records just written, the last of which is the file's last."""
        for seq, entry in enumerate(entries, segment.seq - len(entries) + 1):
            segment.unproven.add(seq, entry)

    def ask(self, segment: Segment) -> None:
        """Ask the disk for what is not on it, unless it is being asked already."""
        if segment.sync_failed or segment in self._disk.busy_with:
            return
        if segment.synced_seq < segment.seq:
            self._disk.sync(segment)

    def leave(self, segment: Segment) -> None:
        """Nothing more is written to this file: ask for the rest of it once more, then close."""
        self._left.add(segment)
        if segment.synced_seq < segment.seq and not segment.sync_failed:
            self._disk.sync(segment)
        self._close_if_done(segment)

    def abandon(self, segment: Segment) -> list[Entry]:
        """Believe this file no more. What is not known to be on the disk is handed back."""
        segment.sync_failed = True
        self._left.add(segment)
        self._deny_those_who_wait_for(segment)
        self._close_if_done(segment)
        return segment.unproven.take_all()

    def answered(self, synced: Synced) -> None:
        """Take an answer of the disk. After a bad one `abandon` or `distrust` the file."""
        segment = synced.segment
        self._disk.answered(segment)
        if synced.fault is None:
            segment.synced_seq = max(segment.synced_seq, synced.seq)
            segment.unproven.proven(synced.seq)
            self._tell()
        if synced.fault is None or segment.sync_failed:
            self._close_if_done(segment)

    def distrust(self, segment: Segment) -> None:
        """Go on writing to a file whose sync failed, and never ask the disk about it again."""
        segment.sync_failed = True
        self._deny_those_who_wait_for(segment)

    def flush(self, flush: Flush, segment: Segment) -> None:
        """Answer once everything written so far is on the disk, or it is known not to be."""
        if segment.sync_failed:
            self._denied.append(flush)
            return
        # What stood in an abandoned file stands in this one by now.
        files = {segment, *(file for file in self._left if not file.sync_failed)}
        self._waiting.append(_Waiting(flush=flush, marks={file: file.seq for file in files}))
        self._tell()

    def deny(self) -> None:
        """Answer those who waited for a file that failed, now that its records may be elsewhere."""
        for flush in self._denied:
            flush.answer(durable=False)
        self._denied.clear()

    def _tell(self) -> None:
        for waiting in [waiting for waiting in self._waiting if waiting.is_over()]:
            self._waiting.remove(waiting)
            waiting.flush.answer(durable=True)

    def _deny_those_who_wait_for(self, segment: Segment) -> None:
        for waiting in [waiting for waiting in self._waiting if segment in waiting.marks]:
            self._waiting.remove(waiting)
            self._denied.append(waiting.flush)

    def _close_if_done(self, segment: Segment) -> None:
        if segment in self._left and segment not in self._disk.busy_with:
            self._left.remove(segment)
            segment.close()
