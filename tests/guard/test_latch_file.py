"""The latch survives everything, and every doubt is a latch."""

import asyncio
import json
import multiprocessing
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import goflat
from goflat.core.guarding.latch import Latch
from goflat.core.guarding.severity import Severity
from goflat.guard.latch_file import (
    DAMAGED,
    Kept,
    LatchFile,
    clear_latch,
    name_of,
    read_latch,
)
from goflat.guard.state_directory import Unusable, state_directory

LATCH = Latch(
    run_id="run_20261122T100000Z_0a1b2c3d",
    severity=Severity.FLATTEN,
    reason="the bot ended by SIGKILL",
    by="goflat run",
    since="2026-11-22T10:00:00+00:00",
)
OTHER = Latch(
    run_id="run_other", severity=Severity.HALT, reason="by hand", by="root", since="2026-11-22"
)


@pytest.fixture
def state(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    directory = tmp_path / "state"
    monkeypatch.setenv("GOFLAT_STATE_DIR", str(directory))
    return directory


def latched(account: str = "main", latch: Latch = LATCH) -> Kept:
    with LatchFile(account) as file:
        return asyncio.run(file.set(latch, seconds=5))


def test_an_account_of_which_nothing_is_written_is_not_latched(state: Path) -> None:
    assert goflat.is_latched() is False
    assert read_latch("main") is None
    assert not state.exists()


def test_a_latch_is_read_as_it_was_set(state: Path) -> None:
    assert latched() == Kept(durable=True)

    assert read_latch("main") == LATCH
    assert goflat.is_latched()
    assert not goflat.is_latched("second")
    assert state.stat().st_mode & 0o777 == 0o700
    assert (state / "latch.main.json").stat().st_mode & 0o777 == 0o600
    assert [path.name for path in state.iterdir()] == ["latch.main.json"]


def test_another_process_sees_it(state: Path) -> None:
    latched()

    said = subprocess.run(
        [sys.executable, "-c", "import goflat; print(goflat.is_latched())"],
        capture_output=True,
        text=True,
        check=True,
        timeout=20,
    ).stdout

    assert said == "True\n"


def test_the_first_latch_stays_until_it_is_cleared_by_its_name(state: Path) -> None:
    latched(latch=OTHER)

    kept = latched()

    assert kept.durable
    assert kept.reason == "it was latched already: by hand"
    assert read_latch("main") == OTHER
    with pytest.raises(Unusable, match="is latched as run_other"):
        clear_latch("main", LATCH.run_id)
    clear_latch("main", name_of(OTHER))
    assert not goflat.is_latched()
    with pytest.raises(Unusable, match="not latched"):
        clear_latch("main", name_of(OTHER))


async def test_a_latch_can_be_set_again_after_it_was_cleared(state: Path) -> None:
    with LatchFile("main") as file:
        for latch in (LATCH, OTHER, LATCH):
            assert await file.set(latch, seconds=5) == Kept(durable=True)
            assert file.read() == latch
            file.clear(latch.run_id)
            assert file.read() is None


async def test_a_directory_that_was_taken_away_is_made_again(state: Path) -> None:
    with LatchFile("main") as file:
        shutil.rmtree(state)

        assert (await file.set(LATCH, seconds=5)).durable

    assert read_latch("main") == LATCH


@pytest.mark.parametrize(
    "content",
    [
        b"",
        b"{",
        b"[]",
        b"null",
        b"\xff\xfe",
        b"[" * 60_000,
        b'{"version": 1}',
        json.dumps({"version": 2, "account": "main", "run_id": "x"}).encode(),
        b"x" * 100_000,
    ],
    ids=lambda content: repr(content[:12]),
)
def test_a_damaged_file_is_a_latch_and_cleared_only_as_damaged(state: Path, content: bytes) -> None:
    latched()
    (state / "latch.main.json").write_bytes(content)

    found = read_latch("main")

    assert found is not None
    assert (found.run_id, found.by) == ("", "goflat")
    assert goflat.is_latched()
    with pytest.raises(Unusable):
        clear_latch("main", LATCH.run_id)
    clear_latch("main", DAMAGED)
    assert not goflat.is_latched()


@pytest.mark.parametrize("key", ["version", "account", "run_id", "severity", "reason", "since"])
def test_a_file_without_one_of_its_words_is_damaged(state: Path, key: str) -> None:
    latched()
    file = state / "latch.main.json"
    said = json.loads(file.read_text())
    for wrong in (None, 7, ["flatten"]):
        file.write_text(json.dumps(said | {key: wrong}))

        found = read_latch("main")

        assert found is not None
        assert found.run_id == ""
    file.write_text(json.dumps({k: v for k, v in said.items() if k != key}))
    assert goflat.is_latched()


def test_a_file_of_another_account_is_damaged(state: Path) -> None:
    latched("second")
    (state / "latch.second.json").rename(state / "latch.main.json")

    assert goflat.is_latched("main")
    assert not goflat.is_latched("second")


def link(path: Path) -> None:
    path.rename(path.with_name("elsewhere"))
    path.symlink_to("elsewhere")


def hard_link(path: Path) -> None:
    os.link(path, path.with_name("twice"))


def pipe(path: Path) -> None:
    path.unlink()
    os.mkfifo(path)


def directory(path: Path) -> None:
    path.unlink()
    path.mkdir()


def open_to_all(path: Path) -> None:
    path.chmod(0o666)


def of_another(path: Path) -> None:
    os.chown(path, 65534, 65534)


@pytest.mark.parametrize("spoil", [link, hard_link, pipe, directory, open_to_all, of_another])
def test_a_file_that_somebody_else_may_have_written_is_a_latch(
    state: Path, spoil: Callable[[Path], None]
) -> None:
    if spoil is of_another and os.geteuid() != 0:
        pytest.skip("only root can give a file away")
    latched()
    spoil(state / "latch.main.json")

    found = read_latch("main")

    assert found is not None
    assert found.run_id == ""
    assert goflat.is_latched()


@pytest.mark.parametrize("spoil", [link, open_to_all, of_another])
def test_a_directory_that_is_not_ours_alone_is_doubt(
    state: Path, spoil: Callable[[Path], None]
) -> None:
    if spoil is of_another and os.geteuid() != 0:
        pytest.skip("only root can give a directory away")
    state.mkdir(mode=0o700)
    spoil(state)

    assert goflat.is_latched()
    with pytest.raises(Unusable):
        LatchFile("main")


@pytest.mark.parametrize("account", ["", "../main", "a/b", ".hidden", "x" * 33, "a\0b", "ä"])
def test_a_name_that_no_account_has_is_doubt(state: Path, account: str) -> None:
    state.mkdir(mode=0o700)

    assert goflat.is_latched(account)
    with pytest.raises(Unusable):
        LatchFile(account)


def test_without_any_home_it_is_doubt(monkeypatch: pytest.MonkeyPatch) -> None:
    for name in ("GOFLAT_STATE_DIR", "STATE_DIRECTORY", "XDG_STATE_HOME"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(Path, "home", classmethod(_homeless))

    assert goflat.is_latched()
    with pytest.raises(Unusable):
        state_directory({})


def _homeless(cls: type[Path]) -> Path:
    raise RuntimeError("no home")


def test_the_directory_is_the_first_of_those_named() -> None:
    said = {
        "GOFLAT_STATE_DIR": "/a",
        "STATE_DIRECTORY": "/b:/c",
        "XDG_STATE_HOME": "/d",
    }

    found = []
    for name in list(said):
        found.append(str(state_directory(said)))
        del said[name]

    assert found == ["/a", "/b", "/d/goflat"]
    assert state_directory({"XDG_STATE_HOME": "relative"}).is_absolute()


async def test_a_disk_that_does_not_answer_is_not_waited_for(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "fsync", lambda _descriptor: time.sleep(0.3))
    with LatchFile("main") as file:
        began = time.monotonic()
        kept = await file.set(LATCH)
        took = time.monotonic() - began

        assert not kept.durable
        assert "0.05 s" in str(kept.reason)
        assert took < 0.2
        assert file.read() == LATCH


async def test_a_full_disk_is_said_and_kills_nobody(
    state: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def full(*_: object) -> int:
        raise OSError(28, "No space left on device")

    with LatchFile("main") as file:
        monkeypatch.setattr(os, "pwrite", full)
        kept = await file.set(LATCH, seconds=5)

    assert not kept.durable
    assert "No space left" in str(kept.reason)


def _die_while_setting(where: str) -> None:
    """A process that is killed at one of its calls, as if the power went."""
    real = getattr(os, where)

    def dies(*args: object, **more: object) -> object:
        real(*args, **more)
        os.kill(os.getpid(), 9)
        return None

    with LatchFile("main") as file:
        setattr(os, where, dies)
        asyncio.run(file.set(LATCH, seconds=5))


@pytest.mark.parametrize(
    ("where", "is_there"),
    [("ftruncate", False), ("pwrite", False), ("rename", True), ("fsync", True)],
)
def test_a_kill_in_the_middle_leaves_a_latch_or_none_and_no_draft_for_ever(
    state: Path, where: str, is_there: bool
) -> None:
    process = multiprocessing.get_context("fork").Process(target=_die_while_setting, args=(where,))
    process.start()
    process.join(10)

    assert process.exitcode == -9
    assert goflat.is_latched() is is_there
    LatchFile("main").close()
    assert list(state.glob(".*.draft")) == []


def test_two_who_set_at_once_leave_one_whole_latch(state: Path) -> None:
    async def race() -> list[Kept]:
        with LatchFile("main") as one, LatchFile("main") as two:
            return await asyncio.gather(one.set(LATCH, seconds=5), two.set(OTHER, seconds=5))

    kept = asyncio.run(race())

    assert all(it.durable for it in kept)
    assert read_latch("main") in (LATCH, OTHER)
