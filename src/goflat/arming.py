"""DOOR for Python programs: a block of code, and an account that goes flat if the block does not
end well.

In a program without an event loop, or around `asyncio.run`:

    with goflat.armed("goflat.toml", scope="account"):
        asyncio.run(bot())

Inside of a running event loop:

    async with goflat.armed(manager, scope=["BTCUSDT"]):
        await bot()

What this cannot see is the outright death of the process. That takes a second one.
"""

import asyncio
import logging
import os
import signal
import threading
from collections.abc import Callable, Iterable
from types import FrameType, TracebackType
from typing import Self

from goflat.domain.outcome import LiquidationResult
from goflat.errors import SettingsError
from goflat.manager import LiquidationManager
from goflat.shell.outlast import outlast

_log = logging.getLogger("goflat")

ON = ("exception", "SIGTERM", "SIGINT")
"""What a block may end by so that the account is flattened."""

_EXIT_BY_SIGNAL = 128


def armed(
    manager_or_path: LiquidationManager | str | os.PathLike[str] | None,
    *,
    scope: str | Iterable[str],
    on: Iterable[str] = ON,
) -> "Armed":
    """Flatten when the block ends by an exception, SIGTERM or SIGINT. Use with `with`.

    `scope` is "account" or a list of symbols; it has no default. `manager_or_path` is a manager, or
    the path of a goflat.toml (None: found as everywhere). `on` may leave out some of the three.

    The exit code is what it would have been: an exception goes on after the liquidation, SIGINT
    ends in KeyboardInterrupt, SIGTERM in exit code 143. Further signals during the liquidation are
    heard and do not end it. `sys.exit(0)` is a normal end and flattens nothing. Whatever the
    liquidation comes to, the program's own shutdown goes on; `result` holds it.

    Raises:
        SettingsError: a scope or `on` that says nothing or too much, or a configuration that
            cannot be used: now, and not at the worst moment.
    """
    manager, is_ours = _manager(manager_or_path)
    return Armed(manager, _symbols(scope), _triggers(on), lets_go=is_ours)


class Armed:
    """What `armed` returns: a context manager, for `with` and for `async with`.

    `result` is the outcome of the liquidation, None while there was none.
    """

    def __init__(
        self,
        manager: LiquidationManager,
        symbols: list[str] | None,
        on: frozenset[str],
        *,
        lets_go: bool,
    ) -> None:
        self._manager = manager
        self._lets_go = lets_go
        self._symbols = symbols
        self._on = on
        self._signals = _Signals()
        self.result: LiquidationResult | None = None

    # --- around blocking code -------------------------------------------------------------------

    def __enter__(self) -> Self:
        if _loop_is_running():
            raise SettingsError(
                "inside of a running event loop use `async with goflat.armed(...)`: a plain `with` "
                "would have to hold the loop"
            )
        self._signals.hold(self._on, _end_by_exception)
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._signals:
            if self._has_to_flatten(error):
                self.result = asyncio.run(self._flatten())

    # --- inside of an event loop ----------------------------------------------------------------

    async def __aenter__(self) -> Self:
        loop, task = asyncio.get_running_loop(), asyncio.current_task()
        assert task is not None

        def end(number: int) -> None:  # noqa: ARG001
            # A handler runs between two steps of the loop: it must not raise into a stranger's.
            loop.call_soon_threadsafe(task.cancel)

        self._signals.hold(self._on, end)
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        with self._signals:
            if not self._has_to_flatten(error):
                return
            self.result = await outlast(asyncio.ensure_future(self._flatten()))
        if self._signals.ended_by is not None and isinstance(error, asyncio.CancelledError):
            # The cancellation was our way to end the block; the program ends by the signal.
            _end_by_exception(self._signals.ended_by)

    # --- both -----------------------------------------------------------------------------------

    def _has_to_flatten(self, error: BaseException | None) -> bool:
        heard = self._signals.heard
        if heard is not None:
            return signal.Signals(heard).name in self._on
        if isinstance(error, KeyboardInterrupt):
            return "SIGINT" in self._on
        if error is None or (isinstance(error, SystemExit) and error.code in {None, 0}):
            return False
        return "exception" in self._on

    async def _flatten(self) -> LiquidationResult:
        try:
            return await self._manager.execute_liquidation(self._symbols)
        finally:
            if self._lets_go:
                await self._manager.aclose()


def _end_by_exception(number: int) -> None:
    """End a program the way the signal would have, but through its own clean-up."""
    if number == signal.SIGINT:
        raise KeyboardInterrupt from None
    raise SystemExit(_EXIT_BY_SIGNAL + number) from None


class _Signals:
    """SIGTERM and SIGINT while a block is armed: the first ends it, later ones are only heard.

    A handler that the program has set before is called as well, and then it is the one who ends
    the block; only where there is none do we.
    """

    def __init__(self) -> None:
        self._before: dict[int, Callable[[int, FrameType | None], object]] = {}
        self._end: Callable[[int], None] = _do_nothing
        self._is_ending = False
        self.heard: int | None = None
        self.ended_by: int | None = None

    def hold(self, on: frozenset[str], end: Callable[[int], None]) -> None:
        if threading.current_thread() is not threading.main_thread():
            if on - {"exception"}:
                _log.warning("armed outside of the main thread: signals cannot be heard here")
            return
        self._end = end
        for name in sorted(on - {"exception"}):
            number = signal.Signals[name]
            before = signal.signal(number, self._hear)
            self._before[number] = before if callable(before) else _none

    def _hear(self, number: int, frame: FrameType | None) -> None:
        if self._is_ending:
            name = signal.Signals(number).name
            _log.warning("%s heard: the liquidation goes on, at most until its deadline", name)
            return
        self.heard = self.heard or number
        before = self._before[number]
        if before is _none or before is signal.default_int_handler:
            self.ended_by = number
            self._end(number)
        else:
            before(number, frame)

    def __enter__(self) -> None:
        """The block has ended. From here on signals are only heard."""
        self._is_ending = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, before in self._before.items():
            if signal.getsignal(number) == self._hear:
                signal.signal(number, signal.SIG_DFL if before is _none else before)
            else:
                name = signal.Signals(number).name
                _log.warning("%s was taken over inside of an armed block: not heard there", name)


def _none(number: int, frame: FrameType | None) -> None:
    """Stands for a signal's default action, which is no function."""


def _do_nothing(number: int) -> None:
    """Before a block is entered nothing can end it."""


# --- what was asked for -------------------------------------------------------------------------


def _manager(
    thing: LiquidationManager | str | os.PathLike[str] | None,
) -> tuple[LiquidationManager, bool]:
    """The manager, and whether it is made here, so that its connections are ours to close."""
    if isinstance(thing, LiquidationManager):
        return thing, False
    if thing is not None and not isinstance(thing, str | os.PathLike):
        raise SettingsError(
            f"armed takes a LiquidationManager or the path of a goflat.toml, was {thing!r}"
        )
    return LiquidationManager.from_settings(thing), True


def _symbols(scope: object) -> list[str] | None:
    """None is the account. Saying nothing never means everything; an empty list is a mistake."""
    if scope == "account":
        return None
    named = list(scope) if isinstance(scope, Iterable) and not isinstance(scope, str) else []
    symbols = [symbol for symbol in named if isinstance(symbol, str) and symbol.strip()]
    if not symbols or len(symbols) != len(named):
        raise SettingsError(f'scope is "account" or a list of symbols, was {scope!r}')
    return symbols


def _triggers(on: Iterable[str]) -> frozenset[str]:
    named = frozenset([on] if isinstance(on, str) else on)
    if not named or named - set(ON):
        raise SettingsError(f"on names some of {', '.join(ON)}, was {sorted(named)!r}")
    return named


def _loop_is_running() -> bool:
    try:
        asyncio.get_running_loop()
    except RuntimeError:
        return False
    return True
