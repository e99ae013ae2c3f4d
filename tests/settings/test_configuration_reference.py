"""docs/configuration.md says what the tables say: every setting, variable, option and finding."""

import re
from pathlib import Path

import pytest

from goflat.cli.check import command
from goflat.core.findings import RULES, Gate, Severity
from goflat.settings.schema import TABLES, VARIABLES, Kind, Setting, Table
from goflat.settings.secret_ref import SecretPlace
from goflat.settings.template import value_as_toml

REFERENCE = Path(__file__).parents[2] / "docs" / "configuration.md"
TEXT = REFERENCE.read_text(encoding="utf-8")
SETTINGS = [(table, setting) for table in TABLES.values() for setting in table.settings]
GATES = {
    frozenset(Gate): "always",
    frozenset(Gate) - {Gate.TESTNET}: "production, strict",
    frozenset({Gate.TESTNET_STRICT, Gate.PRODUCTION_STRICT}): "strict",
    frozenset({Gate.PRODUCTION_STRICT}): "production strict",
    frozenset[Gate](): "never",
}
"""When a finding is in the way, in the words of the reference."""


def row(setting: Setting) -> str:
    """The line that the reference has to have about a setting."""
    return f"| `{setting.key}` | {_values(setting)} | {_otherwise(setting)} | {setting.doc} |"


def _values(setting: Setting) -> str:
    if setting.kind is Kind.CHOICE:
        return ", ".join(f"`{choice}`" for choice in setting.choices)
    if setting.kind is Kind.SECRET:
        return "[a place](#secrets)"
    return setting.expected


def _otherwise(setting: Setting) -> str:
    if setting.required:
        return "**needed**"
    return "none" if setting.default is None else f"`{value_as_toml(setting)}`"


def section(table: Table) -> str:
    """The part of the reference that is about a table."""
    start = TEXT.index(f"## `{table.header}`")
    return TEXT[start : TEXT.find("\n## ", start + 1)]


@pytest.mark.parametrize(
    ("table", "setting"), SETTINGS, ids=[f"{table.name}.{it.key}" for table, it in SETTINGS]
)
def test_every_setting_has_its_row(table: Table, setting: Setting) -> None:
    assert row(setting) in section(table).splitlines()


@pytest.mark.parametrize("table", TABLES.values(), ids=TABLES)
def test_no_row_is_about_a_setting_that_is_gone(table: Table) -> None:
    rows = re.findall(r"^\| `(\w+)` \|", section(table), re.MULTILINE)

    assert rows == [setting.key for setting in table.settings]
    assert table.doc in section(table)


@pytest.mark.parametrize("name", VARIABLES)
def test_every_variable_is_there(name: str) -> None:
    assert f"| `{name}` | {VARIABLES[name]} |" in TEXT.splitlines()


@pytest.mark.parametrize("place", SecretPlace)
def test_every_place_of_a_secret_is_there(place: SecretPlace) -> None:
    assert f"| `{place}:" in TEXT


@pytest.mark.parametrize("option", [name for it in command.params for name in it.opts])
def test_every_option_of_check_is_there(option: str) -> None:
    assert f"`{option}" in TEXT


@pytest.mark.parametrize("rule", RULES.values(), ids=RULES)
def test_every_finding_has_its_row(rule: object) -> None:
    severity = rule.severity.value  # type: ignore[attr-defined]
    line = f"| `{rule.id}` | {severity} | {GATES[rule.closes]} | {rule.mend} |"  # type: ignore[attr-defined]

    assert line in TEXT.splitlines()


def test_no_row_is_about_a_finding_that_is_gone() -> None:
    severities = "|".join(severity.value for severity in Severity)

    assert set(re.findall(rf"^\| `([a-z-]+)` \| (?:{severities}) \|", TEXT, re.MULTILINE)) == set(
        RULES
    )
