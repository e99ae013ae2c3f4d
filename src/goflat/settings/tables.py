"""One table of the file, read by its declaration: values, and everything that is wrong with it."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any

from goflat.errors import Mistake
from goflat.settings.declaration import Kind, Setting, Table
from goflat.settings.kinds import Place, Unreadable, described, read_value
from goflat.settings.lines import KeyPath
from goflat.settings.schema import TABLES
from goflat.settings.source import Source
from goflat.settings.spelling import did_you_mean, shown

MOST_UNKNOWN = 50
"""More unknown names than this in one place are not explained one by one."""


@dataclass(slots=True)
class Reading:
    """A table, read: a value for each key that could be read, and what was wrong."""

    path: KeyPath
    values: dict[str, Any] = field(default_factory=dict)
    mistakes: list[Mistake] = field(default_factory=list)


def read_once(source: Source, table: Table) -> Reading:
    """A table that stands there once, or not at all, and then every default holds."""
    content = source.document.get(table.name, {})
    if isinstance(content, dict):
        return read_table(source, table, (table.name,), content)
    text = f"must be written once, as {table.header}, was {described(content)}"
    return Reading((table.name,), mistakes=[source.mistake(table.name, text=text)])


def read_table(
    source: Source, table: Table, path: KeyPath, content: Mapping[str, object]
) -> Reading:
    """Every setting of a table, and a mistake for every key that is none."""
    reading = Reading(path)
    unknown = (key for key in content if table.setting(key) is None)
    for key in islice(unknown, MOST_UNKNOWN):
        text = f"is unknown in {table.header}{_better_place(key) or _meant(key, table)}"
        reading.mistakes.append(source.mistake(*path, shown(key), text=text))
    for setting in table.settings:
        try:
            reading.values[setting.key] = _read_setting(source, setting, content)
        except Unreadable as unreadable:
            reading.mistakes.append(source.mistake(*path, setting.key, text=str(unreadable)))
    return reading


def unknown_tables(source: Source) -> Iterator[tuple[str, Mistake]]:
    """Every name outside of the tables that is none of ours, and what is wrong with it."""
    unknown = (name for name in source.document if name not in TABLES)
    for name in islice(unknown, MOST_UNKNOWN):
        if isinstance(source.document[name], dict | list):
            text = f"is an unknown table{did_you_mean(name, TABLES)}"
        else:
            text = f"stands outside of every table{_better_place(name)}"
        yield name, source.mistake(shown(name), text=text)


def _read_setting(source: Source, setting: Setting, content: Mapping[str, object]) -> object:
    place = Place(directory=source.directory, key=setting.key)
    if setting.key in content:
        return read_value(setting, content[setting.key], place)
    if setting.required and not _goes_without(setting, content):
        raise Unreadable(f"is missing; it must be {setting.expected}")
    if setting.default is None:
        return None
    return read_value(setting, setting.default, place)


def _goes_without(setting: Setting, content: Mapping[str, object]) -> bool:
    """A simulated venue can be tried before there are any keys."""
    return setting.kind is Kind.SECRET and content.get("environment") == "simulated"


def _better_place(key: str) -> str:
    homes = [table.header for table in TABLES.values() if table.setting(key) is not None]
    return f"; it belongs in {' or '.join(homes)}" if homes else ""


def _meant(key: str, table: Table) -> str:
    return did_you_mean(key, [setting.key for setting in table.settings])
