import os
from collections.abc import Callable
from hashlib import sha256
from pathlib import Path

import pytest
from trails import Begin, found_in, kinds, records, verdict_on

from goflat.journal.record import MAX_LINE_BYTES, Entry
from goflat.journal.segment import Segment, open_segment
from goflat.journal.unusable import Busy, Device, NoAccess, Occupied


def entry(number: int, size: int = 0) -> Entry:
    return Entry(
        timestamp="2026-11-22T09:46:00.123456Z",
        event_type="READING",
        correlation_id="liq_1",
        data={"number": number, "fill": "x" * size},
    )


@pytest.fixture
def written(path: Path) -> bytes:
    """A file with three records, closed."""
    segment = open_segment(path)
    segment.append([entry(1), entry(2), entry(3)])
    segment.close()
    return path.read_bytes()


def test_a_new_file_begins_at_the_first_record(path: Path) -> None:
    segment = open_segment(path)

    assert segment.append([entry(1)]).count == 1
    assert segment.seq == 1
    segment.sync(os.fdatasync)
    segment.close()
    assert path.stat().st_mode & 0o007 == 0


@pytest.mark.parametrize("size", [0, 70_000, 400_000])
def test_a_file_is_continued_however_long_its_last_line(path: Path, size: int) -> None:
    first = open_segment(path)
    first.append([entry(1), entry(2, size)])
    first.close()

    again = open_segment(path)
    again.append([entry(3)])
    again.close()

    assert verdict_on(path).intact
    assert verdict_on(path).last_seq == 3


@pytest.mark.parametrize("cut", range(1, 12))
def test_a_torn_first_line_is_kept_aside_too(path: Path, written: bytes, cut: int) -> None:
    path.write_bytes(written[:cut])

    segment = open_segment(path)
    segment.close()

    assert segment.seq == 0
    assert path.read_bytes() == b""
    assert path.with_name("audit.jsonl.torn.1").read_bytes() == written[:cut]


@pytest.mark.parametrize(
    "torn", [b"{", b'{"seq":4,"timest', b"\0" * 4096, b"anything"], ids=["one", "some", "0", "x"]
)
def test_a_torn_last_line_is_kept_aside_and_the_trail_goes_on(
    path: Path, begin: Begin, written: bytes, torn: bytes
) -> None:
    path.write_bytes(written + torn)
    assert ("torn", 4) in found_in(path)

    audit = begin()
    audit.log_event("READING", "liq_2", {})
    assert audit.flush_sync(5)

    assert path.with_name("audit.jsonl.torn.1").read_bytes() == torn
    assert path.read_bytes().startswith(written)
    assert kinds(path)[3:] == ["AUDIT_TORN_LINE", "READING"]
    assert records(path)[3]["data"] == {
        "kept_in": "audit.jsonl.torn.1",
        "bytes": len(torn),
        "sha256": sha256(torn).hexdigest(),
    }
    assert audit.notices == (f"{path}: its torn last line is kept in audit.jsonl.torn.1",)
    assert audit.degraded == ()
    assert verdict_on(path).intact
    assert verdict_on(path).notes == (
        "line 4: a torn line stood here; it is kept in 'audit.jsonl.torn.1'",
    )


def test_a_whole_record_without_its_newline_is_torn(path: Path, written: bytes) -> None:
    path.write_bytes(written[:-1])
    assert found_in(path) == [("torn", 3)]

    segment = open_segment(path)
    segment.close()

    assert segment.seq == 2
    assert path.with_name("audit.jsonl.torn.1").exists()


def test_torn_lines_of_several_crashes_are_all_kept(path: Path, written: bytes) -> None:
    for number in (1, 2, 3):
        path.write_bytes(written + b"torn %d" % number)
        open_segment(path).close()

    kept = [path.with_name(f"audit.jsonl.torn.{n}").read_bytes() for n in (1, 2, 3)]
    assert kept == [b"torn 1", b"torn 2", b"torn 3"]


def test_a_torn_line_that_cannot_be_kept_is_not_touched(path: Path, written: bytes) -> None:
    for number in range(1, 100):
        path.with_name(f"audit.jsonl.torn.{number}").touch()
    path.write_bytes(written + b"torn")

    with pytest.raises(Occupied, match="99 torn lines"):
        open_segment(path)
    assert path.read_bytes() == written + b"torn"


def _edited(content: bytes) -> bytes:
    return content.replace(b'"number":3', b'"number":4')


@pytest.mark.parametrize(
    "make",
    [
        lambda content: b"hello\n",
        lambda content: b"hello",
        lambda content: b"\n",
        lambda content: b"\0" * 100,
        lambda content: b'{"seq":2,"torn',
        lambda content: content + b"\n",
        lambda content: content + b"hello\n",
        lambda content: b"x" * (2 * MAX_LINE_BYTES + 10),
        lambda content: b"x" * (2 * MAX_LINE_BYTES + 10) + b"\n",
        _edited,
    ],
)
def test_what_is_not_ours_or_damaged_is_left_as_it_is(
    path: Path, begin: Begin, written: bytes, make: Callable[[bytes], bytes]
) -> None:
    content = make(written)
    path.write_bytes(content)

    audit = begin()
    audit.log_event("READING", "liq_1", {})

    assert audit.flush_sync(5)
    assert path.read_bytes() == content
    assert audit.path == path.with_name(f"audit.{os.getpid()}.jsonl")
    assert kinds(audit.path) == ["AUDIT_MOVED", "AUDIT_DEGRADED", "READING"]
    assert str(path) in audit.degraded[0]


def test_a_file_has_one_writer(path: Path) -> None:
    first = open_segment(path)
    with pytest.raises(Busy):
        open_segment(path)
    first.close()
    open_segment(path).close()


@pytest.mark.parametrize(
    ("make", "kind"),
    [
        (Path.mkdir, NoAccess),
        (os.mkfifo, Occupied),
        (lambda path: path.symlink_to("/dev/full"), Device),
        (lambda path: path.symlink_to(path), NoAccess),
        (lambda path: path.symlink_to("/proc/self/nothing"), NoAccess),
    ],
    ids=["directory", "fifo", "device", "loop", "not there"],
)
def test_what_is_no_file_of_ours_is_named(
    path: Path, make: Callable[[Path], object], kind: type[Exception]
) -> None:
    make(path)

    with pytest.raises(kind, match=r"audit\.jsonl: "):
        open_segment(path)


@pytest.mark.parametrize("count", [0, 1, 2])
@pytest.mark.parametrize("part", [0, 1, 80])
def test_what_a_full_disk_takes_in_part_is_taken_off_again(
    path: Path, written: bytes, count: int, part: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    # The real thing, a full file system, is in the tests of faults; this has every boundary.
    lines = written.splitlines(keepends=True)
    room = len(b"".join(lines[:count])) + part
    segment = open_segment(path.with_name("other.jsonl"))
    _limit_writes(monkeypatch, room)

    done = segment.append([entry(1), entry(2), entry(3)])
    monkeypatch.undo()

    assert done.count == count
    assert done.fault is not None
    assert segment.path.read_bytes() == b"".join(lines[:count])
    assert segment.append([entry(n) for n in range(count + 1, 4)]).fault is None
    assert segment.path.read_bytes() == written
    segment.close()


def test_a_system_that_takes_little_at_a_time_gets_it_all(
    path: Path, written: bytes, monkeypatch: pytest.MonkeyPatch
) -> None:
    write = os.write
    monkeypatch.setattr(os, "write", lambda fd, data: write(fd, data[:7]))
    segment = open_segment(path.with_name("other.jsonl"))

    assert segment.append([entry(1), entry(2), entry(3)]).fault is None
    assert segment.path.read_bytes() == written
    segment.close()


def test_a_system_that_takes_nothing_is_a_fault(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    segment = open_segment(path)
    monkeypatch.setattr(os, "write", lambda fd, data: 0)

    assert segment.append([entry(1)]).fault is not None
    segment.close()


def test_half_a_line_that_cannot_be_taken_off_ends_the_file(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(fd: int, size: int) -> None:
        raise PermissionError(1, "Operation not permitted")

    segment = open_segment(path)
    _limit_writes(monkeypatch, 10)
    monkeypatch.setattr(os, "ftruncate", refuse)

    fault = segment.append([entry(1)]).fault

    assert fault is not None
    assert "could not be taken off" in str(fault)
    segment.close()


def test_it_is_seen_when_the_file_is_no_longer_what_it_was(path: Path) -> None:
    def fresh() -> Segment:
        path.unlink(missing_ok=True)
        segment = open_segment(path)
        segment.append([entry(1)])
        return segment

    segment = fresh()
    assert segment.displaced() is None
    assert not segment.renamed()
    path.rename(path.with_name("audit.jsonl.1"))
    assert segment.renamed()
    assert segment.displaced() is None
    path.write_bytes(b"")
    assert segment.renamed()
    segment.close()

    segment = fresh()
    with path.open("ab") as file:
        file.write(b"x")
    assert segment.displaced() == "somebody else changed it while it was being written"
    segment.close()

    segment = fresh()
    path.unlink()
    assert segment.displaced() == "it was deleted while it was being written"
    segment.close()


def _limit_writes(monkeypatch: pytest.MonkeyPatch, room: int) -> None:
    write, left = os.write, [room]

    def limited(fd: int, data: bytes) -> int:
        if left[0] == 0:
            raise OSError(28, "No space left on device")
        taken = write(fd, data[: left[0]])
        left[0] -= taken
        return taken

    monkeypatch.setattr(os, "write", limited)
