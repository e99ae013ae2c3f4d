"""What the audit writer is told, in the order in which it was said.

Anybody may put something in, from any thread, a signal handler included; one thread takes it out.
Events are refused when too many wait, so that a disk that hangs costs evidence and not memory.
"""

from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from queue import Empty, SimpleQueue
from threading import RLock
from typing import Protocol, TypeAlias

from goflat.journal.backlog import MAX_WAITING, MAX_WAITING_SIZE
from goflat.journal.record import Entry
from goflat.journal.segment import Segment

MAX_MESSAGES = 256
"""Messages taken in one go."""

TOLD_SIZE = 1024

Tell: TypeAlias = Callable[[], Iterable[tuple[str, Mapping[str, object]]]]
"""Says event types and their data."""


class Answer(Protocol):
    """Takes the answer to a question, in the writer's thread."""

    def __call__(self, *, durable: bool) -> object: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Flush:
    """Somebody asks whether all that was logged before this is on the disk, and waits."""

    answer: Answer


@dataclass(frozen=True, slots=True, kw_only=True)
class Late:
    """Somebody waited this long for the disk, and went on without it."""

    waited_seconds: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Synced:
    """An attempt to make a file durable up to a record has ended. `fault`: it failed, and how."""

    segment: Segment
    seq: int
    fault: Exception | None


@dataclass(frozen=True, slots=True)
class Stop:
    """Write what is here, make it durable, close the file."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Told:
    """Events that are put into words in the writer's thread, out of values that never change.

    `timestamp` is when they happened. `size` is what they are taken to weigh until then.
    """

    timestamp: str
    correlation_id: str
    tell: Tell
    size: int = TOLD_SIZE


Message: TypeAlias = Entry | Told | Flush | Late | Synced | Stop


class Inbox:
    """The way into the writer's thread."""

    def __init__(self) -> None:
        self._queue: SimpleQueue[Message] = SimpleQueue()
        # Reentrant: a signal handler may log while its own thread is in here.
        self._lock = RLock()
        self._count = 0
        self._size = 0

    def offer(self, entry: Entry | Told) -> bool:
        """Take an event if there is room for it. False: there is none."""
        with self._lock:
            if self._count >= MAX_WAITING or self._size + entry.size > MAX_WAITING_SIZE:
                return False
            self._count += 1
            self._size += entry.size
            self._queue.put(entry)
            return True

    def post(self, message: Flush | Late | Synced | Stop) -> None:
        """Take anything else. Each belongs to one call that waits, so they are few."""
        self._queue.put(message)

    def take(self, timeout_seconds: float | None) -> list[Message]:
        """The next messages, in order. Empty when none came in time."""
        messages: list[Message] = []
        try:
            messages.append(self._queue.get(timeout=timeout_seconds))
            while len(messages) < MAX_MESSAGES:
                messages.append(self._queue.get_nowait())
        except Empty:
            # That was all: the writer works in batches of what is there.
            pass
        self._make_room([message for message in messages if isinstance(message, Entry | Told)])
        return messages

    def _make_room(self, entries: list[Entry | Told]) -> None:
        with self._lock:
            self._count -= len(entries)
            self._size -= sum(entry.size for entry in entries)
