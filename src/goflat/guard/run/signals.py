"""The signals that come to `goflat run`, as events of its one loop."""

import os
import signal
import socket
from types import FrameType, TracebackType
from typing import Self

ENDING = frozenset({signal.SIGTERM, signal.SIGINT, signal.SIGQUIT})
"""Somebody wants the command to end."""

TO_COMMAND = ENDING | {signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
"""Passed on to the command itself, as if it stood where we stand."""

TO_GROUP = frozenset({signal.SIGWINCH, signal.SIGTSTP, signal.SIGCONT})
"""What a terminal says to a whole group, passed on to the group of the command."""

_BATCH_BYTES = 256


class SignalInbox:
    """Takes every signal that matters, without doing anything in its handler.

    A signal that was ignored when we were started (`nohup`, a shell's background job) stays so, for
    us and for the command.
    """

    def __init__(self) -> None:
        self._reader, self._writer = socket.socketpair()
        self._before: dict[int, signal._HANDLER] = {}
        self._wakeup = -1

    def __enter__(self) -> Self:
        self._reader.settimeout(0)
        self._writer.settimeout(0)
        self._wakeup = signal.set_wakeup_fd(self._writer.fileno(), warn_on_full_buffer=False)
        for number in sorted(TO_COMMAND | TO_GROUP | {signal.SIGCHLD}):
            if signal.getsignal(number) is not signal.SIG_IGN:
                self._before[number] = signal.signal(number, _note)
        # Who has given its terminal away must not be stopped for speaking to it.
        self._before[signal.SIGTTOU] = signal.signal(signal.SIGTTOU, signal.SIG_IGN)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        signal.set_wakeup_fd(self._wakeup)
        self._reader.close()
        self._writer.close()

    def fileno(self) -> int:
        return self._reader.fileno()

    def take(self) -> list[int]:
        """The signals that came, in order. Equal ones that came at once may be one."""
        try:
            return list(self._reader.recv(_BATCH_BYTES))
        except BlockingIOError:
            return []

    def as_before(self) -> None:
        """In a process that is about to execute something else: nothing of ours is left behind.

        Handlers are undone by the kernel; what is ignored is not.
        """
        handler = self._before.get(signal.SIGTTOU)
        if handler is not signal.SIG_IGN:
            signal.signal(signal.SIGTTOU, signal.SIG_DFL)


def _note(number: int, frame: FrameType | None) -> None:
    """The number is in the inbox already."""


def ignore_all() -> None:
    """For the liquidator: nothing but a SIGKILL ends it before it is done."""
    signal.set_wakeup_fd(-1)
    numbers = TO_COMMAND | TO_GROUP | {signal.SIGTTOU, signal.SIGTTIN, signal.SIGPIPE}
    for number in sorted(numbers):
        signal.signal(number, signal.SIG_IGN)
    signal.signal(signal.SIGCHLD, signal.SIG_DFL)


def send_to_group(group: int, number: int) -> None:
    """Signal a group that may be gone."""
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):
        return
