"""The page about fault scripts: no word of a script is missing in it."""

import dataclasses
import inspect
import re
from pathlib import Path

import pytest

from goflat.venues.simulated.control import ACTIONS
from goflat.venues.simulated.effects import Shape
from goflat.venues.simulated.faults import Match
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.script import read
from goflat.venues.simulated.script_words import FAULTS, HAPPENINGS, RIPPLES
from goflat.venues.simulated.streams import EventMatch

PAGE = (Path(__file__).parents[3] / "docs" / "fault-script.md").read_text(encoding="utf-8")
WORDS = [*FAULTS.items(), *RIPPLES.items(), *HAPPENINGS.items()]


@pytest.mark.parametrize(("word", "make"), WORDS, ids=[word for word, _ in WORDS])
def test_every_word_has_its_row_with_every_key(word: str, make) -> None:
    (row,) = re.findall(rf"^\| `{word}` \|.*\|$", PAGE, re.MULTILINE)
    keys = row.rpartition(" |")[0].rpartition("| ")[2] if row.count("|") > 3 else ""

    assert re.findall(r"`(\w+)`", keys) == list(inspect.signature(make).parameters)


def test_every_key_of_a_match_is_explained() -> None:
    keys = [field.name for kind in (Match, EventMatch) for field in dataclasses.fields(kind)]

    assert [key for key in keys if f"`{key}`" not in PAGE] == []
    assert [shape.value for shape in Shape if f"`{shape.value}`" not in PAGE] == []


@pytest.mark.parametrize("knob", dataclasses.fields(Knobs), ids=lambda field: field.name)
def test_every_knob_has_its_row_with_what_it_is_unless_set(knob: dataclasses.Field) -> None:
    value = knob.default
    shown = str(value).lower() if isinstance(value, bool) else str(value)
    shown = f'"{value}"' if isinstance(value, str) else shown

    assert f"| `{knob.name}` | `{shown}` |" in PAGE


def test_every_path_of_the_control_api_has_its_row() -> None:
    assert [path for method, path in ACTIONS if f"| `{method} {path}" not in PAGE] == []


def test_the_script_on_the_page_can_be_used() -> None:
    (text,) = re.findall(r"```toml\n(.*?)```", PAGE, re.DOTALL)
    script = read(text)

    assert (len(script.rules), len(script.events), len(script.cues)) == (1, 1, 1)
