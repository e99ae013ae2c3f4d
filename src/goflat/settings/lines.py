"""Which line of a TOML text says what.

tomllib reads values and forgets where they stood. This reads places and nothing else: it knows
strings, comments and brackets well enough to find the headers and keys, and leaves every judgement
to tomllib.
"""

import re
import tomllib
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field

KeyPath = tuple[str | int, ...]
"""Tables and a key, outermost first; the entries of a `[[table]]` are counted from 0."""

DEEPEST = 4
"""Nothing that we look for lies deeper than a key of a table in an entry of a `[[table]]`."""

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:\\.|[^"\\\n])*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"(?P<open>\[\[?)[ \t]*(?P<name>{_DOTTED})[ \t]*\]")
_ENTRY = re.compile(rf"(?P<name>{_DOTTED})[ \t]*=")
_BLANK = re.compile(r"(?:\s|#[^\n]*)+")
_TOKEN = re.compile(
    r'"""(?:\\.|[^\\])*?(?:"{3,5}|\Z)'
    r"|'''.*?(?:'{3,5}|\Z)"
    r'|"(?:\\.|[^"\\\n])*"?'
    r"|'[^'\n]*'?"
    r"|#[^\n]*|[\[{]|[\]}]|\n|[^\"'#\[\]{}\n]+",
    re.DOTALL,
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Section:
    """The lines from one header to the next, both counted from 1, `last` included.

    `table` is the outermost name of the header; the lines before any header have none.
    """

    table: str | None
    first: int
    last: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Layout:
    """Where the tables and keys of one text are."""

    lines: Mapping[KeyPath, int] = field(default_factory=dict)
    sections: tuple[Section, ...] = ()

    def line(self, *path: str | int) -> int | None:
        """The line of a key, or of the nearest table around it that has one."""
        for length in range(len(path), 0, -1):
            if (found := self.lines.get(path[:length])) is not None:
                return found
        return None

    def section(self, line: int) -> Section | None:
        return next((s for s in self.sections if s.first <= line <= s.last), None)


def lay_out(text: str) -> Layout:
    """Find every header and key. A text that is no TOML gives what could be found."""
    lines: dict[KeyPath, int] = {}
    headers: list[tuple[str | None, int]] = [(None, 1)]
    entries: dict[KeyPath, int] = {}
    table: KeyPath = ()
    for line, name, opening in _statements(text):
        if opening:
            headers.append((name[0], line))
            table = _entered(name, entries, repeats=opening == "[[")
            path = table
        else:
            path = (*table, *name)
        for length in range(1, min(len(path), DEEPEST) + 1):
            lines.setdefault(path[:length], line)
    return Layout(lines=lines, sections=_sections(headers, text.count("\n") + 1))


def _entered(name: tuple[str, ...], entries: dict[KeyPath, int], *, repeats: bool) -> KeyPath:
    """The path of a header: of a `[[table]]` its next entry, below one its last entry."""
    if repeats:
        entries[name] = entries.get(name, -1) + 1
    path: KeyPath = ()
    for length, part in enumerate(name, start=1):
        path = (*path, part)
        if (number := entries.get(name[:length])) is not None:
            path = (*path, number)
    return path


def _sections(headers: list[tuple[str | None, int]], last: int) -> tuple[Section, ...]:
    ends = [line - 1 for _, line in headers[1:]] + [last]
    return tuple(
        Section(table=name, first=first, last=end)
        for (name, first), end in zip(headers, ends, strict=True)
    )


def _statements(text: str) -> Iterator[tuple[int, tuple[str, ...], str]]:
    """Line, name, and the opening bracket of a header or nothing, of each statement."""
    position = line = 0
    while position < len(text):
        if blank := _BLANK.match(text, position):
            line += blank.group().count("\n")
            position = blank.end()
            continue
        if header := _HEADER.match(text, position):
            yield line + 1, _parts(header["name"]), header["open"]
        elif entry := _ENTRY.match(text, position):
            yield line + 1, _parts(entry["name"]), ""
        end = _end_of_statement(text, position)
        line += text.count("\n", position, end)
        position = end


def _end_of_statement(text: str, position: int) -> int:
    """The place of the newline that ends the statement, outside of strings and brackets."""
    depth = 0
    for token in _TOKEN.finditer(text, position):
        match token.group()[0]:
            case "[" | "{":
                depth += 1
            case "]" | "}":
                depth -= 1
            case "\n" if depth <= 0:
                return token.start()
    return len(text)


def _parts(name: str) -> tuple[str, ...]:
    """The parts of a dotted key, unquoted."""
    try:
        content: object = tomllib.loads(f"{name} = 0")
    except ValueError:
        return (name,)
    parts = []
    while isinstance(content, dict):
        ((part, content),) = content.items()
        parts.append(part)
    return tuple(parts)
