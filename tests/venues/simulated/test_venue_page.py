"""The page about the simulated venue: every row of it can be used, and its test is there."""

import tomllib
from decimal import Decimal
from pathlib import Path

import pytest

from goflat.venues.simulated import effects, happenings, knobs, orders, script, streams, trouble
from goflat.venues.simulated.script_words import FAULTS, HAPPENINGS, RIPPLES
from goflat.venues.simulated.venue import SimulatedVenue

ROOT = Path(__file__).parents[3]
PAGE = (ROOT / "docs" / "simulated-venue.md").read_text(encoding="utf-8")
TESTS = "".join(path.read_text(encoding="utf-8") for path in ROOT.glob("tests/**/test_*.py"))
ROWS = [
    [cell.strip() for cell in line.split("|")[1:-1]]
    for line in PAGE.splitlines()
    if line.startswith("| ") and "`test_" in line
]
TABLES = {"fault": "fault", "ripple": "event", "happening": "happening"}


def code(cell: str) -> str:
    return cell.strip("` ")


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_every_row_can_be_used_in_python_and_in_a_script(row: list[str]) -> None:
    _, python, toml, _ = row
    known = {"venue": SimulatedVenue(), "Decimal": Decimal, "SimulatedVenue": SimulatedVenue}
    for module in (effects, knobs, orders, streams):
        known |= vars(module)
    if code(python):
        eval(code(python), {**known, "happenings": happenings, "trouble": trouble})
    if code(toml):
        values = tomllib.loads(f"row = {code(toml)}")["row"]
        kinds = [table for key, table in TABLES.items() if key in values]
        text = f"{kinds[0]} = [{code(toml)}]" if kinds else f"knobs = {code(toml)}"
        assert script.read(text) != script.Script()


@pytest.mark.parametrize("row", ROWS, ids=lambda row: row[0])
def test_the_test_of_every_row_is_there(row: list[str]) -> None:
    assert f"def {code(row[3])}(" in TESTS


def test_every_word_of_a_script_has_its_row() -> None:
    words = {*FAULTS, *RIPPLES, *HAPPENINGS}
    variants = {"banned", "broken-json", "dribble", "too-many-orders"}
    variants |= {"order-rests", "orders-vanish", "resting-fill"}

    assert {word for word in words if f'"{word}"' not in PAGE} == variants
