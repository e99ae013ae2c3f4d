"""A function of somebody's own: it can add a reason to trip, and cannot take one away."""

import asyncio
import importlib
import inspect
from collections.abc import Awaitable, Callable

from goflat.core.guarding.limits import Finding
from goflat.guard.triggers.eyes import Eyes, NotReadable
from goflat.settings.guarding import TriggerSettings


def code(said: TriggerSettings, eyes: Eyes) -> Callable[[], Awaitable[Finding]]:  # noqa: ARG001
    """Fires when the function returns a reason. One that is not async runs in a thread."""
    assert said.function is not None
    module, _, name = said.function.partition(":")
    found: Callable[[], object] | None = None

    async def look() -> Finding:
        nonlocal found
        if found is None:
            found = await asyncio.to_thread(_found, module, name)
        if inspect.iscoroutinefunction(found):
            said_now = await found()
        else:
            said_now = await asyncio.to_thread(found)
        if said_now is None:
            return Finding(fires=False, text="it sees no reason")
        return Finding(fires=True, text=str(said_now)[:500])

    return look


def _found(module: str, name: str) -> Callable[[], object]:
    try:
        function = getattr(importlib.import_module(module), name)
    except (ImportError, AttributeError) as error:
        raise NotReadable(f"{module}:{name} cannot be had: {error}") from None
    if not callable(function):
        raise NotReadable(f"{module}:{name} is no function")
    return function  # type: ignore[no-any-return]
