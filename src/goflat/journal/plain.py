"""Data of an event, made plain: JSON values, bounded in depth and length, without secrets.

Done where the event is logged, so that what is written is what was true then. No foreign code is
asked how it wants to look: what has no plain form here is named by its type and not shown.
"""

import math
from collections.abc import Iterable, Mapping
from collections.abc import Set as AbstractSet
from dataclasses import fields, is_dataclass
from datetime import date, time
from decimal import Decimal
from enum import Enum
from functools import lru_cache, singledispatch
from pathlib import PurePath
from typing import Any

from goflat.domain.secret import Secret
from goflat.journal.redaction import HIDDEN, hides, without_secrets

MAX_DEPTH = 12
"""Levels of lists and tables within one another."""

MAX_TEXT = 8_192
"""Characters of one text."""

MAX_NAME = 200
"""Characters of the name of a member."""

MAX_ITEMS = 4_096
"""Members of one list or table."""

MAX_SIZE = 400_000
"""Characters of one event in all. Every value counts `VALUE_SIZE` besides its text."""

VALUE_SIZE = 12

_MAX_DIGITS = 60


def plain(data: Mapping[str, object]) -> tuple[dict[str, object], int]:
    """The data as JSON values, and its size in characters. What is cut says so in its place."""
    room = _Room()
    return room.table(data, 0), MAX_SIZE - room.left


def plain_text(text: str, most: int) -> str:
    """A text without secrets, of about `most` characters, that every JSON reader can read."""
    if len(text) > most:
        text = f"{text[:most]}… (cut, {len(text)} characters)"
    if not text.isascii():
        # Half a surrogate pair is no character: it is written out, or readers would stop at it.
        text = text.encode("utf-8", "backslashreplace").decode("utf-8")
    return without_secrets(text)


class _Room:
    """One pass over the data of one event, and the characters that it may still take."""

    __slots__ = ("left",)

    def __init__(self) -> None:
        self.left = MAX_SIZE

    def value(self, value: object, depth: int) -> object:
        self.left -= VALUE_SIZE
        if self.left <= 0:
            return "…"
        if value is None or value is True or value is False:
            return value
        if isinstance(value, Enum):
            value = value.value
        simple = value if type(value) is str else _simple(value)
        if isinstance(simple, str):
            return self.text(simple)
        if isinstance(simple, int | float):
            return simple
        if isinstance(simple, Mapping):
            return self.table(simple, depth)
        assert isinstance(simple, Iterable)
        return self.items(simple, depth)

    def text(self, text: str) -> str:
        if len(text) > MAX_TEXT or len(text) > self.left or "=" in text or not text.isascii():
            text = plain_text(text, max(0, min(MAX_TEXT, self.left)))
        self.left -= len(text)
        return text

    def table(self, table: Mapping[Any, object], depth: int) -> dict[str, object]:
        if depth >= MAX_DEPTH:
            return {"…": f"{len(table)} members, too deep"}
        out: dict[str, object] = {}
        for key, value in table.items():
            if self.left <= 0 or len(out) >= MAX_ITEMS:
                out["…"] = f"{len(table) - len(out)} more, cut"
                break
            text = key if type(key) is str else str(self.value(key, MAX_DEPTH - 1))
            name, hidden = _name(text)
            self.left -= len(name)
            # 1 and "1" are two keys of a dict and one name in JSON; neither may swallow the other.
            while name in out:
                name += "'"
            out[name] = HIDDEN if hidden else self.value(value, depth + 1)
        return out

    def items(self, items: Iterable[object], depth: int) -> list[object]:
        if depth >= MAX_DEPTH:
            return ["… too deep"]
        out: list[object] = []
        for item in items:
            if self.left <= 0 or len(out) >= MAX_ITEMS:
                out.append("… more, cut")
                break
            out.append(self.value(item, depth + 1))
        return out


@lru_cache(maxsize=1024)
def _name(key: str) -> tuple[str, bool]:
    """A name as it is written, and whether it names a secret. Names come again and again."""
    name = plain_text(key, MAX_NAME)
    return name, hides(name)


@singledispatch
def _simple(value: object) -> object:
    """One step towards JSON: a text, a number, or a list or table still to be gone through."""
    if is_dataclass(value) and not isinstance(value, type):
        return {field.name: getattr(value, field.name) for field in fields(value)}
    return f"<{type(value).__module__}.{type(value).__qualname__}>"


@_simple.register(str)
@_simple.register(Mapping)
@_simple.register(list)
@_simple.register(tuple)
@_simple.register(AbstractSet)
def _as_it_is(value: object) -> object:
    return value


@_simple.register
def _decimal(value: Decimal) -> object:
    # Plain digits, unless the plain form of 1E+999999 would be a book.
    if value.is_finite() and -_MAX_DIGITS < value.adjusted() < _MAX_DIGITS:
        return format(value, "f")
    return str(value)


@_simple.register
def _whole(value: int) -> object:
    bits = value.bit_length()
    if bits < 64:
        return int(value)
    return str(Decimal(value)) if bits < 256 else f"<integer of {bits} bits>"


@_simple.register
def _number(value: float) -> object:
    return float(value) if math.isfinite(value) else str(float(value))


@_simple.register
def _failure(value: BaseException) -> object:
    return f"{type(value).__name__}: {value}"


@_simple.register(date)
@_simple.register(time)
def _moment(value: date | time) -> object:
    return value.isoformat()


@_simple.register
def _path(value: PurePath) -> object:
    return str(value)


@_simple.register
def _secret(value: Secret) -> object:  # noqa: ARG001 - it is not even looked at
    return HIDDEN
