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
    """The terminal that we stand in front of."""

    def __init__(self, descriptor: int) -> None:
        self._descriptor = descriptor
        self._group = os.getpgrp()

    @classmethod
    def in_front_of_us(cls) -> Self | None:
        """The terminal of this session, if our group is in its foreground."""
        try:
            descriptor = os.open(_DEVICE, os.O_RDWR | os.O_NOCTTY | os.O_CLOEXEC)
        except OSError:
            return None
        terminal = cls(descriptor)
        if terminal.is_ours:
            return terminal
        os.close(descriptor)
        return None

    @property
    def is_ours(self) -> bool:
        """Whether our group is in the foreground now."""
        return self._front() == self._group

    @property
    def has_shell(self) -> bool:
        """Whether there is somebody else in this session who can wake us from a stop."""
        return os.getsid(0) != os.getpid()

    def give(self, group: int) -> None:
        """Put a group into the foreground. SIGTTOU has to be ignored or blocked."""
        self._put(group)

    def take_back(self, group: int) -> None:
        """Put ourselves into the foreground again, if that group is still there."""
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
