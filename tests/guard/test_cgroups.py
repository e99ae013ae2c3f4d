"""Control groups: in a directory that looks like one, and in a real one where that may be had."""

import asyncio
import os
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from goflat.guard.cgroups import Cgroup, _mount, cgroup_of, path_of
from goflat.guard.fencing import freeze, resume, terminate
from goflat.guard.processes import KernelState, kernel_state
from goflat.guard.trees import Lineage


def test_the_processes_of_a_group_are_those_below_it_as_well(tmp_path: Path) -> None:
    (tmp_path / "cgroup.procs").write_text("12\n0\n13\n")
    (tmp_path / "a" / "b").mkdir(parents=True)
    (tmp_path / "a" / "cgroup.procs").write_text("")
    (tmp_path / "a" / "b" / "cgroup.procs").write_text("14\n")

    assert Cgroup(directory=tmp_path).pids() == {12, 13, 14}


def test_a_group_that_cannot_be_read_is_not_empty(tmp_path: Path) -> None:
    with pytest.raises(OSError, match=r"cgroup\.procs"):
        Cgroup(directory=tmp_path).pids()


def test_what_the_kernel_cannot_do_is_told_and_not_created(tmp_path: Path) -> None:
    group = Cgroup(directory=tmp_path)

    for act in (group.freeze, group.thaw, group.kill):
        with pytest.raises(FileNotFoundError):
            act()
    assert list(tmp_path.iterdir()) == []
    assert not group.is_frozen


def test_a_group_is_frozen_when_the_kernel_says_so(tmp_path: Path) -> None:
    group = Cgroup(directory=tmp_path)
    for content, is_frozen in (("populated 1\nfrozen 0\n", False), ("frozen 1\n", True)):
        (tmp_path / "cgroup.events").write_text(content)
        assert group.is_frozen is is_frozen


def test_the_group_that_we_are_in_is_nobodys_own() -> None:
    assert cgroup_of(os.getpid()) is None
    assert cgroup_of(1) is None or path_of(1) != path_of(os.getpid())


@pytest.fixture
def group() -> Iterator[Cgroup]:
    """A real control group, which is empty again at the end."""
    mount = _mount()
    if mount is None or not os.access(mount, os.W_OK):
        pytest.skip("NOT TESTED: no control group of our own can be made here")
    directory = mount / f"goflat-test-{os.getpid()}"
    try:
        directory.mkdir()
    except OSError as error:
        pytest.skip(f"NOT TESTED: no control group of our own can be made here: {error}")
    yield Cgroup(directory=directory)
    directory.rmdir()


async def test_a_real_group_is_frozen_thawed_and_ended_whole(group: Cgroup) -> None:
    enter = f"echo $$ > {group.directory}/cgroup.procs; setsid sleep 60 & exec sleep 60"
    bot = subprocess.Popen(["sh", "-c", enter], process_group=0)  # noqa: ASYNC220
    for _ in range(500):
        if len(group.pids()) == 2:
            break
        await asyncio.sleep(0.01)
    found = cgroup_of(bot.pid)
    pids = group.pids()

    fence = await freeze(Lineage(root=None, cgroup=found))

    assert found == group
    assert fence.settled, fence
    assert {it.pid for it in fence.members} == pids
    assert group.is_frozen

    assert (await resume(fence)).settled
    assert not group.is_frozen
    assert kernel_state(bot.pid) is not KernelState.STOPPED

    ended = await terminate(await freeze(Lineage(root=None, cgroup=found)))

    assert ended.members == ()
    bot.wait()
    assert group.pids() == frozenset()
