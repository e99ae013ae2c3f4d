"""Events on their way to the disk: those not written yet, and those written but not proven there.

Both are bounded, in number and in characters.
"""

from collections import deque
from collections.abc import Iterable
from itertools import islice

from goflat.journal.record import Entry

MAX_WAITING = 32_768
"""Events that may wait to be written."""

MAX_WAITING_SIZE = 32 * 1024 * 1024
"""Characters of all events that may wait to be written."""

MAX_UNPROVEN_SIZE = 8 * 1024 * 1024
"""Characters of written events that are kept, to be written again elsewhere if a sync fails."""


class Backlog:
    """Events not written yet, in order. When there are too many, the newest are refused."""

    def __init__(self) -> None:
        self._entries: deque[Entry] = deque()
        self._size = 0

    def __len__(self) -> int:
        return len(self._entries)

    def add(self, entry: Entry) -> bool:
        """Put one event last, if there is room for it."""
        if len(self._entries) >= MAX_WAITING or self._size + entry.size > MAX_WAITING_SIZE:
            return False
        self._entries.append(entry)
        self._size += entry.size
        return True

    def put_first(self, entries: Iterable[Entry]) -> None:
        """Put events before all others. Few, or such as were in here before: not refused."""
        first = list(entries)
        self._entries.extendleft(reversed(first))
        self._size += sum(entry.size for entry in first)

    def first(self, count: int) -> list[Entry]:
        """The next events to write, left where they are."""
        return list(islice(self._entries, count))

    def drop_first(self, count: int) -> None:
        """Forget the next events: they are written."""
        for _ in range(count):
            self._size -= self._entries.popleft().size


class Unproven:
    """Events that are in a file and not yet known to survive a power cut."""

    def __init__(self) -> None:
        self._entries: deque[tuple[int, Entry]] = deque()
        self._size = 0

    def add(self, seq: int, entry: Entry) -> None:
        """Keep one. When it is too much, the oldest go: they are in the file, after all."""
        self._entries.append((seq, entry))
        self._size += entry.size
        while self._size > MAX_UNPROVEN_SIZE or len(self._entries) > MAX_WAITING:
            self._forget_first()

    def proven(self, seq: int) -> None:
        """Forget all up to a record: they are on the disk."""
        while self._entries and self._entries[0][0] <= seq:
            self._forget_first()

    def take_all(self) -> list[Entry]:
        """All of them, to be written elsewhere."""
        entries = [entry for _, entry in self._entries]
        self._entries.clear()
        self._size = 0
        return entries

    def _forget_first(self) -> None:
        self._size -= self._entries.popleft()[1].size
