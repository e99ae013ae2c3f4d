"""The bot's word that it ends on purpose and that its positions may stay."""

import contextlib
import os
from collections.abc import Mapping

from goflat.guard.run.environment import HANDOVER

WORD = b"handover\n"
_BYTES_MAX = 4096


def handover(environ: Mapping[str, str] = os.environ) -> bool:
    """Say that this program ends on purpose, and that what it holds may stay as it is.

    Meant for `goflat run` with `on_exit = "handover"`, right before a clean end. True: it was
    taken. False: nobody asked for it. Never raises. For a shell:
    `echo handover >&$GOFLAT_HANDOVER_FD`.
    """
    try:
        return os.write(int(environ[HANDOVER]), WORD) == len(WORD)
    except (KeyError, ValueError, OSError):
        return False


class HandoverEar:
    """The end of the pipe at which the word arrives. `writer` is for the command to inherit."""

    def __init__(self) -> None:
        self._reader, self.writer = os.pipe()
        os.set_blocking(self._reader, False)
        os.set_inheritable(self.writer, True)  # noqa: FBT003
        self._said = b""

    def heard(self) -> bool:
        """Whether the word has come. Anything else that came says nothing."""
        with contextlib.suppress(BlockingIOError):
            while len(self._said) < _BYTES_MAX and (more := os.read(self._reader, _BYTES_MAX)):
                self._said += more
        return WORD.strip() in self._said.split(b"\n")

    def close_writer(self) -> None:
        """After the command has inherited it: its end has to be the end."""
        os.close(self.writer)
