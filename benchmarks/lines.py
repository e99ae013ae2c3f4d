"""How the processes of a benchmark talk: one JSON value a line, over their standard streams."""

import sys
from dataclasses import dataclass
from typing import TypeVar

import msgspec

from benchmarks.place import Place
from benchmarks.work import Work

Value = TypeVar("Value")


@dataclass(frozen=True, slots=True, kw_only=True)
class Scene:
    """What a contestant is told before the clock starts."""

    contestant: str
    rest_url: str
    work: Work
    scratch: str
    place: Place
    profile: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """What a contestant said at its end, and when, by its own clock.

    `says_flat` is its own verdict; `proves` whether it showed that by readings of positions and
    both books, begun after its last act. `knows_ms` counts from the start of its run.
    """

    says_flat: bool
    proves: bool
    knows_ms: float = 0.0
    cpu_ms: float = 0.0
    words: str = ""


def say(value: object) -> None:
    """Send one value to whoever started this process."""
    sys.stdout.buffer.write(msgspec.json.encode(value) + b"\n")
    sys.stdout.buffer.flush()


def understand(line: bytes, kind: type[Value]) -> Value:
    """Read one value of a kind. Raises msgspec.ValidationError on anything else."""
    return msgspec.json.decode(line, type=kind)
