"""Results on the disk: one JSON file a benchmark, named by when it began."""

from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

import msgspec

from benchmarks.race import Run

FOLDER = Path("results")
PREFIX = "benchmarks-"


@dataclass(frozen=True, slots=True, kw_only=True)
class Results:
    """Everything that one benchmark measured, and under what conditions.

    `load_before` is what else the machine had to do when it began, as a number of processes.
    """

    began_at: datetime
    command: str
    machine: str
    load_before: float
    runs: tuple[Run, ...]


def now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


def save(results: Results, folder: Path = FOLDER) -> Path:
    """Write a results file, and say where."""
    folder.mkdir(parents=True, exist_ok=True)
    path = folder / f"{PREFIX}{results.began_at:%Y%m%dT%H%M%SZ}.json"
    path.write_bytes(msgspec.json.format(msgspec.json.encode(results), indent=1))
    return path


def load(path: Path) -> Results:
    """Read a results file. Raises msgspec.DecodeError where it is none."""
    return msgspec.json.decode(path.read_bytes(), type=Results)


def newest(folder: Path = FOLDER) -> Path | None:
    """The results file that was begun last; None where there is none."""
    return max(folder.glob(f"{PREFIX}*.json"), default=None)
