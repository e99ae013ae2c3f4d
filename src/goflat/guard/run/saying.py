"""Lines on standard error that never make anybody wait."""

import contextlib
import os
import select
from collections import deque

from goflat.errors import printable

LINE_BYTES_MAX = 2000
LINES_WAITING_MAX = 200
_PREFIX = "goflat: "


class Saying:
    """Writes lines to a descriptor, as long as somebody takes them.

    A pipe that nobody reads and a terminal that somebody stopped would hold whoever writes to
    them. So it is asked first whether a line would go through; what does not is kept, up to a
    bound, and said with the next line. Without threads: processes are forked beside this.
    """

    def __init__(self, descriptor: int | None) -> None:
        self._descriptor = descriptor
        self._waiting: deque[bytes] = deque()
        self._lost = 0

    def anew(self) -> "Saying":
        """The same descriptor, for another process: what waits here is not said twice."""
        return Saying(self._descriptor)

    def __call__(self, line: str) -> None:
        """Say one line, or keep it for later."""
        text = f"{_PREFIX}{printable(line)}".encode(errors="backslashreplace")
        if len(self._waiting) == LINES_WAITING_MAX:
            self._waiting.popleft()
            self._lost += 1
        self._waiting.append(text[:LINE_BYTES_MAX] + b"\n")
        self.catch_up()

    def catch_up(self) -> None:
        """Say what could not be said before, as far as it goes through now."""
        if self._descriptor is None:
            self._waiting.clear()
            return
        with contextlib.suppress(OSError):
            if self._lost and _takes(self._descriptor):
                os.write(self._descriptor, f"{_PREFIX}{self._lost} lines were lost\n".encode())
                self._lost = 0
            while self._waiting and _takes(self._descriptor):
                os.write(self._descriptor, self._waiting[0])
                self._waiting.popleft()


def _takes(descriptor: int) -> bool:
    poll = select.poll()
    poll.register(descriptor, select.POLLOUT)
    return any(event & select.POLLOUT for _, event in poll.poll(0))
