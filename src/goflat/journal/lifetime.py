"""When a process ends or forks: what its audit trails do then.

At the end each trail gets a moment to write what it still has. A forked child has none of its
parent's threads and must not write into the parent's file, so it lets go of everything that it
inherited; its loggers begin anew with the first event, in a file of their own.
"""

import atexit
import logging
import os
from time import monotonic
from weakref import WeakSet

from goflat.journal.writer import Writer

EXIT_SECONDS = 1.0
"""How long the end of a program waits for what is still to be written, for all trails together."""

_LOG = logging.getLogger("goflat.audit")
_WRITERS: WeakSet[Writer] = WeakSet()


def look_after(writer: Writer) -> None:
    """Remember a writer for the end of this process, and for its forks."""
    _WRITERS.add(writer)


def _end() -> None:
    until = monotonic() + EXIT_SECONDS
    writers = [writer for writer in _WRITERS if writer.started and not writer.ended.is_set()]
    for writer in writers:
        writer.stop()
    for writer in writers:
        if not writer.ended.wait(max(0.0, until - monotonic())):
            _LOG.critical("the audit trail %s may lack its last events", writer.path)
        elif writer.lost:
            _LOG.critical("the audit trail %s lacks %d events", writer.path, writer.lost)


def _after_fork_in_child() -> None:
    for writer in list(_WRITERS):
        writer.let_go()
    _WRITERS.clear()


atexit.register(_end)
os.register_at_fork(after_in_child=_after_fork_in_child)
