"""Waiting for something that has to be finished, whoever cancels the waiting."""

import asyncio
import logging

import pytest

from goflat.shell.outlast import outlast
from goflat.testing.virtual_time import run_virtual


async def work(seconds: float = 1.0) -> str:
    await asyncio.sleep(seconds)
    return "done"


async def waiting() -> str:
    return await outlast(asyncio.ensure_future(work()))


@pytest.mark.parametrize("times", [0, 1, 5])
def test_it_waits_to_the_end_however_often_it_is_cancelled(
    times: int, caplog: pytest.LogCaptureFixture
) -> None:
    async def run() -> tuple[str, int]:
        task = asyncio.ensure_future(waiting())
        for _ in range(times):
            await asyncio.sleep(0.1)
            task.cancel()
        return await task, task.cancelling()

    assert run_virtual(run()) == ("done", 0)
    assert [record.levelno for record in caplog.records] == [logging.WARNING] * times


def test_what_the_task_raises_comes_through() -> None:
    async def fail() -> None:
        raise ValueError("no")

    async def run() -> None:
        await outlast(asyncio.ensure_future(fail()))

    with pytest.raises(ValueError, match="no"):
        run_virtual(run())


def test_a_task_that_is_cancelled_itself_ends_the_waiting() -> None:
    async def run() -> None:
        task = asyncio.ensure_future(work())
        asyncio.get_running_loop().call_later(0.1, task.cancel)
        await outlast(task)

    with pytest.raises(asyncio.CancelledError):
        run_virtual(run())


def test_a_group_of_tasks_that_gives_up_waits_for_it_and_then_fails_as_it_would() -> None:
    async def run() -> list[str]:
        ended: list[str] = []

        async def flatten() -> None:
            ended.append(await waiting())

        async def fail() -> None:
            await asyncio.sleep(0.1)
            raise ValueError("another task of the bot")

        async def bot() -> None:
            async with asyncio.TaskGroup() as group:
                group.create_task(flatten())
                group.create_task(fail())

        with pytest.raises(ExceptionGroup):
            await bot()
        return ended

    assert run_virtual(run()) == ["done"]
