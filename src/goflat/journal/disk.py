"""The thread that waits for the disk, so that nobody else has to."""

from collections import Counter
from collections.abc import Callable
from queue import SimpleQueue
from threading import Thread

from goflat.journal.inbox import Inbox, Synced
from goflat.journal.segment import Segment

Fsync = Callable[[int], object]
"""Makes the data of a file descriptor durable, or raises OSError."""


class Disk:
    """Makes files durable, one after the other, and posts to the writer how it went."""

    def __init__(self, inbox: Inbox, fsync: Fsync) -> None:
        self._inbox = inbox
        self._fsync = fsync
        self._jobs: SimpleQueue[tuple[Segment, int] | None] = SimpleQueue()
        self._asked: Counter[Segment] = Counter()
        self.thread = Thread(target=self._run, name="goflat-audit-disk", daemon=True)

    def sync(self, segment: Segment) -> None:
        """Begin to make a file durable, as far as it is written now."""
        self._asked[segment] += 1
        self._jobs.put((segment, segment.seq))

    def answered(self, segment: Segment) -> None:
        """Take note that one answer about a file has come."""
        self._asked[segment] -= 1
        self._asked += Counter()

    @property
    def busy_with(self) -> frozenset[Segment]:
        """The files about which an answer is still to come."""
        return frozenset(self._asked)

    def stop(self) -> None:
        """End the thread once the disk has answered."""
        self._jobs.put(None)

    def _run(self) -> None:
        failed: set[Segment] = set()
        while (job := self._jobs.get()) is not None:
            segment, seq = job
            fault = self._fault(segment) if segment not in failed else OSError("it failed before")
            if fault is not None:
                failed.add(segment)
            self._inbox.post(Synced(segment=segment, seq=seq, fault=fault))

    def _fault(self, segment: Segment) -> Exception | None:
        try:
            segment.sync(self._fsync)
        except Exception as error:  # noqa: BLE001 - however it fails, it is not durable
            return error
        return None
