"""What `goflat audit` shows: the same facts for a person and for a program.

Whatever an audit file holds may come from a venue, or from whoever changed the file. Nothing of
it reaches a terminal but printable ASCII.
"""

import json
from collections import OrderedDict
from collections.abc import Iterator, Sequence
from datetime import datetime
from pathlib import Path

from goflat.cli.refusal import to_dict
from goflat.errors import Mistake, printable
from goflat.journal.reader import Line
from goflat.journal.record import EventType, Record
from goflat.journal.verify import Verdict

MAX_RUNS = 10_000
"""Runs whose start is remembered, for times relative to it."""

_OPENING = '{"events": ['
_MAX_VALUE = 160
_MAX_DETAILS = 1_000


def refused(mistakes: Sequence[Mistake]) -> dict[str, object]:
    """What --json prints when the file or the command cannot be used."""
    return {"intact": None, "mistakes": [to_dict(mistake) for mistake in mistakes]}


def as_dict(file: Path, verdict: Verdict) -> dict[str, object]:
    """A verdict, JSON-ready."""
    expected = verdict.expected
    return {
        "file": str(file),
        "intact": verdict.intact,
        "records": verdict.records,
        "last_seq": verdict.last_seq,
        "last_hash": verdict.last_hash,
        "findings": [finding.to_dict() for finding in verdict.findings],
        "findings_left_out": verdict.findings_left_out,
        "notes": list(verdict.notes),
        "expected": expected
        and {
            "line": expected.line,
            "seq": expected.seq,
            "following": expected.following,
        },
        "mistakes": [],
    }


def lines(file: Path, verdict: Verdict) -> Iterator[str]:
    """A verdict for a person: the findings first, the sum of it last."""
    for finding in verdict.findings:
        place = "" if finding.line is None else f"line {finding.line}: "
        yield f"  x {place}{finding.text}"
    if verdict.findings_left_out:
        yield f"  x and {verdict.findings_left_out} more findings"
    for note in verdict.notes:
        yield f"  - {note}"
    if verdict.expected is not None:
        found = verdict.expected
        yield f"  - the expected hash is line {found.line}; {found.following} records follow it"
    word = "intact" if verdict.intact else "NOT INTACT"
    end = f"{verdict.records} records, last hash {verdict.last_hash}"
    yield f"{printable(str(file))}: {word}, {end}"


class TextView:
    """The events for a person, one line each, under a heading for each change of the run."""

    def __init__(self, run: str | None) -> None:
        self.found = False
        self._run = run
        self._heading: str | None = None
        self._starts: OrderedDict[str, datetime] = OrderedDict()

    def see(self, line: Line) -> Iterator[str]:
        """What to print of one line of the file."""
        if line.parsed is None:
            yield f"! line {line.number} is no audit record"
            return
        record = line.parsed.record
        since = self._since_start(record)
        if self._run not in (None, record.correlation_id):
            return
        self.found = True
        if record.correlation_id != self._heading:
            self._heading = record.correlation_id
            yield f"{_ascii(record.correlation_id)}  {_ascii(record.timestamp[:10])} UTC"
        mark = " " if line.parsed.sound else "!"
        time, event = _ascii(record.timestamp[11:26]), _ascii(record.event_type)
        yield f"{mark} {time:<15} {since:>12}  {event:<20}  {_details(record.data)}".rstrip()

    def end(self, rest: dict[str, object]) -> Iterator[str]:  # noqa: ARG002 - as JsonView
        """What to print at the end of the file: nothing, the events were all."""
        yield from ()

    def _since_start(self, record: Record) -> str:
        """Seconds since the start of the run, by the times that the records carry."""
        try:
            at = datetime.fromisoformat(record.timestamp)
            if record.event_type == EventType.LIQUIDATION_START:
                self._starts[record.correlation_id] = at
                if len(self._starts) > MAX_RUNS:
                    self._starts.popitem(last=False)
            start = self._starts.get(record.correlation_id)
            return "" if start is None else f"{(at - start).total_seconds():+.6f}"
        except (ValueError, TypeError):
            return ""  # a time that somebody made up: the line shows it as it is


class JsonView:
    """The events for a program: one object, printed as the file is read."""

    def __init__(self, run: str | None) -> None:
        self.found = False
        self._run = run

    def see(self, line: Line) -> Iterator[str]:
        """What to print of one line of the file. Lines that are no records are in `findings`."""
        if line.parsed is None or self._run not in (None, line.parsed.record.correlation_id):
            return
        opening = ", " if self.found else _OPENING
        self.found = True
        yield opening + json.dumps(line.parsed.record.to_dict())

    def end(self, rest: dict[str, object]) -> Iterator[str]:
        """What to print at the end: the other members of the object."""
        opening = "" if self.found else _OPENING
        yield f"{opening}], {json.dumps(rest)[1:]}"


def _details(data: dict[str, object]) -> str:
    shown = " ".join(f"{_ascii(name)}={_value(value)}" for name, value in data.items())
    return shown if len(shown) <= _MAX_DETAILS else f"{shown[:_MAX_DETAILS]}..."


def _value(value: object) -> str:
    text = json.dumps(value, separators=(",", ":"))
    if isinstance(value, str) and text[1:-1] == value and value and " " not in value:
        text = value
    return text if len(text) <= _MAX_VALUE else f"{text[:_MAX_VALUE]}..."


def _ascii(text: str) -> str:
    """A text with everything but printable ASCII as JSON escapes, without the quotes around it."""
    return json.dumps(text)[1:-1]
