"""What the venue says of its limits: in the headers of an answer, and in its rules. Pure."""

import re
from collections.abc import Mapping, Sequence
from types import MappingProxyType

import msgspec

from goflat.domain.capabilities import Limits, Usage

DEFAULT_LIMITS = Limits(
    weight_per_minute=2_400, orders_per_ten_seconds=300, orders_per_minute=1_200
)
"""Documented for 2026: weight by address, orders by account."""

BAN_SECONDS_MAX = 7 * 24 * 3600.0
"""More than the longest ban that the venue announces (three days)."""

_COUNT = re.compile(r"[0-9]{1,9}\Z")


class LimitRow(msgspec.Struct, rename="camel", frozen=True):
    """One element of `rateLimits`."""

    rate_limit_type: str
    interval: str
    interval_num: int
    limit: int


_FIELDS: Mapping[tuple[str, str, int], str] = MappingProxyType(
    {
        ("REQUEST_WEIGHT", "MINUTE", 1): "weight_per_minute",
        ("ORDERS", "SECOND", 10): "orders_per_ten_seconds",
        ("ORDERS", "MINUTE", 1): "orders_per_minute",
    }
)


def limits_of(rows: Sequence[LimitRow]) -> Limits | None:
    """The limits in force, each missing one as documented; None where not one is said."""
    said = {
        field: row.limit
        for row in rows
        if row.limit > 0
        and (field := _FIELDS.get((row.rate_limit_type, row.interval, row.interval_num)))
    }
    if not said:
        return None
    return Limits(
        weight_per_minute=said.get("weight_per_minute", DEFAULT_LIMITS.weight_per_minute),
        orders_per_ten_seconds=said.get(
            "orders_per_ten_seconds", DEFAULT_LIMITS.orders_per_ten_seconds
        ),
        orders_per_minute=said.get("orders_per_minute", DEFAULT_LIMITS.orders_per_minute),
    )


def usage_of(headers: Mapping[str, str]) -> Usage:
    """What one answer says has been used. Names of headers are in lower case."""
    return Usage(
        weight_per_minute=_count(headers.get("x-mbx-used-weight-1m")),
        orders_per_ten_seconds=_count(headers.get("x-mbx-order-count-10s")),
        orders_per_minute=_count(headers.get("x-mbx-order-count-1m")),
    )


def newer(before: Usage, after: Usage) -> Usage:
    """What is known now: the later word on each limit, the earlier one where it was silent."""
    return Usage(
        weight_per_minute=_first(after.weight_per_minute, before.weight_per_minute),
        orders_per_ten_seconds=_first(after.orders_per_ten_seconds, before.orders_per_ten_seconds),
        orders_per_minute=_first(after.orders_per_minute, before.orders_per_minute),
    )


def retry_after_seconds(headers: Mapping[str, str]) -> float | None:
    """The wait that an answer asks for, in seconds; None where it names none that we can read."""
    count = _count(headers.get("retry-after"))
    return None if count is None else min(float(count), BAN_SECONDS_MAX)


def _first(later: int | None, earlier: int | None) -> int | None:
    return earlier if later is None else later


def _count(text: str | None) -> int | None:
    return int(text) if text is not None and _COUNT.match(text.strip()) else None
