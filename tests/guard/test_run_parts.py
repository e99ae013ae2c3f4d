"""The parts of goflat run that need no process: what is decided, said, hidden and passed on."""

import os
import select
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.guard.run.endings import (
    CommandEnd,
    calls_for_flattening,
    exit_code,
    signal_name,
    state_of,
)
from goflat.guard.run.environment import command_environment, new_mark, secret_variables
from goflat.guard.run.handover import HandoverEar, handover
from goflat.guard.run.keeping import NEXT_SECONDS_MAX, STEADY_SECONDS, Succession
from goflat.guard.run.link import (
    Armed,
    Ended,
    Flatten,
    Gone,
    Here,
    Hurry,
    Link,
    Message,
    Ping,
    Pong,
    Refused,
    StandDown,
    Started,
    Starting,
    linked,
)
from goflat.guard.run.saying import LINES_WAITING_MAX, Saying
from goflat.guard.run.shelter import Shelter, Surroundings, look_around
from goflat.guard.run.words import told
from goflat.settings import OnExit, Settings, load_settings

COMPLETED, PARTIAL, FAILED, SKIPPED = (
    LiquidationState.COMPLETED,
    LiquidationState.PARTIAL,
    LiquidationState.FAILED,
    LiquidationState.SKIPPED,
)
CLEAN, CODE_7, KILLED = CommandEnd(code=0), CommandEnd(code=7), CommandEnd(signal=9)


# --- which end flattens, and which code it gives ------------------------------------------------


@pytest.mark.parametrize("handed_over", [False, True])
@pytest.mark.parametrize("end", [CLEAN, CODE_7, KILLED], ids=str)
@pytest.mark.parametrize("on_exit", ["always", "nonzero", "handover"])
def test_which_end_flattens(on_exit: OnExit, end: CommandEnd, handed_over: bool) -> None:
    wanted = {"always": True, "nonzero": end is not CLEAN, "handover": not handed_over}

    assert calls_for_flattening(on_exit, end, handed_over=handed_over) is wanted[on_exit]


@pytest.mark.parametrize(
    ("state", "end", "code"),
    [
        (COMPLETED, CLEAN, 0),
        (COMPLETED, CODE_7, 7),
        (COMPLETED, KILLED, 137),
        (SKIPPED, CODE_7, 7),
        (FAILED, CLEAN, 121),
        (FAILED, KILLED, 121),
        (PARTIAL, CLEAN, 123),
        (PARTIAL, CODE_7, 123),
    ],
)
def test_the_exit_code_is_the_commands_unless_something_is_left(
    state: LiquidationState, end: CommandEnd, code: int
) -> None:
    assert exit_code(state, end) == code


def result(state: LiquidationState, closed: int = 0) -> LiquidationResult:
    return LiquidationResult(state=state, positions_closed=closed)


@pytest.mark.parametrize(
    ("results", "state"),
    [
        ([result(COMPLETED)], COMPLETED),
        ([result(FAILED), result(COMPLETED, 2)], COMPLETED),
        ([result(PARTIAL, 1), result(FAILED)], PARTIAL),
        ([result(COMPLETED, 1), result(FAILED)], PARTIAL),
        ([result(COMPLETED), result(FAILED)], FAILED),
        ([result(FAILED), result(FAILED)], FAILED),
        ([result(SKIPPED)], SKIPPED),
    ],
)
def test_several_runs_come_to_what_the_last_one_left_and_all_have_done(
    results: list[LiquidationResult], state: LiquidationState
) -> None:
    assert state_of(results) is state


def test_a_signal_without_a_name_is_a_number() -> None:
    assert signal_name(15) == "SIGTERM"
    assert signal_name(40) == "signal 40"
    assert str(CommandEnd(signal=40)) == "the command was ended by signal 40"


# --- what is said -------------------------------------------------------------------------------


def test_what_is_left_is_said_and_never_flat() -> None:
    left = LegResult(
        symbol="ETH\x1b[2JUSDT",
        side=None,
        outcome=LegOutcome.OPEN,
        quantity=3,  # type: ignore[arg-type]
        quantity_left=None,
        reason="halted",
    )
    lines = list(
        told(
            LiquidationResult(
                state=PARTIAL, legs=(left,) * 30, audit_degraded=True, error_message="the deadline"
            )
        )
    )

    assert lines[0].startswith("CRITICAL: PARTIAL")
    assert "  the deadline" in lines
    assert len([line for line in lines if "LEFT" in line]) == 20
    assert "  and 10 more" in lines
    assert "FLAT" not in " ".join(lines)


@pytest.mark.parametrize(("verified", "word"), [(True, "FLAT: "), (False, "DONE, BUT NOT ALL")])
def test_flat_is_said_only_where_it_was_seen(verified: bool, word: str) -> None:
    lines = list(told(LiquidationResult(state=COMPLETED, verified=verified)))

    assert lines[0].startswith(word)


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    reader, writer = os.pipe()
    yield reader, writer
    for descriptor in (reader, writer):
        try:
            os.close(descriptor)
        except OSError:
            continue


def test_a_pipe_that_nobody_reads_makes_nobody_wait(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    say = Saying(writer)
    for number in range(3000):
        say(f"line {number} " + "x" * 100)

    read = b""
    while select.select([reader], [], [], 0)[0]:
        read += os.read(reader, 65536)
        say.catch_up()

    lines = read.decode().splitlines()
    assert lines[0].startswith("goflat: line 0 ")
    assert lines[-1].startswith("goflat: line 2999 ")
    lost = [line for line in lines if line.endswith("lines were lost")]
    assert len(lost) == 1
    assert int(lost[0].split()[1]) + len(lines) - 1 == 3000
    assert LINES_WAITING_MAX < len(lines) < 3000


def test_a_line_cannot_redraw_the_terminal(pipe: tuple[int, int]) -> None:
    reader, writer = pipe

    Saying(writer)("a\nb\x1b[2Jc")

    assert os.read(reader, 100) == b"goflat: ab[2Jc\n"


def test_nobody_to_speak_to_is_no_reason_to_fail(pipe: tuple[int, int]) -> None:
    reader, writer = pipe
    os.close(reader)

    for descriptor in (writer, None, 1_000_000):
        Saying(descriptor)("lost")


# --- what the command gets ----------------------------------------------------------------------

CONFIG = """
[liquidation]
scope = "account"
[[account]]
name = "one"
environment = "testnet"
api_key = "env:ONE_KEY"
api_secret = "env:ONE_SECRET"
[[account]]
name = "two"
environment = "testnet"
api_key = "env:TWO_KEY"
api_secret = "file:two.pem"
[guard]
totp_secret = "env:TOTP"
"""


@pytest.fixture
def settings(tmp_path: Path) -> Settings:
    file = tmp_path / "goflat.toml"
    file.write_text(CONFIG)
    return load_settings(str(file)).without_faults()


def test_the_keys_of_every_account_are_taken_out(settings: Settings) -> None:
    environ = {
        "PATH": "/bin",
        "ONE_KEY": "1",
        "ONE_SECRET": "2",
        "TWO_KEY": "3",
        "TOTP": "4",
        "GOFLAT_HANDOVER_FD": "99",
        "GOFLAT_CONFIG": "here",
    }
    mark = new_mark()

    got = command_environment(
        environ, settings, mark=mark, handover=None, state_directory="/var/lib/goflat"
    )

    assert secret_variables(settings) == {"ONE_KEY", "ONE_SECRET", "TWO_KEY", "TOTP"}
    assert got == {
        "PATH": "/bin",
        "GOFLAT_CONFIG": "here",
        "GOFLAT_RUN": mark.value,
        "GOFLAT_STATE_DIR": "/var/lib/goflat",
    }


def test_a_mark_is_known_whole_and_nowhere_else() -> None:
    mark = new_mark()
    entry = f"{mark.name}={mark.value}".encode()

    assert mark.is_in(entry)
    assert mark.is_in(b"A=1\0" + entry + b"\0B=2\0")
    assert not mark.is_in(b"X" + entry)
    assert not mark.is_in(entry + b"0")
    assert not mark.is_in(b"A=" + entry)
    assert not mark.is_in(b"")


# --- the hand-over ------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("written", "is_heard"),
    [
        (b"", False),
        (b"handover\n", True),
        (b"handover", True),
        (b"noise\nhandover\n", True),
        (b"no handover\n", False),
        (b"x" * 5000 + b"\nhandover\n", False),
    ],
)
def test_only_the_word_is_a_hand_over(written: bytes, is_heard: bool) -> None:
    ear = HandoverEar()
    os.write(ear.writer, written)

    assert ear.heard() is is_heard
    assert ear.heard() is is_heard
    ear.close_writer()
    assert ear.heard() is is_heard


@pytest.mark.parametrize("text", [None, "", "x", "-1", "1000000"])
def test_a_hand_over_to_nobody_is_told(text: str | None) -> None:
    assert handover({} if text is None else {"GOFLAT_HANDOVER_FD": text}) is False


def test_a_hand_over_is_taken() -> None:
    ear = HandoverEar()

    assert handover({"GOFLAT_HANDOVER_FD": str(ear.writer)})
    assert ear.heard()


# --- the link -----------------------------------------------------------------------------------

MESSAGES: list[Message] = [
    Here(pid=7, start_ticks=9),
    Armed(),
    Refused(reasons=["a", "ä\n"]),
    Ended(state="PARTIAL"),
    Ping(),
    Pong(),
    Starting(),
    Started(pid=8, start_ticks=10),
    Flatten(reason="because"),
    Hurry(),
    StandDown(),
]


@pytest.fixture
def link() -> Iterator[tuple[Link, Link]]:
    one, other = linked()
    yield one, other
    one.close()
    other.close()


def test_what_is_told_is_heard_in_order(link: tuple[Link, Link]) -> None:
    one, other = link
    for message in MESSAGES:
        one.tell(message)

    assert [other.hear() for _ in MESSAGES] == MESSAGES
    assert other.hear() is None


def test_an_end_is_heard(link: tuple[Link, Link]) -> None:
    one, other = link
    one.close()

    with pytest.raises(Gone):
        other.hear()
    with pytest.raises(Gone):
        other.tell(Armed())


def test_who_does_not_read_is_gone(link: tuple[Link, Link]) -> None:
    one, _ = link

    def tell_on_and_on() -> None:
        for _ in range(100_000):
            one.tell(Hurry())

    with pytest.raises(Gone):
        tell_on_and_on()


@pytest.mark.parametrize("content", [b"{", b"[]", b'{"is": "Boo"}', b'{"is": "Armed", "x": 1}'])
def test_what_is_not_understood_ends_it(link: tuple[Link, Link], content: bytes) -> None:
    one, other = link
    os.write(one.fileno(), content)

    with pytest.raises(Gone):
        other.hear()


# --- where we live ------------------------------------------------------------------------------

FIRST = 0xEFFFFFFC


@pytest.mark.parametrize(
    ("pid", "cgroup", "namespace", "shelter", "told_as"),
    [
        (700, "/", FIRST, Shelter.ITS_OWN, "a process of its own"),
        (700, "", FIRST, Shelter.ITS_OWN, "a process of its own"),
        (700, "/user.slice/session-3.scope", FIRST, Shelter.ITS_OWN, "a process of its own"),
        (700, "/system.slice/bot.service", FIRST, Shelter.UNIT, "in bot.service"),
        (1, "/", 4026533000, Shelter.CONTAINER, "in a container"),
        (700, "/", 4026533000, Shelter.CONTAINER, "in a container"),
        (700, "/docker/0123", FIRST, Shelter.CONTAINER, "in a container"),
    ],
)
def test_what_the_liquidator_outlives_is_told(
    pid: int, cgroup: str, namespace: int, shelter: Shelter, told_as: str
) -> None:
    around = Surroundings(pid=pid, cgroup=cgroup, pid_namespace=namespace)

    assert around.shelter is shelter
    assert told_as in around.sentence


def test_we_live_somewhere() -> None:
    assert look_around(os.getpid()).shelter in Shelter


# --- one liquidator after the other -------------------------------------------------------------


def test_the_next_liquidator_comes_at_once_and_then_paced() -> None:
    line = Succession()
    now, waits = 100.0, []
    for _ in range(8):
        line.began(now)
        waits.append(line.due - now)
        now = max(now, line.due)

    assert waits[:6] == [0.0, 1.0, 2.0, 4.0, 8.0, 16.0]
    assert waits[6:] == [NEXT_SECONDS_MAX] * 2
    line.began(now + STEADY_SECONDS + 1)
    assert line.due == now + STEADY_SECONDS + 1


# --- a word with the kernel ---------------------------------------------------------------------

HIDDEN = """
import ctypes
from goflat.guard.run.kernel import adopt_orphans, hide_from_others
library = ctypes.CDLL(None)
print(hide_from_others(), library.prctl(3, 0, 0, 0, 0))
adopts = ctypes.c_int()
for wanted in (True, False):
    adopt_orphans(wanted=wanted)
    library.prctl(37, ctypes.byref(adopts), 0, 0, 0)
    print(adopts.value)
"""


def test_the_kernel_hides_us_and_brings_us_orphans() -> None:
    said = subprocess.run(
        [sys.executable, "-c", HIDDEN], capture_output=True, text=True, check=True, timeout=20
    ).stdout

    assert said == "True 0\n1\n0\n"
