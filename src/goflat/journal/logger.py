"""The audit trail of a program: what it logs goes to a file, and nothing comes back at it."""

import asyncio
import contextlib
import os
from collections.abc import Mapping
from pathlib import Path
from queue import Empty, SimpleQueue
from weakref import finalize

from goflat.journal.disk import Fsync
from goflat.journal.entry import entry_of
from goflat.journal.inbox import Flush, Inbox, Late, Stop, Tell, Told
from goflat.journal.lifetime import EXIT_SECONDS, look_after
from goflat.journal.notes import timestamp
from goflat.journal.record import Entry
from goflat.journal.standing import Standing
from goflat.journal.writer import TOO_MANY, Writer

FLUSH_SECONDS = 0.05
"""How long an intent waits for the disk before the request goes without it."""

OPEN_SECONDS = 0.02
"""How long a new logger waits to learn which file it got. After that it learns it later."""


class AuditLogger:
    """Writes events to a hash-chained file of JSON lines. Keeps `goflat.ports.journal.Audit`.

    Nothing in it raises once it is built, and no call but `close` and `flush_sync` takes longer
    than it takes to put the data in a queue: a full disk, a file that cannot be written or a sync
    that hangs cost evidence, and `degraded` says so.

    A file that exists is continued. What is not an audit trail is left alone and the trail goes
    to `audit.<pid>.jsonl` beside it; so it does when another process writes the file already,
    which `notices` tell. `path` is the file really written.

    `fsync` is for tests: what makes the data of a file descriptor durable.
    """

    def __init__(self, path: str | os.PathLike[str], *, fsync: Fsync = os.fdatasync) -> None:
        self._asked = _absolute(Path(path))
        self._fsync = fsync
        self._closed = False
        self._begin()
        self._writer.opened.wait(OPEN_SECONDS)

    def log_event(self, event_type: str, correlation_id: str, data: Mapping[str, object]) -> None:
        """Take one event, as it is now, to be written. Returns at once and never raises.

        Decimals become plain digits; secrets, and what has no form in JSON, are named and not
        shown; what is too long or too deep is cut where it says so.
        """
        try:
            self._keep(entry_of(timestamp(), event_type, correlation_id, data))
        except Exception as error:  # noqa: BLE001 - evidence may be lost, a run may not
            self._standing.lose(1, f"an event could not be taken: {type(error).__name__}")

    def log_later(self, correlation_id: str, tell: Tell) -> None:
        """Take what `tell` will say, and let the writer's thread ask it. Never raises.

        For a caller whose time is dear: what `tell` says has to be made of values that never
        change, because it is asked later. The events carry the time of this call.
        """
        try:
            now = timestamp()
            self._keep(Told(timestamp=now, correlation_id=correlation_id, tell=tell))
        except Exception as error:  # noqa: BLE001 - evidence may be lost, a run may not
            self._standing.lose(1, f"an event could not be taken: {type(error).__name__}")

    async def flush(self, timeout_seconds: float = FLUSH_SECONDS) -> bool:
        """Wait until everything logged so far is on the disk, at most `timeout_seconds`.

        False: not known to be there, or something is lost already. Then `degraded` says so, the
        trail will, and the caller goes on.
        """
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()

        def tell(*, durable: bool) -> None:
            # A loop that has ended has nobody who waits.
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, answer, durable)

        if not self._ask(Flush(answer=tell)):
            return False
        try:
            async with asyncio.timeout(max(0.0, timeout_seconds)):
                return await answer and self._complete
        except TimeoutError:
            return self._late(timeout_seconds)

    def flush_sync(self, timeout_seconds: float = FLUSH_SECONDS) -> bool:
        """`flush` for code without an event loop. Blocks its thread."""
        answers: SimpleQueue[bool] = SimpleQueue()
        if not self._ask(Flush(answer=lambda *, durable: answers.put(durable))):
            return False
        try:
            return answers.get(timeout=max(0.0, timeout_seconds)) and self._complete
        except Empty:
            return self._late(timeout_seconds)

    def close(self, timeout_seconds: float = EXIT_SECONDS) -> bool:
        """Write what is still to be written, and let go of the file. Blocks its thread.

        False: it took longer, or something is lost. What is logged after this is lost too. The
        end of the program does the same for a trail that nobody closed.
        """
        writer = self._here()
        self._closed = True
        if not writer.started:
            return False
        writer.stop()
        return writer.ended.wait(max(0.0, timeout_seconds)) and self._complete

    @property
    def path(self) -> Path:
        """The file really written, as far as is known now."""
        self._here()
        return self._standing.path

    @property
    def last_hash(self) -> str | None:
        """The hash of the last record written by this logger, for `goflat audit verify --expect`.

        None before the first. A record is in the file when its hash is here.
        """
        self._here()
        return self._standing.last_hash

    @property
    def degraded(self) -> tuple[str, ...]:
        """Why evidence is missing, not durable, or not where it was asked for. Empty: it is not."""
        self._here()
        return self._standing.degraded

    @property
    def notices(self) -> tuple[str, ...]:
        """What is worth knowing and takes nothing from the evidence, such as another file name."""
        self._here()
        return self._standing.notices

    def _begin(self) -> None:
        self._standing = Standing(self._asked)
        self._inbox = Inbox()
        self._writer = Writer(self._standing, self._inbox, self._fsync)
        look_after(self._writer)
        # Forgotten without `close`: what was logged is still written, and nobody waits for it.
        finalize(self, self._inbox.post, Stop()).atexit = False
        self._start()

    def _start(self) -> None:
        try:
            self._writer.start()
        except RuntimeError as error:
            self._standing.degrade(f"no thread to write the trail: {error}")

    def _here(self) -> Writer:
        """The writer of this process, begun if there is none: threads do not survive a fork."""
        if self._writer.orphaned:
            self._begin()
        elif not self._writer.started:
            self._start()
        return self._writer

    def _keep(self, entry: Entry | Told) -> None:
        self._here()
        if self._closed:
            self._standing.lose(1, "an event came after the trail was closed")
        elif not self._inbox.offer(entry):
            self._standing.lose(1, TOO_MANY)

    def _ask(self, flush: Flush) -> bool:
        if self._closed or not self._here().started:
            return False
        self._inbox.post(flush)
        return True

    def _late(self, waited_seconds: float) -> bool:
        self._standing.degrade(f"events were not on the disk within {waited_seconds:g} s")
        self._inbox.post(Late(waited_seconds=waited_seconds))
        return False

    @property
    def _complete(self) -> bool:
        return self._standing.lost == 0


def _settle(answer: "asyncio.Future[bool]", durable: bool) -> None:  # noqa: FBT001
    if not answer.done():
        answer.set_result(durable)


def _absolute(path: Path) -> Path:
    # A working directory that is gone is no reason to fail here: opening will say it.
    try:
        return path.absolute()
    except OSError:
        return path
