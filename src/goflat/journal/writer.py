"""The thread that writes the audit trail.

It owns all that changes here and takes its messages one after the other, so there is nothing to
lock. It never waits for the disk itself: while a slow sync runs, records still reach the file,
where a killed process cannot take them away again. One sync runs at a time and covers all that
was written before it began, so a hundred events cost one.
"""

import errno
from collections import deque
from collections.abc import Callable, Sequence
from pathlib import Path
from threading import Event, Thread
from time import monotonic

from goflat.journal.backlog import Backlog, Unproven
from goflat.journal.disk import Disk, Fsync
from goflat.journal.inbox import Flush, Inbox, Late, Message, Stop, Synced
from goflat.journal.notes import Notes
from goflat.journal.places import Places
from goflat.journal.record import Entry
from goflat.journal.segment import Segment
from goflat.journal.standing import Standing

RETRY_SECONDS = 1.0
"""How long a full disk, or a place that cannot be written, is left alone."""

MAX_WRITTEN_AT_ONCE = 256

MAX_SYNC_FAILURES = 2
"""After one failed sync another file is tried; after this many it is the disk."""

TOO_MANY = "more events came than the disk takes, and some are lost"

_DISK_FULL = frozenset({errno.ENOSPC, errno.EDQUOT})


class Writer:
    """Takes what is in the inbox to a file, chained, and says in `standing` how it went."""

    def __init__(self, standing: Standing, inbox: Inbox, fsync: Fsync) -> None:
        self.opened = Event()
        self.ended = Event()
        self.orphaned = False
        self._standing = standing
        self._inbox = inbox
        self._disk = Disk(inbox, fsync)
        self._thread = Thread(target=self._run, name="goflat-audit", daemon=True)
        self._places = Places(standing)
        self._segment: Segment | None = None
        self._notes = Notes(standing)
        self._backlog = Backlog()
        self._unproven = Unproven()
        self._flushes: deque[tuple[int, Flush]] = deque()
        self._denied: list[Flush] = []
        self._sync_failures = 0
        self._retry_at = 0.0
        self._stopping = False

    def start(self) -> None:
        """Start the threads, or those of them that could not be started before.

        Raises:
            RuntimeError: the system has no thread to give now.
        """
        for thread in (self._disk.thread, self._thread):
            if thread.ident is None:
                thread.start()

    @property
    def started(self) -> bool:
        """Whether there is a thread that takes what is in the inbox."""
        return self._thread.ident is not None

    @property
    def path(self) -> Path:
        """The file that it writes to now, or would like to."""
        return self._standing.path

    def stop(self) -> None:
        """Write what is here, and end. `ended` is set when that is done."""
        self._inbox.post(Stop())

    def let_go(self) -> None:
        """In a forked child: close the parent's files, or their locks would outlive the parent."""
        self.orphaned = True
        for segment in {self._segment, self._disk.busy_with}:
            if segment is not None:
                segment.close()

    # One turn: messages in, records out.

    def _run(self) -> None:
        self._guarded(self._open)
        self.opened.set()
        while not (self._stopping and self._disk.busy_with is None):
            messages = self._inbox.take(RETRY_SECONDS if self._backlog else None)
            self._guarded(self._handle, messages)
        self._guarded(self._end)
        self._disk.stop()
        self.ended.set()

    def _guarded(self, act: Callable[..., None], *given: object) -> None:
        try:
            act(*given)
        except Exception as error:  # noqa: BLE001 - a bug here may cost evidence, never a run
            reason = f"the audit writer failed: {type(error).__name__}: {error}"
            self._standing.degrade(reason)
            self._lose_backlog(reason)

    def _handle(self, messages: Sequence[Message]) -> None:
        for message in messages:
            match message:
                case Entry():
                    self._notes.about(message)
                    self._add(message)
                case Flush():
                    self._write()
                    self._flush(message)
                case Late():
                    self._write()
                    self._late(message)
                case Synced():
                    self._synced(message)
                case Stop():
                    self._stopping = True
                    self._retry_at = 0.0
        self._write()
        self._sync()
        self._deny()

    # To the file.

    def _add(self, entry: Entry) -> None:
        if not self._backlog.add(entry):
            self._standing.lose(1, TOO_MANY)

    def _write(self) -> None:
        """Write all that waits, if there is a file that takes it.

        Ends: each time around something is written, a file is spent for good, or the rest waits
        for the next attempt.
        """
        while (self._backlog or self._notes.are_due()) and monotonic() >= self._retry_at:
            segment = self._file()
            if segment is None:
                self._retry_at = monotonic() + RETRY_SECONDS
                return
            self._backlog.put_first(self._notes.due())
            entries = self._backlog.first(MAX_WRITTEN_AT_ONCE)
            done = segment.append(entries)
            self._written(segment, entries[: done.count])
            if done.fault is not None:
                self._refused(segment, done.fault)

    def _written(self, segment: Segment, entries: Sequence[Entry]) -> None:
        self._backlog.drop_first(len(entries))
        for seq, entry in enumerate(entries, segment.seq - len(entries) + 1):
            self._unproven.add(seq, entry)
        self._standing.last_hash = segment.last_hash

    def _refused(self, segment: Segment, fault: OSError) -> None:
        self._standing.degrade(f"{segment.path}: {fault.strerror}")
        if fault.errno in _DISK_FULL:
            self._retry_at = monotonic() + RETRY_SECONDS
        else:
            self._places.spend(segment.path)
            self._leave(segment, str(fault.strerror))

    def _file(self) -> Segment | None:
        """The file to write to now: the one that is open, if it is still what it was."""
        if (segment := self._segment) is not None:
            if reason := segment.displaced():
                self._standing.degrade(f"{segment.path}: {reason}")
                self._leave(segment, reason)
            elif segment.renamed():
                self._standing.notice(f"{segment.path}: it was renamed, a new file goes on")
                self._leave(segment, "it was renamed")
        if self._segment is None:
            self._open()
        return self._segment

    def _open(self) -> None:
        self._segment = self._places.open()
        if self._segment is not None:
            self._standing.path = self._segment.path
            self._standing.last_hash = self._segment.last_hash if self._segment.seq else None
            self._notes.opened(self._segment)

    def _leave(self, segment: Segment, reason: str) -> None:
        """Give a file up. What was not proven to be on the disk is written again elsewhere."""
        again = self._unproven.take_all()
        self._notes.left(segment, reason, again=len(again))
        self._backlog.put_first(again)
        self._denied.extend(flush for _, flush in self._flushes)
        self._flushes.clear()
        self._segment = None
        if self._disk.busy_with is not segment:
            segment.close()

    # To the disk.

    def _sync(self) -> None:
        segment = self._segment
        if segment is None or segment.sync_failed or self._disk.busy_with is not None:
            return
        if segment.seq > segment.synced_seq:
            self._disk.sync(segment)

    def _synced(self, synced: Synced) -> None:
        segment = synced.segment
        self._disk.busy_with = None
        if segment is not self._segment:
            segment.close()
        elif synced.fault is None:
            segment.synced_seq = synced.seq
            self._unproven.proven(synced.seq)
            while self._flushes and self._flushes[0][0] <= synced.seq:
                self._flushes.popleft()[1].answer(durable=True)
        else:
            self._not_durable(segment, f"not durable: {synced.fault}")

    def _not_durable(self, segment: Segment, reason: str) -> None:
        self._standing.degrade(f"{segment.path}: {reason}")
        self._sync_failures += 1
        if self._sync_failures < MAX_SYNC_FAILURES:
            self._places.spend(segment.path)
            self._leave(segment, reason)
        else:
            # Then it is the disk and not the file. What is written here outlives the process at
            # least; the disk is not asked again.
            segment.sync_failed = True
            self._denied.extend(flush for _, flush in self._flushes)
            self._flushes.clear()

    # To those who wait.

    def _flush(self, flush: Flush) -> None:
        segment = self._segment
        if self._backlog or segment is None or segment.sync_failed:
            flush.answer(durable=False)
        elif segment.synced_seq == segment.seq:
            flush.answer(durable=True)
        else:
            self._flushes.append((segment.seq, flush))

    def _deny(self) -> None:
        """Answer those whose records a failed file held, now that they stand elsewhere if any."""
        for flush in self._denied:
            flush.answer(durable=False)
        self._denied.clear()

    def _late(self, late: Late) -> None:
        if self._segment is not None:
            self._add(self._notes.unsynced(self._segment, late.waited_seconds))

    # The end.

    def _end(self) -> None:
        segment, self._segment = self._segment, None
        self._lose_backlog("the trail ended before some events could be written")
        if segment is not None:
            segment.close()

    def _lose_backlog(self, reason: str) -> None:
        if self._backlog:
            self._standing.lose(len(self._backlog), reason)
            self._backlog.drop_first(len(self._backlog))
