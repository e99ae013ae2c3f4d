"""How far the run of an account has got, on disk: what a guard that was killed reads at its start.

Two slots in one file, written in turn, each with its number and its checksum. So a write that was
torn leaves the one before it, and nothing has to be opened or renamed when it matters.
"""

import asyncio
import contextlib
import hashlib
import json
import os
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from pathlib import Path
from queue import SimpleQueue

from goflat.core.guarding.effects import RunPhase
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import Severity
from goflat.domain.position import LegKey, PositionSide
from goflat.errors import GoflatError
from goflat.guard.state_directory import make_directory

SLOT_BYTES = 65_536
_VERSION = 1
_OPEN = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC


class DamagedRunFile(GoflatError):
    """Something is written there, and not one whole record."""


@dataclass(frozen=True, slots=True, kw_only=True)
class RunNote:
    """One run: why, how far it has got, and what is still its business.

    `remnant` None: it has seen nothing yet, so all of its scope is. In phase HELD `held` says how
    much of each position may be open.
    """

    latch: Latch
    phase: RunPhase
    remnant: Remnant | None = None
    held: Mapping[LegKey, Decimal] | None = None


class RunFile:
    """The record of one account. Opened, with the thread that waits for the disk, when it arms.

    Raises:
        Unusable: the state directory cannot be used.
        OSError: the file cannot be opened.
    """

    def __init__(self, account: str, directory: Path) -> None:
        descriptor = make_directory(directory)
        try:
            self._file = os.open(f"run.{account}.slots", _OPEN, 0o600, dir_fd=descriptor)
        finally:
            os.close(descriptor)
        with contextlib.suppress(OSError):
            # The room is taken while there is some: a disk that fills up later takes it still.
            os.posix_fallocate(self._file, 0, 2 * SLOT_BYTES)
        self._number = max((number for number, _ in self._slots()), default=0)
        self._jobs: SimpleQueue[Callable[[], None] | None] = SimpleQueue()
        self._thread = threading.Thread(target=self._work, name="goflat-run-file", daemon=True)
        self._thread.start()

    def read(self) -> RunNote | None:
        """The newest whole record; None: there never was one.

        Raises:
            DamagedRunFile: there was, and none of it is whole.
        """
        slots = sorted(self._slots(), key=lambda slot: slot[0])
        if slots:
            # Another guard may have written since this one opened it.
            self._number = max(self._number, slots[-1][0])
            return slots[-1][1]
        if any(os.pread(self._file, 2 * SLOT_BYTES, 0).strip(b"\0 \n")):
            raise DamagedRunFile("the record of the last run is damaged")
        return None

    def keep(self, note: RunNote) -> "asyncio.Future[bool]":
        """Write a record, soon. The future says whether it is on the disk; nobody has to wait."""
        loop = asyncio.get_running_loop()
        answer: asyncio.Future[bool] = loop.create_future()
        content = _as_bytes(note)

        def job() -> None:
            kept = self._write(content)
            with contextlib.suppress(RuntimeError):
                loop.call_soon_threadsafe(_settle, answer, kept)

        self._jobs.put(job)
        return answer

    def close(self) -> None:
        """Let go of it. What is still to be written is written."""
        self._jobs.put(None)

    def _work(self) -> None:
        while (job := self._jobs.get()) is not None:
            job()
        os.close(self._file)

    def _write(self, content: bytes) -> bool:
        number = self._number + 1
        head = f"{number} {_checksum(number, content)} ".encode()
        slot = head + content + b"\n"
        place = (number % 2) * SLOT_BYTES
        try:
            if os.pwrite(self._file, slot.ljust(SLOT_BYTES, b" "), place) != SLOT_BYTES:
                return False
            os.fdatasync(self._file)
        except OSError:
            return False
        self._number = number
        return True

    def _slots(self) -> list[tuple[int, RunNote]]:
        found = []
        for place in (0, SLOT_BYTES):
            with contextlib.suppress(ValueError, KeyError, TypeError, InvalidOperation):
                found.append(_parsed(os.pread(self._file, SLOT_BYTES, place)))
        return found


def _checksum(number: int, content: bytes) -> str:
    return hashlib.sha256(f"{number} ".encode() + content).hexdigest()


def _as_bytes(note: RunNote) -> bytes:
    content = _dump(note, note.remnant)
    if len(content) > SLOT_BYTES - 200:
        # Too much to be named: then all of the scope is its business again.
        content = _dump(note, None)
    return content


def _dump(note: RunNote, remnant: Remnant | None) -> bytes:
    latch = note.latch
    said = {
        "version": _VERSION,
        "run_id": latch.run_id,
        "severity": latch.severity.value,
        "reason": latch.reason[:1000],
        "by": latch.by[:200],
        "since": latch.since,
        "phase": note.phase.value,
        "symbols": None if remnant is None else sorted(remnant.symbols),
        "legs": None if remnant is None else _rows(remnant.legs),
        "held": _rows(note.held or {}),
    }
    return json.dumps(said).encode()


def _rows(legs: Mapping[LegKey, Decimal | None]) -> list[list[str | None]]:
    return [
        [key.symbol, key.side.value, None if most is None else format(most, "f")]
        for key, most in legs.items()
    ]


def _parsed(slot: bytes) -> tuple[int, RunNote]:
    """One slot. Raises ValueError, KeyError or TypeError where it is not a whole record."""
    number, checksum, content = slot.rstrip(b" \n\0").split(b" ", 2)
    if _checksum(int(number), content).encode() != checksum:
        raise ValueError("torn")
    said = json.loads(content)
    if said["version"] != _VERSION:
        raise ValueError("another version")
    latch = Latch(
        run_id=said["run_id"],
        severity=Severity(said["severity"]),
        reason=said["reason"],
        by=said["by"],
        since=said["since"],
    )
    remnant = None
    if said["legs"] is not None:
        remnant = Remnant(symbols=frozenset(said["symbols"]), legs=_legs(said["legs"]))
    held = {key: most for key, most in _legs(said["held"]).items() if most is not None}
    return int(number), RunNote(
        latch=latch, phase=RunPhase(said["phase"]), remnant=remnant, held=held
    )


def _legs(rows: list[list[str | None]]) -> dict[LegKey, Decimal | None]:
    return {
        LegKey(str(symbol), PositionSide(side)): None if most is None else Decimal(most)
        for symbol, side, most in rows
    }


def _settle(answer: "asyncio.Future[bool]", kept: bool) -> None:  # noqa: FBT001
    if not answer.done():
        answer.set_result(kept)
