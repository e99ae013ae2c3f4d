"""Where the trail may be written: the file asked for, or else one beside it."""

import os
from collections.abc import Iterator
from pathlib import Path

from goflat.journal.segment import Segment, open_segment
from goflat.journal.standing import Standing
from goflat.journal.unusable import Busy, Device, NoAccess, Occupied

MAX_FILES_BESIDE = 8


class Places:
    """Opens the first file that can be written, and says in `standing` why it is not another.

    A file that failed once is `spent`: after a failed sync the same file may look well again
    without being so.
    """

    def __init__(self, standing: Standing) -> None:
        self._standing = standing
        self._spent: set[Path] = set()

    def spend(self, path: Path) -> None:
        """Never write to this file again."""
        self._spent.add(path)

    def open(self) -> Segment | None:
        """The file to write to now, locked. None: there is none, and `degraded` says why."""
        for path in self._candidates():
            if path in self._spent:
                continue
            try:
                return open_segment(path)
            except Busy as busy:
                self._standing.notice(str(busy))
            except Occupied as occupied:
                self._standing.degrade(str(occupied))
            except Device as device:
                self._standing.degrade(str(device))
                return None
            except NoAccess as error:
                self._standing.degrade(str(error))
                if path != self._standing.asked:
                    return None
        return None

    def _candidates(self) -> Iterator[Path]:
        asked = self._standing.asked
        yield asked
        yield asked.with_name(f"{asked.stem}.{os.getpid()}{asked.suffix}")
        for number in range(2, MAX_FILES_BESIDE + 1):
            yield asked.with_name(f"{asked.stem}.{os.getpid()}.{number}{asked.suffix}")
