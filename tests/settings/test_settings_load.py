"""What goflat.toml means, and everything that is wrong with it, at once."""

import os
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.config import LiquidationConfig
from goflat.domain.scope import Everything, Only
from goflat.errors import Mistake, SettingsError
from goflat.settings import Settings, load_settings
from goflat.settings.load import MOST_MISTAKES, read_settings
from goflat.settings.source import LARGEST_BYTES, Source

VENUE = '[venue]\nenvironment = "simulated"\n'


@pytest.fixture
def load(tmp_path: Path):  # type: ignore[no-untyped-def]
    def write_and_load(text: str | bytes, environ: Mapping[str, str] | None = None) -> Settings:
        path = tmp_path / "goflat.toml"
        path.write_bytes(text if isinstance(text, bytes) else text.encode())
        return load_settings(str(path), environ=environ or {})

    return write_and_load


@pytest.fixture
def mistakes(load):  # type: ignore[no-untyped-def]
    def of(text: str | bytes) -> tuple[Mistake, ...]:
        with pytest.raises(SettingsError) as caught:
            load(text)
        return caught.value.mistakes

    return of


def test_one_venue_is_one_account_named_main(load) -> None:  # type: ignore[no-untyped-def]
    settings = load(
        """
        [liquidation]
        timeout_seconds = 10
        max_retries = 0
        scope = ["ETHUSDT", "BTCUSDT"]
        [venue]
        name = "binance-usdm"
        environment = "testnet"
        api_key = "env:KEY"
        api_secret = "file:secret.pem"
        [audit]
        path = "logs/audit.jsonl"
        """
    )

    account = settings.account()
    assert settings.account("main") is account
    assert settings.liquidation == LiquidationConfig(timeout_seconds=10.0, max_retries=0)
    assert settings.scope == Only(frozenset({"BTCUSDT", "ETHUSDT"}))
    assert settings.needed_scope() == settings.scope
    assert settings.quiet_seconds == 1.0
    assert settings.audit_path == settings.path.parent / "logs/audit.jsonl"
    assert (account.venue, account.environment) == ("binance-usdm", "testnet")
    assert account.rest_url == "https://testnet.binancefuture.com"
    assert account.hosts == ("testnet.binancefuture.com", "fstream.binancefuture.com")
    assert str(account.api_key) == "env:KEY"
    assert str(account.api_secret) == f"file:{settings.path.parent}/secret.pem"
    assert not account.is_embedded
    assert account.refuse_embedded() is account
    assert settings.warnings == ()
    assert settings.without_faults() is settings


def test_the_shortest_configuration_is_the_embedded_venue(load) -> None:  # type: ignore[no-untyped-def]
    settings = load(VENUE)

    assert settings.account().is_embedded
    assert settings.liquidation == LiquidationConfig()
    assert settings.scope is None
    assert settings.audit_path is None
    with pytest.raises(SettingsError, match="goflat venue"):
        settings.account().refuse_embedded()
    with pytest.raises(SettingsError, match=r"\[liquidation\] scope: has to be said"):
        settings.needed_scope()


def test_several_accounts_have_names_and_none_is_guessed(load) -> None:  # type: ignore[no-untyped-def]
    settings = load(
        """
        [liquidation]
        scope = "account"
        [[account]]
        name = "desk-1"
        environment = "production"
        api_key = "env:K1"
        api_secret = "credential:s1"
        [[account]]
        name = "desk-2"
        venue = "binance-usdm"
        environment = "demo"
        api_key = "env:K2"
        api_secret = "keyring:goflat/desk-2"
        """
    )

    assert list(settings.accounts) == ["desk-1", "desk-2"]
    assert settings.account("desk-2").environment == "demo"
    assert settings.account("desk-1").sapi_url == "https://api.binance.com"
    assert settings.scope == Everything()
    with pytest.raises(SettingsError, match="name one of desk-1, desk-2"):
        settings.account()
    with pytest.raises(SettingsError, match='did you mean "desk-1"'):
        settings.account("desk1")


@pytest.mark.parametrize("text", ["\ufeff" + VENUE, VENUE.replace("\n", "\r\n")])
def test_a_byte_order_mark_and_windows_line_ends_are_fine(load, text: str) -> None:  # type: ignore[no-untyped-def]
    assert load(text).account().name == "main"


def test_dotted_keys_and_inline_tables_say_the_same(load) -> None:  # type: ignore[no-untyped-def]
    settings = load('liquidation.timeout_seconds = 7\nvenue = { environment = "simulated" }\n')

    assert settings.liquidation.timeout_seconds == 7.0


def test_the_quiet_time_is_cut_to_a_quarter_of_the_deadline(load) -> None:  # type: ignore[no-untyped-def]
    assert load("[liquidation]\ntimeout_seconds = 2\n" + VENUE).quiet_seconds == 0.5
    asked = load("[liquidation]\nquiet_seconds = 3\n" + VENUE)
    assert asked.quiet_seconds == 1.25
    assert ":2: [liquidation] quiet_seconds: is cut to 1.25" in str(asked.notes[0])


def test_a_symbol_in_small_letters_is_worth_a_note(load) -> None:  # type: ignore[no-untyped-def]
    settings = load('[liquidation]\nscope = ["btcusdt"]\n' + VENUE)

    assert ":2: [liquidation] scope: has small letters" in str(settings.notes[0])
    assert load('[liquidation]\nscope = ["币安人生USDT"]\n' + VENUE).notes == ()


EVERYTHING_WRONG = """\
timeout_seconds = 5
[liquidation]
timeout_secnds = 3
timeout_seconds = 99
max_retries = true
retry_delay_seconds = "0.5"
emergency_liquidation = "false"
close_positions = 1
scope = "BTCUSDT"
quiet_seconds = 0
api_key = "env:K"
[venue]
name = "binance"
environment = "prod"
api_key = "s3cr3t-canary"
api_secert = "s3cr3t-canary"
rest_url = "ftp://canary:s3cr3t@host"
[audit]
path = ["x"]
[alarms]
phone = 1
"""


def test_every_mistake_is_named_at_once_with_its_line_and_near_miss(mistakes) -> None:  # type: ignore[no-untyped-def]
    found = mistakes(EVERYTHING_WRONG)
    said = {mistake.line: str(mistake) for mistake in found}

    expected = {
        1: "it belongs in [liquidation]",
        2: None,
        3: 'unknown in [liquidation]; did you mean "timeout_seconds"?',
        4: "must be a number of seconds from 1 to 30, was 99",
        5: "must be a whole number from 0 to 10, was true",
        6: "was text (write it without quotes)",
        7: "must be true or false, was text (write it without quotes)",
        8: "must be true or false, was 1",
        9: '"account", or a list of symbols',
        10: "must be a number of seconds from 0.1 to 7.5, was 0",
        11: "it belongs in [venue] or [[account]]",
        12: "[venue] api_secret: is missing",
        13: 'did you mean "binance-usdm"?',
        14: 'did you mean "production"?',
        15: "[venue] api_key: must be",
        16: 'did you mean "api_secret"?',
        17: "[venue] rest_url: must be an address like https://host",
        19: "[audit] path: must be the path of a file, was a list",
        20: "alarms: is an unknown table",
    }
    for line, text in expected.items():
        if text is not None:
            assert text in said[line]
    assert len(found) == len([text for text in expected.values() if text])
    assert all(mistake.file and mistake.file.endswith("goflat.toml") for mistake in found)
    assert "s3cr3t" not in "".join(said.values())


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[venue]\nenvironment = 'demo", 2, "is no TOML"),
        ("[venue]\n\n[venue]\n", 3, "the same table stands here for the second time"),
        (VENUE + 'environment = "demo"\n', 3, "the same key stands here for the second time"),
        ("[venue]\nx = " + "[" * 5000, None, "nested too deeply"),
        ("[venue]\nx = " + "9" * 5000, None, "too many digits"),
        (b"[venue]\n# \xff\xfe\n", 2, "is no UTF-8"),
        ("[venue]\n".encode("utf-16"), 1, "is no UTF-8"),
        ("", None, "is empty"),
        (" \n\t\n", None, "is empty"),
        ("#" * (LARGEST_BYTES + 1), None, "larger than 65536 bytes"),
        (VENUE + "a." * 30_000 + "a = 1", 3, "far too many dots"),
        ("[venue]\x00", 1, "is no TOML"),
        ("# nothing but a comment", None, "has no account"),
        ("[liquidation]\n", None, "has no account"),
        ("venue = 3", 1, "must be written once, as [venue], was 3"),
        ("[[venue]]\n", 1, "must be written once, as [venue], was a list"),
        ('[account]\nname = "a"', 1, "must be written as [[account]], once for each account"),
        ("account = [1]", 1, "must be written as [[account]]"),
        ("account = []", 1, "must be written 1 to 100 times, was there 0 times"),
        (
            VENUE + '[[account]]\nname = "a"\nenvironment = "simulated"',
            1,
            "with [[account]] tables it has to go",
        ),
        ("[liquidaton]\nmax_retries = 1\n" + VENUE, 1, 'did you mean "liquidation"?'),
        ("[liquidation.timeout_seconds]\n" + VENUE, 1, "was a table"),
        (VENUE + "[liquidation]\ntimeout_seconds = 0x" + "f" * 5000, 4, "a far larger number"),
        (VENUE + "[liquidation]\ntimeout_seconds = nan", 4, "was nan"),
        (VENUE + "[liquidation]\ntimeout_seconds = inf", 4, "was inf"),
        (VENUE + "[liquidation]\ntimeout_seconds = 2026-01-01", 4, "was a date"),
        (VENUE + "[liquidation]\nmax_retries = 3.0", 4, "must be a whole number"),
        (VENUE + "[liquidation]\nmax_retries = -1", 4, "from 0 to 10, was -1"),
        (VENUE + "[liquidation]\nemergency_liquidation = false", 4, "must be false as well"),
        (VENUE + "[liquidation]\nscope = []", 4, "of 1 to 1000, was one of 0"),
        (VENUE + '[liquidation]\nscope = ["BTC USDT"]', 4, "is no symbol"),
        (VENUE + "[liquidation]\nscope = [1]", 4, "is no symbol"),
        (VENUE + '[liquidation]\nscope = ["A", "A"]', 4, "twice"),
        (VENUE + '[liquidation]\nscope = ["Account"]', 4, 'a list has no "account"'),
        (VENUE + "[liquidation]\nscope = true", 4, "was true"),
        (VENUE + '[liquidation]\nscope = "acount"', 4, 'did you mean "account"?'),
        ('[venue]\nenvironment = "demo"\napi_key = "env:K"', 1, "api_secret: is missing"),
        ('[venue]\napi_key = "env:K"\napi_secret = "env:S"', 1, "environment: is missing"),
        (VENUE + 'rest_url = "127.0.0.1:9000"', 3, "must be an address"),
        (VENUE + 'rest_url = "http://a:b@127.0.0.1"', 3, "without blanks, credentials"),
        (VENUE + 'rest_url = "http://127.0.0.1:99999"', 3, "must be an address"),
        (VENUE + 'rest_url = "ws://127.0.0.1"', 3, "like https://host"),
        (VENUE + 'rest_url = ""', 3, "was empty"),
        (VENUE + 'rest_url = "http://127.0.0.1/' + "x" * 5000 + '"', 3, "of 5017 characters"),
        (VENUE + 'rest_url = "https://fapi.binance.com"', 3, "production host"),
        (VENUE + "api_key = 5", 3, "was 5"),
        ('[[account]]\nname = "a b"\nenvironment = "simulated"', 2, "at most 32"),
    ],
)
def test_a_mistake_that_stops_an_emergency_says_where_and_why(
    mistakes,  # type: ignore[no-untyped-def]
    text: str | bytes,
    line: int | None,
    reason: str,
) -> None:
    (mistake,) = mistakes(text)

    assert reason in str(mistake)
    assert mistake.line == line


@pytest.mark.parametrize(
    ("text", "line", "reason"),
    [
        ("[audit]\npath = 3", 2, "must be the path of a file, was 3"),
        ("[audit]\npath = ''", 2, "was empty"),
        ("[audit]\npath = 'logs/'", 2, "must be the path"),
        ("[audit]\nfile = 'a'", 2, "is unknown in [audit]"),
        ("audit = 3", 1, "must be written once"),
        ("[alarms]\nphone = 1", 1, "is an unknown table"),
        ('[audit]\npath = "a', 2, "is no TOML: Illegal character '\\n'; [audit] was left out"),
        ("[audit]\npath = 'a", 7, 'is no TOML: Expected "\'"; [audit] was left out'),
        ("[audit]\npath = " + "9" * 5000, None, "too many digits; [audit] was left out"),
        ("[audit]\npath = " + "[" * 5000 + "]" * 5000, None, "too deeply; [audit] was left out"),
        ("[audit]\n[audit]", 2, "the same table stands here for the second time"),
        ("[alarms]\n= 3\n", 2, "[alarms] was left out"),
        ("shots = 3\n", 1, "stands outside of every table"),
    ],
)
def test_a_mistake_elsewhere_is_a_fault_and_stops_nothing(
    load,  # type: ignore[no-untyped-def]
    text: str,
    line: int,
    reason: str,
) -> None:
    settings = load(f"{text}\n{VENUE}[liquidation]\ntimeout_seconds = 7\n")

    assert settings.account().is_embedded
    assert settings.liquidation.timeout_seconds == 7.0
    (fault,) = settings.faults
    assert reason in str(fault)
    assert fault.line == line
    with pytest.raises(SettingsError):
        settings.without_faults()


def test_a_broken_table_that_swallows_the_venue_is_refused(mistakes) -> None:  # type: ignore[no-untyped-def]
    said = " ".join(str(mistake) for mistake in mistakes('[audit]\npath = """\n' + VENUE))

    assert "[audit] was left out" in said
    assert "has no account" in said


def test_more_broken_tables_than_anybody_writes_are_refused(mistakes) -> None:  # type: ignore[no-untyped-def]
    assert len(mistakes("[alarms]\n= 1\n" * 40 + VENUE)) == 16


def test_two_accounts_cannot_have_one_name(mistakes) -> None:  # type: ignore[no-untyped-def]
    entry = '[[account]]\nname = "a"\nenvironment = "simulated"\n'

    (mistake,) = mistakes(entry + entry)

    assert str(mistake).endswith(
        ":5: [[account]] 2 name: is the name of an account before it as well"
    )


def test_a_flood_of_mistakes_is_cut_to_what_can_be_read(mistakes) -> None:  # type: ignore[no-untyped-def]
    found = mistakes("[[account]]\n" * 99)

    assert len(found) == MOST_MISTAKES + 1
    assert found[-1].text == "and 296 mistakes more"


def test_a_flood_of_unknown_keys_takes_no_time(mistakes) -> None:  # type: ignore[no-untyped-def]
    keys = "".join(f"timeout_second_{number} = 1\n" for number in range(2500))

    assert len(mistakes(VENUE + keys)) == 50


def test_a_long_name_is_not_repeated_since_it_may_be_a_secret(mistakes) -> None:  # type: ignore[no-untyped-def]
    (mistake,) = mistakes(VENUE + "canary" * 10 + " = 1")

    assert "canary" not in str(mistake)
    assert "a name of 60 characters" in str(mistake)


def test_control_characters_never_reach_the_terminal(mistakes) -> None:  # type: ignore[no-untyped-def]
    (mistake,) = mistakes(VENUE + '"\\u001b[2J\\u202ekey" = 1')

    assert "\x1b" not in str(mistake)
    assert "\u202e" not in str(mistake)


def test_the_file_is_the_one_that_was_named_then_the_variable_then_the_directory(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    for name in ("named.toml", "variable.toml", "goflat.toml"):
        (tmp_path / name).write_text(VENUE, encoding="utf-8")
    environ = {"GOFLAT_CONFIG": "variable.toml"}

    assert load_settings("named.toml", environ=environ).path == tmp_path / "named.toml"
    assert load_settings(environ=environ).path == tmp_path / "variable.toml"
    assert load_settings(environ={}).path == tmp_path / "goflat.toml"


def test_a_file_that_was_named_is_never_replaced_by_the_next_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "goflat.toml").write_text(VENUE, encoding="utf-8")

    for path, environ in (("absent.toml", {}), (None, {"GOFLAT_CONFIG": "absent.toml"})):
        with pytest.raises(SettingsError, match=r"absent\.toml: does not exist"):
            load_settings(path, environ=environ)
    with pytest.raises(SettingsError, match="--config is empty"):
        load_settings("", environ={})
    with pytest.raises(SettingsError, match=r"\$GOFLAT_CONFIG is empty"):
        load_settings(environ={"GOFLAT_CONFIG": " "})


def test_without_any_file_it_says_what_was_looked_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)

    with pytest.raises(SettingsError, match=r"GOFLAT_CONFIG is not set.*goflat init"):
        load_settings(environ={})


@pytest.mark.parametrize("what", ["directory", "pipe", "loop"])
def test_what_is_no_file_is_refused_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / "goflat.toml"
    match what:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case _:
            path.symlink_to(path)

    with pytest.raises(SettingsError, match="cannot be read"):
        load_settings(str(path), environ={})


def test_a_variable_that_is_not_ours_is_a_note_and_stops_nothing(load) -> None:  # type: ignore[no-untyped-def]
    settings = load(VENUE, {"GOFLAT_CONFG": "canary", "PATH": "/bin"})

    (note,) = settings.notes
    assert str(note) == (
        "GOFLAT_CONFG: is an environment variable that goflat does not read; did you mean "
        '"GOFLAT_CONFIG"?'
    )
    assert settings.without_faults() is settings


def test_no_secret_is_in_any_repr(load) -> None:  # type: ignore[no-untyped-def]
    settings = load(VENUE, {"BINANCE_API_SECRET": "canary"})
    settings.account().api_secret.resolve({"BINANCE_API_SECRET": "canary"})

    assert "canary" not in repr(settings)


values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
    | st.sampled_from(["account", "simulated", "production", "env:K", "https://fapi.binance.com"]),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner),
    max_leaves=6,
)  # fmt: skip
keys = st.sampled_from(
    ["environment", "name", "api_key", "rest_url", "stream_url", "timeout_seconds", "scope"]
) | st.text(max_size=5)
tables = st.sampled_from(["venue", "account", "liquidation", "audit", "alarms"])


@given(st.dictionaries(tables, st.dictionaries(keys, values, max_size=5) | values, max_size=4))
def test_no_document_ends_in_anything_but_settings_or_mistakes(
    document: dict[str, object],
) -> None:
    source = Source(directory=Path("/"), document=document)
    try:
        found = len(read_settings(source).accounts)
    except SettingsError as error:
        found = len(error.mistakes)
    assert found
