"""The command: started in a group of its own, with everything that it inherits untouched."""

import os
import shutil
import signal
import subprocess
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from goflat.guard.processes import ProcessId, read_process
from goflat.guard.run.endings import CommandEnd
from goflat.guard.run.signals import send_to_group


@dataclass(slots=True, kw_only=True)
class Command:
    """The command while it runs, and how it ended. Only its parent may hold one."""

    id: ProcessId
    _process: "subprocess.Popen[bytes]"
    end: CommandEnd | None = None

    @property
    def group(self) -> int:
        return self.id.pid

    def send(self, number: int) -> None:
        """Signal the command itself. Until it is reaped its number is nobody else's."""
        if self.end is None:
            os.kill(self.id.pid, number)

    def send_to_all(self, number: int) -> None:
        """Signal the group that it leads."""
        send_to_group(self.group, number)

    def reaped(self, status: int) -> None:
        """Take note of what the kernel said when it was reaped."""
        if os.WIFSIGNALED(status):
            self.end = CommandEnd(signal=os.WTERMSIG(status))
        else:
            self.end = CommandEnd(code=os.WEXITSTATUS(status))
        # Whoever looks after forgotten children has to know that this one is done.
        self._process.returncode = self.end.exit_code


def found(argv: Sequence[str], environ: Mapping[str, str]) -> bool:
    """Whether there is such a command. One that is there may still be none that can be executed."""
    is_path = "/" in argv[0] and Path(argv[0]).exists()
    return is_path or shutil.which(argv[0], path=environ.get("PATH")) is not None


def start(argv: Sequence[str], environ: Mapping[str, str], before: Callable[[], None]) -> Command:
    """Start the command. `before` runs in the new process, once it has its group.

    Everything that was inherited stays as it was: standard streams, other descriptors, directory,
    limits, and the signals that were ignored.

    Raises:
        OSError: it cannot be executed; nothing was started.
    """
    process = subprocess.Popen(  # noqa: S603 - it is what was asked for, and no shell reads it
        list(argv),
        env=dict(environ),
        close_fds=False,
        process_group=0,
        preexec_fn=before,  # noqa: PLW1509 - nobody has a thread here
    )
    seen = read_process(process.pid)
    assert seen is not None, "a child that nobody has reaped is there"
    return Command(id=seen.id, _process=process)


def is_job_stop(number: int) -> bool:
    """Whether a stop came from a terminal, and not from whoever froze it."""
    return number in {signal.SIGTSTP, signal.SIGTTIN, signal.SIGTTOU}
