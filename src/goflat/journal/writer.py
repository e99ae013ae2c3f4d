"""The thread that writes the audit trail.

It owns all that changes here and takes its messages one after the other, so there is nothing to
lock. It never waits for the disk itself: while a slow sync runs, records still reach the file,
where a killed process cannot take them away again. One sync of a file runs at a time and covers
all that was written before it began, so a hundred events cost one.
"""

import errno
from collections.abc import Callable
from pathlib import Path
from threading import Event, Thread
from time import monotonic, sleep

from goflat.journal.backlog import Backlog
from goflat.journal.disk import Disk, Fsync
from goflat.journal.durability import Durability
from goflat.journal.entry import entry_of
from goflat.journal.inbox import Flush, Inbox, Late, Message, Stop, Synced, Told
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
        self._durability = Durability(self._disk)
        self._sync_failures = 0
        self._notes = Notes(standing)
        self._backlog = Backlog()
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

    @property
    def lost(self) -> int:
        """How many events are in no file, and will be in none."""
        return self._standing.lost

    def stop(self) -> None:
        """Write what is here, and end. `ended` is set when that is done."""
        self._inbox.post(Stop())

    def let_go(self) -> None:
        """In a forked child: close the parent's files, or their locks would outlive the parent."""
        self.orphaned = True
        for segment in {self._segment, *self._durability.files}:
            if segment is not None:
                segment.close()

    # One turn: messages in, records out.

    def _run(self) -> None:
        self._guarded(self._open)
        self.opened.set()
        while not (self._stopping and self._durability.is_settled):
            for message in self._inbox.take(RETRY_SECONDS if self._backlog else None):
                self._guarded(self._handle, message)
            self._guarded(self._settle)
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

    def _handle(self, message: Message) -> None:
        match message:
            case Entry():
                self._notes.about(message)
                self._add(message)
            case Told():
                self._tell(message)
            case Flush():
                self._flush(message)
            case Late():
                self._late(message)
            case Synced():
                self._synced(message)
            case Stop():
                self._stopping = True
                self._retry_at = 0.0

    def _tell(self, told: Told) -> None:
        for event_type, data in told.tell():
            self._handle(entry_of(told.timestamp, event_type, told.correlation_id, data))
        # Whoever is in a hurry gets the interpreter back between two of these.
        sleep(0)

    def _settle(self) -> None:
        self._write()
        if self._segment is not None:
            self._durability.ask(self._segment)
        self._durability.deny()

    def _add(self, entry: Entry) -> None:
        if not self._backlog.add(entry):
            self._standing.lose(1, TOO_MANY)

    def _flush(self, flush: Flush) -> None:
        try:
            self._write()
        finally:
            if self._backlog or self._segment is None:
                flush.answer(durable=False)
            else:
                self._durability.flush(flush, self._segment)

    def _late(self, late: Late) -> None:
        self._write()
        if self._segment is not None and self._notes.have_a_run:
            self._add(self._notes.unsynced(self._segment, late.waited_seconds))

    # To the file.

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
            self._backlog.drop_first(done.count)
            self._durability.wrote(segment, entries[: done.count])
            self._standing.last_hash = segment.last_hash if segment.seq else None
            if done.fault is not None:
                self._refused(segment, done.fault)

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
                self._abandon(segment, reason)
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
        """Write elsewhere from now on. What the file holds is still good."""
        self._segment = None
        self._notes.left(segment, reason, again=0)
        self._durability.leave(segment)

    def _abandon(self, segment: Segment, reason: str) -> None:
        """Write elsewhere, also what this file may not hold for long."""
        self._segment = None
        again = self._durability.abandon(segment)
        self._notes.left(segment, reason, again=len(again))
        self._backlog.put_first(again)

    # From the disk.

    def _synced(self, synced: Synced) -> None:
        segment = synced.segment
        self._durability.answered(synced)
        if synced.fault is None or segment.sync_failed:
            return
        reason = f"not durable: {synced.fault}"
        self._standing.degrade(f"{segment.path}: {reason}")
        self._places.spend(segment.path)
        self._sync_failures += 1
        if segment is not self._segment:
            self._backlog.put_first(self._durability.abandon(segment))
        elif self._sync_failures < MAX_SYNC_FAILURES:
            self._abandon(segment, reason)
        else:
            # It is the disk and not the file. What is written here outlives the process at least.
            self._durability.distrust(segment)

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
