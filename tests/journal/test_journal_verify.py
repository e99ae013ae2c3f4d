import itertools
import json
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from trails import found_in, verdict_on

from goflat.journal.kept import MAX_KEPT, Kept
from goflat.journal.reader import Line, read_lines
from goflat.journal.record import GENESIS, MAX_LINE_BYTES, Entry, chain, parse
from goflat.journal.verify import MAX_GAPS, MAX_OPEN_RUNS, Verdict, verify

Lines = list[bytes]


def trail(*events: str, run: str = "liq_1") -> Lines:
    """A trail of these event types, as lines with their newlines."""
    lines: Lines = []
    last = GENESIS
    for seq, event_type in enumerate(events, 1):
        entry = Entry(
            timestamp=f"2026-11-22T09:46:00.{seq:06}Z",
            event_type=event_type,
            correlation_id=run,
            data={"number": seq},
        )
        line, last = chain(entry, seq=seq, prev_hash=last)
        lines.append(line)
    return lines


SMALL = trail("LIQUIDATION_START", "ORDER_PLACED", "READING", "LIQUIDATION_COMPLETE")
EIGHT = trail(*["READING"] * 8)


def judge(lines: Lines, expect: str | None = None) -> Verdict:
    """The verdict on lines that are given as a file would give them."""
    content = b"".join(lines).split(b"\n")
    ended, rest = content[:-1], content[-1]
    seen = [Line(number=n, parsed=parse(text), ended=True) for n, text in enumerate(ended, 1)]
    if rest:
        seen.append(Line(number=len(seen) + 1, parsed=None, ended=False))
    return verify(seen, expect=expect)


def findings(lines: Lines, expect: str | None = None) -> list[tuple[str, int | None]]:
    return [(found.flaw.value, found.line) for found in judge(lines, expect).findings]


def hash_of(line: bytes) -> str:
    return str(json.loads(line)["hash"])


def test_a_trail_as_it_was_written_is_intact() -> None:
    verdict = judge(SMALL)

    assert verdict.intact
    assert (verdict.records, verdict.last_seq) == (4, 4)
    assert verdict.last_hash == hash_of(SMALL[-1])


def test_an_empty_file_is_intact_and_has_no_hash() -> None:
    assert judge([]).intact
    assert judge([]).last_hash is None


@pytest.mark.parametrize("index", range(8))
def test_an_edited_line_is_the_one_that_is_named(index: int) -> None:
    lines = list(EIGHT)
    lines[index] = lines[index].replace(b'"number":', b'"number":9')

    assert findings(lines) == [("edited", index + 1)]


@pytest.mark.parametrize("index", range(7))
def test_a_removed_line_is_named(index: int) -> None:
    lines = EIGHT[:index] + EIGHT[index + 1 :]

    assert findings(lines) == [("removed", index + 1)]
    assert judge(lines).findings[0].text == f"removed before this line: record {index + 1}"


def test_removed_lines_in_a_row_are_one_finding() -> None:
    assert judge(EIGHT[:2] + EIGHT[5:]).findings[0].text == (
        "removed before this line: records 3 to 5"
    )


@pytest.mark.parametrize(("index", "place"), list(itertools.product(range(8), range(9))))
def test_a_doubled_line_is_named_where_it_was_added(index: int, place: int) -> None:
    lines = [*EIGHT[:place], EIGHT[index], *EIGHT[place:]]

    assert len(findings(lines)) >= 1
    if place > index:
        assert findings(lines) == [("added", place + 1)]


@pytest.mark.parametrize(
    ("index", "place"), [(i, p) for i, p in itertools.product(range(8), range(8)) if i != p]
)
def test_a_moved_line_is_named(index: int, place: int) -> None:
    lines = list(EIGHT)
    lines.insert(place, lines.pop(index))

    found = findings(lines)

    assert found
    assert {flaw for flaw, _ in found} == {"moved"}
    if place > index:
        assert found == [("moved", place + 1)]


@pytest.mark.parametrize("added", [b"\n", b"hello\n", b"{}\n", b"\xff\n"])
@pytest.mark.parametrize("place", range(8))
def test_a_foreign_line_is_named_as_added(added: bytes, place: int) -> None:
    lines = [*EIGHT[:place], added, *EIGHT[place:]]

    assert findings(lines) == [("added", place + 1)]


def test_a_foreign_line_at_the_end_is_named() -> None:
    assert findings([*EIGHT, b"hello\n"]) == [("edited", 9)]


def test_a_record_put_in_with_a_right_hash_is_named() -> None:
    entry = Entry(timestamp="", event_type="READING", correlation_id="liq_1", data={})
    forged, _ = chain(entry, seq=4, prev_hash=hash_of(EIGHT[2]))

    assert findings([*EIGHT[:3], forged, *EIGHT[3:]]) == [("added", 5)]


def test_a_record_written_anew_with_its_hash_is_found_by_the_next() -> None:
    entry = Entry(timestamp="", event_type="READING", correlation_id="liq_1", data={})
    forged, _ = chain(entry, seq=4, prev_hash=hash_of(EIGHT[2]))

    assert findings([*EIGHT[:3], forged, *EIGHT[4:]]) == [("edited", 5)]


def test_a_beginning_that_was_cut_off_is_named() -> None:
    assert findings(EIGHT[3:]) == [("removed", 1)]


def test_a_beginning_that_hangs_on_something_else_is_named() -> None:
    entry = Entry(timestamp="", event_type="READING", correlation_id="liq_1", data={})
    line, _ = chain(entry, seq=1, prev_hash="a" * 64)

    assert findings([line]) == [("edited", 1)]


def test_two_lines_that_ran_together_are_named() -> None:
    lines = list(EIGHT)
    lines[3] = lines[3][:-1] + b"x"

    assert findings(lines) == [("edited", 4), ("removed", 5)]
    assert judge(lines).findings[1].text == "removed before this line: 1 of records 4 to 5"


def test_edited_and_removed_lines_beside_each_other_are_both_named() -> None:
    lines = [*EIGHT[:2], EIGHT[2].replace(b"READING", b"reading"), *EIGHT[5:]]

    assert findings(lines) == [("edited", 3), ("removed", 4)]


@pytest.mark.parametrize("cut", [1, 2, 50, len(SMALL[3]) - 1])
def test_a_torn_last_line_is_named(cut: int) -> None:
    assert ("torn", 4) in findings([*SMALL[:3], SMALL[3][:-cut]])


def test_a_start_without_its_end_is_named() -> None:
    lines = trail("LIQUIDATION_START", "READING")

    assert findings(lines) == [("unfinished", 1)]


def test_a_second_start_of_a_run_names_the_first() -> None:
    lines = trail("LIQUIDATION_START", "LIQUIDATION_START", "LIQUIDATION_FAILED")

    assert findings(lines) == [("unfinished", 1)]


@pytest.mark.parametrize(
    "end", ["LIQUIDATION_COMPLETE", "LIQUIDATION_FAILED", "LIQUIDATION_SKIPPED"]
)
def test_a_run_has_three_ends(end: str) -> None:
    assert judge(trail("LIQUIDATION_START", end)).intact


def test_a_refused_second_run_needs_no_start() -> None:
    assert judge(trail("LIQUIDATION_FAILED")).intact


@pytest.mark.parametrize("index", range(4))
def test_an_expected_hash_is_found_and_what_follows_it_is_counted(index: int) -> None:
    expected = judge(SMALL, hash_of(SMALL[index])).expected

    assert expected is not None
    assert (expected.line, expected.seq, expected.following) == (index + 1, index + 1, 3 - index)


def test_a_cut_end_shows_when_its_hash_is_expected() -> None:
    assert judge(EIGHT[:6]).intact
    assert findings(EIGHT[:6], hash_of(EIGHT[7])) == [("not expected", None)]


def test_a_rewritten_end_shows_when_its_hash_is_expected() -> None:
    anew = [*EIGHT[:6], *trail(*["READING"] * 6, "RETRY", "READING")[6:]]

    assert judge(anew).intact
    assert findings(anew, hash_of(EIGHT[7])) == [("not expected", None)]


@settings(max_examples=300, deadline=None)
@given(st.integers(0, len(b"".join(SMALL)) - 1), st.integers(1, 255))
def test_every_byte_that_is_changed_is_found(place: int, by: int) -> None:
    content = bytearray(b"".join(SMALL))
    content[place] ^= by

    assert not judge([bytes(content)]).intact


def test_every_byte_that_is_taken_out_or_doubled_is_found() -> None:
    content = b"".join(SMALL)

    for place in range(len(content)):
        assert not judge([content[:place] + content[place + 1 :]]).intact
        assert not judge([content[:place] + content[place : place + 1] + content[place:]]).intact


@given(st.permutations(range(8)), st.integers(0, 8))
def test_no_other_order_and_no_choice_of_lines_is_intact(order: list[int], count: int) -> None:
    chosen = order[:count]

    assert judge([EIGHT[n] for n in chosen]).intact == (chosen == list(range(count)))


def test_a_file_is_read_from_the_disk_in_the_same_way(path: Path) -> None:
    path.write_bytes(b"".join(SMALL))
    assert verdict_on(path) == judge(SMALL)

    path.write_bytes(b"".join(SMALL)[:-1])
    assert found_in(path) == [("torn", 4), ("unfinished", 1)][::-1]


def test_a_line_too_long_to_be_ours_is_one_line(path: Path) -> None:
    path.write_bytes(SMALL[0] + b"x" * (2 * MAX_LINE_BYTES + 5) + b"\n" + b"".join(SMALL[1:]))

    assert found_in(path) == [("added", 2)]
    assert [line.number for line in read_lines(path)] == [1, 2, 3, 4, 5]


def test_a_line_too_long_without_an_end_is_torn(path: Path) -> None:
    path.write_bytes(b"".join(SMALL) + b"x" * (MAX_LINE_BYTES + 5))

    assert found_in(path) == [("torn", 5)]


def test_findings_are_bounded_and_the_rest_is_counted() -> None:
    lines = [line.replace(b"READING", b"reading") for line in trail(*["READING"] * 500)]

    verdict = judge(lines)

    assert len(verdict.findings) == MAX_KEPT
    assert verdict.findings_left_out == 300


def test_gaps_are_bounded() -> None:
    every_other = trail(*["READING"] * (2 * MAX_GAPS + 50))[1::2]

    verdict = judge(every_other)

    assert len(verdict.findings) + verdict.findings_left_out == MAX_GAPS + 25


def test_open_runs_are_bounded() -> None:
    def line(number: int) -> Line:
        entry = Entry(
            timestamp="",
            event_type="LIQUIDATION_START",
            correlation_id=f"liq_{number}",
            data={},
        )
        parsed = parse(chain(entry, seq=number, prev_hash=GENESIS)[0][:-1])
        return Line(number=number, parsed=parsed, ended=True)

    verdict = verify(line(number) for number in range(1, MAX_OPEN_RUNS + 100))

    assert len(verdict.findings) == MAX_KEPT


def test_notes_of_the_trail_about_itself_are_told_without_control_characters() -> None:
    entry = Entry(
        timestamp="",
        event_type="AUDIT_DEGRADED",
        correlation_id="liq_1",
        data={"reasons": ["\x1b[31mdisk\u202e"]},
    )
    verdict = judge([chain(entry, seq=1, prev_hash=GENESIS)[0]])

    assert verdict.intact
    assert verdict.notes == ("line 1: the evidence is degraded: ['\\x1b[31mdisk\\u202e']",)


def test_what_is_kept_is_counted_beyond_its_bound() -> None:
    kept = Kept[int]()
    for number in range(MAX_KEPT + 3):
        kept.add(number)

    assert (len(list(kept)), kept.left_out, kept.count) == (MAX_KEPT, 3, MAX_KEPT + 3)


@pytest.mark.parametrize("make", [bytes.upper, bytes.lower, bytes.title])
def test_a_hash_in_another_spelling_is_another_hash(make: Callable[[bytes], bytes]) -> None:
    line = SMALL[0]
    other = line[:-67] + make(line[-67:-3]) + line[-3:]

    assert judge([other, *SMALL[1:]]).intact == (other == line)


def test_the_rule_of_the_hash_is_the_one_in_the_docs() -> None:
    body = SMALL[0][:-1][:-75] + b"}"

    assert hash_of(SMALL[0]) == sha256(GENESIS.encode() + body).hexdigest()
