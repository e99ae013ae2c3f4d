"""Audit files on the disk, read back by the tests."""

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

from goflat.journal import AuditLogger
from goflat.journal.reader import read_lines
from goflat.journal.verify import Verdict, verify

Begin = Callable[..., AuditLogger]


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def kinds(path: Path) -> list[str]:
    return [record["event_type"] for record in records(path)]


def verdict_on(path: Path, expect: str | None = None) -> Verdict:
    return verify(read_lines(path), expect=expect)


def found_in(path: Path, expect: str | None = None) -> list[tuple[str, int | None]]:
    return [(f.flaw.value, f.line) for f in verdict_on(path, expect).findings]
