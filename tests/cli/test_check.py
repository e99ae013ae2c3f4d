"""goflat check: ready, not ready, unusable; the same for a person and for a program."""

import asyncio
import json
import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from goflat.cli import check
from goflat.cli.check import ask, command
from goflat.cli.main import cli
from goflat.domain.facts import AccountFacts
from goflat.domain.position import PositionMode
from goflat.errors import Unanswered
from goflat.settings import AccountSettings, load_settings
from goflat.venues.simulated.venue import TEST_API_KEY, TEST_API_SECRET, SimulatedVenue

CANARY = "c4n4ryS3cr3t"
ROOT = Path(__file__).parents[2]

GOOD = """\
[liquidation]
scope = "account"
[venue]
name = "binance-usdm"
environment = "testnet"
api_key = "env:GOOD_KEY"
api_secret = "env:GOOD_SECRET"
[audit]
path = "audit.jsonl"
"""
HOSTS = "testnet.binancefuture.com, fstream.binancefuture.com"
SECRETS = {"GOOD_KEY": "key-" + CANARY, "GOOD_SECRET": CANARY}


@pytest.fixture
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("GOFLAT_CONFIG", raising=False)
    return tmp_path


def run(*args: str, env: Mapping[str, str | None] = SECRETS) -> Result:
    result = CliRunner().invoke(command, args, env=dict(env))
    assert result.exception is None or isinstance(result.exception, SystemExit)
    assert CANARY not in result.output
    assert "Traceback" not in result.output
    return result


def written(directory: Path, text: str | bytes) -> str:
    path = directory / "goflat.toml"
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    path.chmod(0o600)
    return str(path)


def test_a_good_configuration_is_ready(here: Path) -> None:
    written(here, GOOD)

    result = run("--strict", "--env", "testnet")

    assert result.exit_code == 0
    assert result.stdout == "Ready (testnet, strict).\n"
    assert result.stderr.splitlines() == [
        f"goflat check: configuration {here}/goflat.toml",
        f"goflat check: account main: binance-usdm, testnet, {HOSTS}",
    ]


def test_what_is_in_the_way_is_shown_with_its_mend(here: Path) -> None:
    written(here, GOOD.replace("scope", "cancel_orders = false\ntimeout_seconds = 20\nscope"))

    relaxed, production = run(), run("--env", "production")

    assert relaxed.exit_code == 0
    assert production.exit_code == 1
    assert production.stdout == (
        "Critical: capital or keys are at risk\n"
        "  x orders would stay, and could open positions again  [orders-left-working]\n"
        "    to mend: set cancel_orders to true\n"
        "\n"
        "Warnings\n"
        "  - 20 s is long for a bot that waits for its end  [timeout-long]\n"
        "    to mend: set timeout_seconds from 5 to 15\n"
        "  - account main, its environment is testnet, and it is judged for production"
        "  [environment-differs]\n"
        "    to mend: check the configuration of the deployment that is meant, or change --env\n"
        "\n"
        "Not ready (production): 1 thing is in the way, marked x above.\n"
    )


def test_real_money_is_judged_as_production_unless_somebody_says_otherwise(here: Path) -> None:
    text = GOOD.replace("testnet", "production").replace("scope", "close_positions = false\nscope")
    written(here, text)

    assert run().exit_code == 1
    assert run("--env", "testnet").exit_code == 0


def test_the_same_is_there_for_a_program(here: Path) -> None:
    path = written(here, GOOD.replace("path =", "# path ="))

    result = run("--json", "--strict")

    document = json.loads(result.stdout)
    assert result.exit_code == document["exit_code"] == 1
    assert document == {
        "ready": False,
        "env": "testnet",
        "strict": True,
        "findings": [
            {
                "id": "audit-missing",
                "severity": "warning",
                "subject": "",
                "text": "no audit trail is kept",
                "mend": "name a file: [audit] path",
                "blocks": True,
            }
        ],
        "exit_code": 1,
        "config": path,
        "accounts": [
            {
                "name": "main",
                "venue": "binance-usdm",
                "environment": "testnet",
                "embedded": False,
                "hosts": ["testnet.binancefuture.com", "fstream.binancefuture.com"],
                "answers": None,
            }
        ],
        "mistakes": [],
    }


def test_one_account_of_several_can_be_checked(here: Path) -> None:
    account = '[[account]]\nname = "{}"\nenvironment = "testnet"\napi_key = "env:GOOD_KEY"\n'
    good = account.format("good") + 'api_secret = "env:GOOD_SECRET"\n'
    bad = account.format("bad") + 'api_secret = "env:ABSENT"\n'
    written(here, good + bad)

    assert run().exit_code == 1
    assert run("--account", "good").exit_code == 0
    assert "bad" not in run("--account", "good").output
    absent = run("--account", "goood")
    assert absent.exit_code == 2
    assert 'only good, bad; did you mean "good"?' in absent.stderr


VENUE = '[venue]\nenvironment = "testnet"\n'
KEYS = 'api_key = "env:GOOD_KEY"\napi_secret = "env:GOOD_SECRET"\n'
FINE = VENUE + KEYS

BROKEN: dict[str, tuple[str | bytes, str]] = {
    "empty": ("", "is empty"),
    "only a comment": ("# nothing\n", "has no account"),
    "no TOML": ("[venue\n", ":1: is no TOML"),
    "a secret pasted as a line": (CANARY + "\n" + FINE, ":1: is no TOML"),
    "a quote that never ends": (FINE + f'rest_url = "{CANARY}\n', ":5: is no TOML"),
    "not UTF-8": (b"[venue]\n\xff\xfe\n", ":2: is no UTF-8 text"),
    "UTF-16": (FINE.encode("utf-16"), "is no UTF-8 text"),
    "enormous": ("#" * 70_000, "larger than 65536 bytes"),
    "a control character": (FINE + "\x1b[2J", "is no TOML"),
    "a table twice": (FINE + "[venue]\n", ":5: is no TOML: the same table"),
    "a key twice": (FINE + 'api_key = "env:X"\n', ":5: is no TOML: the same key"),
    "a misspelt table": ("[liquidaton]\n" + FINE, ":1: liquidaton: is an unknown table; did you"),
    "an unknown table": (FINE + "[alarms]\nphone = 1\n", ":5: alarms: is an unknown table"),
    "a misspelt key": (FINE + "[liquidation]\ntimeout = 5\n", 'did you mean "timeout_seconds"?'),
    "a key in the wrong table": (FINE + "max_retries = 1\n", "it belongs in [liquidation]"),
    "a key outside of tables": ("timeout_seconds = 5\n" + FINE, "it belongs in [liquidation]"),
    "a number in quotes": (FINE + '[liquidation]\ntimeout_seconds = "5"\n', "without quotes"),
    "true as a number": (FINE + "[liquidation]\nmax_retries = true\n", "from 0 to 10, was true"),
    "not a number": (FINE + "[liquidation]\ntimeout_seconds = nan\n", "was nan"),
    "infinity": (FINE + "[liquidation]\ntimeout_seconds = inf\n", "was inf"),
    "zero": (FINE + "[liquidation]\ntimeout_seconds = 0\n", "from 1 to 30, was 0"),
    "negative": (FINE + "[liquidation]\nretry_delay_seconds = -1\n", "from 0.1 to 5, was -1"),
    "half a retry": (FINE + "[liquidation]\nmax_retries = 1.5\n", "a whole number"),
    "switches that contradict": (
        FINE + "[liquidation]\nemergency_liquidation = false\n",
        "close_positions and cancel_orders must be false as well",
    ),
    "an empty scope": (FINE + "[liquidation]\nscope = []\n", "was one of 0"),
    "one symbol as a scope": (FINE + '[liquidation]\nscope = "BTCUSDT"\n', "one symbol is a list"),
    "an unknown environment": (
        '[venue]\nenvironment = "prod"\n' + KEYS,
        'did you mean "production"?',
    ),
    "an unknown venue": (FINE + f'name = "{CANARY}"\n', '[venue] name: must be "binance-usdm"'),
    "no environment": ("[venue]\n" + KEYS, "environment: is missing"),
    "no secret": (VENUE + 'api_key = "env:GOOD_KEY"\n', "api_secret: is missing"),
    "a literal secret": (
        VENUE + f'api_key = "env:GOOD_KEY"\napi_secret = "{CANARY}"\n',
        "never the secret itself",
    ),
    "a literal secret after env:": (
        VENUE + f'api_key = "env:GOOD_KEY"\napi_secret = "env:{CANARY * 4}"\n',
        "looks like a secret",
    ),
    "a secret under a misspelt key": (
        VENUE + f'api_key = "env:GOOD_KEY"\napi_secert = "{CANARY}"\n',
        'did you mean "api_secret"?',
    ),
    "a secret as a table": (VENUE + f'[venue.api_key]\nx = "{CANARY}"\n', "was a table"),
    "a production host on testnet": (
        FINE + 'rest_url = "https://fapi.binance.com"\n',
        "is a production host",
    ),
    "this machine in production": (
        FINE.replace("testnet", "production") + 'rest_url = "http://127.0.0.1:1"\n',
        "is this machine",
    ),
    "plain http to the venue": (
        FINE + 'rest_url = "http://testnet.binancefuture.com"\n',
        "is not encrypted",
    ),
    "two classes of hosts": (
        FINE + 'rest_url = "https://testnet.binancefuture.com"\nstream_url = "ws://127.0.0.1"\n',
        "all three must go to one place",
    ),
    "credentials in an address": (
        FINE + f'rest_url = "https://user:{CANARY}@testnet.binancefuture.com"\n',
        "without blanks, credentials",
    ),
    "an address without a scheme": (FINE + 'rest_url = "localhost"\n', "like https://host"),
    "venue and accounts": (FINE + "[[account]]\n", "[venue] is one account by itself"),
    "accounts with one name": (
        ('[[account]]\nname = "a"\nenvironment = "testnet"\n' + KEYS) * 2,
        "the name of an account before it",
    ),
    "account as a table": ('[account]\nname = "a"\n', "must be written as [[account]]"),
    "a path that is none": (FINE + "[audit]\npath = 5\n", "must be the path of a file, was 5"),
}


@pytest.mark.parametrize(("text", "reason"), BROKEN.values(), ids=BROKEN)
def test_a_broken_configuration_is_unusable_and_says_why(
    here: Path, text: str | bytes, reason: str
) -> None:
    path = written(here, text)

    plain, for_a_program = run(), run("--json", "--online")

    assert plain.exit_code == for_a_program.exit_code == 2
    assert plain.stdout == ""
    assert reason in plain.stderr
    assert "\x1b" not in plain.stderr
    assert all(line.startswith(f"goflat check: {path}") for line in plain.stderr.splitlines())
    document = json.loads(for_a_program.stdout)
    assert (document["ready"], document["exit_code"]) == (False, 2)
    assert {mistake["file"] for mistake in document["mistakes"]} == {path}


ARGUMENTS: dict[str, tuple[list[str], str]] = {
    "an unknown option": (["--stict"], "No such option"),
    "an unknown environment": (["--env", "staging"], "not one of"),
    "an option without its value": (["--config"], "requires an argument"),
    "an argument too many": (["BTCUSDT"], "unexpected extra argument"),
    "an empty path": (["--config", ""], "--config is empty"),
    "a path that is not there": (["--config", "absent.toml"], "absent.toml: does not exist"),
    "a directory": (["--config", "."], "cannot be read: it is a directory"),
    "an unknown account": (["--account", "mian"], 'did you mean "main"?'),
    "a device": (["--config", "/dev/zero"], "cannot be read: it is no regular file"),
}


@pytest.mark.parametrize(("args", "reason"), ARGUMENTS.values(), ids=ARGUMENTS)
def test_a_wrong_argument_is_unusable_and_says_why(
    here: Path, args: list[str], reason: str
) -> None:
    written(here, GOOD)

    plain, for_a_program = run(*args), run("--json", *args)

    assert plain.exit_code == for_a_program.exit_code == 2
    assert plain.stdout == ""
    assert reason in plain.stderr
    if args != ["--config"]:  # it takes --json for its value, so nobody asked for an object
        (mistake,) = json.loads(run(*args, "--json").stdout)["mistakes"]
        assert reason in mistake["text"] or reason in plain.stderr


def test_a_pipe_instead_of_a_file_is_not_waited_for(here: Path) -> None:
    os.mkfifo(here / "goflat.toml")

    assert run().exit_code == 2


def test_nothing_at_all_says_what_was_looked_for(here: Path) -> None:
    result = run()

    assert result.exit_code == 2
    assert "no --config was given; `goflat init` writes one" in result.stderr


# --- asking the venue -----------------------------------------------------------------------------


def online(venue: SimulatedVenue) -> str:
    """The good configuration, of an account at a venue that listens on this machine."""
    where = f'rest_url = "{venue.rest_url}"\nsapi_url = "{venue.rest_url}"'
    return GOOD.replace('environment = "testnet"', f'environment = "simulated"\n{where}')


VENUE_SECRETS = {"GOOD_KEY": TEST_API_KEY, "GOOD_SECRET": TEST_API_SECRET}


def test_a_venue_is_asked_over_real_sockets(here: Path) -> None:
    with SimulatedVenue().in_thread() as venue:
        written(here, online(venue))
        result = run("--online", "--strict", "--json", env=VENUE_SECRETS)

    document = json.loads(result.stdout)
    answers = document["accounts"][0]["answers"]
    assert result.exit_code == 0, result.output
    assert document["findings"] == []
    assert answers["key_works"] is True
    assert answers["can_withdraw"] is False
    assert answers["position_mode"] == "one-way"
    assert answers["instruments"] > 0
    assert TEST_API_SECRET not in result.output


def test_a_key_that_the_venue_refuses_is_not_ready(here: Path) -> None:
    with SimulatedVenue().in_thread() as venue:
        written(here, online(venue))
        result = run("--online", env={**VENUE_SECRETS, "GOOD_KEY": "x" * 64})

    assert result.exit_code == 1
    assert "[key-refused]" in result.stdout
    assert "key works: no" in result.stdout


def test_a_venue_that_is_not_there_is_not_ready(here: Path) -> None:
    with SimulatedVenue().in_thread() as venue:
        text = online(venue)
    written(here, text)

    result = run("--online", env=VENUE_SECRETS)

    assert result.exit_code == 1
    assert "[venue-silent]" in result.stdout
    assert "not learnt: clock:" in result.stdout


def test_an_embedded_venue_cannot_be_asked(here: Path) -> None:
    written(here, '[venue]\nenvironment = "simulated"\n')

    result = run("--online")

    assert result.exit_code == 2
    assert "start one with `goflat venue`" in result.stderr


UNKNOWN_RIGHTS = "whether the key may withdraw, and from where it may be used, was not learnt"

ALL_WELL = AccountFacts(
    clock_offset_seconds=0.0123,
    round_trip_seconds=0.045,
    key_works=True,
    can_trade=True,
    can_withdraw=None,
    ip_restricted=None,
    position_mode=PositionMode.HEDGE,
    instruments=500,
    problems=("rights of the key: \x1b[31mno address",),
)


def asked(here: Path, examine: check.Examine) -> Mapping[str, AccountFacts]:
    return asyncio.run(ask(load_settings(written(here, GOOD), environ={}), examine))


def test_a_venue_that_fails_or_is_silent_has_said_nothing(
    here: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def fails(account: AccountSettings) -> AccountFacts:
        raise Unanswered(f"no answer from {account.rest_url}")

    async def sleeps(account: AccountSettings) -> AccountFacts:
        await asyncio.Event().wait()
        return ALL_WELL

    monkeypatch.setattr(check, "ASK_SECONDS", 0.01)

    assert asked(here, fails) == {
        "main": AccountFacts(problems=("no answer from https://testnet.binancefuture.com",))
    }
    assert asked(here, sleeps) == {
        "main": AccountFacts(problems=("no answer within 0.01 seconds",))
    }


def test_what_was_learnt_is_told_in_words(here: Path) -> None:
    async def examine(account: AccountSettings) -> AccountFacts:
        return ALL_WELL

    facts = asked(here, examine)
    readiness = check.ConfigValidator(environ=SECRETS).check_deployment_readiness(
        load_settings(str(here / "goflat.toml"), environ={}), "testnet", strict=True, answers=facts
    )

    assert list(check.check_view.lines(readiness, facts)) == [
        "Warnings",
        f"  - account main, {UNKNOWN_RIGHTS}  [key-rights-unknown]",
        "    to mend: look at the rights of the key at the venue: no withdrawal, few addresses",
        "",
        "The venue about account main",
        "  key works: yes",
        "  may trade futures: yes",
        "  may withdraw: unknown",
        "  restricted to addresses: unknown",
        "  position mode: hedge",
        "  instruments: 500",
        "  clock offset: +0.012 s",
        "  round trip: 45 ms",
        "  not learnt: rights of the key: [31mno address",
        "",
        "Ready (testnet, strict).",
    ]


# --- real processes -------------------------------------------------------------------------------


def process(*args: str, cwd: Path) -> subprocess.CompletedProcess[str]:
    environ = {**os.environ, **SECRETS}
    environ.pop("GOFLAT_CONFIG", None)
    return subprocess.run(
        [sys.executable, *args], cwd=cwd, env=environ, capture_output=True, text=True, timeout=30,
        check=False,
    )  # fmt: skip


def test_the_script_of_the_specification_is_the_same_command(here: Path) -> None:
    written(here, GOOD)
    script = str(ROOT / "scripts" / "validate_liquidation_config.py")

    ours = process("-m", "goflat", "check", "--strict", "--json", cwd=here)
    theirs = process(script, "--strict", "--json", cwd=here)

    assert ours.returncode == theirs.returncode == 0
    assert ours.stdout == theirs.stdout
    assert json.loads(ours.stdout)["ready"] is True


def test_a_real_process_ends_unusable_without_a_traceback(here: Path) -> None:
    written(here, BROKEN["a literal secret"][0])

    result = process("-m", "goflat", "check", "--json", cwd=here)

    assert result.returncode == 2
    assert json.loads(result.stdout)["mistakes"][0]["line"] == 4
    assert "Traceback" not in result.stderr
    assert CANARY not in result.stdout + result.stderr


def test_check_is_one_of_the_commands() -> None:
    assert cli.get_command(None, "check") is command  # type: ignore[arg-type]
