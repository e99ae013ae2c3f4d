"""The text of a configuration: which file, its bytes, its tables."""

import re
import tomllib
from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path

from goflat.errors import Mistake, SettingsError
from goflat.settings.lines import Layout, Section, lay_out
from goflat.settings.schema import emergency_needs
from goflat.settings.small_file import read_small_file

DEFAULT_PATH = "goflat.toml"
VARIABLE = "GOFLAT_CONFIG"
LARGEST_BYTES = 65_536
MOST_BROKEN_TABLES = 16
MOST_DOTS = 200
"""More dots in one line than this are no key that a person wrote; tomllib would take minutes."""

_TWICE = {
    "Cannot overwrite a value": "the same key stands here for the second time",
    "Cannot declare": "the same table stands here for the second time",
}

_AT_LINE = re.compile(r"\s*\(at (?:line (\d+), column \d+|end of document)\)\s*$")


@dataclass(frozen=True, slots=True, kw_only=True)
class Source:
    """One configuration as TOML, with the places of its keys.

    `file` is None for a mapping that never was a file. `faults` are tables that are no TOML and
    that an emergency does not need: they were left out.
    """

    directory: Path
    document: Mapping[str, object]
    layout: Layout = field(default_factory=Layout)
    file: str | None = None
    faults: tuple[Mistake, ...] = ()

    def mistake(self, *path: str | int, text: str) -> Mistake:
        """A mistake about the key at the end of that path."""
        return Mistake(text=text, key=_spelled(path), file=self.file, line=self.layout.line(*path))


def find_file(path: str | None, environ: Mapping[str, str]) -> Path:
    """Which file it is: the one that was named, else $GOFLAT_CONFIG, else ./goflat.toml.

    A file that was named and is not there is never replaced by the next one.

    Raises:
        SettingsError: a name was given, and it is empty.
    """
    named = path if path is not None else environ.get(VARIABLE)
    if named is None:
        return Path(DEFAULT_PATH).absolute()
    if not named.strip() or "\0" in named:
        origin = "--config" if path is not None else f"${VARIABLE}"
        raise SettingsError(f"{origin} is empty or no path; name a file, or leave it out")
    return Path(named).absolute()


def read_source(path: Path, *, named: bool) -> Source:
    """Read and take apart one file. `named`: somebody asked for this very file.

    Raises:
        SettingsError: there is no such file, it is none of ours, or it is no TOML where the
            emergency needs it.
    """
    text = _text(path, named=named)
    layout = lay_out(text)
    document, faults = _parsed(text, layout, str(path))
    return Source(
        directory=path.parent, document=document, layout=layout, file=str(path), faults=faults
    )


def _text(path: Path, *, named: bool) -> str:
    try:
        content = read_small_file(path, LARGEST_BYTES)
    except FileNotFoundError:
        raise SettingsError(Mistake(file=str(path), text=_absent(named=named))) from None
    except OSError as error:
        reason = error.strerror or str(error)
        raise SettingsError(Mistake(file=str(path), text=f"cannot be read: {reason}")) from None
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError as error:
        line = content.count(b"\n", 0, error.start) + 1
        raise SettingsError(
            Mistake(file=str(path), line=line, text="is no UTF-8 text; save it as UTF-8")
        ) from None
    if not text.strip():
        raise SettingsError(Mistake(file=str(path), text="is empty; `goflat init` writes one"))
    for number, row in enumerate(text.split("\n"), start=1):
        if row.count(".") > MOST_DOTS:
            raise SettingsError(Mistake(file=str(path), line=number, text="has far too many dots"))
    return text


def _absent(*, named: bool) -> str:
    if named:
        return "does not exist"
    return (
        f"does not exist, ${VARIABLE} is not set and no --config was given; "
        "`goflat init` writes one"
    )


def _parsed(
    text: str, layout: Layout, file: str
) -> tuple[Mapping[str, object], tuple[Mistake, ...]]:
    """The tables of the text. What is no TOML is left out, as long as the emergency allows it."""
    faults: list[Mistake] = []
    for _ in range(MOST_BROKEN_TABLES):
        parsed = _attempt(text, file)
        if not isinstance(parsed, Mistake):
            return parsed, tuple(faults)
        section = None if parsed.line is None else layout.section(parsed.line)
        if section is None or not _is_spare(section):
            return _bare(text, layout, (*faults, parsed))
        faults.append(_left_out(parsed, [section]))
        text = _without(text, section)
    raise SettingsError(*faults)


def _bare(
    text: str, layout: Layout, faults: tuple[Mistake, ...]
) -> tuple[Mapping[str, object], tuple[Mistake, ...]]:
    """Only what an emergency needs: the place where TOML breaks may lie far below its cause."""
    spare = [section for section in layout.sections if _is_spare(section)]
    for section in spare:
        text = _without(text, section)
    parsed = _attempt(text, str(faults[-1].file))
    if isinstance(parsed, Mistake):
        raise SettingsError(*faults)
    return parsed, (*faults[:-1], _left_out(faults[-1], spare))


def _attempt(text: str, file: str) -> Mapping[str, object] | Mistake:
    try:
        return tomllib.loads(text)
    except (ValueError, RecursionError) as error:
        line, reason = _syntax(error, text)
        return Mistake(file=file, line=line, text=f"is no TOML: {reason}")


def _left_out(mistake: Mistake, sections: list[Section]) -> Mistake:
    names = ", ".join(sorted({f"[{section.table}]" for section in sections}))
    return replace(mistake, text=f"{mistake.text}; {names} was left out")


def _is_spare(section: Section) -> bool:
    """Whether the emergency can do without these lines."""
    return section.table is not None and not emergency_needs(section.table)


def _syntax(error: ValueError | RecursionError, text: str) -> tuple[int | None, str]:
    """The line if it is known, and what tomllib has to say. It repeats names, never values."""
    if isinstance(error, RecursionError):
        return None, "it is nested too deeply"
    if not isinstance(error, tomllib.TOMLDecodeError):
        return None, "a number in it has too many digits"
    said = str(error)
    place = _AT_LINE.search(said)
    line = int(place[1]) if place and place[1] else text.count("\n") + 1
    said = _AT_LINE.sub("", said)
    return line, next((ours for theirs, ours in _TWICE.items() if said.startswith(theirs)), said)


def _without(text: str, section: Section) -> str:
    """The text with the lines of one section blank, so that every other keeps its number."""
    lines = text.split("\n")
    for number in range(section.first, section.last + 1):
        lines[number - 1] = ""
    return "\n".join(lines)


def _spelled(path: tuple[str | int, ...]) -> str | None:
    """A path as it would be written: "[venue] api_key", "[[account]] 2 name"."""
    if len(path) < 2:
        return str(path[0]) if path else None
    table, *rest = path
    if not isinstance(rest[0], int):
        return " ".join([f"[{table}]", *map(str, rest)])
    number, *keys = rest
    return " ".join([f"[[{table}]]", str(int(number) + 1), *map(str, keys)])
