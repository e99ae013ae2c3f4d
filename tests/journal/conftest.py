"""What the audit tests share: a place for a trail, and trails that need not be closed."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from trails import Begin

from goflat.journal import AuditLogger
from goflat.journal.disk import Fsync


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
