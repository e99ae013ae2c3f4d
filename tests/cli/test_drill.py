"""goflat drill, as a user runs it: in memory, on a test network, and where it must refuse."""

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from goflat.cli.drill import command
from goflat.domain.secret import Secret
from goflat.drill.catalogue import CATALOGUE
from goflat.drill.stage import refuse_real_money
from goflat.errors import SettingsError
from goflat.journal.reader import read_lines
from goflat.journal.verify import verify
from goflat.settings import AccountSettings, SecretPlace, SecretRef
from goflat.venues.simulated.exchange import AccountSetup
from goflat.venues.simulated.venue import SimulatedVenue

CANARY_KEY = "c4n4ryK3y" * 5
CANARY_SECRET = "c4n4ryS3cr3t" * 4
SECRETS = {"GF_KEY": CANARY_KEY, "GF_SECRET": CANARY_SECRET}
QUICK = ("--scenario", "disabled")
PREFIX = "goflat-drill-"


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOFLAT_CONFIG", raising=False)
    monkeypatch.setenv("TMPDIR", str(tmp_path))
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    return tmp_path


def drill(*args: str) -> Result:
    result = CliRunner().invoke(command, args, env=SECRETS)
    assert result.exception is None or isinstance(result.exception, SystemExit), result.exception
    assert "Traceback" not in result.output
    assert CANARY_KEY not in result.output
    assert CANARY_SECRET not in result.output
    return result


@pytest.fixture
def network(here: Path) -> Iterator[SimulatedVenue]:
    """A venue of this machine that passes for a test network, with a configuration for it."""
    setup = AccountSetup(api_key=CANARY_KEY, api_secret=Secret(CANARY_SECRET))
    with SimulatedVenue(accounts=[setup], latency_ms=2).in_thread() as venue:
        (here / "testnet.toml").write_text(f"""
[liquidation]
timeout_seconds = 4
quiet_seconds = 0.2
[venue]
environment = "testnet"
rest_url = "{venue.rest_url}"
api_key = "env:GF_KEY"
api_secret = "env:GF_SECRET"
""")
        yield venue


# --- in memory ----------------------------------------------------------------------------------


def test_a_drill_says_one_line_a_scenario_and_leaves_nothing_behind(here: Path) -> None:
    result = drill(*QUICK, "--scenario", "hedge-mode")

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert lines[0] == "Fire drill on the embedded venue, over sockets: no keys, no money."
    assert lines[2].startswith("  PASS  disabled                 0.")
    assert lines[2].endswith(" s  nothing touched, and CRITICAL is said")
    assert lines[3].startswith("  PASS  hedge-mode")
    assert lines[5].startswith("2 of 2 passed in ")
    assert max(map(len, lines)) <= 80
    assert not list(here.iterdir())


def test_the_scenarios_can_be_listed() -> None:
    result, document = drill("--list"), json.loads(drill("--list", "--json").stdout)

    assert [line.split()[0] for line in result.stdout.splitlines()] == list(CATALOGUE)
    assert [row["name"] for row in document["scenarios"]] == list(CATALOGUE)
    assert all(len(line) <= 80 for line in result.stdout.splitlines())


def test_a_report_in_json_is_the_object_that_json_prints(here: Path) -> None:
    result = drill(*QUICK, "--json", "--report", "drill.json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["passed"]) == (0, 0, True)
    assert document == json.loads((here / "drill.json").read_text())
    assert document["audit"]["file"] == str(here / "drill.audit.jsonl")
    assert "PASS  disabled" in result.stderr


def test_the_hash_of_a_report_verifies_its_audit_file(here: Path) -> None:
    drill("--scenario", "audit-completeness", "--report", "drill.json")

    audit = json.loads((here / "drill.json").read_text())["audit"]
    verdict = verify(read_lines(Path(audit["file"])), expect=audit["last_hash"])
    assert verdict.intact
    assert verdict.records == audit["records"] > 20
    assert audit["verify"] == f"goflat audit verify {audit['file']} --expect {audit['last_hash']}"


def test_without_a_report_json_names_no_file_that_is_gone() -> None:
    document = json.loads(drill(*QUICK, "--json").stdout)

    assert document["audit"]["file"] is None
    assert document["audit"]["verify"] is None
    assert document["audit"]["intact"] is True


WRONG: dict[str, tuple[tuple[str, ...], str]] = {
    "unknown scenario": (("--scenario", "hedge"), 'did you mean "hedge-mode"'),
    "report without an ending": (("--report", "drill"), ".md or .json"),
    "report of another kind": (("--report", "drill.html"), ".md or .json"),
    "report nowhere": (("--report", "nowhere/drill.md"), "cannot be written"),
    "configuration that is not there": (("--config", "nowhere.toml"), "does not exist"),
    "account without a configuration": (("--account", "main"), "say --config too"),
    "unknown option": (("--fast",), "No such option"),
}


@pytest.mark.parametrize(("args", "says"), WRONG.values(), ids=WRONG)
def test_a_wrong_command_is_exit_2_and_says_why(args: tuple[str, ...], says: str) -> None:
    result = drill(*QUICK, *args, "--json")

    document = json.loads(result.stdout)
    assert (result.exit_code, document["exit_code"], document["passed"]) == (2, 2, False)
    assert says in document["error"]
    assert says in result.stderr


def test_control_c_ends_a_drill_and_says_what_was_not_played(here: Path) -> None:
    process = subprocess.Popen(
        [sys.executable, "-m", "goflat", "drill", "--json"],
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
        env={**os.environ, "TMPDIR": str(here)},
    )
    assert process.stderr is not None
    while "PASS" not in process.stderr.readline():
        assert process.poll() is None
    time.sleep(0.1)

    process.send_signal(signal.SIGINT)
    stdout, stderr = process.communicate(timeout=20)

    document = json.loads(stdout)
    assert (process.returncode, document["passed"]) == (1, False)
    assert document["summary"]["failed"] > 10
    assert "interrupted before its end" in stderr
    assert "Traceback" not in stderr


# --- on a test network --------------------------------------------------------------------------


def test_it_plays_on_an_account_of_a_test_network_and_cleans_up(network: SimulatedVenue) -> None:
    network.open_position("XRPUSDT", 100)
    names = ("shutdown-with-positions", "disabled", "partial-failure", "hedge-mode")

    result = drill("--config", "testnet.toml", *(x for n in names for x in ("--scenario", n)))

    assert result.exit_code == 0
    assert "PASS  shutdown-with-positions" in result.stdout
    assert "PASS  disabled" in result.stdout
    assert "SKIP  partial-failure" in result.stdout
    assert "halted" in result.stdout
    assert "SKIP  hedge-mode" in result.stdout
    assert "does not switch the mode" in result.stdout
    assert "2 of 4 passed, 2 skipped" in result.stdout
    assert list(network.truth.amounts()) == [("XRPUSDT", "BOTH")]
    assert not network.truth.working_orders()
    assert "account main: binance-usdm, testnet, 127.0.0.1" in result.stderr


def test_hedge_mode_is_played_where_the_account_has_it(network: SimulatedVenue, here: Path) -> None:
    network.set_hedge(True)
    names = ("hedge-mode", "conditional-orders")

    result = drill(
        *("--config", "testnet.toml", "--report", "drill.md"),
        *(x for n in names for x in ("--scenario", n)),
    )

    assert result.exit_code == 0
    assert network.truth.is_flat()
    assert not network.truth.enlarging_fills(prefix="gf-")
    assert f"testnet: 127.0.0.1:{network.port}" in (here / "drill.md").read_text()
    assert CANARY_SECRET not in (here / "drill.md").read_text()
    assert CANARY_SECRET not in (here / "drill.audit.jsonl").read_text()


@pytest.mark.parametrize("what", ["position", "working order", "conditional order"])
def test_it_opens_nothing_where_the_account_is_used(network: SimulatedVenue, what: str) -> None:
    if what == "position":
        network.open_position("BTCUSDT", "0.1")
    elif what == "working order":
        network.rest_order("BTCUSDT", "BUY", "0.1", "50000")
    else:
        network.wait_order("BTCUSDT", "BUY", "70000", quantity="0.1")

    result = drill("--config", "testnet.toml", *QUICK, "--json")

    assert (result.exit_code, json.loads(result.stdout)["exit_code"]) == (2, 2)
    assert "the account has something where the drill would open" in result.stderr
    assert not network.truth.is_flat()
    assert not network.truth.requests("POST")
    assert not network.truth.requests("DELETE")


def test_nothing_played_is_no_pass(network: SimulatedVenue) -> None:
    result = drill("--config", "testnet.toml", "--scenario", "partial-failure")

    assert result.exit_code == 1
    assert "0 of 1 passed, 1 skipped" in result.stdout


def test_an_embedded_account_of_a_configuration_is_played_in_memory(here: Path) -> None:
    (here / "goflat.toml").write_text('[venue]\nenvironment = "simulated"\n')

    result = drill("--config", "goflat.toml", *QUICK)

    assert result.exit_code == 0
    assert "embedded venue" in result.stdout


# --- real money ---------------------------------------------------------------------------------


def test_real_money_is_refused_before_a_secret_is_fetched(here: Path) -> None:
    (here / "live.toml").write_text("""
[venue]
environment = "production"
api_key = "file:/nowhere/key"
api_secret = "file:/nowhere/secret"
""")

    result = drill("--config", "live.toml", *QUICK, "--json")

    assert (result.exit_code, json.loads(result.stdout)["exit_code"]) == (2, 2)
    assert "is a production host" in result.stderr
    assert "/nowhere" not in result.stderr


@pytest.mark.parametrize(
    "url",
    [
        "https://fapi.binance.com",
        "https://fapi1.binance.com",
        "https://FAPI.BINANCE.COM.",
        "https://binance.com",
        "https://example.com",
        "https://testnet.binancefuture.com@fapi.binance.com",
    ],
)
def test_the_class_of_the_host_decides_and_not_the_name_of_the_environment(url: str) -> None:
    with pytest.raises(SettingsError, match=r"host"):
        refuse_real_money(account(url))


@pytest.mark.parametrize(
    "url",
    ["https://testnet.binancefuture.com", "https://demo-fapi.binance.com", "http://127.0.0.1:1"],
)
def test_play_money_is_let_through(url: str) -> None:
    refuse_real_money(account(url))


def account(url: str) -> AccountSettings:
    """What no configuration would be let through as, if it were up to the settings alone."""
    nowhere = SecretRef(place=SecretPlace.ENV, name="GF_NOWHERE", key="api_key")
    return AccountSettings(
        name="main",
        venue="binance-usdm",
        environment="testnet",
        api_key=nowhere,
        api_secret=nowhere,
        rest_url=url,
    )
