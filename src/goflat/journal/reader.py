"""The lines of an audit file, one at a time, however large the file is."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

from goflat.journal.record import MAX_LINE_BYTES, Parsed, parse


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """One line of a file. `parsed` is None when it is no record; `ended`: a newline closes it."""

    number: int
    parsed: Parsed | None
    ended: bool


def read_lines(path: Path) -> Iterator[Line]:
    """Read a file from its first line to its last. Never more than one line is in memory.

    Raises:
        OSError: the file cannot be read.
    """
    with path.open("rb") as file:
        number = 0
        while text := file.readline(MAX_LINE_BYTES + 1):
            number += 1
            ended = text.endswith(b"\n") or _skip_to_newline(file, text)
            yield Line(number=number, parsed=parse(text[:-1]) if ended else None, ended=ended)


def _skip_to_newline(file: BinaryIO, text: bytes) -> bool:
    """Go over the rest of a line too long to be ours. False: the file ended before the line."""
    while text and not text.endswith(b"\n"):
        text = file.readline(MAX_LINE_BYTES)
    return text.endswith(b"\n")
