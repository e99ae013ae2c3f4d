"""The supervisor's care for its liquidator: one is there, it answers, and the next one knows all.

A process that lives is not yet one that acts: it may be stopped, or its loop may hang. So it is
asked again and again, and one that does not answer is killed and replaced while there is time.
"""

import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from goflat.guard.run.lifeline import Lifeline
from goflat.guard.run.link import Armed, Gone, Message, Ping, Pong
from goflat.guard.run.saying import Saying

PING_SECONDS = 5.0
PING_SECONDS_IN_A_RUN = 1.0
PONG_SECONDS = 3.0
"""How long an answer may take: a machine that is short of time is no dead one."""

FIRST_PONG_SECONDS = 30.0
"""How long it may take while it opens everything, which can include a keyring."""

NEXT_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0

Born = Callable[[bool], Lifeline]
"""A new liquidator, told whether it is the first. Raises OSError where no process can be had."""


@dataclass(slots=True)
class Succession:
    """When the next liquidator may be started: at once, then after twice as long each time."""

    _last: float | None = None
    _pause: float = 0.0

    def began(self, now: float) -> None:
        if self._last is None or now - self._last > STEADY_SECONDS:
            self._pause = 0.0
        else:
            self._pause = min(NEXT_SECONDS_MAX, 2 * self._pause or 1.0)
        self._last = now

    @property
    def due(self) -> float:
        """When the next one may be started, on the monotonic clock."""
        return 0.0 if self._last is None else self._last + self._pause


class Keeper:
    """Has one liquidator, and another one if that dies or hangs."""

    def __init__(self, born: Born, say: Saying) -> None:
        self._born = born
        self._say = say
        self._lifeline: Lifeline | None = None
        self._succession = Succession()
        self._briefing: list[Message] = []
        self._answers: deque[Message] = deque()
        self._pinged_at: float | None = None
        self._ping_at = 0.0
        self._has_answered = False

    @property
    def descriptor(self) -> int | None:
        """What becomes readable when it says something. None: there is none."""
        return None if self._lifeline is None else self._lifeline.link.fileno()

    @property
    def is_there(self) -> bool:
        return self._lifeline is not None

    @property
    def wake_at(self) -> float:
        """When it has to be looked after again, whatever happens."""
        if self._lifeline is None:
            return self._succession.due
        return self._ping_at if self._pinged_at is None else self._pinged_at + self._patience

    def begin(self, *, is_first: bool) -> None:
        """Start a liquidator, and tell it all that the one before it was told."""
        now = time.monotonic()
        self._succession.began(now)
        self._pinged_at, self._ping_at, self._has_answered = None, now + PING_SECONDS, False
        try:
            self._lifeline = self._born(is_first)
        except OSError as error:
            self._say(f"CRITICAL: no process for the liquidator: {error.strerror}")
            return
        for message in self._briefing:
            self.tell(message)

    def brief(self, message: Message) -> None:
        """Tell it something that every later one has to know as well."""
        self._briefing.append(message)
        self.tell(message)

    def tell(self, message: Message) -> None:
        """Tell it something. One that cannot be told is lost."""
        if self._lifeline is not None and not self._lifeline.tell(message):
            self.lose()

    def whisper(self, message: Message) -> None:
        """Tell it something from a process that must not touch it. Nothing comes of a failure."""
        if self._lifeline is not None:
            self._lifeline.tell(message)

    def hear(self) -> None:
        """Take what it says, its death included."""
        try:
            while self._lifeline is not None and (said := self._lifeline.hear()) is not None:
                self._has_answered = True
                if isinstance(said, Pong):
                    self._pinged_at = None
                else:
                    self._answers.append(said)
        except Gone:
            self.lose()

    def answer(self) -> Message | None:
        """The next thing that it said. None: nothing more."""
        return self._answers.popleft() if self._answers else None

    def lose(self) -> None:
        """Kill it, if it is not dead yet."""
        if self._lifeline is not None:
            self._lifeline.kill()
            self._lifeline = None

    def feel_pulse(self, *, every_seconds: float = PING_SECONDS) -> None:
        """Ask whether it is there when it is time to, and lose one that did not answer."""
        now = time.monotonic()
        if self._lifeline is None:
            return
        if self._pinged_at is None:
            self._ping_at = min(self._ping_at, now + every_seconds)
            if now >= self._ping_at:
                self._ping_at = now + every_seconds
                self.ping()
        elif now >= self._pinged_at + self._patience:
            self._say("CRITICAL: the liquidator does not answer")
            self.lose()

    def ping(self) -> None:
        """Ask whether it is there."""
        self._pinged_at = time.monotonic()
        self.tell(Ping())

    def attend(self) -> None:
        """While the command runs: see that there is one that answers."""
        while (said := self.answer()) is not None:
            if isinstance(said, Armed):
                self._say("armed again")
        self.feel_pulse()
        if self._lifeline is None and time.monotonic() >= self._succession.due:
            self._say("CRITICAL: the liquidator is gone: starting another")
            self.begin(is_first=False)

    @property
    def _patience(self) -> float:
        return PONG_SECONDS if self._has_answered else FIRST_PONG_SECONDS
