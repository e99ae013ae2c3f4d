"""One line of the audit trail: what it holds, and how it is chained to the line before it.

A line is one JSON object in ASCII, ended by a newline. Its last member is always `hash`, and the
hash is taken over the bytes of the line itself, so that nobody has to write JSON anew to check it:

    body = the line without its last 75 bytes, and `}`
    hash = SHA-256 of the previous hash (64 hex digits), followed by the body

The bytes cut off are `,"hash":"<64 hex digits>"}`. The first line of every file has `seq` 1 and
64 zeros as its previous hash.
"""

import json
from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from hashlib import sha256

import msgspec

GENESIS = "0" * 64
"""The previous hash of the first record of a file."""

MAX_LINE_BYTES = 6 * 1024 * 1024
"""A longer line is none of ours: the caps on data (`journal.plain`) keep every line below this."""

_TAIL_BYTES = len(',"hash":""}') + 64


class EventType(StrEnum):
    """What goflat itself writes. Any other text is taken as well: a program may log its own."""

    LIQUIDATION_START = "LIQUIDATION_START"
    LIQUIDATION_COMPLETE = "LIQUIDATION_COMPLETE"
    LIQUIDATION_FAILED = "LIQUIDATION_FAILED"
    LIQUIDATION_SKIPPED = "LIQUIDATION_SKIPPED"
    DEADLINE = "DEADLINE"

    READING = "READING"
    READING_FAILED = "READING_FAILED"

    ORDER_INTENT = "ORDER_INTENT"
    ORDER_PLACED = "ORDER_PLACED"
    ORDER_REJECTED = "ORDER_REJECTED"
    ORDER_UNANSWERED = "ORDER_UNANSWERED"
    ORDER_RESOLVED = "ORDER_RESOLVED"
    RETRY = "RETRY"

    CANCEL_INTENT = "CANCEL_INTENT"
    ORDER_CANCELLED = "ORDER_CANCELLED"
    CANCEL_FAILED = "CANCEL_FAILED"
    STOP_RESTORED = "STOP_RESTORED"

    AUDIT_DEGRADED = "AUDIT_DEGRADED"
    AUDIT_MOVED = "AUDIT_MOVED"
    AUDIT_TORN_LINE = "AUDIT_TORN_LINE"


RUN_ENDS = frozenset(
    {
        EventType.LIQUIDATION_COMPLETE,
        EventType.LIQUIDATION_FAILED,
        EventType.LIQUIDATION_SKIPPED,
    }
)
"""The events of which one has to follow a LIQUIDATION_START."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """An event as it was logged, before it has a place in a file. `data` is plain JSON values."""

    timestamp: str
    event_type: str
    correlation_id: str
    data: Mapping[str, object]
    size: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Record:
    """One line, read. `hash` is what the line says, not what it should say."""

    seq: int
    timestamp: str
    event_type: str
    correlation_id: str
    data: dict[str, object]
    prev_hash: str
    hash: str

    def to_dict(self) -> dict[str, object]:
        return {name: getattr(self, name) for name in self.__slots__}


@dataclass(frozen=True, slots=True, kw_only=True)
class Parsed:
    """A line that has the form of a record. `sound` is false when its own hash is another."""

    record: Record
    sound: bool


def chain(entry: Entry, *, seq: int, prev_hash: str) -> tuple[bytes, str]:
    """The line of an entry at its place, newline included, and the hash of it."""
    members = {
        "seq": seq,
        "timestamp": entry.timestamp,
        "event_type": entry.event_type,
        "correlation_id": entry.correlation_id,
        "data": entry.data,
        "prev_hash": prev_hash,
    }
    body = _ascii_json(members)
    digest = sha256(prev_hash.encode("ascii") + body).hexdigest()
    return b'%b,"hash":"%b"}\n' % (body[:-1], digest.encode("ascii")), digest


def parse(line: bytes) -> Parsed | None:
    """Read one line, given without its newline. None: it is no record, whatever else it is."""
    body, tail = line[:-_TAIL_BYTES] + b"}", line[-_TAIL_BYTES:]
    if not (tail.startswith(b',"hash":"') and tail.endswith(b'"}')):
        return None
    try:
        record = _DECODER.decode(line)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return None
    digest = sha256(record.prev_hash.encode("utf-8", "replace") + body).hexdigest()
    return Parsed(record=record, sound=digest.encode("ascii") == tail[9:-2])


def _ascii_json(members: Mapping[str, object]) -> bytes:
    """JSON that a terminal can show: whatever is not printable ASCII is written as an escape."""
    fast = _FAST.encode(members)
    if fast.isascii() and b"\x7f" not in fast:
        return fast
    return json.dumps(members, separators=(",", ":"), allow_nan=False).encode("ascii")


_FAST = msgspec.json.Encoder()
_DECODER = msgspec.json.Decoder(Record)
