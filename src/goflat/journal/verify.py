"""Whether an audit file is as it was written, and if not, which lines are not.

A line speaks for itself: its hash covers its place and the hash before it. So one changed line is
one finding and not a thousand, and a line out of its place can be told from one that was changed.
"""

import sys
from collections import OrderedDict, deque
from collections.abc import Iterable
from dataclasses import dataclass
from enum import Enum

from goflat.journal.kept import Kept
from goflat.journal.reader import Line
from goflat.journal.record import GENESIS, RUN_ENDS, EventType, Record

MAX_GAPS = 1_000
MAX_OPEN_RUNS = 10_000

_MAX_SHOWN = 300


class Flaw(Enum):
    """What can be wrong with a line, or with what is not there."""

    EDITED = "edited"
    REMOVED = "removed"
    ADDED = "added"
    MOVED = "moved"
    TORN = "torn"
    UNFINISHED = "unfinished"
    NOT_EXPECTED = "not expected"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that is not as it was written. `line` counts from 1; None: the file as a whole."""

    flaw: Flaw
    line: int | None
    text: str

    def to_dict(self) -> dict[str, object]:
        return {"kind": self.flaw.value, "line": self.line, "text": self.text}


@dataclass(frozen=True, slots=True, kw_only=True)
class Expected:
    """Where the expected hash stands, and how many records follow it."""

    line: int
    seq: int
    following: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """What can be said of one file. `last_hash` is the end of the chain, None without a record."""

    records: int
    last_seq: int
    last_hash: str | None
    findings: tuple[Finding, ...]
    findings_left_out: int
    notes: tuple[str, ...]
    expected: Expected | None

    @property
    def intact(self) -> bool:
        return not self.findings


def verify(lines: Iterable[Line], *, expect: str | None = None) -> Verdict:
    """Check a whole file. With `expect`, a hash that has to be in it, also its end."""
    check = Verification(expect=expect)
    for line in lines:
        check.see(line)
    return check.end()


@dataclass(slots=True, kw_only=True)
class _Gap:
    """Records that ought to stand before a line, and how many of them were seen elsewhere."""

    first: int
    last: int
    line: int
    found: int

    def has(self, seq: int) -> bool:
        return self.first <= seq <= self.last and self.found <= self.last - self.first


class Verification:
    """Takes the lines of a file in order, in bounded memory, and comes to a verdict.

    The *tip* is the last record that stood where it should. A line that is no sound record is
    *doubtful* until the next sound one shows whether it took the place of a record.
    """

    def __init__(self, *, expect: str | None = None) -> None:
        self._records = 0
        self._tip_seq = 0
        self._tip_hash = GENESIS
        self._twin_hash = GENESIS
        self._doubtful = Kept[tuple[int, str]]()
        self._gaps: deque[_Gap] = deque()
        self._runs: OrderedDict[str, int] = OrderedDict()
        self._findings = Kept[Finding]()
        self._notes = Kept[str]()
        self._expect = expect
        self._expected: tuple[int, int, int] | None = None

    def see(self, line: Line) -> None:
        """Take the next line."""
        parsed = line.parsed
        if not line.ended:
            self._find(Flaw.TORN, line.number, "the last line is torn: it has no end")
        elif parsed is None:
            self._doubtful.add((line.number, "is no audit record"))
        elif not parsed.sound:
            self._doubtful.add((line.number, "does not have the hash that it claims"))
        else:
            self._sound(line.number, parsed.record)

    def end(self) -> Verdict:
        """What can be said now that the file has ended."""
        self._settle_doubtful(Flaw.EDITED)
        while self._gaps:
            self._close_gap()
        while self._runs:
            self._give_up_run()
        expected = self._settle_expected()
        return Verdict(
            records=self._records,
            last_seq=self._tip_seq,
            last_hash=self._tip_hash if self._records else None,
            findings=tuple(sorted(self._findings, key=lambda found: found.line or sys.maxsize)),
            findings_left_out=self._findings.left_out,
            notes=tuple(self._notes),
            expected=expected,
        )

    def _sound(self, number: int, record: Record) -> None:
        self._records += 1
        if record.seq > self._tip_seq:
            self._in_order(number, record)
        else:
            self._out_of_place(number, record)
        self._follow_run(number, record)
        if (note := _note(number, record)) is not None:
            self._notes.add(note)
        if self._expected is None and record.hash == self._expect:
            self._expected = (number, record.seq, self._records)

    def _in_order(self, number: int, record: Record) -> None:
        missing = record.seq - self._tip_seq - 1
        edited = min(missing, self._doubtful.count)
        self._settle_doubtful(Flaw.EDITED if edited else Flaw.ADDED)
        if missing > edited:
            self._open_gap(
                _Gap(first=self._tip_seq + 1, last=record.seq - 1, line=number, found=edited)
            )
        elif missing == 0 and record.prev_hash not in (self._tip_hash, self._twin_hash):
            text = "does not follow from the line before it: one of them was changed with its hash"
            self._find(Flaw.EDITED, number, text)
        self._tip_seq, self._tip_hash, self._twin_hash = record.seq, record.hash, record.hash

    def _out_of_place(self, number: int, record: Record) -> None:
        for gap in self._gaps:
            if gap.has(record.seq):
                gap.found += 1
                text = f"was moved: record {record.seq} belongs before line {gap.line}"
                self._find(Flaw.MOVED, number, text)
                return
        if record.seq == self._tip_seq:
            # Of two records in one place, the next one tells by its hash which it follows; here
            # it is enough that there are two.
            self._twin_hash = record.hash
        self._find(Flaw.ADDED, number, f"was added: record {record.seq} stands before it already")

    def _settle_doubtful(self, flaw: Flaw) -> None:
        for number, text in self._doubtful:
            self._find(flaw, number, f"was {flaw.value}: it {text}")
        self._findings.left_out += self._doubtful.left_out
        self._doubtful = Kept()

    def _open_gap(self, gap: _Gap) -> None:
        if len(self._gaps) >= MAX_GAPS:
            self._close_gap()
        self._gaps.append(gap)

    def _close_gap(self) -> None:
        gap = self._gaps.popleft()
        size = gap.last - gap.first + 1
        if gap.found == size:
            return
        which = f"record {gap.first}" if size == 1 else f"records {gap.first} to {gap.last}"
        some = "" if gap.found == 0 else f"{size - gap.found} of "
        self._find(Flaw.REMOVED, gap.line, f"removed before this line: {some}{which}")

    def _follow_run(self, number: int, record: Record) -> None:
        if record.event_type == EventType.LIQUIDATION_START:
            if record.correlation_id in self._runs or len(self._runs) >= MAX_OPEN_RUNS:
                self._give_up_run(record.correlation_id)
            self._runs[record.correlation_id] = number
        elif record.event_type in RUN_ENDS:
            self._runs.pop(record.correlation_id, None)

    def _give_up_run(self, correlation_id: str = "") -> None:
        name = correlation_id if correlation_id in self._runs else next(iter(self._runs))
        text = f"LIQUIDATION_START of {name!a} has no end in this file"
        self._find(Flaw.UNFINISHED, self._runs.pop(name), text)

    def _settle_expected(self) -> Expected | None:
        if self._expected is not None:
            line, seq, place = self._expected
            return Expected(line=line, seq=seq, following=self._records - place)
        if self._expect is not None:
            text = "the expected hash is not in this file: its end was cut off or written anew"
            self._find(Flaw.NOT_EXPECTED, None, text)
        return None

    def _find(self, flaw: Flaw, line: int | None, text: str) -> None:
        self._findings.add(Finding(flaw=flaw, line=line, text=text))


def _note(number: int, record: Record) -> str | None:
    """What the trail says about itself, in words that a terminal can show."""
    data = record.data
    match record.event_type:
        case EventType.AUDIT_TORN_LINE:
            return f"line {number}: a torn line stood here; it is kept in {_shown(data, 'kept_in')}"
        case EventType.AUDIT_MOVED:
            return f"line {number}: written in place of {_shown(data, 'asked_for')}"
        case EventType.AUDIT_DEGRADED if data.get("unsynced") is True:
            return (
                f"line {number}: records after {_shown(data, 'after_seq')} up to "
                f"{_shown(data, 'through_seq')} were not known to be on the disk in time"
            )
        case EventType.AUDIT_DEGRADED:
            return f"line {number}: the evidence is degraded: {_shown(data, 'reasons')}"
        case _:
            return None


def _shown(data: dict[str, object], name: str) -> str:
    return ascii(data.get(name))[:_MAX_SHOWN]
