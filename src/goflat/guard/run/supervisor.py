"""The supervisor: one loop around a command, and a liquidator that is always there.

It decides nothing about the account. It starts the command only once the liquidator is armed,
passes signals on, sees the end, says whether that end calls for flattening, and waits for the
answer. It has no threads and imports nothing late: a new liquidator is forked from it in a moment.
"""

import contextlib
import math
import os
import select
import signal
import time
from collections.abc import Callable

from goflat.domain.outcome import LiquidationState
from goflat.guard.processes import this_process
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
from goflat.guard.run.keeping import PING_SECONDS_IN_A_RUN, Born, Keeper
from goflat.guard.run.link import (
    Armed,
    Ended,
    Flatten,
    Hurry,
    Refused,
    StandDown,
    Started,
    Starting,
)
from goflat.guard.run.plan import Plan
from goflat.guard.run.saying import Saying
from goflat.guard.run.signals import ENDING, TO_COMMAND, TO_GROUP, SignalInbox
from goflat.guard.run.terminal import Terminal

ARM_SECONDS_MAX = 30.0
LAST_WORDS_SECONDS = 1.0
DIE_SECONDS_MAX = 5.0
PAUSE_SECONDS_MAX = 1.0
"""How long an emergency waits for its next liquidator, however many died before."""

LIQUIDATORS_FOR_ONE_RUN = 3
REAPED_AT_ONCE_MAX = 1000
_STAYS_OPEN = "what is open stays open until it goes on or ends"

UNUSABLE = 2
"""The exit code where nothing was started."""


class Supervisor:
    """Runs one command. Use once."""

    def __init__(
        self,
        plan: Plan,
        *,
        born: Born,
        ear: HandoverEar | None,
        say: Saying,
    ) -> None:
        self._plan = plan
        self._keeper = Keeper(born, say)
        self._ear = ear
        self._say = say
        self._signals = SignalInbox()
        self._terminal = Terminal.of_our_session()
        self._command: Command | None = None
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
        """Have a liquidator that is armed. An exit code where there is none to be had.

        Ends as well when somebody wants an end, before there is anything to be ended.
        """
        self._keeper.begin(is_first=True)
        until = time.monotonic() + ARM_SECONDS_MAX
        while time.monotonic() < until and self._keeper.is_there:
            self._turn(until)
            match self._keeper.answer():
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
                return None
        self._say("not armed: the liquidator did not get ready")
        return self._nothing_started(UNUSABLE)

    def _start(self) -> int | None:
        """Start the command. An exit code where it cannot be, or is not wanted any more."""
        if self._ending_signal is not None:
            return self._nothing_started(KILLED_BY_SIGNAL + self._ending_signal)
        self._keeper.brief(Starting())
        try:
            self._command = commands.start(
                self._plan.argv, self._plan.environment, self._in_new_process
            )
        except OSError as error:
            self._say(f"{self._plan.argv[0]}: {error.strerror or error}")
            missing = isinstance(error, FileNotFoundError)
            return self._nothing_started(NOT_FOUND if missing else NOT_EXECUTABLE)
        if self._ear is not None:
            self._ear.close_writer()
        who = self._command.id
        self._keeper.brief(Started(pid=who.pid, start_ticks=who.start_ticks))
        return None

    def _nothing_started(self, code: int) -> int:
        self._say("nothing was started")
        self._keeper.tell(StandDown())
        return code

    def _in_new_process(self) -> None:
        """Between fork and execution: say who this is, before it can do anything at all."""
        with contextlib.suppress(OSError):
            # The supervisor says it again.
            me = this_process()
            self._keeper.whisper(Started(pid=me.pid, start_ticks=me.start_ticks))
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
            return self._leave_it(command.end)
        return exit_code(state, end)

    def _leave_it(self, end: CommandEnd) -> int:
        """An end after which nothing is to be done."""
        self._say(f"{end}: nothing to flatten by on_exit = {self._plan.on_exit!r}")
        self._keeper.tell(StandDown())
        # It still says what of the command goes on.
        self._let_pass(time.monotonic() + LAST_WORDS_SECONDS, self._is_without_liquidator)
        return end.exit_code

    def _is_without_liquidator(self) -> bool:
        return not self._keeper.is_there

    def _await_end(self, command: Command) -> None:
        """Until it has ended, or its time to end by itself is up."""
        while command.end is None:
            now, until = time.monotonic(), math.inf
            if self._asked_to_end is not None:
                until = self._asked_to_end + self._plan.kill_grace_seconds
                if now >= until:
                    return
            self._turn(min(until, self._keeper.wake_at))
            self._keeper.attend()

    def _is_handed_over(self) -> bool:
        return self._ear is not None and self._ear.heard()

    def _flatten(self, reason: str) -> LiquidationState:
        """Have it flattened, by a second and a third liquidator if the first ones die of it."""
        self._is_concluding = True
        for _ in range(LIQUIDATORS_FOR_ONE_RUN):
            if not self._keeper.is_there:
                self._let_pass(min(self._keeper.wake_at, time.monotonic() + PAUSE_SECONDS_MAX))
                self._keeper.begin(is_first=False)
            self._keeper.tell(Flatten(reason=reason))
            self._keeper.ping()
            state = self._await_answer()
            if state is not None:
                return state
            self._say("CRITICAL: the liquidator died before it was done")
            self._keeper.lose()
        self._say("CRITICAL: NOT FLATTENED. Look at the account at the venue now.")
        return LiquidationState.FAILED

    def _await_answer(self) -> LiquidationState | None:
        until = time.monotonic() + self._plan.answer_seconds
        while time.monotonic() < until and self._keeper.is_there:
            self._turn(min(until, self._keeper.wake_at))
            self._keeper.feel_pulse(every_seconds=PING_SECONDS_IN_A_RUN)
            while (said := self._keeper.answer()) is not None:
                if isinstance(said, Ended):
                    return LiquidationState(said.state)
        return None

    def _let_pass(self, until: float, is_enough: Callable[[], bool] = lambda: False) -> None:
        """Let time pass, and hear what comes meanwhile."""
        while time.monotonic() < until and not is_enough():
            self._turn(until)

    def _make_end(self, command: Command) -> CommandEnd:
        """The end of a command that was told to end and did not: by now it is killed."""
        command.send(signal.SIGKILL)
        until = time.monotonic() + DIE_SECONDS_MAX
        while command.end is None and time.monotonic() < until:
            self._turn(until)
        return command.end or CommandEnd(signal=signal.SIGKILL)

    # --- one turn of the loop -------------------------------------------------------------------

    def _turn(self, until: float) -> None:
        """Wait until something happens, and take it."""
        poll = select.poll()
        poll.register(self._signals.fileno(), select.POLLIN)
        if (liquidator := self._keeper.descriptor) is not None:
            poll.register(liquidator, select.POLLIN)
        poll.poll(max(0.0, until - time.monotonic()) * 1000)
        self._say.catch_up()
        self._keeper.hear()
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
            self._keeper.tell(Hurry())

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
        if self._is_concluding:
            return
        if not commands.is_job_stop(number) or self._terminal is None:
            self._say(f"{signal_name(number)} has stopped the command: {_STAYS_OPEN}")
            return
        if not self._terminal.has_shell:
            self._say("nobody could wake the command from a stop here: it goes on")
            command.send_to_all(signal.SIGCONT)
            return
        self._say(f"stopped: {_STAYS_OPEN}")
        self._terminal.take_back(command.group)
        os.killpg(os.getpgrp(), signal.SIGSTOP)

    def _come_back(self, command: Command) -> None:
        if self._terminal is not None:
            self._terminal.give(command.group)
