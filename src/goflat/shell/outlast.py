"""Wait for something that has to be finished, whoever cancels the waiting."""

import asyncio
import logging
from typing import TypeVar

_log = logging.getLogger("goflat")

Result = TypeVar("Result")


async def outlast(task: "asyncio.Task[Result]") -> Result:
    """The result of `task`, also where the caller is cancelled meanwhile.

    Bounded by the task's own deadline. A cancellation is taken note of and undone, because the
    caller gets what it waited for.
    """
    while True:
        try:
            return await asyncio.shield(task)
        except asyncio.CancelledError:
            if task.cancelled():
                raise
            if (current := asyncio.current_task()) is not None:
                current.uncancel()
            _log.warning("cancelled, and finishing the liquidation first")
