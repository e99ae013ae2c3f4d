"""Calls of somebody's functions that never hold the event loop, so many at once and no more."""

import asyncio
import inspect
import logging
import threading
from collections import deque
from collections.abc import Callable
from typing import Any, TypeAlias

_log = logging.getLogger("goflat")

Waiting: TypeAlias = tuple[asyncio.AbstractEventLoop, asyncio.Future[None]]


class Places:
    """Places for calls. One that is taken stays taken until its call has really ended.

    A call in a thread cannot be stopped: whoever waited for it may be gone, and it still runs. So
    places outlive a run and its event loop, and are given back from the threads themselves.
    """

    def __init__(self, at_once: int) -> None:
        self._free = at_once
        self._lock = threading.Lock()
        self._waiting: deque[Waiting] = deque()

    async def take(self) -> None:
        """Wait for a place. Bounded by whoever waits."""
        loop = asyncio.get_running_loop()
        granted: asyncio.Future[None] = loop.create_future()
        with self._lock:
            if self._free:
                self._free -= 1
                return
            self._waiting.append((loop, granted))
        try:
            await granted
        except asyncio.CancelledError:
            with self._lock:
                is_waiting = (loop, granted) in self._waiting
                if is_waiting:
                    self._waiting.remove((loop, granted))
            if not is_waiting:
                self.give_back()
            raise

    def give_back(self) -> None:
        """A call has ended. From any thread."""
        while (waiting := self._next()) is not None:
            loop, granted = waiting
            try:
                loop.call_soon_threadsafe(_grant, granted)
            except RuntimeError:
                # That loop is closed, and nobody waits there any more.
                continue
            return

    def _next(self) -> Waiting | None:
        """Who waits longest; nobody, and then the place is free."""
        with self._lock:
            if self._waiting:
                return self._waiting.popleft()
            self._free += 1
            return None


def _grant(granted: asyncio.Future[None]) -> None:
    if not granted.done():
        granted.set_result(None)


class OffLoop:
    """Calls functions, synchronous or not: the former each in a daemon thread of its own.

    A daemon thread cannot keep the process alive, however long it blocks.
    """

    def __init__(self, at_once: int) -> None:
        self._places = Places(at_once)

    async def call(self, function: Callable[..., Any], *args: object, **named: object) -> Any:
        """The function's result, awaited where it has to be. Raises nothing that ends a program."""
        await self._places.take()
        if inspect.iscoroutinefunction(function):
            return await self._awaited(lambda: function(*args, **named))
        answer = await self._in_thread(lambda: function(*args, **named))
        return await self._awaited(lambda: answer) if inspect.isawaitable(answer) else answer

    async def _awaited(self, work: Callable[[], Any]) -> Any:
        """What comes of awaiting. The place is free afterwards."""
        try:
            return await work()
        except (SystemExit, KeyboardInterrupt) as error:
            raise _tamed(error) from error
        finally:
            self._places.give_back()

    async def _in_thread(self, work: Callable[[], Any]) -> Any:
        """Run `work` in a thread. Its place is free once it has ended, or is to be awaited."""
        loop = asyncio.get_running_loop()
        done: asyncio.Future[Any] = loop.create_future()

        def settle(answer: object, error: Exception | None) -> None:
            if done.cancelled():
                self._nobody_awaits(answer)
            elif error is None:
                done.set_result(answer)
            else:
                done.set_exception(error)

        def run() -> None:
            answer, error = _outcome_of(work)
            if not inspect.isawaitable(answer):
                self._places.give_back()
            try:
                loop.call_soon_threadsafe(settle, answer, error)
            except RuntimeError:
                _log.warning("a call to an order manager came back after its event loop was closed")
                self._nobody_awaits(answer)

        thread = threading.Thread(target=run, name="goflat-order-manager", daemon=True)
        try:
            thread.start()
        except RuntimeError:
            self._places.give_back()
            raise
        return await done

    def _nobody_awaits(self, answer: object) -> None:
        if inspect.isawaitable(answer):
            if inspect.iscoroutine(answer):
                answer.close()
            self._places.give_back()


def _outcome_of(work: Callable[[], Any]) -> tuple[Any, Exception | None]:
    try:
        return work(), None
    except Exception as error:  # noqa: BLE001 - it is carried to whoever waits
        # A future cannot carry StopIteration.
        return None, _tamed(error) if isinstance(error, StopIteration) else error
    except BaseException as error:  # noqa: BLE001 - somebody's sys.exit does not end the run
        return None, _tamed(error)


def _tamed(error: BaseException) -> RuntimeError:
    """What would end the program or confuse the event loop, as an ordinary exception."""
    return RuntimeError(f"{type(error).__name__}: {error}")
