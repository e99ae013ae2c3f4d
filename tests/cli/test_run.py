"""goflat run: real processes, real signals, and the venue's own ground truth."""

import contextlib
import fcntl
import os
import pty
import shutil
import signal
import subprocess
import sys
import termios
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from runs import CONFIG, Run, is_gone, is_stopped, until

from goflat.guard.latch_file import read_latch
from goflat.guard.processes import read_all
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

Begin = Callable[..., Run]

LOOP = "echo $$ > $FOLDER/pid; while :; do sleep 0.05; done"
SHELL_BOT = ("sh", "-c", LOOP)
BOT = r"""
import os, signal, sys, time
folder = os.environ["FOLDER"]
def write(name, text):
    with open(f"{folder}/{name}.new", "w") as file: file.write(f"{text}\n")
    os.rename(f"{folder}/{name}.new", f"{folder}/{name}")
heard = []
def hear(number, frame):
    heard.append(signal.Signals(number).name)
    write("heard", " ".join(heard))
    if sys.argv[1:] != ["stubborn"] and number in (signal.SIGTERM, signal.SIGINT):
        time.sleep(0.05)
        sys.exit(5)
for name in ("TERM", "INT", "HUP", "QUIT", "USR1", "USR2"):
    signal.signal(getattr(signal, f"SIG{name}"), hear)
write("pid", os.getpid())
while True: time.sleep(0.05)
"""
WAITING = ("sh", "-c", "touch $FOLDER/up; read line; exit 0")
SHORT = CONFIG.replace("timeout_seconds = 3.0", "timeout_seconds = 1.0")
PYTHON_BOT = (sys.executable, "-c", BOT)


@pytest.fixture
def venue() -> Iterator[SimulatedVenue]:
    venue = SimulatedVenue()
    with venue.in_thread():
        venue.open_position("BTCUSDT", "0.5")
        venue.open_position("ETHUSDT", "-3")
        venue.rest_order("BTCUSDT", "BUY", "0.1", "30000")
        yield venue


@pytest.fixture
def begin(venue: SimulatedVenue, tmp_path: Path) -> Iterator[Begin]:
    """Starts a run. Nothing of it is left at the end."""
    runs: list[Run] = []

    def started(*argv: str, **how: object) -> Run:
        runs.append(Run(venue, tmp_path, *argv, **how))  # type: ignore[arg-type]
        return runs[-1]

    yield started
    for run in runs:
        with contextlib.suppress(ProcessLookupError):
            run.process.kill()
        run.process.wait()
        if run.process.stdout is not None:
            run.process.stdout.close()
    for process in read_all():
        # Whoever is left still knows the folder of this test.
        if str(tmp_path).encode() in _environment(process.pid) and process.pid != os.getpid():
            os.kill(process.pid, signal.SIGKILL)


def _environment(pid: int) -> bytes:
    try:
        return Path(f"/proc/{pid}/environ").read_bytes()
    except OSError:
        return b""


# --- how the command ends -----------------------------------------------------------------------


@pytest.mark.parametrize(
    ("script", "code", "told"),
    [
        ("exit 0", 0, "exit code 0"),
        ("exit 7", 7, "exit code 7"),
        ("kill -9 $$", 137, "ended by SIGKILL"),
        ("kill -TERM $$", 143, "ended by SIGTERM"),
    ],
)
def test_the_account_is_flat_and_the_exit_code_is_the_commands_own(
    begin: Begin, venue: SimulatedVenue, script: str, code: int, told: str
) -> None:
    run = begin("sh", "-c", script)

    assert run.end() == code, run.said
    assert venue.truth.is_flat()
    assert told in run.said
    assert "FLAT: 2 closed, 1 order(s) cancelled" in run.said
    assert run.out == ""
    assert read_latch("main", run.state) is None


@pytest.mark.parametrize("bot", [PYTHON_BOT, SHELL_BOT], ids=["python", "shell"])
def test_a_bot_that_is_killed_leaves_a_flat_account(
    begin: Begin, venue: SimulatedVenue, bot: tuple[str, ...]
) -> None:
    run = begin(*bot)

    os.kill(run.pid(), signal.SIGKILL)

    assert run.end() == 137, run.said
    assert venue.truth.is_flat()


def test_standard_streams_go_past_us(begin: Begin) -> None:
    run = begin("sh", "-c", "tr a-z A-Z; echo to stderr >&2", stdin=subprocess.PIPE)
    assert run.process.stdin is not None
    run.process.stdin.write("hello\n")

    assert run.end() == 0, run.said
    assert run.out == "HELLO\n"
    assert "\nto stderr\n" in run.said
    assert all(line.startswith("goflat: ") or line == "to stderr" for line in run.said.splitlines())


@pytest.mark.parametrize(
    ("on_exit", "script", "is_flat"),
    [
        ("nonzero", "exit 0", False),
        ("handover", "echo handover >&$GOFLAT_HANDOVER_FD", False),
        ("handover", f"{sys.executable} -c 'import goflat; assert goflat.handover()'", False),
        ("handover", "echo nonsense >&$GOFLAT_HANDOVER_FD", True),
        ("always", f"{sys.executable} -c 'import goflat; assert not goflat.handover()'", True),
    ],
    ids=["nonzero", "said by a shell", "said by python", "not said", "nobody asked"],
)
def test_which_end_flattens_is_a_setting(
    begin: Begin, venue: SimulatedVenue, on_exit: str, script: str, is_flat: bool
) -> None:
    run = begin("sh", "-c", script, settings=f'on_exit = "{on_exit}"\n')

    assert run.end() == 0, run.said
    assert venue.truth.is_flat() is is_flat, run.said
    assert ("nothing to flatten" in run.said) is not is_flat


# --- what is left -------------------------------------------------------------------------------


def test_what_is_not_proven_done_never_hides_behind_a_zero(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*WAITING, stdin=subprocess.PIPE, config=SHORT)
    until((run.folder / "up").exists)
    venue.halt("ETHUSDT")
    run.say_nothing_more()
    until(lambda: "CRITICAL: PARTIAL" in run.said)

    assert run.end(signal.SIGTERM) == 123, run.said
    assert "LEFT ETHUSDT SHORT 3" in run.said
    latch = read_latch("main", run.state)
    assert latch is not None
    assert latch.by == "goflat run"
    assert "stays latched" in run.said


def test_where_nothing_is_proven_done_the_code_is_121_and_the_next_run_is_refused(
    begin: Begin, venue: SimulatedVenue, tmp_path: Path
) -> None:
    run = begin(*WAITING, stdin=subprocess.PIPE, config=SHORT)
    until((run.folder / "up").exists)
    venue.revoke_key(TEST_API_KEY)
    run.say_nothing_more()
    until(lambda: "CRITICAL: FAILED" in run.said)

    assert run.end(signal.SIGTERM) == 121, run.said
    assert len(venue.truth.positions()) == 2
    latch = read_latch("main", run.state)
    assert latch is not None
    assert latch.run_id.startswith("run_")

    again = begin("sh", "-c", "touch $FOLDER/again")

    assert again.end() == 2
    assert "account main is latched since" in again.said
    assert not (tmp_path / "again").exists()


def test_switched_off_it_says_so_and_touches_nothing(begin: Begin, venue: SimulatedVenue) -> None:
    off = "emergency_liquidation = false\nclose_positions = false\ncancel_orders = false\n"
    run = begin("sh", "-c", "exit 4", config=CONFIG.replace("[venue]", off + "[venue]"))

    assert run.end() == 4
    assert "CRITICAL: NOTHING DONE" in run.said
    assert "CRITICAL: close_positions is off" in run.said
    assert venue.truth.requests() == ()


# --- before anything is started -----------------------------------------------------------------


@pytest.mark.parametrize(
    ("broken", "told"),
    [
        (CONFIG.replace('scope = "account"\n', ""), "scope: has to be said here"),
        (CONFIG.replace("timeout_seconds = 3.0", "timeout_seconds = 99"), "timeout_seconds"),
        (CONFIG + "[audit]\nfile = 'x'\n", "[audit] file: is unknown"),
        (CONFIG + 'on_exit = "sometimes"\n', "on_exit: must be"),
        (CONFIG.replace("env:BOT_SECRET", "env:NO_SUCH_SECRET"), "NO_SUCH_SECRET"),
        (CONFIG.replace('rest_url = "{rest_url}"\n', ""), "has no address"),
        (CONFIG.replace('"account"', '["NOSUCHUSDT"]'), "does not list NOSUCHUSDT"),
        (CONFIG.replace("{rest_url}", "http://127.0.0.1:9"), "the key was not taken"),
    ],
    ids=["scope", "range", "unknown", "word", "secret", "address", "symbol", "no venue"],
)
def test_a_configuration_that_could_not_work_starts_nothing(
    begin: Begin, tmp_path: Path, broken: str, told: str
) -> None:
    run = begin("sh", "-c", "touch $FOLDER/started", config=broken)

    assert run.end() == 2
    assert told in run.said
    assert "nothing was started" in run.said
    assert not (tmp_path / "started").exists()
    assert run.out == ""


def test_a_key_that_the_venue_does_not_take_starts_nothing(
    begin: Begin, venue: SimulatedVenue, tmp_path: Path
) -> None:
    venue.revoke_key(TEST_API_KEY)
    run = begin("sh", "-c", "touch $FOLDER/started")

    assert run.end() == 2
    assert "the key was not taken" in run.said
    assert not (tmp_path / "started").exists()


def test_no_command_is_127_and_one_that_cannot_be_executed_126(
    begin: Begin, tmp_path: Path, venue: SimulatedVenue
) -> None:
    (tmp_path / "text").write_text("no program")
    (tmp_path / "text").chmod(0o755)

    assert begin("no-such-command-at-all").end() == 127
    (tmp_path / "plain").write_text("not executable")
    assert begin(str(tmp_path / "plain")).end() == 126
    run = begin(str(tmp_path / "text"))

    assert run.end() == 126
    assert "nothing was started" in run.said
    assert len(venue.truth.positions()) == 2


def test_an_end_that_is_wanted_before_the_start_starts_nothing(
    begin: Begin, venue: SimulatedVenue, tmp_path: Path
) -> None:
    venue.latency_seconds = 0.3
    run = begin("sh", "-c", "touch $FOLDER/started")
    until(lambda: "acts if goflat run is killed" in run.said)
    until(lambda: venue.truth.requests() != ())

    assert run.end(signal.SIGTERM) == 143
    assert "nothing was started" in run.said
    assert not (tmp_path / "started").exists()
    assert len(venue.truth.positions()) == 2


def test_a_run_inside_of_a_run_is_refused(begin: Begin, tmp_path: Path) -> None:
    run = begin("sh", "-c", "exit 0", environment={"GOFLAT_RUN": "0123"})

    assert run.end() == 2
    assert "inside of another goflat run" in run.said


# --- what the command gets ----------------------------------------------------------------------


@pytest.mark.parametrize("keeps", [False, True])
def test_the_command_does_not_get_the_keys_unless_it_is_meant_to(begin: Begin, keeps: bool) -> None:
    run = begin("sh", "-c", "cat /proc/self/environ", settings=f"keep_env = {str(keeps).lower()}\n")

    assert run.end() == 0, run.said
    got = dict(pair.partition("=")[::2] for pair in run.out.split("\0"))
    assert ("BOT_KEY" in got, "BOT_SECRET" in got) == (keeps, keeps)
    assert (TEST_API_SECRET in run.out) is keeps
    assert got["FOLDER"] == str(run.folder)
    assert got["GOFLAT_STATE_DIR"] == str(run.state)
    assert len(got["GOFLAT_RUN"]) == 32


def test_what_was_inherited_is_passed_on(begin: Begin, tmp_path: Path) -> None:
    reader, writer = os.pipe()
    try:
        run = begin(
            "sh",
            "-c",
            f"{sys.executable} -c 'import os; os.write({writer}, b\"through\")';"
            "pwd; kill -HUP $$; echo alive",
            pass_fds=[writer],
            cwd="/",
            before=("nohup",),
        )
        assert run.end() == 0, run.said
        assert os.read(reader, 100) == b"through"
        assert run.out == "/\nalive\n"
    finally:
        os.close(reader)
        os.close(writer)


# --- signals ------------------------------------------------------------------------------------


def test_sigterm_reaches_the_command_once_and_its_code_is_kept(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*PYTHON_BOT)
    run.pid()

    assert run.end(signal.SIGTERM) == 5, run.said
    assert run.wrote("heard") == "SIGTERM\n"
    assert venue.truth.is_flat()


def test_every_other_signal_is_passed_on(begin: Begin) -> None:
    run = begin(*PYTHON_BOT)
    run.pid()
    sent = ["SIGHUP", "SIGUSR1", "SIGUSR2"]

    for count, name in enumerate(sent, 1):
        run.process.send_signal(signal.Signals[name])
        until(lambda n=count: len(run.wrote("heard").split()) == n)  # type: ignore[misc]

    assert run.wrote("heard").split() == sent
    assert run.end(signal.SIGINT) == 5


def test_a_command_that_does_not_end_in_its_grace_is_frozen_and_killed(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*PYTHON_BOT, "stubborn")
    pid = run.pid()

    assert run.end(signal.SIGTERM) == 137, run.said
    assert run.wrote("heard") == "SIGTERM\n"
    assert "did not end in time" in run.said
    assert is_gone(pid)
    assert venue.truth.is_flat()


def test_impatience_skips_the_second_look_and_nothing_else(
    begin: Begin, venue: SimulatedVenue
) -> None:
    late = CONFIG.replace("recv_window_seconds = 0.1", "recv_window_seconds = 30")
    run = begin("sh", "-c", "exit 6", config=late)
    until(lambda: "looking again in" in run.said)

    assert run.end(signal.SIGTERM) == 6, run.said
    assert "finishing first" in run.said
    assert "not looking again" in run.said
    assert venue.truth.is_flat()


def test_an_order_that_was_under_way_is_found_by_the_second_look(
    begin: Begin, venue: SimulatedVenue
) -> None:
    late = CONFIG.replace("recv_window_seconds = 0.1", "recv_window_seconds = 1.5")
    run = begin("sh", "-c", "exit 0", config=late)
    until(lambda: "looking again in" in run.said)
    assert venue.truth.is_flat()
    venue.open_position("BTCUSDT", "0.25")

    assert run.end() == 0, run.said
    assert venue.truth.is_flat()


@pytest.fixture
def terminal() -> Iterator[tuple[int, int]]:
    ours, theirs = pty.openpty()
    yield ours, theirs
    os.close(ours)
    with contextlib.suppress(OSError):
        os.close(theirs)


def test_ctrl_c_reaches_the_command_once(
    begin: Begin, venue: SimulatedVenue, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal

    def stand_in_front_of_it() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    run = begin(*PYTHON_BOT, stdin=theirs, preexec_fn=stand_in_front_of_it)
    run.pid()
    os.write(ours, b"\x03")

    assert run.end() == 5, run.said
    assert run.wrote("heard") == "SIGINT\n"
    assert venue.truth.is_flat()


def test_ctrl_z_without_a_shell_does_not_leave_the_command_asleep(
    begin: Begin, terminal: tuple[int, int]
) -> None:
    ours, theirs = terminal

    def stand_in_front_of_it() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    run = begin(*PYTHON_BOT, stdin=theirs, preexec_fn=stand_in_front_of_it)
    pid = run.pid()
    os.write(ours, b"\x1a")
    until(lambda: "it goes on" in run.said)
    until(lambda: not is_stopped(pid))
    os.write(ours, b"\x03")

    assert run.end() == 5, run.said


def test_in_a_shell_ctrl_z_and_fg_work_as_without_us(
    begin: Begin, venue: SimulatedVenue, tmp_path: Path, terminal: tuple[int, int]
) -> None:
    if shutil.which("bash") is None:
        pytest.skip("there is no bash here")
    ours, theirs = terminal

    def stand_in_front_of_it() -> None:
        os.setsid()
        fcntl.ioctl(theirs, termios.TIOCSCTTY, 0)

    (tmp_path / "bot.py").write_text(BOT)
    shell = ("bash", "--norc", "--noprofile", "-i", "-c")
    line = '"$@"; echo stopped $? > $FOLDER/first; fg; echo ended $? > $FOLDER/second'
    run = begin(
        *(sys.executable, str(tmp_path / "bot.py")),
        before=(*shell, "set -m\n" + line, "bash"),
        stdin=theirs,
        stdout=theirs,
        preexec_fn=stand_in_front_of_it,
    )
    pid = run.pid()
    os.write(ours, b"\x1a")
    assert run.wrote("first") == f"stopped {128 + signal.SIGSTOP}\n"
    until(lambda: not is_stopped(pid))
    os.write(ours, b"\x03")

    assert run.wrote("second") == "ended 5\n"
    assert run.wrote("heard") == "SIGINT\n"
    assert venue.truth.is_flat()


# --- who kills what -----------------------------------------------------------------------------


@pytest.mark.parametrize("bot", [PYTHON_BOT, SHELL_BOT], ids=["python", "shell"])
def test_a_supervisor_that_is_killed_takes_bot_and_positions_along(
    begin: Begin, venue: SimulatedVenue, bot: tuple[str, ...]
) -> None:
    run = begin(*bot)
    pid = run.pid()

    assert run.end(signal.SIGKILL) == -signal.SIGKILL

    until(venue.truth.is_flat)
    until(lambda: is_gone(pid))
    assert "goflat run itself was killed: flattening" in run.said
    until(lambda: "nothing to do" in run.said)
    until(lambda: read_latch("main", run.state) is None)


def test_a_liquidator_that_is_alone_goes_on_until_it_is_flat(
    begin: Begin, venue: SimulatedVenue
) -> None:
    venue.halt("ETHUSDT")
    run = begin(*SHELL_BOT, config=SHORT)
    run.pid()

    run.end(signal.SIGKILL)
    until(lambda: run.said.count("LEFT ETHUSDT") >= 3, 20)
    venue.set_status("ETHUSDT", "TRADING")

    until(venue.truth.is_flat)
    until(lambda: read_latch("main", run.state) is None)


def test_a_kill_of_the_whole_group_and_of_the_whole_tree_does_not_reach_the_liquidator(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*SHELL_BOT, start_new_session=True)
    pid, liquidator = run.pid(), run.liquidator
    below = {run.process.pid}
    for _ in range(5):
        below |= {process.pid for process in read_all() if process.parent in below}
    assert pid in below
    assert liquidator not in below

    os.killpg(run.process.pid, signal.SIGKILL)
    for victim in below - {run.process.pid}:
        with contextlib.suppress(ProcessLookupError):
            os.kill(victim, signal.SIGKILL)

    until(venue.truth.is_flat)
    run.end()


def test_a_bot_that_dies_while_the_supervisor_is_stopped_is_noticed(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*SHELL_BOT)
    pid = run.pid()
    run.process.send_signal(signal.SIGSTOP)
    until(lambda: is_stopped(run.process.pid))

    os.kill(pid, signal.SIGKILL)

    until(venue.truth.is_flat)
    assert "does not say how" in run.said
    assert run.end(signal.SIGCONT) == 137


def test_a_liquidator_that_is_killed_is_replaced_and_the_next_one_acts(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*SHELL_BOT)
    pid, first = run.pid(), run.liquidator

    os.kill(first, signal.SIGKILL)
    until(lambda: "armed again" in run.said)

    assert run.liquidator != first
    assert not is_gone(pid)
    os.kill(pid, signal.SIGKILL)
    assert run.end() == 137, run.said
    assert venue.truth.is_flat()


def test_a_liquidator_that_is_killed_in_the_middle_is_replaced_and_the_run_goes_on(
    begin: Begin, venue: SimulatedVenue
) -> None:
    venue.latency_seconds = 0.1
    run = begin(*SHELL_BOT)
    pid, first = run.pid(), run.liquidator
    os.kill(pid, signal.SIGKILL)
    until(lambda: "flattening" in run.said)

    os.kill(first, signal.SIGKILL)

    assert run.end() == 137, run.said
    assert "the liquidator died" in run.said
    assert venue.truth.is_flat()
    assert venue.truth.enlarging_fills(api_key=TEST_API_KEY) == ()


def test_children_that_ran_away_are_frozen_and_ended_as_well(
    begin: Begin, venue: SimulatedVenue
) -> None:
    script = (
        "import os, time\n"
        "def away(name, session):\n"
        "    if os.fork() == 0:\n"
        "        if session: os.setsid()\n"
        "        if os.fork() == 0:\n"
        "            with open(os.environ['FOLDER'] + '/' + name, 'w') as file:\n"
        "                file.write(f'{os.getpid()}\\n')\n"
        "            time.sleep(60)\n"
        "        os._exit(0)\n"
        "away('one', False); away('two', True)\n"
        "os.execvpe('env', ['env', '-i', 'sh', '-c', 'sleep 60 & echo $! > ' + os.environ['FOLDER']"
        " + '/three; sleep 60'], os.environ)\n"
    )
    run = begin(sys.executable, "-c", script)
    strays = [run.pid(name) for name in ("one", "two", "three")]
    bot = next(p.pid for p in read_all() if p.parent == run.process.pid and p.group == p.pid)

    os.kill(bot, signal.SIGKILL)

    assert run.end() == 137, run.said
    assert all(is_gone(pid) for pid in strays)
    assert venue.truth.is_flat()


# --- as process 1 -------------------------------------------------------------------------------

UNSHARE = ("unshare", "--pid", "--fork", "--mount-proc", "--kill-child")


def may_unshare() -> bool:
    try:
        tried = subprocess.run([*UNSHARE, "true"], capture_output=True, timeout=10, check=False)
    except OSError:
        return False
    return tried.returncode == 0


@pytest.fixture
def first() -> tuple[str, ...]:
    if not may_unshare():
        pytest.skip("NOT TESTED: this machine does not let us have a process 1 of our own")
    return UNSHARE


ORPHANS = """
for n in 1 2 3; do (sleep 0.05 & echo $! >> $FOLDER/orphans); done
sleep 0.5
grep -l '^State:.Z' /proc/[0-9]*/status > $FOLDER/zombies
echo $PPID > $FOLDER/parent
"""


def test_as_process_1_it_reaps_what_it_adopts(
    begin: Begin, venue: SimulatedVenue, first: tuple[str, ...]
) -> None:
    run = begin("sh", "-c", ORPHANS, before=first)

    assert run.end() in {0, 1}, run.said
    assert run.wrote("parent") == "1\n"
    assert (run.folder / "zombies").read_text() == ""
    assert "in a container" in run.said
    assert venue.truth.is_flat()


def test_as_process_1_a_stop_of_the_container_is_a_sigterm_to_the_command(
    begin: Begin, venue: SimulatedVenue, first: tuple[str, ...]
) -> None:
    run = begin(*PYTHON_BOT, before=first)
    run.pid()
    children = [process for process in read_all() if process.parent == run.process.pid]

    os.kill(children[0].pid, signal.SIGTERM)

    assert run.end() == 5, run.said
    assert run.wrote("heard") == "SIGTERM\n"
    assert venue.truth.is_flat()


# --- under bad conditions -----------------------------------------------------------------------


def test_once_armed_nothing_is_imported_any_more(begin: Begin, venue: SimulatedVenue) -> None:
    run = begin(*SHELL_BOT, environment={"PYTHONPROFILEIMPORTTIME": "1"})
    os.kill(run.pid(), signal.SIGKILL)
    assert run.end() == 137

    before, _, after = run.said.partition("goflat: armed: ")

    assert "import time:" in before
    assert [line for line in after.splitlines() if "import time:" in line] == []
    assert venue.truth.is_flat()


def test_a_standard_error_that_nobody_reads_holds_nobody(
    begin: Begin, venue: SimulatedVenue
) -> None:
    reader, writer = os.pipe()
    try:
        os.set_blocking(writer, False)
        with contextlib.suppress(BlockingIOError):
            while True:
                os.write(writer, b"x" * 4096)
        os.set_blocking(writer, True)
        run = begin(*SHELL_BOT, stderr=writer)
        os.kill(run.pid(), signal.SIGKILL)

        assert run.end() == 137
        assert venue.truth.is_flat()
    finally:
        os.close(reader)
        os.close(writer)


def test_a_liquidator_that_hangs_is_replaced_by_one_that_acts(
    begin: Begin, venue: SimulatedVenue
) -> None:
    run = begin(*SHELL_BOT)
    pid, first = run.pid(), run.liquidator
    os.kill(first, signal.SIGSTOP)

    os.kill(pid, signal.SIGKILL)

    assert run.end() == 137, run.said
    assert "does not answer" in run.said
    assert is_gone(first)
    assert venue.truth.is_flat()


def test_what_goes_on_unwatched_is_told(begin: Begin) -> None:
    run = begin("sh", "-c", "sleep 30 & exit 0", settings='on_exit = "nonzero"\n', stdout=None)

    assert run.end() == 0, run.said
    assert "1 process(es) of the command go on, and nobody watches them" in run.said


SUPERVISOR_THAT_DIES = """
import os, subprocess, sys
from functools import partial
from goflat.cli.run import _understood
from goflat.guard.run.environment import new_mark
from goflat.guard.run.life import live
from goflat.guard.run.lifeline import born
from goflat.guard.run.link import Armed, Starting
from goflat.guard.run.saying import Saying
settings, account = _understood(sys.argv[1], None)
mark, say = new_mark(), Saying(2)
line = born(partial(live, settings=settings, account=account, mark=mark, say=say, is_first=True))
while not isinstance(line.hear(), Armed):
    pass
line.tell(Starting())
subprocess.Popen(sys.argv[2:], env={**os.environ, mark.name: mark.value}, process_group=0)
os._exit(0)
"""


def test_a_supervisor_that_dies_before_it_can_say_who_the_command_is(
    begin: Begin, venue: SimulatedVenue, tmp_path: Path
) -> None:
    script = tmp_path / "dies.py"
    script.write_text(SUPERVISOR_THAT_DIES)
    begin("true").end()
    venue.open_position("BTCUSDT", "0.5")
    environment = os.environ | {
        "BOT_KEY": TEST_API_KEY,
        "BOT_SECRET": TEST_API_SECRET,
        "GOFLAT_STATE_DIR": str(tmp_path / "state"),
        "FOLDER": str(tmp_path),
    }
    argv = [sys.executable, str(script), str(tmp_path / "goflat.toml"), *SHELL_BOT]

    subprocess.run(argv, env=environment, timeout=20, check=True, stderr=subprocess.DEVNULL)

    pid = tmp_path / "pid"
    until(lambda: pid.exists() and is_gone(int(pid.read_text() or 1)))
    until(venue.truth.is_flat)
