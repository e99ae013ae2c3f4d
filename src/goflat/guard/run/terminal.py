"""The terminal, and whose group stands in front of it.

A terminal sends Ctrl-C and Ctrl-Z to the group in its foreground, whole. The command has a group of
its own, so that it can be told from whatever else the shell started beside us; so it is put into
the foreground, and gets each of them exactly once, from the terminal itself. What comes to us was
meant for us alone, and is passed on: again exactly once.
"""

import os
from typing import Self

_DEVICE = "/dev/tty"


class Terminal:
    """The terminal of our session, whether we stand in front of it or not."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._group = os.getpgrp()

    @classmethod
    def of_our_session(cls) -> Self | None:
        """The terminal, where there is one."""
        try:
            return cls(os.open(_DEVICE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC))
        except OSError:
            return None

    @property
    def has_shell(self) -> bool:
        """Whether there is somebody else in this session who can wake us from a stop."""
        return os.getsid(0) != os.getpid()

    def give(self, group: int) -> None:
        """Put a group into the foreground in our place. SIGTTOU has to be ignored."""
        if self._front() == self._group:
            self._put(group)

    def take_back(self, group: int) -> None:
        """Put ourselves into the foreground in its place."""
        if self._front() == group:
            self._put(self._group)

    def _front(self) -> int | None:
        try:
            return os.tcgetpgrp(self._descriptor)
        except OSError:
            return None

    def _put(self, group: int) -> None:
        try:
            os.tcsetpgrp(self._descriptor, group)
        except OSError:
            # The terminal is gone, or the group is: there is nobody to stand in front of it.
            return
