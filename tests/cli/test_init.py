"""goflat init: a first configuration that loads as it is."""

import tomllib
from pathlib import Path

import pytest
from click.testing import CliRunner

from goflat.cli.check import command as check
from goflat.cli.init import command
from goflat.settings import load_settings
from goflat.settings.schema import TABLES
from goflat.settings.template import template


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOFLAT_CONFIG", raising=False)
    return tmp_path


def test_it_writes_a_configuration_that_is_ready_for_a_drill(here: Path) -> None:
    result = CliRunner().invoke(command)

    assert result.exit_code == 0
    assert "Wrote goflat.toml" in result.stdout
    settings = load_settings(environ={})
    assert settings.account().is_embedded
    assert settings.warnings == ()
    assert (here / "goflat.toml").stat().st_mode & 0o077 == 0
    assert CliRunner().invoke(check).exit_code == 0


def test_it_leaves_alone_what_is_there(here: Path) -> None:
    (here / "goflat.toml").write_text("mine", encoding="utf-8")

    result = CliRunner().invoke(command)

    assert result.exit_code == 2
    assert "is there already, and was left alone" in result.stderr
    assert (here / "goflat.toml").read_text(encoding="utf-8") == "mine"


@pytest.mark.parametrize("path", ["absent/goflat.toml", "."])
def test_it_says_why_it_cannot_write(here: Path, path: str) -> None:
    result = CliRunner().invoke(command, ["--config", path])

    assert result.exit_code == 2
    assert "goflat init:" in result.stderr
    assert result.exception is None or isinstance(result.exception, SystemExit)


def test_what_it_writes_is_right_also_where_it_is_commented_out() -> None:
    lines = [line.removeprefix("# ") for line in template().splitlines()]
    settings = [line for line in lines if line.startswith("[") or _is_setting(line)]
    tables = "\n".join(settings)

    document = tomllib.loads(tables)

    assert document.keys() == TABLES.keys()
    for name, table in TABLES.items():
        content = document[name][0] if table.repeats else document[name]
        wanted = {s.key for s in table.settings if not table.repeats or s.required}
        assert content.keys() == wanted


def _is_setting(line: str) -> bool:
    key, equals, _ = line.partition(" = ")
    return bool(equals) and key.isidentifier()


def test_no_line_of_it_is_too_long_for_a_terminal() -> None:
    assert max(len(line) for line in template().splitlines()) <= 100
