"""The supervisor: one loop around a command, and a liquidator that is always there.

It decides nothing about the account. It starts the command only once the liquidator is armed,
passes signals on, sees the end, says whether that end calls for flattening, and waits for the
answer. It has no threads and imports nothing late: a new liquidator is forked from it in a moment.
"""

import math
import os
import select
import signal
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from goflat.domain.outcome import LiquidationState
from goflat.guard.run import command as commands
from goflat.guard.run.command import Command
from goflat.guard.run.endings import (
    KILLED_BY_SIGNAL,
    NOT_EXECUTABLE,
    NOT_FOUND,
    CommandEnd,
    calls_for_flattening,
    exit_code,
    signal_name,
)
from goflat.guard.run.handover import HandoverEar
from goflat.guard.run.lifeline import Lifeline
from goflat.guard.run.link import (
    Armed,
    Ended,
    Flatten,
    Gone,
    Hurry,
    Message,
    Refused,
    StandDown,
    Started,
    Starting,
)
from goflat.guard.run.liquidator import RUNS_MAX
from goflat.guard.run.saying import Saying
from goflat.guard.run.signals import ENDING, TO_COMMAND, TO_GROUP, SignalInbox
from goflat.guard.run.terminal import Terminal
from goflat.settings import OnExit

ARM_SECONDS_MAX = 30.0
FENCE_SECONDS_MAX = 5.0
"""What freezing, ending and closing may take beside the runs and the wait between them."""

LIQUIDATORS_FOR_ONE_RUN = 3
NEXT_LIQUIDATOR_SECONDS_MAX = 30.0
STEADY_SECONDS = 60.0
LONGEST_TURN_SECONDS = 60.0
REAPED_AT_ONCE_MAX = 1000
UNUSABLE = 2
"""The exit code where nothing was started."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, and by which rules. Lengths in seconds."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    on_exit: OnExit
    kill_grace_seconds: float
    recv_window_seconds: float
    timeout_seconds: float
    armed_sentence: str

    @property
    def answer_seconds(self) -> float:
        """How long a liquidator may take from the order to its last word."""
        return RUNS_MAX * self.timeout_seconds + self.recv_window_seconds + FENCE_SECONDS_MAX


class Supervisor:
    """Runs one command. Use once."""

    def __init__(
        self,
        plan: Plan,
        *,
        born: Callable[[bool], Lifeline],
        ear: HandoverEar | None,
        say: Saying,
    ) -> None:
        self._plan = plan
        self._born = born
        self._ear = ear
        self._say = say
        self._signals = SignalInbox()
        self._terminal = Terminal.in_front_of_us()
        self._lifeline: Lifeline | None = None
        self._liquidators = Succession()
        self._command: Command | None = None
        self._answers: list[Message] = []
        self._asked_to_end: float | None = None
        self._ending_signal: int | None = None
        self._is_concluding = False

    def run(self) -> int:
        """The exit code."""
        with self._signals:
            code = self._arm()
            if code is None:
                code = self._start()
            if code is None:
                code = self._conclude()
        self._say.catch_up()
        return code

    # --- before -------------------------------------------------------------------------------

    def _arm(self) -> int | None:
        """Have a liquidator that is armed. An exit code where there is none to be had."""
        self._replace_liquidator(is_first=True)
        until = time.monotonic() + ARM_SECONDS_MAX
        while time.monotonic() < until and self._lifeline is not None:
            self._turn(until)
            match self._answer():
                case Armed():
                    self._say(self._plan.armed_sentence)
                    return None
                case Refused(reasons=reasons):
                    for reason in reasons:
                        self._say(f"not armed: {reason}")
                    return self._nothing_started(UNUSABLE)
                case _:
                    pass
            if self._ending_signal is not None:
                return self._nothing_started(KILLED_BY_SIGNAL + self._ending_signal)
        self._say("not armed: the liquidator did not get ready")
        return self._nothing_started(UNUSABLE)

    def _start(self) -> int | None:
        """Start the command. An exit code where it cannot be."""
        self._tell(Starting())
        try:
            self._command = commands.start(
                self._plan.argv, self._plan.environment, self._in_front_of_terminal
            )
        except OSError as error:
            self._say(f"{self._plan.argv[0]}: {error.strerror or error}")
            missing = isinstance(error, FileNotFoundError)
            return self._nothing_started(NOT_FOUND if missing else NOT_EXECUTABLE)
        if self._ear is not None:
            self._ear.close_writer()
        self._tell_who()
        return None

    def _nothing_started(self, code: int) -> int:
        self._say("nothing was started")
        self._tell(StandDown())
        return code

    def _in_front_of_terminal(self) -> None:
        """In the new process, between fork and execution."""
        if self._terminal is not None:
            self._terminal.give(os.getpgrp())
        self._signals.as_before()

    # --- while the command runs, and after it ---------------------------------------------------

    def _conclude(self) -> int:
        command = self._command
        assert command is not None
        self._await_end(command)
        if self._terminal is not None:
            self._terminal.take_back(command.group)
        if command.end is None:
            state = self._flatten("the command did not end in time after it was told to")
            end = self._make_end(command)
        elif calls_for_flattening(
            self._plan.on_exit, command.end, handed_over=self._is_handed_over()
        ):
            end = command.end
            state = self._flatten(str(end))
        else:
            self._say(f"{command.end}: nothing to flatten by on_exit = {self._plan.on_exit!r}")
            self._tell(StandDown())
            return command.end.exit_code
        return exit_code(state, end)

    def _await_end(self, command: Command) -> None:
        """Until it has ended, or its time to end by itself is up."""
        while command.end is None:
            now, until = time.monotonic(), math.inf
            if self._asked_to_end is not None:
                until = self._asked_to_end + self._plan.kill_grace_seconds
                if now >= until:
                    return
            if self._lifeline is None:
                until = min(until, self._liquidators.due)
            self._turn(min(until, now + LONGEST_TURN_SECONDS))
            self._keep_liquidator()

    def _is_handed_over(self) -> bool:
        return self._ear is not None and self._ear.heard()

    def _flatten(self, reason: str) -> LiquidationState:
        """Have it flattened, by a second and a third liquidator if the first ones die of it."""
        self._is_concluding = True
        for _ in range(LIQUIDATORS_FOR_ONE_RUN):
            if self._lifeline is None:
                self._replace_liquidator(is_first=False)
            self._tell(Flatten(reason=reason))
            state = self._await_answer()
            if state is not None:
                return state
            self._say("CRITICAL: the liquidator died or hangs")
            self._lose_liquidator()
        self._say("CRITICAL: NOT FLATTENED. Look at the account at the venue now.")
        return LiquidationState.FAILED

    def _await_answer(self) -> LiquidationState | None:
        until = time.monotonic() + self._plan.answer_seconds
        while time.monotonic() < until and self._lifeline is not None:
            self._turn(until)
            while (said := self._answer()) is not None:
                if isinstance(said, Ended):
                    return LiquidationState(said.state)
        return None

    def _make_end(self, command: Command) -> CommandEnd:
        """The end of a command that was told to end and did not: by now it is killed."""
        command.send(signal.SIGKILL)
        until = time.monotonic() + FENCE_SECONDS_MAX
        while command.end is None and time.monotonic() < until:
            self._turn(until)
        return command.end or CommandEnd(signal=signal.SIGKILL)

    # --- one turn of the loop -------------------------------------------------------------------

    def _turn(self, until: float) -> None:
        """Wait until something happens, and take it."""
        poll = select.poll()
        poll.register(self._signals.fileno(), select.POLLIN)
        if self._lifeline is not None:
            poll.register(self._lifeline.link.fileno(), select.POLLIN)
        poll.poll(max(0.0, until - time.monotonic()) * 1000)
        self._say.catch_up()
        self._hear()
        for number in self._signals.take():
            self._take(number)

    def _take(self, number: int) -> None:
        if number == signal.SIGCHLD:
            self._reap()
        elif self._command is None or self._command.end is not None:
            self._heard_beside(number)
        elif number in TO_COMMAND:
            if number in ENDING and self._asked_to_end is None:
                self._asked_to_end = time.monotonic()
            self._command.send(number)
        elif number in TO_GROUP:
            if number == signal.SIGCONT:
                self._come_back(self._command)
            self._command.send_to_all(number)

    def _heard_beside(self, number: int) -> None:
        """A signal while there is no command: before it was started, or after its end."""
        if number not in ENDING:
            return
        self._ending_signal = number
        if self._is_concluding:
            self._say(f"{signal_name(number)} heard: finishing first, at most until the deadline")
            self._tell(Hurry())

    def _reap(self) -> None:
        """Take every child's end, orphans included that came to us. Stops are looked at."""
        for _ in range(REAPED_AT_ONCE_MAX):
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED)
            except ChildProcessError:
                return
            if pid == 0:
                return
            command = self._command
            if command is None or pid != command.id.pid:
                continue
            if os.WIFSTOPPED(status):
                self._stopped(command, os.WSTOPSIG(status))
            else:
                command.reaped(status)

    # --- Ctrl-Z and back ------------------------------------------------------------------------

    def _stopped(self, command: Command, number: int) -> None:
        """The terminal stopped the command: stop as well, so that the shell gets its turn."""
        if not commands.is_job_stop(number) or self._terminal is None or self._is_concluding:
            return
        if not self._terminal.has_shell:
            self._say("nobody could wake the command from a stop here: it goes on")
            command.send_to_all(signal.SIGCONT)
            return
        self._say("stopped: what is open stays open until the command goes on or ends")
        self._terminal.take_back(command.group)
        os.killpg(os.getpgrp(), signal.SIGSTOP)

    def _come_back(self, command: Command) -> None:
        if self._terminal is not None and self._terminal.is_ours:
            self._terminal.give(command.group)

    # --- the liquidator -------------------------------------------------------------------------

    def _hear(self) -> None:
        if self._lifeline is None:
            return
        try:
            while (said := self._lifeline.hear()) is not None:
                self._answers.append(said)
        except Gone:
            self._lose_liquidator()

    def _answer(self) -> Message | None:
        return self._answers.pop(0) if self._answers else None

    def _tell(self, message: Message) -> None:
        if self._lifeline is not None and not self._lifeline.tell(message):
            self._lose_liquidator()

    def _tell_who(self) -> None:
        if self._command is not None:
            who = self._command.id
            self._tell(Started(pid=who.pid, start_ticks=who.start_ticks))

    def _lose_liquidator(self) -> None:
        if self._lifeline is not None:
            self._lifeline.kill()
            self._lifeline = None

    def _keep_liquidator(self) -> None:
        """Replace one that died; the first time at once, then paced. Say how it stands."""
        while (said := self._answer()) is not None:
            if isinstance(said, Armed):
                self._say("armed again")
        now = time.monotonic()
        if self._lifeline is None and now >= self._liquidators.due:
            self._say("CRITICAL: the liquidator died: starting another")
            self._replace_liquidator(is_first=False)

    def _replace_liquidator(self, *, is_first: bool) -> None:
        self._liquidators.began(time.monotonic())
        try:
            self._lifeline = self._born(is_first)
        except OSError as error:
            self._say(f"CRITICAL: no process for the liquidator: {error.strerror}")
            return
        if self._command is not None:
            self._tell(Starting())
            self._tell_who()


@dataclass(slots=True)
class Succession:
    """When the next liquidator may be started: at once, then after twice as long each time."""

    _last: float | None = None
    _pause: float = 0.0

    def began(self, now: float) -> None:
        if self._last is None or now - self._last > STEADY_SECONDS:
            self._pause = 0.0
        else:
            self._pause = min(NEXT_LIQUIDATOR_SECONDS_MAX, 2 * self._pause or 1.0)
        self._last = now

    @property
    def due(self) -> float:
        """When the next one may be started, on the monotonic clock."""
        return 0.0 if self._last is None else self._last + self._pause
