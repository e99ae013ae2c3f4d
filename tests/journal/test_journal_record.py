import hashlib
import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.journal.plain import plain
from goflat.journal.record import GENESIS, MAX_LINE_BYTES, Entry, EventType, chain, parse


def entry(data: dict[str, object] | None = None, event_type: str = "READING") -> Entry:
    return Entry(
        timestamp="2026-11-22T09:46:00.123456Z",
        event_type=event_type,
        correlation_id="liq_1",
        data={} if data is None else data,
    )


def test_a_line_has_the_members_of_the_contract_in_their_order() -> None:
    line, digest = chain(entry({"symbol": "BTCUSDT"}), seq=1, prev_hash=GENESIS)

    assert list(json.loads(line)) == [
        "seq",
        "timestamp",
        "event_type",
        "correlation_id",
        "data",
        "prev_hash",
        "hash",
    ]
    assert json.loads(line)["hash"] == digest


def test_the_hash_is_over_the_previous_hash_and_the_line_without_its_hash() -> None:
    line, digest = chain(entry({"quantity": "0.5"}), seq=7, prev_hash="a" * 64)
    record = json.loads(line)
    del record["hash"]

    body = json.dumps(record, separators=(",", ":"))

    assert hashlib.sha256(("a" * 64 + body).encode()).hexdigest() == digest


def test_what_was_chained_is_read_back() -> None:
    line, digest = chain(entry({"n": [1, "2", None]}), seq=3, prev_hash=GENESIS)

    parsed = parse(line[:-1])

    assert parsed is not None
    assert parsed.sound
    assert parsed.record.hash == digest
    assert parsed.record.to_dict() == json.loads(line)


@pytest.mark.parametrize(
    "text", ["\x1b[31mred", "\x7f", "\u202egnp.exe", "\x00", "é", "😀", "\x9b"]
)
def test_a_line_is_printable_ascii_whatever_a_venue_says(text: str) -> None:
    line, _ = chain(entry({"reason": text}), seq=1, prev_hash=GENESIS)

    assert all(32 <= byte < 127 for byte in line[:-1])
    assert json.loads(line)["data"]["reason"] == text
    parsed = parse(line[:-1])
    assert parsed is not None
    assert parsed.sound


@pytest.mark.parametrize(
    "line",
    [
        b"",
        b"{}",
        b"hello",
        b"[]" * 60,
        b"\xff" * 200,
        b'{"seq":1,"hash":"' + b"0" * 64 + b'"}',
        b"[" * 100_000 + b',"hash":"' + b"0" * 64 + b'"}',
        b'{"seq":true,"timestamp":"","event_type":"","correlation_id":"","data":{},"prev_hash":""'
        b',"hash":"' + b"0" * 64 + b'"}',
    ],
)
def test_what_is_no_record_is_no_record(line: bytes) -> None:
    assert parse(line) is None


@given(st.dictionaries(st.text(), st.text() | st.floats() | st.integers() | st.none()))
def test_any_data_can_be_chained_and_read_back(data: dict[str, object]) -> None:
    line, _ = chain(entry(plain(data)[0]), seq=1, prev_hash=GENESIS)

    parsed = parse(line[:-1])

    assert parsed is not None
    assert parsed.sound
    assert line.count(b"\n") == 1


def test_the_longest_line_that_can_be_written_can_be_read() -> None:
    longest = plain({str(n): "😀" * 8_000 for n in range(60)})[0]

    line, _ = chain(entry(longest), seq=1, prev_hash=GENESIS)

    assert 4_000_000 < len(line) < MAX_LINE_BYTES


def test_the_event_types_are_spelt_like_their_names() -> None:
    assert all(kind.name == kind.value for kind in EventType)
