"""Lists from Binance, row by row: what can be read is read, and the rest is named. Pure.

A list is read in one fast pass. Only where that fails, or where a key stands twice in a row, every
row is read alone and strictly, so that one damaged row hurts nobody but itself.
"""

import json
import re
from collections.abc import Callable, Hashable, Iterable, Iterator, Mapping
from decimal import Decimal
from typing import Generic, NoReturn, TypeVar

import msgspec

from goflat.domain.instrument import Symbol
from goflat.domain.listing import Listing, Unreadable
from goflat.errors import Unanswered

RowT = TypeVar("RowT", bound=msgspec.Struct)
Value = TypeVar("Value")

UNREADABLE = (ValueError, RecursionError)
"""What reading a payload can raise. msgspec's own errors and bad UTF-8 are ValueErrors."""

_NUMBER = re.compile(r"-?[0-9]{1,30}(\.[0-9]{1,30})?([eE][-+]?[0-9]{1,2})?\Z")
_LARGEST = Decimal("1e18")
_SYMBOL_LENGTH_MAX = 100


class ListReader(Generic[RowT, Value]):
    """How one kind of list is read.

    `read` makes a value of a row, None for a row that says there is nothing, and raises ValueError
    for a row that contradicts itself. `key` is what two rows must not have in common. `decisive`
    are the keys of a row on which money depends.
    """

    def __init__(
        self,
        row: type[RowT],
        *,
        read: Callable[[RowT], Value | None],
        key: Callable[[RowT], Hashable],
        decisive: tuple[str, ...],
    ) -> None:
        self._row = row
        self._rows = msgspec.json.Decoder(list[row])  # type: ignore[valid-type]
        self._read = read
        self._key = key
        self._decisive = tuple(f'"{name}"'.encode() for name in decisive)

    def listing(self, body: bytes) -> Listing[Value]:
        """The rows of a list, each read or named as unreadable.

        Raises:
            Unanswered: it is no list, or no JSON.
        """
        seen: dict[Hashable, RowT] = {}
        values: dict[Hashable, Value] = {}
        unreadable: list[Unreadable] = []
        for row in self._each(body):
            if isinstance(row, Unreadable):
                unreadable.append(row)
                continue
            key = self._key(row)
            if seen.setdefault(key, row) != row:
                unreadable.append(Unreadable(reason="listed twice", symbol=_symbol_of(row)))
            try:
                value = self._read(row)
            except ValueError as error:
                unreadable.append(Unreadable(reason=str(error), symbol=_symbol_of(row)))
                continue
            if value is not None:
                values.setdefault(key, value)
        return Listing(rows=tuple(values.values()), unreadable=tuple(unreadable))

    def _each(self, body: bytes) -> Iterable[RowT | Unreadable]:
        try:
            rows: list[RowT] = self._rows.decode(body)
        except UNREADABLE:
            return self._one_by_one(body)
        if any(body.count(name) > len(rows) for name in self._decisive):
            return self._one_by_one(body)
        return rows

    def _one_by_one(self, body: bytes) -> Iterator[RowT | Unreadable]:
        found = strict_json(body)
        if not isinstance(found, list):
            raise Unanswered("a list was asked for, and something else came back")
        for row in found:
            try:
                yield convert(row, self._row)
            except UNREADABLE as error:
                yield Unreadable(reason=f"a row cannot be read: {error}", symbol=_symbol_of(row))


class Doubled(dict[str, object]):
    """A JSON object in which a key stands twice: nobody can say which of the two is meant."""


def strict_json(body: bytes) -> object:
    """Any JSON, slowly: numbers as their own text, NaN and the like as None, doubles marked.

    Raises:
        Unanswered: the text is no JSON, or nested beyond all reason.
    """
    try:
        return json.loads(
            body.decode("utf-8", "surrogateescape"),
            parse_float=str,
            parse_int=str,
            parse_constant=lambda _: None,
            object_pairs_hook=_pairs,
        )
    except UNREADABLE:
        raise Unanswered("the answer is no JSON") from None


def convert(found: object, row: type[RowT]) -> RowT:
    """One row, strictly.

    Raises:
        ValueError: it is not of that kind, or a key stands in it twice.
    """
    if isinstance(found, Doubled):
        raise ValueError("a key stands in it twice")
    return msgspec.convert(found, row)


def number(text: str, name: str) -> Decimal:
    """A finite number of a size that can be meant.

    Raises:
        ValueError: anything else, without the text where it is no number at all.
    """
    if not _NUMBER.match(text):
        raise ValueError(f"{name} is no number")
    value = Decimal(text)
    if abs(value) > _LARGEST:
        raise ValueError(f"{name} is beyond all reason: {value:.3e}")
    return value


def price(text: str | None) -> Decimal | None:
    """A price above zero; None where there is none. The venue writes none as 0 or as nothing."""
    if text is None or not _NUMBER.match(text):
        return None
    value = Decimal(text)
    return value if 0 < value <= _LARGEST else None


def milliseconds(value: int | str | None) -> int | None:
    """A venue's time; None where there is none. The venue writes none as 0."""
    if isinstance(value, str):
        value = int(value) if value.isascii() and value.isdigit() and len(value) <= 15 else None
    return value or None


def flag(value: bool | str, name: str) -> bool:  # noqa: FBT001 - what a payload says
    """A yes or no; the venue writes some of them as text.

    Raises:
        ValueError: another word.
    """
    if isinstance(value, str):
        if value.lower() not in ("true", "false"):
            raise ValueError(f"{name} is neither true nor false")
        return value.lower() == "true"
    return value


def symbol(text: str) -> Symbol:
    """A symbol as the venue writes it: any text that can be sent back.

    Raises:
        ValueError: empty, far too long, or not even text.
    """
    if not 0 < len(text) <= _SYMBOL_LENGTH_MAX:
        raise ValueError("a symbol of no possible length")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ValueError("a symbol that is no text") from None
    return text


def unknown_word(name: str, word: str) -> NoReturn:
    """Refuse a word that the venue's reference does not have.

    Raises:
        ValueError: always, naming the field and the beginning of the word.
    """
    raise ValueError(f"{name} is a word that is not known: {word[:40]!r}")


def _symbol_of(row: object) -> Symbol | None:
    """The symbol of a row that cannot be read, where at least that can."""
    found = row.get("symbol") if isinstance(row, Mapping) else getattr(row, "symbol", None)
    try:
        return symbol(found) if isinstance(found, str) else None
    except ValueError:
        return None


def _pairs(pairs: list[tuple[str, object]]) -> dict[str, object]:
    found = dict(pairs)
    return found if len(found) == len(pairs) else Doubled(found)
