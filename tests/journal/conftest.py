"""What the audit tests share: trails on real files, and their records."""

import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from goflat.journal import AuditLogger
from goflat.journal.disk import Fsync
from goflat.journal.reader import read_lines
from goflat.journal.verify import Verdict, verify

Begin = Callable[..., AuditLogger]


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "audit.jsonl"


@pytest.fixture
def begin(path: Path) -> Iterator[Begin]:
    """Begin a trail that the test need not close."""
    begun: list[AuditLogger] = []

    def _begin(at: Path = path, fsync: Fsync | None = None) -> AuditLogger:
        logger = AuditLogger(at) if fsync is None else AuditLogger(at, fsync=fsync)
        begun.append(logger)
        return logger

    yield _begin
    for logger in begun:
        logger.close(5)


def records(path: Path) -> list[dict[str, Any]]:
    return [json.loads(line) for line in path.read_text("ascii").splitlines()]


def kinds(path: Path) -> list[str]:
    return [record["event_type"] for record in records(path)]


def verdict_on(path: Path, expect: str | None = None) -> Verdict:
    return verify(read_lines(path), expect=expect)


def found_in(path: Path, expect: str | None = None) -> list[tuple[str, int | None]]:
    return [(f.flaw.value, f.line) for f in verdict_on(path, expect).findings]
