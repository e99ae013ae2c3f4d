"""The supervisor's hold on its liquidator: how it is born, and what is heard of it."""

import contextlib
import os
import signal
import sys
from collections.abc import Callable
from dataclasses import dataclass

from goflat.guard.processes import NotWatchable, ProcessId, boot_id, this_process
from goflat.guard.run.kernel import adopt_orphans
from goflat.guard.run.link import Gone, Here, Link, Message, linked
from goflat.guard.run.signals import ignore_all
from goflat.guard.watching import ProcessWatch, watch

Live = Callable[[Link, ProcessId], None]
"""What a liquidator does with its end of the link, and with who its supervisor is.

Returns when it is over. Called in a process of its own.
"""

_FIRST_OF_OURS = 3
_DESCRIPTORS_MAX = 1_048_576


@dataclass(slots=True, kw_only=True)
class Lifeline:
    """One liquidator, as its supervisor sees it."""

    link: Link
    process: ProcessWatch | None = None

    def tell(self, message: Message) -> bool:
        """Send it a message. False: it is gone."""
        try:
            self.link.tell(message)
        except Gone:
            return False
        return True

    def hear(self) -> Message | None:
        """What it says. None: nothing yet.

        Raises:
            Gone: it is dead, or as good as dead.
        """
        said = self.link.hear()
        if isinstance(said, Here):
            self._meet(said)
            return self.hear()
        return said

    def kill(self) -> None:
        """End it for good, and let go of it. It may be dead already."""
        if self.process is not None:
            self.process.send(signal.SIGKILL)
            self.process.close()
            self.process = None
        self.link.close()

    def _meet(self, said: Here) -> None:
        expected = ProcessId(pid=said.pid, start_ticks=said.start_ticks, boot_id=boot_id())
        with contextlib.suppress(NotWatchable):
            self.process = watch(said.pid, expected)


def born(live: Live) -> Lifeline:
    """A liquidator that is nobody's child, in a session of its own.

    Forked twice: whoever kills us with everything below us, as tools that walk the tree of
    processes do, does not find it there. Forked and not started anew: what the next one needs is in
    our memory, also when its files have been replaced or removed meanwhile.

    Raises:
        OSError: there is no process to be had.
    """
    ours, theirs = linked()
    supervisor = this_process()
    # An orphan comes to us while we adopt them; this one must not.
    adopt_orphans(wanted=False)
    try:
        middle = os.fork()
        if middle == 0:
            _leave(ours, theirs, supervisor, live)
        os.waitpid(middle, 0)
    finally:
        adopt_orphans(wanted=True)
        theirs.close()
    return Lifeline(link=ours)


def _leave(ours: Link, theirs: Link, supervisor: ProcessId, live: Live) -> None:
    """In the child: become a liquidator. Never returns."""
    try:
        os.setsid()
        # Whoever takes away the directory, or unmounts it, is not held up by us.
        os.chdir("/")
        if os.fork() == 0:
            ignore_all()
            ours.close()
            _let_go_of_everything_but(theirs.fileno())
            me = this_process()
            theirs.tell(Here(pid=me.pid, start_ticks=me.start_ticks))
            live(theirs, supervisor)
    except BaseException as error:  # noqa: BLE001 - nothing of the supervisor's may run in here
        with contextlib.suppress(OSError):
            os.write(2, f"goflat: the liquidator failed: {type(error).__name__}\n".encode())
    finally:
        os._exit(0)


def _let_go_of_everything_but(descriptor: int) -> None:
    """Keep standard error and one descriptor. Somebody may wait for the end of the others."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.dup2(nowhere, 1)
    os.closerange(_FIRST_OF_OURS, descriptor)
    os.closerange(descriptor + 1, _DESCRIPTORS_MAX)
    sys.stdout = sys.stderr
