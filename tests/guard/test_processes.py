"""Real processes: who they are, that they ended, and that a whole tree stands still or is gone."""

import asyncio
import os
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable, Iterator
from pathlib import Path

import pytest
import uvloop

from goflat.domain.time import Instant
from goflat.guard.fencing import Fence, freeze, hold, resume, send, terminate
from goflat.guard.processes import (
    KernelState,
    NotWatchable,
    ProcessId,
    kernel_state,
    read_process,
    this_process,
)
from goflat.guard.trees import Lineage, Mark
from goflat.guard.watching import ProcessWatch, Standstill, halted_for, watch

MARK = Mark(name="GOFLAT_TEST_MARK", value="0123abcd")
SLEEPER = [sys.executable, "-c", "import time; print('up', flush=True); time.sleep(60)"]
Start = Callable[..., "subprocess.Popen[str]"]


@pytest.fixture
def start() -> Iterator[Start]:
    """Starts a program and waits until it has printed a line. All are gone at the end."""
    started: list[subprocess.Popen[str]] = []

    def begin(
        argv: list[str], *, environment: dict[str, str] | None = None, **how: object
    ) -> "subprocess.Popen[str]":
        process = subprocess.Popen(
            argv,
            stdout=subprocess.PIPE,
            text=True,
            env=os.environ | (environment or {}),
            **how,  # type: ignore[call-overload]
        )
        started.append(process)
        assert process.stdout is not None
        process.first_line = process.stdout.readline().strip()  # type: ignore[attr-defined]
        return process

    yield begin
    for process in started:
        process.kill()
        process.wait()
        assert process.stdout is not None
        process.stdout.close()


@pytest.fixture
def reaped() -> Iterator[list[int]]:
    """Processes that are nobody's children any more: ended at the end."""
    pids: list[int] = []
    yield pids
    for pid in pids:
        if read_process(pid) is not None:
            os.kill(pid, signal.SIGKILL)


def until(what: Callable[[], bool], seconds: float = 5.0) -> None:
    """Wait for the world to become so. Fails when it does not."""
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it did not become so"
        time.sleep(0.002)


def state_of(pid: int) -> KernelState | None:
    return kernel_state(pid)


def is_gone(pid: int) -> bool:
    state = state_of(pid)
    return state is None or state.is_over


# --- one process --------------------------------------------------------------------------------


async def test_the_end_of_a_child_is_told_with_its_code(start: Start) -> None:
    child = start(
        [sys.executable, "-c", "print('up', flush=True); input(); raise SystemExit(7)"],
        stdin=subprocess.PIPE,
    )
    with watch(child.pid) as seen:
        assert not seen.has_ended
        waiting = [asyncio.ensure_future(seen.ended()) for _ in range(2)]
        assert child.stdin is not None
        child.stdin.close()

        first, second = await asyncio.wait_for(asyncio.gather(*waiting), 5)

        assert (first.code, first.signal, first.exit_code) == (1, None, 1)
        assert second is first
        assert seen.has_ended
        assert seen.state() is None
    assert child.wait() == 1


async def test_a_killed_child_is_told_with_its_signal_and_left_to_be_reaped(start: Start) -> None:
    child = start(SLEEPER)
    with watch(child.pid) as seen:
        seen.send(signal.SIGKILL)

        ended = await asyncio.wait_for(seen.ended(), 5)

        assert (ended.code, ended.signal, ended.exit_code) == (None, signal.SIGKILL, 137)
        assert state_of(child.pid) is KernelState.ZOMBIE
    assert child.wait() == -signal.SIGKILL


def test_the_end_is_told_on_uvloop_as_well(start: Start) -> None:
    child = start(SLEEPER)

    async def killed() -> int | None:
        with watch(child.pid) as seen:
            asyncio.get_running_loop().call_later(0.01, seen.send, signal.SIGKILL)
            return (await asyncio.wait_for(seen.ended(), 5)).signal

    assert uvloop.run(killed()) == signal.SIGKILL


async def test_of_somebody_elses_child_the_end_is_told_without_its_code(
    start: Start, reaped: list[int]
) -> None:
    parent = start(["sh", "-c", "sleep 60 & echo $!; wait"])
    grandchild = int(parent.first_line)  # type: ignore[attr-defined]
    reaped.append(grandchild)
    with watch(grandchild) as seen:
        seen.send(signal.SIGKILL)

        ended = await asyncio.wait_for(seen.ended(), 5)

        assert (ended.code, ended.signal, ended.exit_code) == (None, None, None)


def test_a_zombie_counts_as_ended(start: Start) -> None:
    child = start([sys.executable, "-c", "print('up')"])
    until(lambda: state_of(child.pid) is KernelState.ZOMBIE)

    with watch(child.pid) as seen:
        assert seen.has_ended


def test_a_process_that_is_gone_cannot_be_watched(start: Start) -> None:
    child = start([sys.executable, "-c", "print('up')"])
    child.wait()

    for pid in (child.pid, 0, -1, 2**40):
        with pytest.raises(NotWatchable):
            watch(pid)


def test_a_number_that_belongs_to_another_by_now_is_not_watched_and_not_signalled(
    start: Start,
) -> None:
    child = start(SLEEPER)
    before = ProcessId(pid=child.pid, start_ticks=1, boot_id=this_process().boot_id)

    with pytest.raises(NotWatchable, match="another"):
        watch(child.pid, before)
    assert send(before, signal.SIGKILL) is None
    time.sleep(0.02)
    assert not is_gone(child.pid)


def test_neither_process_1_nor_we_ourselves_are_ever_signalled() -> None:
    us, first = this_process(), read_process(1)
    assert first is not None

    assert send(us, signal.SIGKILL) == "never signalled"
    assert send(first.id, signal.SIGKILL) == "never signalled"


def test_a_name_with_brackets_and_blanks_in_it_is_read(tmp_path: Path, start: Start) -> None:
    odd = tmp_path / "a) R 1 (b"
    odd.symlink_to(sys.executable)
    child = start([str(odd), *SLEEPER[1:]])

    found = read_process(child.pid)

    assert found is not None
    assert found.name == "a) R 1 (b"
    assert found.parent == os.getpid()


async def test_a_stopped_process_is_told_by_the_kernel(start: Start) -> None:
    child = start(SLEEPER)
    with watch(child.pid) as seen:
        seen.send(signal.SIGSTOP)

        state = await asyncio.wait_for(halted_for(seen, 0.03, look_seconds=0.01), 5)

        assert state is KernelState.STOPPED


async def test_a_process_that_ends_was_not_halted(start: Start) -> None:
    child = start(SLEEPER)
    with watch(child.pid) as seen:
        looking = asyncio.ensure_future(halted_for(seen, 60, look_seconds=0.005))
        await asyncio.sleep(0.02)
        child.kill()

        assert await asyncio.wait_for(looking, 5) is None


@pytest.mark.parametrize("halted", [KernelState.STOPPED, KernelState.TRACED, KernelState.WAITING])
def test_a_standstill_is_measured_without_a_break(halted: KernelState) -> None:
    seen = Standstill()

    said = [seen.see(state, Instant(at)) for state, at in (
        (halted, 1.0), (halted, 1.5), (KernelState.SLEEPING, 2.0), (halted, 2.5), (halted, 3.5),
        (None, 4.0), (halted, 5.0))]  # fmt: skip

    assert said == [0.0, 0.5, 0.0, 0.0, 1.0, 0.0, 0.0]


# --- a whole tree -------------------------------------------------------------------------------

TREE = """
import os, subprocess, sys, time
kids = []
def say(*pids): print(*pids, flush=True)
def asleep(): time.sleep(60); os._exit(0)
def double_fork(new_session):
    r, w = os.pipe()
    if os.fork() == 0:
        if new_session: os.setsid()
        if os.fork() == 0:
            os.write(w, str(os.getpid()).encode()); asleep()
        os._exit(0)
    pid = int(os.read(r, 20)); os.wait(); return pid
child = os.fork()
if child == 0: asleep()
nested = subprocess.Popen(["sh", "-c", "sleep 61 & echo $!; wait"], stdout=subprocess.PIPE)
grandchild = int(nested.stdout.readline())
say(child, nested.pid, grandchild, double_fork(False), double_fork(True))
time.sleep(60)
"""


@pytest.fixture
async def tree(start: Start, reaped: list[int]) -> AsyncIterator[tuple[ProcessWatch, list[int]]]:
    """A bot that leads its group, with children, grandchildren and two runaways."""
    bot = start(
        [sys.executable, "-c", TREE],
        environment={MARK.name: MARK.value},
        start_new_session=False,
        process_group=0,
    )
    pids = [bot.pid, *map(int, bot.first_line.split())]  # type: ignore[attr-defined]
    reaped += pids
    with watch(bot.pid) as seen:
        yield seen, pids
    for pid in pids:
        if not is_gone(pid):
            os.kill(pid, signal.SIGKILL)


async def test_a_tree_is_frozen_runaways_included_and_ended(
    tree: tuple[ProcessWatch, list[int]],
) -> None:
    bot, pids = tree

    fence = await freeze(Lineage(root=bot.id, mark=MARK))

    assert fence.settled, fence
    assert {it.pid for it in fence.members} == set(pids)
    assert {state_of(pid) for pid in pids} == {KernelState.STOPPED}

    ended = await terminate(fence)

    assert (ended.settled, ended.members, ended.untouched) == (True, (), ())
    assert all(is_gone(pid) for pid in pids)


async def test_a_tree_whose_root_was_killed_is_found_all_the_same(
    tree: tuple[ProcessWatch, list[int]],
) -> None:
    bot, pids = tree
    bot.send(signal.SIGKILL)
    await asyncio.wait_for(bot.ended(), 5)

    fence = await freeze(Lineage(root=bot.id, mark=MARK))

    assert {it.pid for it in fence.members} == set(pids[1:])
    assert (await terminate(fence)).members == ()


async def test_without_a_mark_only_who_left_group_and_session_gets_away(
    tree: tuple[ProcessWatch, list[int]],
) -> None:
    bot, pids = tree

    fence = await freeze(Lineage(root=bot.id))

    assert {it.pid for it in fence.members} == set(pids[:-1])


async def test_the_mark_alone_finds_the_tree(tree: tuple[ProcessWatch, list[int]]) -> None:
    _, pids = tree

    fence = await freeze(Lineage(root=None, mark=MARK))

    assert {it.pid for it in fence.members} == set(pids)


async def test_a_frozen_tree_goes_on_when_it_is_resumed(
    tree: tuple[ProcessWatch, list[int]],
) -> None:
    bot, pids = tree
    fence = await freeze(Lineage(root=bot.id, mark=MARK))

    after = await resume(fence)

    assert after.settled, after
    assert all(state_of(pid) is not KernelState.STOPPED for pid in pids)


async def test_a_held_fence_stops_who_was_let_go(tree: tuple[ProcessWatch, list[int]]) -> None:
    bot, pids = tree
    fence = await freeze(Lineage(root=bot.id, mark=MARK))
    holding = asyncio.ensure_future(hold(fence, look_seconds=0.01))
    try:
        for pid in pids:
            os.kill(pid, signal.SIGCONT)
        await asyncio.sleep(0.1)

        assert {state_of(pid) for pid in pids} == {KernelState.STOPPED}
    finally:
        holding.cancel()


async def test_who_is_spared_is_left_alone(tree: tuple[ProcessWatch, list[int]]) -> None:
    bot, pids = tree
    spared = read_process(pids[1])
    assert spared is not None

    fence = await freeze(Lineage(root=bot.id, mark=MARK, spared=frozenset({spared.id})))

    assert pids[1] not in {it.pid for it in fence.members}
    assert state_of(pids[1]) is not KernelState.STOPPED


FORKER = """
import os, time
print("up", flush=True)
while True:
    if os.fork() == 0: time.sleep(0.002)
    time.sleep(0.001)
    if len(os.listdir("/proc")) > 400: os._exit(0)
    try: os.waitpid(-1, os.WNOHANG)
    except ChildProcessError: pass
"""


async def test_a_tree_that_forks_all_the_time_is_caught(start: Start) -> None:
    bot = start(
        [sys.executable, "-c", FORKER], environment={MARK.name: MARK.value}, process_group=0
    )
    with watch(bot.pid) as seen:
        fence = await freeze(Lineage(root=seen.id, mark=MARK), seconds=2.0)
        assert fence.settled, fence

        assert (await terminate(fence, seconds=2.0)).members == ()
        assert (await freeze(Lineage(root=None, mark=MARK))).members == ()


def test_what_is_not_ours_to_signal_is_named_and_costs_no_time(start: Start) -> None:
    if os.geteuid() != 0:
        pytest.skip("only root can start the process of another user")
    bot = start(["sh", "-c", "echo up; exec sleep 60"], process_group=0)
    seen = read_process(bot.pid)
    assert seen is not None
    script = f"""
import asyncio, os
from goflat.guard.fencing import freeze
from goflat.guard.trees import Lineage
from goflat.guard.processes import read_process
async def as_nobody():
    os.setgid(65534), os.setuid(65534)
    fence = await freeze(Lineage(root=read_process({bot.pid}).id), seconds=5)
    print(fence.settled, [str(it) for it in fence.untouched], fence.seconds < 1)
asyncio.run(as_nobody())
"""

    said = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, timeout=20, check=True
    ).stdout

    assert said == f"False ['process {bot.pid}: Operation not permitted'] True\n"
    assert state_of(bot.pid) is not KernelState.STOPPED


def test_a_fence_of_nobody_is_settled_at_once() -> None:
    fence: Fence = asyncio.run(freeze(Lineage(root=None, mark=Mark(name="NOBODY", value="x"))))

    assert (fence.members, fence.settled, fence.untouched) == ((), True, ())
