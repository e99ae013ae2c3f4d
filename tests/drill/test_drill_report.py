"""The report says what was seen: nothing is ticked that did not hold, and nothing is left out."""

import json
from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from goflat.drill.catalogue import CATALOGUE
from goflat.drill.judge import GUARANTEES
from goflat.drill.play import Outcome, play_all
from goflat.drill.report import Place, Report, Trail
from goflat.drill.report_markdown import markdown
from goflat.drill.resources import Resources
from goflat.drill.scenario import Tick
from goflat.drill.stage import embedded
from goflat.journal import AuditLogger
from goflat.journal.reader import read_lines
from goflat.journal.verify import Verdict, verify

NAME = "partial-failure"
BEFORE = Resources(memory_mib=50.0, descriptors=5, threads=("MainThread",))
SECTIONS = [
    "# Emergency liquidation: verification report",
    "## Executive summary",
    "## Test environment",
    "## Scenario 1: Partial failure",
    "### Configuration",
    "### Setup",
    "### Results",
    "### Validation checks",
    "## Security and safety validation",
    "## Performance and resources",
    "## Audit trail",
    "## Issues encountered",
    "## Recommendations",
    "## Sign-off",
]


@pytest.fixture(scope="module")
def report(tmp_path_factory: pytest.TempPathFactory) -> Report:
    """Of one scenario that was really played."""
    import asyncio

    audit = AuditLogger(tmp_path_factory.mktemp("drill") / "audit.jsonl")
    outcomes: list[Outcome] = []
    asyncio.run(
        play_all([CATALOGUE[NAME]], embedded, audit, begin=lambda _: None, tell=outcomes.append)
    )
    audit.close()
    return Report(
        place=Place(account="its own", environment="simulated"),
        started=datetime(2026, 1, 2, 3, 4, 5, tzinfo=UTC),
        seconds=1.5,
        outcomes=tuple(outcomes),
        before=BEFORE,
        after=BEFORE,
        trail=Trail(
            file=audit.path,
            last_hash=audit.last_hash,
            verdict=verify(read_lines(audit.path), expect=audit.last_hash),
        ),
    )


def test_it_has_every_section_in_its_order(report: Report) -> None:
    headings = [line for line in markdown(report).splitlines() if line.startswith("#")]

    assert headings == SECTIONS


def test_it_tells_configuration_results_and_evidence(report: Report) -> None:
    text = markdown(report)

    assert "**Date**: 2026-01-02 03:04:05 UTC" in text
    assert "max_retries = 3" in text
    assert "BNBUSDT LONG 0.06: open: HTTP 400: code -1122" in text
    assert "ORDER_REJECTED x4" in text
    assert "- [x] 2 position(s) closed and 1 failed, by the result's own count: 2 and 1" in text
    assert f"--expect {report.trail.last_hash}" in text
    assert "- [ ]" not in text
    assert all(text.count(guarantee) == 2 for guarantee in GUARANTEES)


def test_it_passes_and_names_no_issue(report: Report) -> None:
    document = json.loads(json.dumps(report.to_dict()))

    assert report.passed
    assert document["issues"] == []
    assert document["sign_off"]["verdict"] == "PASSED"
    assert document["scenarios"][0]["results"][0]["state"] == "PARTIAL"
    assert document["scenarios"][0]["configuration"]["quiet_seconds"] == 0.3


def against(trail: Trail, *, expect: str) -> Verdict:
    assert trail.file is not None
    return verify(read_lines(trail.file), expect=expect)


UNPLAYED = Outcome(scenario=CATALOGUE[NAME], problem="!")
LIE = Tick(text="What goflat says agrees with what is so", holds=False, evidence="it does not")
SPOILT: dict[str, tuple[Callable[[Report], Report], str]] = {
    "a tick that does not hold": (
        lambda r: replace(r, outcomes=(replace(r.outcomes[0], ticks=(LIE,)),)),
        "partial-failure: What goflat says agrees with what is so: it does not",
    ),
    "a scenario that could not be played": (
        lambda r: replace(r, outcomes=(*r.outcomes, UNPLAYED)),
        "partial-failure: !",
    ),
    "a thread that hangs": (
        lambda r: replace(r, after=replace(BEFORE, threads=("MainThread", "stuck"))),
        "No thread is left hanging: stuck",
    ),
    "a descriptor that stays open": (
        lambda r: replace(r, after=replace(BEFORE, descriptors=6)),
        "Every file descriptor was given back: 5 before, 6 after",
    ),
    "memory that grows": (
        lambda r: replace(r, after=replace(BEFORE, memory_mib=150.0)),
        "Memory grew by less than 64 MiB: 50.0 MiB before, 150.0 MiB after",
    ),
    "an audit file whose end is gone": (
        lambda r: replace(r, trail=replace(r.trail, verdict=against(r.trail, expect="0"))),
        "The audit file is intact to its last hash: the expected hash is not in this file",
    ),
}


@pytest.mark.parametrize(("spoil", "issue"), SPOILT.values(), ids=SPOILT)
def test_whatever_is_not_so_is_an_issue_and_no_pass(
    report: Report, spoil: Callable[[Report], Report], issue: str
) -> None:
    spoilt = spoil(report)

    assert not spoilt.passed
    assert any(found.startswith(issue) for found in spoilt.issues())
    assert "❌ NOT PASSED" in markdown(spoilt)
    assert "Do not rely on this installation" in markdown(spoilt)
    assert spoilt.to_dict()["exit_code"] == 1


def test_nothing_played_is_no_pass(report: Report) -> None:
    skipped = Outcome(scenario=CATALOGUE[NAME], skipped="not here")

    assert not replace(report, outcomes=(skipped,)).passed
    assert not replace(report, outcomes=()).passed


def test_text_of_a_venue_does_not_become_markup(report: Report) -> None:
    evil = Tick(text="<b>x</b>", holds=True, evidence="\x1b[31m*red*\n# heading")

    text = markdown(replace(report, outcomes=(replace(report.outcomes[0], ticks=(evil,)),)))

    assert "- [x] \\<b\\>x\\</b\\>: \\[31m\\*red\\*# heading" in text
    assert "\x1b" not in text
