"""The locator knows where things stand, and leaves it to tomllib what they mean."""

import tomllib

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.settings.lines import lay_out

TEXT = '''\
# a comment with [venue] in it
top = 1

[liquidation]   # six of them
timeout_seconds = 5 # [no header]
"scope" = [
  "BTCUSDT", # key = 1
  "[venue]",
]
retry.delay = 1
[ venue ]
note = """
[audit]
path = "not here"
"""
api_key='env:A#B'
inline = { rest_url = "x", deep = [1, 2] }
[[account]]
name = "a"
[[account]]
name = "b"
[account.more]
x = 1
'''


@pytest.mark.parametrize(
    ("path", "line"),
    [
        (("top",), 2),
        (("liquidation",), 4),
        (("liquidation", "timeout_seconds"), 5),
        (("liquidation", "scope"), 6),
        (("liquidation", "retry"), 10),
        (("liquidation", "retry", "delay"), 10),
        (("liquidation", "unsaid"), 4),
        (("venue",), 11),
        (("venue", "note"), 12),
        (("venue", "api_key"), 16),
        (("venue", "inline", "rest_url"), 17),
        (("account",), 18),
        (("account", 0, "name"), 19),
        (("account", 1), 20),
        (("account", 1, "name"), 21),
        (("account", 1, "more", "x"), 23),
        (("audit",), None),
        (("audit", "path"), None),
    ],
)
def test_a_key_has_its_line_or_that_of_the_table_around_it(
    path: tuple[str | int, ...], line: int | None
) -> None:
    assert lay_out(TEXT).line(*path) == line


def test_the_sections_cover_every_line_once() -> None:
    sections = lay_out(TEXT).sections

    assert [section.table for section in sections] == [
        None, "liquidation", "venue", "account", "account", "account",
    ]  # fmt: skip
    covered = [n for section in sections for n in range(section.first, section.last + 1)]
    assert covered == list(range(1, TEXT.count("\n") + 2))


def test_windows_line_ends_count_once() -> None:
    layout = lay_out(TEXT.replace("\n", "\r\n"))

    assert layout.line("venue", "api_key") == 16


def test_a_key_with_an_escape_that_toml_does_not_know_keeps_its_spelling() -> None:
    assert lay_out('\n"\\q" = 1').line('"\\q"') == 2


@given(st.text(alphabet="ab[]{}=\"'#.,\\\n\r\t 1é\0", max_size=80))
def test_no_text_is_too_broken_to_be_looked_at(text: str) -> None:
    layout = lay_out(text)

    assert all(1 <= line <= text.count("\n") + 1 for line in layout.lines.values())


names = st.text(alphabet="abc-_\"' é.", min_size=1, max_size=6)


@given(st.dictionaries(names, st.dictionaries(names, st.integers(), max_size=3), max_size=4))
def test_every_key_of_a_good_text_is_found_on_its_own_line(
    document: dict[str, dict[str, int]],
) -> None:
    lines: list[str] = []
    wanted: dict[tuple[str, str], int] = {}
    for table, content in document.items():
        lines += ["", f"[{_quoted(table)}]"]
        for key, value in content.items():
            lines.append(f"{_quoted(key)} = {value}")
            wanted[table, key] = len(lines)
    text = "\n".join(lines)

    layout = lay_out(text)

    assert tomllib.loads(text) == document
    assert {path: layout.line(*path) for path in wanted} == wanted


def _quoted(name: str) -> str:
    escaped = name.replace("\\", "\\\\").replace('"', '\\"')
    return f'"{escaped}"'


@pytest.mark.parametrize(
    "text",
    ['"""' * 20_000, "#" * 60_000, "[" * 60_000, "a." * 30_000, "'''" * 20_000, '"\\' * 30_000],
    ids=["strings", "comments", "brackets", "dots", "literals", "escapes"],
)
def test_a_hostile_text_of_the_largest_size_takes_no_time(text: str) -> None:
    assert lay_out(text).sections
