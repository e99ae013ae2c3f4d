"""Units of systemd, asked through its own program; here one that answers what a test wants."""

import time
from pathlib import Path

import pytest

from goflat.guard import units
from goflat.guard.processes import NotWatchable
from goflat.guard.units import main_pid


@pytest.fixture
def path(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setenv("PATH", f"{tmp_path}:/usr/bin:/bin")
    return tmp_path / "systemctl"


def answers(path: Path, script: str) -> None:
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o755)


async def test_the_main_process_is_the_one_that_systemd_names(path: Path) -> None:
    answers(path, 'test "$*" = "show --property=MainPID --value -- maker@1.service" && echo 4711')

    assert await main_pid("maker@1.service") == 4711


@pytest.mark.parametrize(
    ("script", "told"),
    [
        ("echo 0", "does not run"),
        ("echo", "names no main process"),
        ("echo nonsense", "names no main process"),
        ("echo -5", "names no main process"),
        ("exec yes 1", "far too much"),
        ("exit 1", "ended with 1"),
    ],
)
async def test_no_process_is_told_and_never_guessed(path: Path, script: str, told: str) -> None:
    answers(path, script)

    with pytest.raises(NotWatchable, match=told):
        await main_pid("maker.service")


async def test_a_systemd_that_does_not_answer_is_not_waited_for(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    answers(path, "exec sleep 30")
    monkeypatch.setattr(units, "ANSWER_SECONDS", 0.05)
    began = time.monotonic()

    with pytest.raises(NotWatchable, match="did not answer"):
        await main_pid("maker.service")
    assert time.monotonic() - began < 2


async def test_where_there_is_no_systemd_that_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))

    with pytest.raises(NotWatchable, match="cannot be asked"):
        await main_pid("maker.service")


@pytest.mark.parametrize("unit", ["", "a b", "../x", "x;y", "é", "x" * 256, "--all\n"])
async def test_a_name_that_no_unit_has_is_not_asked_about(unit: str) -> None:
    with pytest.raises(NotWatchable, match="no name of a unit"):
        await main_pid(unit)
