"""A goflat.toml to begin with, written from the declaration of the settings."""

import json
import textwrap
from collections.abc import Iterator

from goflat.settings.declaration import Kind, Setting, Table
from goflat.settings.schema import TABLES

_HEAD = """\
# Settings of goflat. Every key is explained above it; what is commented out may be left out.
# After every change: goflat check
"""


def template() -> str:
    """The text of a commented configuration that loads as it is, with the simulated venue."""
    return "\n".join([_HEAD, *("\n".join(_table(table)) for table in TABLES.values())])


def _table(table: Table) -> Iterator[str]:
    """A table with its keys. One that repeats is an alternative: it is commented out, and short."""
    yield from _comment(table.doc)
    if table.repeats:
        yield f"# {table.header}"
        for setting in table.settings:
            if setting.required:
                yield f"# {setting.key} = {value_as_toml(setting)}"
    else:
        yield table.header
        for setting in table.settings:
            yield from _comment(f"{setting.doc}{_bounds(setting)}")
            yield f"{_off(setting)}{setting.key} = {value_as_toml(setting)}"
    yield ""


def _comment(text: str) -> list[str]:
    return textwrap.wrap(text, 100, initial_indent="# ", subsequent_indent="# ")


def _off(setting: Setting) -> str:
    is_said = setting.default is not None or setting.required or setting.suggested
    return "" if is_said else "# "


def _bounds(setting: Setting) -> str:
    if setting.kind is Kind.CHOICE and len(setting.choices) > 1:
        return f" ({', '.join(setting.choices)})"
    if setting.least is None or setting.most is None:
        return ""
    return f" ({setting.least:g} to {setting.most:g})"


def value_as_toml(setting: Setting) -> str:
    """A value as TOML. What JSON writes for a switch, a number or a text is TOML as well."""
    return setting.sample or json.dumps(setting.default)
