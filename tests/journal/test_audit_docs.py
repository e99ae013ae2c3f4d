"""The page about the audit trail says what is so."""

import re
import shutil
import subprocess
from pathlib import Path

import pytest
from trails import Begin

from goflat.journal import EventType, backlog, lifetime, logger, plain
from goflat.journal.verify import Flaw

PAGE = (Path(__file__).parents[2] / "docs" / "audit.md").read_text()


@pytest.mark.parametrize("event_type", EventType)
def test_every_event_type_is_explained(event_type: EventType) -> None:
    assert f"| `{event_type}` |" in PAGE


@pytest.mark.parametrize("flaw", Flaw)
def test_every_finding_is_explained(flaw: Flaw) -> None:
    assert f"| `{flaw.value}` |" in PAGE


def test_the_numbers_are_those_of_the_program() -> None:
    for number in (plain.MAX_TEXT, plain.MAX_ITEMS, plain.MAX_SIZE, backlog.MAX_WAITING):
        assert f"{number:,}" in PAGE
    assert f"after {plain.MAX_DEPTH} levels" in PAGE
    assert f"at most {logger.FLUSH_SECONDS * 1000:.0f} ms" in PAGE
    assert f"at most {lifetime.EXIT_SECONDS:.0f} s" in PAGE


def test_the_program_on_the_page_checks_a_trail(path: Path, begin: Begin) -> None:
    if shutil.which("perl") is None:
        pytest.skip("there is no perl here to run the program on the page")
    (program,) = re.findall(r"```perl\n(.*?)```", PAGE, re.DOTALL)
    audit = begin()
    for number in range(5):
        audit.log_event("READING", "liq_1", {"number": number, "text": 'é "quoted", \x1b'})
    assert audit.flush_sync(5)

    def check() -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            ["perl", "-e", program, str(path)], capture_output=True, text=True, check=False
        )

    assert check().stdout == f"5 records, last hash {audit.last_hash}\n"

    path.write_bytes(path.read_bytes().replace(b'"number":3', b'"number":4'))
    assert check().stderr == "line 4: edited\n"

    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[:1] + lines[2:]))
    assert check().stderr == "line 2: not in its place\n"
