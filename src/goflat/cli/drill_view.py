"""What `goflat drill` shows: one line a scenario, and under it whatever was not as it should be."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from textwrap import wrap
from types import MappingProxyType
from typing import TextIO

import click

from goflat.cli.voice import writer_to
from goflat.drill.play import Outcome
from goflat.drill.report import Place, Report, status
from goflat.drill.scenario import Scenario
from goflat.errors import printable

MARKS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "PASSED": ("PASS", "green"),
        "FAILED": ("FAIL", "red"),
        "SKIPPED": ("SKIP", "yellow"),
    }
)
NAME_WIDTH = 24
WIDTH = 66
"""Of the explanations below a line."""


class DrillView:
    """Writes as things happen; in a terminal also what is being played now."""

    def __init__(self, stream: TextIO | None) -> None:
        self._write = writer_to(stream)
        self._is_terminal = stream is not None and stream.isatty()
        self._has_colour = self._is_terminal and not os.environ.get("NO_COLOR")

    def head(self, place: Place) -> None:
        """Where it is played."""
        where = "the embedded venue, over sockets: no keys, no money"
        if not place.is_embedded:
            where = f"account {place.account}, {place.environment}"
        self._line(printable(f"Fire drill on {where}."))
        if not place.is_embedded:
            self._line("It keeps to the venue's limits, and may wait a minute between scenarios.")
        self._line("")

    def begin(self, scenario: Scenario) -> None:
        """Show what is being played, where a line can be taken back."""
        if self._is_terminal:
            self._write(f"  ....  {scenario.name:<{NAME_WIDTH}}\r")

    def outcome(self, outcome: Outcome) -> None:
        """How one ended."""
        word, colour = MARKS[status(outcome)]
        scenario = outcome.scenario
        seconds = f"{outcome.seconds:4.1f} s" if outcome.skipped is None else " " * 6
        shows = scenario.shows if outcome.skipped is None else ""
        line = f"  {self._styled(word, colour)}  {scenario.name:<{NAME_WIDTH}}{seconds}  {shows}"
        self._line(line.rstrip())
        for trouble in _troubles(outcome):
            indent = " " * (8 + len(trouble) - len(trouble.lstrip()))
            for part in wrap(printable(trouble.strip()), WIDTH, break_on_hyphens=False):
                self._line(f"{indent}{part}")

    def end(self, report: Report, *, report_file: Path | None) -> None:
        """How all of them ended, and where the evidence is."""
        counts = report.counts()
        skipped = f", {counts['skipped']} skipped" if counts["skipped"] else ""
        verdict = f"{counts['passed']} of {counts['total']} passed{skipped}"
        self._line("")
        self._line(
            f"{self._styled(verdict, 'green' if report.passed else 'red')} in "
            f"{report.seconds:.1f} s, judged by the venue's own books."
        )
        for tick in (*report.security(), *report.resources()):
            if not tick.holds:
                self._line(printable(f"NOT SO: {tick.text}: {tick.evidence}"))
        if report_file is not None:
            self._line(printable(f"report  {report_file}"))
        if report.trail.file is not None:
            self._line(printable(f"audit   {report.trail.file}"))
            self._line(f"hash    {report.trail.last_hash}")

    def _line(self, text: str) -> None:
        self._write(f"{text}\n")

    def _styled(self, text: str, colour: str) -> str:
        return click.style(text, fg=colour, bold=True) if self._has_colour else text


def _troubles(outcome: Outcome) -> Iterator[str]:
    """Whatever was not as it should be."""
    if outcome.problem is not None:
        yield outcome.problem
    if outcome.skipped is not None:
        yield outcome.skipped
    for tick in outcome.ticks:
        if not tick.holds:
            yield f"NOT SO: {tick.text}"
            yield f"        {tick.evidence}"
