"""Tables of a TOML text, built into values; what is wrong is told with its file, line and key."""

import difflib
import inspect
import re
import tomllib
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace
from typing import TypeVar, get_type_hints

import msgspec

from goflat.errors import Mistake, SettingsError

Made = TypeVar("Made")


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """One table: its values, and where it stands. `number` counts tables of the same name."""

    values: Mapping[str, object]
    name: str
    number: int
    repeated: bool
    lines: tuple[str, ...]
    file: str

    def split(self, keys: Collection[str]) -> tuple["Table", "Table"]:
        """The part with these keys, and the rest."""
        inside = {key: value for key, value in self.values.items() if key in keys}
        outside = {key: value for key, value in self.values.items() if key not in keys}
        return replace(self, values=inside), replace(self, values=outside)

    def without(self, key: str) -> "Table":
        return self.split({key})[1]

    def inner(self, key: str) -> "Table":
        """A table that is the value of a key."""
        value = self.values[key]
        if not isinstance(value, dict):
            raise self.wrong(key, "is a table: { path = ... }")
        return replace(self, values=value)

    def word(self, key: str, words: Mapping[str, Made]) -> tuple[str, Made]:
        """A value that has to be one of these words, and what the word stands for."""
        said = self.values.get(key)
        if not isinstance(said, str):
            raise self.wrong(key, f"is missing; it is one of {', '.join(words)}")
        if said not in words:
            raise self.wrong(key, f'"{said}" is not known{_meant(said, words)}')
        return said, words[said]

    def build(self, make: Callable[..., Made], *, beside: Collection[str] = ()) -> Made:
        """A value from this table, every key of the type that the value wants.

        `beside` are keys of the same table that belong to something else: known, and not here.
        """
        parameters = inspect.signature(make).parameters
        for key in self.values:
            if key not in parameters:
                raise self.wrong(key, f"is not known here{_meant(key, (*parameters, *beside))}")
        for key, parameter in parameters.items():
            if parameter.default is inspect.Parameter.empty and key not in self.values:
                raise self.wrong(None, f"needs `{key}`")
        types = get_type_hints(make)
        return make(**{key: self._value(key, types[key]) for key in self.values})

    def wrong(self, key: str | None, text: str) -> SettingsError:
        """What is to be raised about a key, or about the table as a whole."""
        shown = f"[[{self.name}]] {self.number + 1}" if self.repeated else f"[{self.name}]"
        mistake = Mistake(
            file=self.file,
            line=_line(self.lines, self.name, self.number, key),
            key=shown if key is None else f"{shown} {key}",
            text=text,
        )
        return SettingsError(mistake)

    def _value(self, key: str, wanted: type) -> object:
        try:
            return msgspec.convert(self.values[key], wanted)
        except msgspec.ValidationError as error:
            raise self.wrong(key, f"is wrong: {error}") from None


@dataclass(frozen=True, slots=True, kw_only=True)
class Document:
    """A whole text."""

    values: Mapping[str, object]
    lines: tuple[str, ...]
    file: str

    def one(self, name: str) -> Table:
        """The table of that name; an empty one where there is none."""
        return self._table(self.values.get(name, {}), name, 0, repeated=False)

    def several(self, name: str) -> list[Table]:
        """Every `[[table]]` of that name."""
        found = self.values.get(name, [])
        if not isinstance(found, list):
            raise self._table({}, name, 0, repeated=True).wrong(None, "has two brackets")
        return [self._table(one, name, i, repeated=True) for i, one in enumerate(found)]

    def _table(self, values: object, name: str, number: int, *, repeated: bool) -> Table:
        table = Table(
            values=values if isinstance(values, dict) else {},
            name=name,
            number=number,
            repeated=repeated,
            lines=self.lines,
            file=self.file,
        )
        if not isinstance(values, dict):
            raise table.wrong(None, "is a table")
        return table


def parse(text: str, file: str, *, tables: Collection[str]) -> Document:
    """Take a text apart. Raises `SettingsError` where it is no TOML, or has other tables."""
    try:
        values = tomllib.loads(text)
    except (tomllib.TOMLDecodeError, RecursionError) as error:
        raise SettingsError(Mistake(file=file, text=f"is no TOML: {error}")) from None
    lines = tuple(text.splitlines())
    for name in values:
        if name not in tables:
            place = _line(lines, name, 0, None)
            told = f"is not known here{_meant(name, tables)}"
            raise SettingsError(Mistake(file=file, line=place, key=name, text=told))
    return Document(values=values, lines=lines, file=file)


def _line(lines: tuple[str, ...], table: str, number: int, key: str | None) -> int | None:
    """The line of a key in the n-th table of a name, else of that table's header."""
    name = re.escape(table)
    starts = _lines_like(lines, rf"\s*\[+\s*{name}\s*\]") or _lines_like(lines, rf"\s*{name}\s*=")
    if number >= len(starts):
        return None
    start = starts[number]
    if key is None:
        return start + 1
    entry = re.compile(rf"\s*\"?{re.escape(key)}\"?\s*=")
    for i, line in enumerate(lines[start + 1 :], start + 1):
        if entry.match(line):
            return i + 1
        if line.lstrip().startswith("["):
            break
    return start + 1


def _lines_like(lines: tuple[str, ...], pattern: str) -> list[int]:
    return [i for i, line in enumerate(lines) if re.match(pattern, line)]


def _meant(word: str, known: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(known), n=1)
    return f"; did you mean `{close[0]}`?" if close else f"; known are {', '.join(known)}"
