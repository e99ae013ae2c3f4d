"""The thread that waits for the disk, so that nobody else has to."""

from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from goflat.journal.inbox import Inbox, Synced
from goflat.journal.segment import Segment

Fsync = Callable[[int], object]
"""Makes the data of a file descriptor durable, or raises OSError."""


class Disk:
    """Makes one file at a time durable, and posts to the writer how it went."""

    def __init__(self, inbox: Inbox, fsync: Fsync) -> None:
        self._inbox = inbox
        self._fsync = fsync
        self._jobs: SimpleQueue[tuple[Segment, int] | None] = SimpleQueue()
        self.thread = Thread(target=self._run, name="goflat-audit-disk", daemon=True)
        self.busy_with: Segment | None = None

    def sync(self, segment: Segment) -> None:
        """Begin to make a file durable, as far as it is written now."""
        self.busy_with = segment
        self._jobs.put((segment, segment.seq))

    def stop(self) -> None:
        """End the thread once the disk has answered."""
        self._jobs.put(None)

    def _run(self) -> None:
        while (job := self._jobs.get()) is not None:
            segment, seq = job
            fault: Exception | None = None
            try:
                segment.sync(self._fsync)
            except Exception as error:  # noqa: BLE001 - however it fails, it is not durable
                fault = error
            self._inbox.post(Synced(segment=segment, seq=seq, fault=fault))
