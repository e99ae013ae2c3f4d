"""Make an entry of what was logged: plain data, named, capped, and nothing that has to hide."""

from collections.abc import Mapping

from goflat.journal.plain import plain, plain_text
from goflat.journal.record import Entry

_MAX_NAME = 200


def entry_of(
    timestamp: str, event_type: str, correlation_id: str, data: Mapping[str, object]
) -> Entry:
    """An entry that can be written as it is. Data that cannot be read is named instead."""
    try:
        members, size = plain(data)
    except Exception as error:  # noqa: BLE001 - that something happened is worth more than its data
        members, size = {"…": f"data that could not be read: {type(error).__name__}"}, 0
    return Entry(
        timestamp=timestamp,
        event_type=plain_text(str(event_type), _MAX_NAME),
        correlation_id=plain_text(str(correlation_id), _MAX_NAME),
        data=members,
        size=size,
    )
