"""The words of the product: nothing that a person can type, see or import is missing in them."""

import ast
import importlib
import os
import re
import subprocess
import sys
import textwrap
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import click
import pytest

import goflat
from goflat.cli import live, summary
from goflat.cli.exits import EXIT_CODES
from goflat.cli.main import COMMANDS
from goflat.core.decision import Note
from goflat.core.guarding.effects import Level
from goflat.core.guarding.states import POST, PostState
from goflat.core.states import LEG, SWEEP, LegState, SweepState, draw
from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.drill.catalogue import CATALOGUE
from goflat.errors import Refusal
from goflat.guard.run.endings import LIQUIDATION_CODES, NOT_EXECUTABLE, NOT_FOUND
from goflat.journal.record import EventType
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

ROOT = Path(__file__).parents[1]
PAGES = {
    str(path.relative_to(ROOT)): path.read_text(encoding="utf-8")
    for path in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
}


def page(name: str) -> str:
    return PAGES[name]


def flat(text: str) -> str:
    """A text without its line ends and its marks of code, to look for a sentence in."""
    return " ".join(text.replace("`", "").split())


# --- what can be typed --------------------------------------------------------------------------


def _commands() -> Iterator[tuple[str, click.Command]]:
    for name, module in COMMANDS.items():
        command = importlib.import_module(module).command
        inner = command.commands if isinstance(command, click.Group) else {}
        yield from ((f"{name} {sub}", it) for sub, it in inner.items())
        if not inner:
            yield name, command


TYPED = dict(_commands())


def section(name: str) -> str:
    """The part of the page about a command; one page part for a whole group."""
    text = page("docs/command-line.md")
    start = text.index(f"## goflat {name.split(maxsplit=1)[0]}\n")
    return text[start : text.find("\n## ", start + 1)]


@pytest.mark.parametrize("name", TYPED)
def test_every_command_is_in_the_list(name: str) -> None:
    assert f"| `goflat {name}` |" in page("docs/command-line.md")


@pytest.mark.parametrize(
    ("name", "option"),
    [(name, option) for name, it in TYPED.items() for p in it.params for option in p.opts],
)
def test_every_option_and_argument_has_its_row(name: str, option: str) -> None:
    named = {"symbols": "SYMBOL", "file": "FILE", "bot": "BOT", "argv": "COMMAND"}
    shown = option if option.startswith("-") else named[option]

    assert re.search(rf"^\| `{re.escape(shown)}\b", section(name), re.MULTILINE)


@pytest.mark.parametrize("name", TYPED)
def test_every_exit_code_that_the_help_names_has_its_row(name: str) -> None:
    about = flat((TYPED[name].help or "") + " ")
    said = re.search(r"Exit codes: (.*?)\.(?: |$)", about)
    for code in re.findall(r"\b(\d) ", said[1] if said else ""):
        assert re.search(rf"^\| {code} \|", section(name), re.MULTILINE), code


@pytest.mark.parametrize(("state", "code"), EXIT_CODES.items())
def test_every_ending_of_flatten_has_its_code(state: LiquidationState, code: int) -> None:
    assert f"| {code} | {state.value} |" in section("flatten")
    assert re.search(rf"^\| {code} \| .*{state.value}", page("docs/operations.md"), re.MULTILINE)


@pytest.mark.parametrize("code", [*LIQUIDATION_CODES.values(), NOT_EXECUTABLE, NOT_FOUND])
def test_every_exit_code_that_run_adds_to_those_of_its_command_has_its_row(code: int) -> None:
    assert re.search(rf"^\| {code} \|", section("run"), re.MULTILINE)
    if code in LIQUIDATION_CODES.values():
        assert re.search(rf"^\| {code} \|", page("docs/operations.md"), re.MULTILINE)


@pytest.mark.parametrize("name", CATALOGUE)
def test_every_scenario_of_the_drill_has_its_row(name: str) -> None:
    assert f"| `{name}` | {CATALOGUE[name].shows} |" in section("drill")


def test_every_step_of_the_makefile_is_told_with_its_own_words() -> None:
    steps = re.findall(r"^([a-z-]+):.*?## (.*)$", (ROOT / "Makefile").read_text(), re.MULTILINE)

    assert len(steps) > 5
    for step, words in steps:
        assert f"| `make {step}` | {words} |" in page("CONTRIBUTING.md")


# --- what can be seen ---------------------------------------------------------------------------


@pytest.mark.parametrize("state", LiquidationState)
def test_every_state_of_a_run_is_explained(state: LiquidationState) -> None:
    assert f"`{state.value}`" in page("docs/glossary.md")
    assert f"`{state.value}`" in page("docs/concepts/states.md")


@pytest.mark.parametrize("outcome", LegOutcome)
def test_every_outcome_of_a_leg_is_explained(outcome: LegOutcome) -> None:
    assert f"| `{outcome.value}` |" in page("docs/glossary.md")
    assert f"| `{outcome.value}` |" in page("docs/operations.md")
    assert f"`{outcome.name}`" in page("docs/concepts/states.md")
    assert f"`{outcome.name}`" in page("docs/python.md")


@pytest.mark.parametrize("state", [*LegState, *SweepState])
def test_every_inner_state_has_its_row(state: LegState | SweepState) -> None:
    assert f"| `{state.name}` |" in page("docs/concepts/states.md")


def test_the_diagrams_are_drawn_from_the_tables() -> None:
    found = re.findall(r"```mermaid\n(.*?)\n```", page("docs/concepts/states.md"), re.DOTALL)

    assert found == [draw(LEG), draw(SWEEP), draw(POST)]


@pytest.mark.parametrize("event", EventType)
def test_every_event_of_the_audit_trail_is_explained(event: EventType) -> None:
    assert f"| `{event.value}` |" in page("docs/audit.md")


@pytest.mark.parametrize("note", Note)
def test_every_decision_that_is_written_down_is_explained(note: Note) -> None:
    assert f"| `{note.value}` |" in page("docs/audit.md")


@pytest.mark.parametrize("level", Level)
def test_every_event_of_the_guard_is_explained(level: Level) -> None:
    assert f"`GUARD_{level.name}`" in page("docs/audit.md")


@pytest.mark.parametrize("state", PostState)
def test_every_state_of_a_guarded_account_is_explained(state: PostState) -> None:
    assert f"| `{state.value}` |" in page("docs/operations.md")
    assert f"| `{state.name}` |" in page("docs/concepts/states.md")


@pytest.mark.parametrize("headline", summary.HEADLINES.values())
def test_every_last_word_is_in_the_operations_guide(headline: str) -> None:
    first = re.split(r"(?<=[A-Z])[.]", headline)[0]

    assert first in page("docs/operations.md")


@pytest.mark.parametrize("word", [word for word, _ in live._STATES.values()])
def test_every_word_of_the_live_view_is_explained(word: str) -> None:
    assert f"| `{word}` |" in page("docs/operations.md")


@pytest.mark.parametrize("kind", [LiquidationResult, LegResult])
def test_every_field_of_a_result_is_explained(kind: type) -> None:
    for field in kind.__dataclass_fields__:
        assert re.search(rf"^\| .*`{field}`.* \|", page("docs/python.md"), re.MULTILINE), field


SPEAKING = sorted(
    str(path.relative_to(ROOT))
    for pattern in (
        *("__main__.py", "arming.py", "manager.py", "domain/config.py", "shell/*.py"),
        *("core/leg/*.py", "core/sweep.py", "core/verdict.py", "core/fold.py"),
        *("venues/order_manager.py", "venues/binance/*.py", "drill/play.py", "drill/stage.py"),
        *("settings/addresses.py", "settings/guarding.py", "settings/kinds.py"),
        *("heart.py", "cli/run.py", "cli/asked.py", "core/guarding/*.py"),
        *("guard/*.py", "guard/run/*.py", "guard/triggers/*.py"),
        *("settings/load.py", "settings/s[emo]*.py", "settings/tables.py", "settings/values.py"),
    )
    for path in (ROOT / "src" / "goflat").glob(pattern)
    if path.name != "schema.py" and path.parts[-2:] != ("guarding", "states.py")
)
"""Files whose sentences a person may be shown when something is not as it should be.

What `--help` says and what states are called stands elsewhere in the pages.
"""

NOT_SAID = frozenset(
    {
        "a far larger number",
        "a whole number",
        "must be {}, at most 32, was something else",
        "shows {}, but our fills leave {}",
        "a child that nobody has reaped is there",
        "a line without an end",
        "asyncio.Task[object] | None",
        "not meant for a liquidator: {}",
        "nothing but a kill of everything",
        "time went backwards: use a monotonic clock",
        # What the parser of TOML says, and what is said in its place.
        "Cannot overwrite a value",
        r"\s*\(at (?:line (\d+), column \d+|end of document)\)\s*$",
    }
)
"""Texts that are parts of others, or stand in the audit trail alone."""


HELP = frozenset(getattr(p, "help", None) for it in TYPED.values() for p in it.params)


def _sentences(path: Path) -> Iterator[str]:
    """Every text of three words and more in a file, with {} where a value goes; no docstrings."""
    tree = ast.parse(path.read_text(encoding="utf-8"))
    statements = {id(s.value) for s in ast.walk(tree) if isinstance(s, ast.Expr)}
    inside = {id(part) for f in ast.walk(tree) if isinstance(f, ast.JoinedStr) for part in f.values}
    for node in ast.walk(tree):
        if isinstance(node, ast.JoinedStr):
            yield "".join(v.value if isinstance(v, ast.Constant) else "{}" for v in node.values)
        elif isinstance(node, ast.Constant) and id(node) not in statements | inside:
            yield from [node.value] if isinstance(node.value, str) else []


def _longest_part(sentence: str) -> str:
    """What of a sentence does not depend on names and numbers."""
    parts = re.split(r"\{\}|%s|[:;()]|goflat init", flat(sentence))
    return max(parts, key=len).strip(' .,"')


@pytest.mark.parametrize("name", SPEAKING)
def test_every_sentence_that_a_person_can_be_shown_is_explained(name: str) -> None:
    told = flat(page("docs/troubleshooting.md"))
    sentences = {
        text: part
        for text in _sentences(ROOT / name)
        if len((part := _longest_part(text)).split()) >= 3 and text not in NOT_SAID | HELP
    }

    assert [text for text, part in sentences.items() if part not in told] == []


@pytest.mark.parametrize("refusal", Refusal)
def test_every_meaning_of_a_refusal_is_in_the_glossary_of_codes(refusal: Refusal) -> None:
    from goflat.venues.binance.failures import REFUSALS

    codes = [code for code, means in REFUSALS.items() if means is refusal]
    for code in codes:
        assert re.search(rf"{code}\b", page("docs/troubleshooting.md")), code


# --- what can be imported -----------------------------------------------------------------------


@pytest.mark.parametrize("name", goflat.__all__)
def test_every_public_name_has_its_row(name: str) -> None:
    assert f"| `{name}` |" in page("docs/python.md")


def test_every_dependency_has_its_reason() -> None:
    project = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))
    groups = [
        project["project"]["dependencies"],
        *project["project"]["optional-dependencies"].values(),
        *project["dependency-groups"].values(),
    ]
    for dependency in {re.split(r"[><=~!\[]", it)[0] for group in groups for it in group}:
        assert dependency in page("docs/concepts/dependencies.md"), dependency


# --- links, hosts, paths ------------------------------------------------------------------------


def _without_code(text: str) -> str:
    return re.sub(r"```.*?```|`[^`\n]*`", "", text, flags=re.DOTALL)


def _anchors(text: str) -> set[str]:
    headings = re.findall(
        r"^#+ (.*)$", re.sub(r"```.*?```", "", text, flags=re.DOTALL), re.MULTILINE
    )
    return {
        re.sub(r"[^\w\- ]", "", heading.replace("`", "").casefold()).replace(" ", "-")
        for heading in headings
    }


LINKS = [
    (name, link)
    for name, text in PAGES.items()
    for link in re.findall(r"\]\(([^)\s]+)\)", _without_code(text))
]


@pytest.mark.parametrize(("name", "link"), LINKS)
def test_every_link_leads_somewhere(name: str, link: str) -> None:
    assert "://" not in link, "the pages link to each other only"
    target, _, anchor = link.partition("#")
    file = (ROOT / name).parent / target if target else ROOT / name

    assert file.exists(), link
    if anchor:
        assert anchor in _anchors(file.read_text(encoding="utf-8")), link


@pytest.mark.parametrize("name", [name for name in PAGES if name.startswith("docs/")])
def test_every_page_is_linked_from_another(name: str) -> None:
    targets = {
        os.path.normpath(Path(where).parent / link.partition("#")[0])
        for where, link in LINKS
        if where != name
    }

    assert name in targets


OWN_HOSTS = re.compile(r"(127\.0\.0\.1(:\d+)?|localhost|host|([a-z-]+\.)*binance(future)?\.com)\Z")


@pytest.mark.parametrize("name", PAGES)
def test_no_page_names_a_host_but_the_venues_own_and_this_machine(name: str) -> None:
    addresses = re.findall(r"\b(?:https?|wss?)://\w[^\s)`\"'<>]*", page(name))
    hosts = {urlsplit(address).netloc for address in addresses}

    assert [host for host in hosts if not OWN_HOSTS.match(host)] == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_holds_a_path_of_somebodys_machine(name: str) -> None:
    assert re.findall(r"(?<![\w.~-])/(?:home|root|tmp|work|mnt|Users)\b[^\s`]*", page(name)) == []


@pytest.mark.parametrize("name", PAGES)
def test_no_page_holds_a_key(name: str) -> None:
    assert TEST_API_SECRET not in page(name)


# --- snippets -----------------------------------------------------------------------------------

SNIPPETS = [
    pytest.param(info, code, id=f"{name}-{number}")
    for name, text in PAGES.items()
    for number, (info, code) in enumerate(
        re.findall(r"^```python *(.*?)\n(.*?)^```", text, re.DOTALL | re.MULTILINE), start=1
    )
]


@pytest.mark.parametrize(("info", "code"), SNIPPETS)
def test_every_snippet_of_python_compiles(info: str, code: str) -> None:
    assert info in {"", "runnable"}
    compile(textwrap.dedent(code), "<page>", "exec", flags=ast.PyCF_ALLOW_TOP_LEVEL_AWAIT)


@pytest.mark.parametrize(
    "code", [it.values[1] for it in SNIPPETS if it.values[0] == "runnable"], ids=lambda it: it[-24:]
)
def test_every_snippet_that_is_marked_runnable_runs(code: str, tmp_path: Path) -> None:
    venue = SimulatedVenue()
    with venue.in_thread():
        venue.open_position("BTCUSDT", "0.5")
        (tmp_path / "goflat.toml").write_text(
            f'[venue]\nenvironment = "simulated"\nrest_url = "{venue.rest_url}"\n'
            "[liquidation]\nquiet_seconds = 0.1\n"
        )
        keys = {"BINANCE_API_KEY": TEST_API_KEY, "BINANCE_API_SECRET": TEST_API_SECRET}
        done = subprocess.run(
            [sys.executable, "-c", code],
            check=False,
            cwd=tmp_path,
            env=os.environ | keys,
            capture_output=True,
            text=True,
            timeout=20,
        )

    assert done.returncode == 0, done.stderr


# --- the first screen ---------------------------------------------------------------------------


def test_the_first_screen_shows_something_to_type_at_once() -> None:
    lines = page("README.md").splitlines()

    assert next(n for n, line in enumerate(lines, start=1) if line.startswith("```")) < 30


def test_the_transcript_of_the_drill_is_of_the_drill_that_there_is() -> None:
    block = re.search(r"^```console\n(.*?)^```", page("README.md"), re.DOTALL | re.MULTILINE)
    assert block
    played = re.findall(r"^  PASS  (\S+) +[\d.]+ s  (.*)$", block[1], re.MULTILINE)

    assert played == [(scenario.name, scenario.shows) for scenario in CATALOGUE.values()]
    assert f"{len(CATALOGUE)} of {len(CATALOGUE)} passed" in block[1]
