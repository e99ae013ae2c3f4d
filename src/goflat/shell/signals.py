"""Impatient signals, while a liquidation runs."""

import logging
import signal
import threading
from collections.abc import Callable
from types import FrameType, TracebackType

_log = logging.getLogger("goflat")

Handler = Callable[[int, FrameType | None], object] | int | None


class HeldSignals:
    """Hears SIGINT, and a SIGTERM that would kill, without letting them end the process.

    A Ctrl-C is heard, said and swallowed: the program's own shutdown goes on after the run. A
    SIGTERM that nobody handles would end the process in the middle of a run; it is held until the
    run is over and then delivered again. Outside the main thread nothing can be held, and nothing
    is.
    """

    def __init__(self, tell: Callable[[str], None] | None = None) -> None:
        self._tell = tell or _log.warning
        self._before: dict[int, Handler] = {}
        self._terminated = False

    def __enter__(self) -> "HeldSignals":
        if threading.current_thread() is not threading.main_thread():
            return self
        self._hold(signal.SIGINT)
        if signal.getsignal(signal.SIGTERM) is signal.SIG_DFL:
            self._hold(signal.SIGTERM)
        return self

    def _hold(self, number: signal.Signals) -> None:
        try:
            self._before[number] = signal.signal(number, self._heard)
        except (ValueError, OSError) as error:
            # Not in this interpreter. Better a run that can be interrupted than none.
            _log.warning("%s cannot be held during the liquidation: %s", number.name, error)

    def _heard(self, number: int, frame: FrameType | None) -> None:  # noqa: ARG002
        self._terminated |= number == signal.SIGTERM
        name = signal.Signals(number).name
        try:
            self._tell(f"{name} heard: the liquidation goes on, at most until its deadline")
        except Exception:  # noqa: BLE001 - raised here, it would strike the run at any place
            _log.debug("%s heard, and nobody could be told", name)

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        for number, handler in self._before.items():
            # None: it was not installed from Python, and cannot be put back from here.
            signal.signal(number, signal.SIG_DFL if handler is None else handler)
        if self._terminated:
            signal.raise_signal(signal.SIGTERM)
