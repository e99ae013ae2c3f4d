"""Calls of somebody's functions: off the loop, so many at once, and a place is held to the end."""

import asyncio
import functools
import threading
import time
from collections.abc import Awaitable
from typing import Any

import pytest

from goflat.venues.off_loop import OffLoop, Places


class Counting:
    """Functions that know how many of them run at this moment."""

    def __init__(self) -> None:
        self.running = 0
        self.most = 0
        self.calls = 0
        self._lock = threading.Lock()
        self.go_on = threading.Event()

    def _enter(self, change: int) -> None:
        with self._lock:
            self.running += change
            self.calls += change > 0
            self.most = max(self.most, self.running)

    def sync(self) -> int:
        self._enter(1)
        self.go_on.wait(0.02)
        self._enter(-1)
        return threading.get_ident()

    async def plain(self) -> int:
        self._enter(1)
        await asyncio.sleep(0.02)
        self._enter(-1)
        return threading.get_ident()

    def wrapped(self) -> Awaitable[int]:
        return self.plain()


@pytest.mark.parametrize("kind", ["sync", "plain", "wrapped"])
@pytest.mark.parametrize("at_once", [1, 3, 8])
async def test_no_more_run_at_once_than_there_are_places(kind: str, at_once: int) -> None:
    counting, calls = Counting(), OffLoop(at_once)

    await asyncio.gather(*(calls.call(getattr(counting, kind)) for _ in range(at_once * 3)))

    assert counting.most == at_once
    assert counting.calls == at_once * 3


async def test_what_is_synchronous_runs_off_the_loop_and_what_is_not_runs_on_it() -> None:
    counting, calls, here = Counting(), OffLoop(8), threading.get_ident()

    assert await calls.call(counting.sync) != here
    assert await calls.call(counting.plain) == here
    assert await calls.call(counting.wrapped) == here
    assert await calls.call(functools.partial(counting.plain)) == here


async def test_a_call_that_nobody_waits_for_any_more_keeps_its_place_until_it_has_ended() -> None:
    counting, calls, blocked = Counting(), OffLoop(1), threading.Event()

    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.01):
            await calls.call(blocked.wait)
    with pytest.raises(TimeoutError):
        async with asyncio.timeout(0.03):
            await calls.call(counting.sync)
    assert counting.calls == 0

    blocked.set()
    await calls.call(counting.sync)
    assert counting.calls == 1


def test_a_call_that_hangs_keeps_its_place_beyond_the_event_loop() -> None:
    counting, calls, blocked = Counting(), OffLoop(1), threading.Event()

    async def hang() -> None:
        async with asyncio.timeout(0.01):
            await calls.call(blocked.wait)

    async def another() -> None:
        async with asyncio.timeout(0.5):
            await calls.call(counting.sync)

    with pytest.raises(TimeoutError):
        asyncio.run(hang())
    threading.Timer(0.05, blocked.set).start()
    asyncio.run(another())

    assert counting.calls == 1


async def test_a_cancelled_caller_that_had_just_been_given_a_place_gives_it_on() -> None:
    places = Places(1)
    await places.take()
    first, second = (asyncio.ensure_future(places.take()) for _ in range(2))
    await asyncio.sleep(0)

    places.give_back()
    first.cancel()
    await asyncio.wait_for(second, 0.5)

    assert first.cancelled()
    places.give_back()
    await asyncio.wait_for(places.take(), 0.5)


async def test_a_cancelled_caller_that_still_waited_leaves_the_queue() -> None:
    places = Places(1)
    await places.take()
    waiting = asyncio.ensure_future(places.take())
    await asyncio.sleep(0)

    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)
    places.give_back()

    await asyncio.wait_for(places.take(), 0.5)


def test_a_place_is_not_given_to_a_loop_that_is_closed() -> None:
    places = Places(1)

    async def wait_for_ever() -> None:
        await places.take()
        asyncio.ensure_future(places.take())  # noqa: RUF006 - left behind on purpose
        await asyncio.sleep(0)

    loop = asyncio.new_event_loop()
    loop.run_until_complete(wait_for_ever())
    loop.close()
    places.give_back()

    asyncio.run(asyncio.wait_for(places.take(), 0.5))


class Odd(BaseException):
    """Nothing that anybody expects."""


@pytest.mark.parametrize(
    ("raised", "seen"),
    [
        (ValueError("no"), ValueError),
        (SystemExit(1), RuntimeError),
        (KeyboardInterrupt(), RuntimeError),
        (StopIteration("end"), RuntimeError),
        (Odd(), RuntimeError),
    ],
)
async def test_what_a_function_raises_comes_back_and_never_ends_the_program(
    raised: BaseException, seen: type[Exception]
) -> None:
    def fail() -> None:
        raise raised

    calls = OffLoop(1)
    with pytest.raises(seen):
        await calls.call(fail)
    assert await calls.call(lambda: "there is a place again") is not None


@pytest.mark.parametrize("raised", [SystemExit(1), KeyboardInterrupt(), ValueError("no")])
async def test_what_an_asynchronous_function_raises_never_ends_the_program(
    raised: BaseException,
) -> None:
    async def fail() -> None:
        raise raised

    calls = OffLoop(1)
    with pytest.raises((RuntimeError, ValueError)):
        await calls.call(fail)
    assert await calls.call(lambda: True)


async def test_wrong_arguments_give_the_place_back() -> None:
    async def takes_nothing() -> None:
        return

    calls = OffLoop(1)
    for function in (takes_nothing, lambda: None):
        with pytest.raises(TypeError):
            await calls.call(function, "one too many")
    assert await calls.call(lambda: True)


async def test_no_thread_to_be_had_is_a_failure_that_gives_the_place_back(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    def none_left(_: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    calls = OffLoop(1)
    with monkeypatch.context() as patch:
        patch.setattr(threading.Thread, "start", none_left)
        with pytest.raises(RuntimeError, match="thread"):
            await calls.call(lambda: True)
    assert await calls.call(lambda: True)


async def test_a_coroutine_that_nobody_awaits_any_more_is_closed_and_gives_its_place_back() -> None:
    calls, began = OffLoop(1), threading.Event()

    async def never() -> None:
        raise AssertionError("nobody waits for this")

    def slow() -> Any:
        began.set()
        time.sleep(0.05)
        return never()

    waiting = asyncio.ensure_future(calls.call(slow))
    await asyncio.to_thread(began.wait, 1.0)
    waiting.cancel()
    await asyncio.gather(waiting, return_exceptions=True)

    assert await asyncio.wait_for(calls.call(lambda: True), 1.0)


def test_a_call_that_comes_back_after_its_loop_was_closed_disturbs_nobody(
    caplog: pytest.LogCaptureFixture,
) -> None:
    calls, done = OffLoop(1), threading.Event()

    async def never() -> None:
        raise AssertionError("nobody waits for this")

    def slow() -> Any:
        time.sleep(0.05)
        threading.Timer(0.05, done.set).start()
        return never()

    async def leave() -> None:
        async with asyncio.timeout(0.01):
            await calls.call(slow)

    with pytest.raises(TimeoutError):
        asyncio.run(leave())
    assert done.wait(1.0)
    assert "after its event loop was closed" in caplog.text
    assert asyncio.run(calls.call(lambda: True))
