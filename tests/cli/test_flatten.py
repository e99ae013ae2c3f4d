"""goflat flatten, as a user runs it: a process of its own, against a venue over sockets."""

import fcntl
import json
import os
import pty
import select
import signal
import subprocess
import sys
import termios
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from struct import pack

import pytest
from click.testing import CliRunner

from goflat.cli.flatten import command
from goflat.domain.secret import Secret
from goflat.journal.reader import read_lines
from goflat.journal.verify import verify
from goflat.venues.simulated.exchange import AccountSetup
from goflat.venues.simulated.faults import Match, Say
from goflat.venues.simulated.venue import SimulatedVenue

CANARY_KEY = "c4n4ryK3y" * 5
CANARY_SECRET = "c4n4ryS3cr3t" * 4
EIGHT = (
    *("BTCUSDT", "ETHUSDT", "BNBUSDT", "SOLUSDT"),
    *("XRPUSDT", "DOGEUSDT", "ADAUSDT", "1000PEPEUSDT"),
)
SECONDS_MAX = 20.0


@dataclass(frozen=True, kw_only=True)
class Told:
    """What a process said, and how it ended."""

    code: int
    stdout: str
    stderr: str

    @property
    def document(self) -> dict[str, object]:
        """The one JSON object on standard output, and nothing beside it."""
        (line,) = self.stdout.splitlines()
        document = json.loads(line)
        assert isinstance(document, dict)
        return document


@dataclass(frozen=True, kw_only=True)
class Desk:
    """A venue with an account, and a directory with a configuration for it."""

    venue: SimulatedVenue
    directory: Path

    def configure(self, liquidation: str = "", rest: str = '[audit]\npath = "audit.jsonl"') -> None:
        text = f"""
[liquidation]
timeout_seconds = 2
quiet_seconds = 0.2
max_retries = 1
retry_delay_seconds = 0.1
{liquidation}
[venue]
environment = "simulated"
rest_url = "{self.venue.rest_url}"
api_key = "env:GF_KEY"
api_secret = "env:GF_SECRET"
{rest}
"""
        (self.directory / "goflat.toml").write_text(text)

    def start(self, *args: str, **streams: int) -> "subprocess.Popen[str]":
        pipe = subprocess.PIPE
        given = {"stdin": subprocess.DEVNULL, "stdout": pipe, "stderr": pipe} | streams
        return subprocess.Popen(
            [sys.executable, "-m", "goflat", "flatten", *args],
            cwd=self.directory,
            env=_environment(),
            text=True,
            **given,  # type: ignore[call-overload]
        )

    def flatten(self, *args: str) -> Told:
        return ended(self.start(*args))

    def refuse(self, *args: str) -> Told:
        """The same in this process, where nothing but an exit code and words is to come of it."""
        result = CliRunner().invoke(command, args, env=_environment())
        assert result.exception is None or isinstance(result.exception, SystemExit)
        return Told(code=result.exit_code, stdout=result.stdout, stderr=result.stderr)

    @property
    def acts(self) -> int:
        """How many requests came in that change something."""
        return len(self.venue.truth.requests("POST")) + len(self.venue.truth.requests("DELETE"))


def ended(process: "subprocess.Popen[str]") -> Told:
    stdout, stderr = process.communicate(timeout=SECONDS_MAX)
    for text in (stdout, stderr):
        assert "Traceback" not in (text or "")
        assert CANARY_KEY not in (text or "")
        assert CANARY_SECRET not in (text or "")
    return Told(code=process.returncode, stdout=stdout or "", stderr=stderr or "")


def _environment(**more: str) -> dict[str, str]:
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    return {**kept, "GF_KEY": CANARY_KEY, "GF_SECRET": CANARY_SECRET, "LANG": "C.UTF-8", **more}


@pytest.fixture
def desk(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Desk]:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOFLAT_CONFIG", raising=False)
    setup = AccountSetup(api_key=CANARY_KEY, api_secret=Secret(CANARY_SECRET))
    with SimulatedVenue(accounts=[setup], latency_ms=2).in_thread() as venue:
        desk = Desk(venue=venue, directory=tmp_path)
        desk.configure()
        yield desk


def crowd(venue: SimulatedVenue, *, hedge: bool) -> None:
    """Ten positions, twenty working orders, five conditional orders."""
    venue.set_hedge(hedge)
    side = "LONG" if hedge else "BOTH"
    for symbol in EIGHT:
        mark = venue.world.market(symbol).mark
        size = max(Decimal(1), 200 // mark)
        venue.open_position(symbol, size)
        for part in ("0.9", "0.8"):
            venue.rest_order(symbol, "BUY", size, mark * Decimal(part), position_side=side)
    for symbol in ("BTCUSDT", "ETHUSDT") if hedge else ("BTCUSDC", "XAUUSDT"):
        venue.open_position(symbol, "-1")
    for price in range(50_000, 50_004):
        venue.rest_order("BTCUSDT", "BUY", 1, price, position_side=side)
    for symbol in EIGHT[:5]:
        half = venue.world.market(symbol).mark / 2
        venue.wait_order(symbol, "SELL", half, close_position=True, position_side=side)
    truth = venue.truth
    found = (truth.positions(), truth.working_orders(), truth.conditional_orders())
    assert [len(rows) for rows in found] == [10, 20, 5]


# --- the main job -------------------------------------------------------------------------------


@pytest.mark.parametrize("hedge", [False, True], ids=["one-way", "hedge"])
def test_a_crowded_account_goes_flat_and_says_so(desk: Desk, hedge: bool) -> None:
    crowd(desk.venue, hedge=hedge)

    told = desk.flatten("--all", "--yes", "--json")

    result = told.document
    assert (told.code, result["state"], result["verified"]) == (0, "COMPLETED", True)
    assert (result["positions_closed"], result["orders_cancelled"]) == (10, 25)
    assert desk.venue.truth.is_flat()
    assert not desk.venue.truth.enlarging_fills(prefix="gf-")
    assert not desk.venue.truth.opening_orders(prefix="gf-")
    audit = verify(read_lines(desk.directory / "audit.jsonl"), expect=str(result["audit_hash"]))
    assert audit.intact
    assert CANARY_SECRET not in (desk.directory / "audit.jsonl").read_text()


def test_one_halted_instrument_is_left_and_named(desk: Desk) -> None:
    crowd(desk.venue, hedge=False)
    desk.venue.halt("ETHUSDT")

    told = desk.flatten("--all", "--yes", "--json")

    result = told.document
    assert (told.code, result["state"], result["verified"]) == (3, "PARTIAL", False)
    assert list(desk.venue.truth.amounts()) == [("ETHUSDT", "BOTH")]
    legs = result["legs"]
    assert isinstance(legs, list)
    (left,) = [leg for leg in legs if leg["outcome"] != "flat"]
    assert (left["symbol"], left["quantity_left"]) == ("ETHUSDT", "1.000")
    assert "-1122" in left["reason"]
    assert "protective stop(s) stay in place" in left["reason"]
    assert len(desk.venue.truth.conditional_orders()) == 1
    assert "LEFT  ETHUSDT LONG 1.000" in told.stderr
    assert "flatten ETHUSDT" in told.stderr


def test_the_summary_can_be_understood_by_somebody_who_is_tired(desk: Desk) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    desk.venue.rest_order("BTCUSDT", "BUY", "0.1", "50000")

    told = desk.flatten("--all", "--yes")

    assert told.code == 0
    lines = told.stdout.splitlines()
    assert lines[1].startswith("FLAT. Everything asked for is done")
    assert "  flat  BTCUSDT LONG 0.500, 1 order(s) cancelled" in lines
    assert lines[-2].startswith("  run    liq_")
    assert lines[-1] == f"  audit  {desk.directory}/audit.jsonl"
    assert max(map(len, lines)) <= 100


def test_a_symbol_is_flattened_and_the_rest_is_only_told(desk: Desk) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    desk.venue.open_position("ETHUSDT", "-3")
    desk.venue.rest_order("SOLUSDT", "BUY", "1", "100")

    told = desk.flatten("BTCUSDT", "--yes", "--json")

    assert told.code == 0
    assert list(desk.venue.truth.amounts()) == [("ETHUSDT", "BOTH")]
    assert len(desk.venue.truth.working_orders()) == 1
    assert "outside of what was asked for, and not touched: 2" in told.stderr
    assert "position ETHUSDT SHORT 3.000" in told.stderr
    assert "working order SOLUSDT BUY 1.00" in told.stderr


def test_things_are_told_in_plain_lines_as_they_happen(desk: Desk) -> None:
    desk.venue.latency_seconds = 0.1
    desk.venue.open_position("BTCUSDT", "0.5")

    told = desk.flatten("--all", "--yes")

    assert "\x1b" not in told.stderr
    assert told.stderr.splitlines()[:2] == [
        f"goflat flatten: configuration {desk.directory}/goflat.toml",
        f"goflat flatten: account main: binance-usdm, simulated, 127.0.0.1:{desk.venue.port}",
    ]
    assert " s  BTCUSDT LONG 0.500: closing" in told.stderr
    assert " s  BTCUSDT LONG 0.500: flat" in told.stderr


# --- exits --------------------------------------------------------------------------------------

WRONG: Mapping[str, tuple[tuple[str, ...], str]] = {
    "nothing said": (("--yes",), "name symbols, or say --all"),
    "both said": (("--all", "BTCUSDT", "--yes"), "not both"),
    "no terminal": (("--all",), "say --yes"),
    "empty symbol": ((" ", "--yes"), "a symbol is empty"),
    "unknown symbol": (("BTCUSD", "--yes"), 'did you mean "BTCUSDT"?'),
    "lower case": (("btcusdt", "--yes"), 'did you mean "BTCUSDT"?'),
    "no such file": (("--all", "--yes", "--config", "nowhere.toml"), "does not exist"),
    "no such account": (("--all", "--yes", "--account", "other"), "only main"),
    "no such option": (("--all", "--yes", "--force"), "No such option"),
    "unknown symbol, dry": (("BTCUSD", "--dry-run"), 'did you mean "BTCUSDT"?'),
}


@pytest.mark.parametrize(("args", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_command_sends_nothing_and_says_why(
    desk: Desk, args: tuple[str, ...], says: str
) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")

    told = desk.refuse(*args, "--json")

    assert (told.code, told.document["exit_code"]) == (2, 2)
    assert says in str(told.document["error"])
    assert says in told.stderr
    assert desk.acts == 0


BROKEN: Mapping[str, str] = {
    "unknown key": "max_retry = 3",
    "out of range": "cancel_orders = 3",
}


@pytest.mark.parametrize("line", BROKEN.values(), ids=BROKEN)
def test_a_broken_table_that_is_needed_is_exit_2(desk: Desk, line: str) -> None:
    desk.configure(line)

    told = desk.refuse("--all", "--yes", "--json")

    assert (told.code, told.document["exit_code"]) == (2, 2)
    assert "goflat.toml" in str(told.document["error"])


def test_a_missing_secret_is_exit_2(desk: Desk) -> None:
    text = (desk.directory / "goflat.toml").read_text()
    (desk.directory / "goflat.toml").write_text(text.replace("GF_SECRET", "GF_NOWHERE"))

    told = desk.refuse("--all", "--yes", "--json")

    assert told.code == 2
    assert "GF_NOWHERE" in str(told.document["error"])


def test_an_emergency_only_warns_of_a_table_that_it_does_not_need(desk: Desk) -> None:
    desk.configure(rest="[audit]\npaht = 3\n[alerts]\nx = 1")
    desk.venue.open_position("BTCUSDT", "0.5")

    told = desk.flatten("--all", "--yes", "--json")

    assert (told.code, desk.venue.truth.is_flat()) == (0, True)
    assert "WARNING: " in told.stderr
    assert "paht" in told.stderr


def test_an_audit_file_that_cannot_be_used_does_not_stop_an_emergency(desk: Desk) -> None:
    desk.configure(rest='[audit]\npath = "/proc/nowhere/audit.jsonl"')
    desk.venue.open_position("BTCUSDT", "0.5")

    told = desk.flatten("--all", "--yes", "--json")

    assert (told.code, told.document["audit_degraded"]) == (0, True)
    assert "audit  DEGRADED" in told.stderr


def test_a_key_that_nobody_knows_fails(desk: Desk) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    desk.venue.revoke_key(CANARY_KEY)

    told = desk.flatten("--all", "--yes", "--json")

    assert (told.code, told.document["state"]) == (1, "FAILED")
    assert "could not be read" in str(told.document["error_message"])


def test_switched_off_by_configuration_makes_not_one_call(desk: Desk) -> None:
    desk.configure("emergency_liquidation = false\nclose_positions = false\ncancel_orders = false")
    desk.venue.open_position("BTCUSDT", "0.5")

    told = desk.flatten("BTCUSDT", "--yes", "--json")

    assert (told.code, told.document["state"]) == (4, "SKIPPED")
    assert "CRITICAL" in told.stderr
    assert not desk.venue.truth.requests()
    kinds = [
        line.parsed.record.event_type
        for line in read_lines(desk.directory / "audit.jsonl")
        if line.parsed
    ]
    assert kinds == ["LIQUIDATION_SKIPPED"]


def test_rules_that_cannot_be_read_do_not_stop_an_emergency(desk: Desk) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    desk.venue.faults.add(Match(path="/fapi/v1/exchangeInfo"), Say(code=-1000, status=500))

    told = desk.flatten("BTCUSDT", "--yes", "--json")

    assert (told.code, desk.venue.truth.is_flat()) == (0, True)
    assert "WARNING: whether the venue lists the symbols is not known" in told.stderr


def test_one_of_several_accounts_has_to_be_named(desk: Desk) -> None:
    file = desk.directory / "goflat.toml"
    account = file.read_text().replace("[venue]", '[[account]]\nname = "one"')
    file.write_text(f'{account}\n[[account]]\nname = "two"\nenvironment = "simulated"\n')
    desk.venue.open_position("BTCUSDT", "0.5")

    unnamed = desk.refuse("--all", "--yes", "--json")
    embedded = desk.refuse("--all", "--yes", "--json", "--account", "two")
    named = desk.flatten("--all", "--yes", "--json", "--account", "one")

    assert (unnamed.code, embedded.code, named.code) == (2, 2, 0)
    assert "one, two" in str(unnamed.document["error"])
    assert "goflat venue" in str(embedded.document["error"])
    assert "account one: binance-usdm" in named.stderr
    assert "account two" not in named.stderr


# --- dry run ------------------------------------------------------------------------------------


def test_a_dry_run_shows_the_orders_and_sends_none(desk: Desk) -> None:
    desk.venue.set_hedge(True)
    desk.venue.open_position("BTCUSDT", "200")
    desk.venue.rest_order("BTCUSDT", "BUY", "0.1", "50000", position_side="LONG")
    desk.venue.wait_order("BTCUSDT", "SELL", "50000", close_position=True, position_side="LONG")

    told = desk.flatten("--all", "--dry-run", "--json")
    shown = desk.flatten("--all", "--dry-run")

    assert (told.code, shown.code, desk.acts) == (0, 0, 0)
    acts = told.document["would_send"]
    assert isinstance(acts, list)
    closes = [act for act in acts if act["act"] == "close"]
    assert [(c["side"], c["quantity"], c["guarantee"]) for c in closes] == [
        ("SELL", "120.000", "position side LONG"),
        ("SELL", "80.000", "position side LONG"),
    ]
    assert [act["book"] for act in acts if act["act"] == "cancel"] == [
        "working orders",
        "conditional orders",
    ]
    assert "SELL 80.000 of 200.000, market, position side LONG" in shown.stdout
    assert "once its position is shown closed" in shown.stdout
    assert not (desk.directory / "audit.jsonl").exists()


def test_a_dry_run_that_cannot_read_everything_is_exit_1(desk: Desk) -> None:
    desk.venue.faults.add(Match(path="/fapi/v1/openAlgoOrders"), Say(code=-2015))

    told = desk.flatten("--all", "--dry-run", "--json")

    assert told.code == told.document["exit_code"] == 1
    assert "conditional orders" in str(told.document["unread"])


# --- signals ------------------------------------------------------------------------------------


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGHUP])
def test_a_signal_during_a_run_is_heard_and_does_not_abandon_it(
    desk: Desk, number: signal.Signals
) -> None:
    desk.venue.latency_seconds = 0.1
    desk.venue.open_position("BTCUSDT", "0.5")
    process = desk.start("--all", "--yes", "--json")
    wait_until(lambda: bool(desk.venue.truth.requests()))

    process.send_signal(number)
    told = ended(process)

    assert (told.code, told.document["verified"]) == (0, True)
    assert desk.venue.truth.is_flat()
    assert f"{number.name} heard" in told.stderr


def wait_until(is_so: Callable[[], bool]) -> None:
    until = time.monotonic() + SECONDS_MAX
    while not is_so():
        assert time.monotonic() < until
        time.sleep(0.005)


# --- streams ------------------------------------------------------------------------------------


def test_standard_error_that_nobody_reads_holds_nothing_up(desk: Desk) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    reads, writes = os.pipe()
    os.write(writes, bytes(fcntl.fcntl(writes, fcntl.F_GETPIPE_SZ)))

    told = ended(desk.start("--all", "--yes", "--json", stderr=writes))

    assert (told.code, desk.venue.truth.is_flat()) == (0, True)
    assert told.document["verified"] is True
    os.close(reads)
    os.close(writes)


@pytest.mark.parametrize("redirection", [">&-", "2>&-", ">/dev/full", "| true"])
def test_output_that_cannot_be_written_does_not_change_the_exit_code(
    desk: Desk, redirection: str
) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")
    command = f'"{sys.executable}" -m goflat flatten --all --yes --json'
    script = f"set -o pipefail; {command} {redirection}"

    process = subprocess.Popen(
        ["bash", "-c", script],
        cwd=desk.directory,
        env=_environment(),
        text=True,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )

    assert ended(process).code == 0
    assert desk.venue.truth.is_flat()


# --- a terminal ---------------------------------------------------------------------------------


@dataclass(kw_only=True)
class Keyboard:
    """A terminal of 24 lines and 80 columns with a process in it."""

    process: "subprocess.Popen[bytes]"
    screen: int
    other_end: int
    shown: str = ""

    def until(self, text: str) -> None:
        """Read the screen until it has shown this."""
        deadline = time.monotonic() + SECONDS_MAX
        while text not in self.shown:
            assert time.monotonic() < deadline, self.shown
            self._read()

    def type(self, text: str) -> None:
        os.write(self.screen, text.encode())

    def end(self, *, saying: str = "") -> int:
        """Wait for the end, and say something again every half a second until it comes.

        A Ctrl-C between the question and the reading of its answer is heard with the next one.
        """
        started = said_at = time.monotonic()
        self.type(saying)
        while self.process.poll() is None:
            assert time.monotonic() < started + SECONDS_MAX, self.shown
            if time.monotonic() > said_at + 0.5:
                said_at = time.monotonic()
                self.type(saying)
            self._read()
        self._read()
        return self.process.returncode

    def _read(self) -> None:
        ready, _, _ = select.select([self.screen], [], [], 0.02)
        if ready:
            self.shown += os.read(self.screen, 65536).decode()


@pytest.fixture
def sit_down(desk: Desk) -> Iterator[Callable[..., Keyboard]]:
    keyboards: list[Keyboard] = []

    def sit(*args: str, **environment: str) -> Keyboard:
        ours, theirs = pty.openpty()
        fcntl.ioctl(theirs, termios.TIOCSWINSZ, pack("HHHH", 24, 80, 0, 0))
        # Who leads a session and opens a terminal gets it as its own, Ctrl-C included.
        script = 'exec "$0" -m goflat flatten "$@" <"$TTY" >"$TTY" 2>&1'
        process = subprocess.Popen(
            ["sh", "-c", script, sys.executable, *args],
            cwd=desk.directory,
            env=_environment(TERM="xterm-256color", TTY=os.ttyname(theirs), **environment),
            start_new_session=True,
        )
        keyboards.append(Keyboard(process=process, screen=ours, other_end=theirs))
        return keyboards[-1]

    yield sit
    for keyboard in keyboards:
        keyboard.process.kill()
        keyboard.process.wait()
        os.close(keyboard.screen)
        os.close(keyboard.other_end)


def test_a_person_is_shown_what_is_there_and_says_yes(
    desk: Desk, sit_down: Callable[..., Keyboard]
) -> None:
    desk.venue.latency_seconds = 0.1
    desk.venue.open_position("BTCUSDT", "0.5")
    desk.venue.rest_order("BTCUSDT", "BUY", "0.1", "50000")

    keyboard = sit_down("--all")
    keyboard.until("[y/N]: ")
    assert desk.acts == 0
    keyboard.type("y\n")
    code = keyboard.end()

    assert "Account main at binance-usdm, simulated" in keyboard.shown
    assert "BTCUSDT          LONG  0.500  about 30,000" in keyboard.shown
    assert "1 position(s), about 30,000 in quote together, and 1 order(s)" in keyboard.shown
    assert " s of 2 s" in keyboard.shown
    assert "closing" in keyboard.shown
    assert (code, desk.venue.truth.is_flat()) == (0, True)
    assert CANARY_SECRET not in keyboard.shown


@pytest.mark.parametrize("answer", ["n\n", "\n", "\x04", "\x03"], ids=["no", "enter", "end", "^C"])
def test_anything_but_a_yes_sends_nothing(
    desk: Desk, sit_down: Callable[..., Keyboard], answer: str
) -> None:
    desk.venue.open_position("BTCUSDT", "0.5")

    keyboard = sit_down("--all", "--json")
    keyboard.until("[y/N]: ")
    code = keyboard.end(saying=answer)

    assert (code, desk.acts) == (2, 0)
    assert '"exit_code": 2' in keyboard.shown


def test_control_c_during_a_run_is_heard_in_the_terminal(
    desk: Desk, sit_down: Callable[..., Keyboard]
) -> None:
    desk.venue.latency_seconds = 0.15
    desk.venue.open_position("BTCUSDT", "0.5")

    keyboard = sit_down("--all", "--yes", NO_COLOR="1")
    keyboard.until("closing")
    keyboard.type("\x03")
    code = keyboard.end()

    assert "SIGINT heard" in keyboard.shown
    assert "FLAT." in keyboard.shown
    assert "\x1b[33m" not in keyboard.shown
    assert (code, desk.venue.truth.is_flat()) == (0, True)
