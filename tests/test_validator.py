"""ConfigValidator: the facts it gathers, and whatever it is handed."""

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from goflat.domain.config import LiquidationConfig
from goflat.domain.facts import AccountFacts
from goflat.errors import SettingsError
from goflat.settings import Settings, load_settings
from goflat.validator import ConfigValidator

GOOD = """\
[liquidation]
scope = "account"
[venue]
environment = "testnet"
api_key = "file:key"
api_secret = "file:secret"
[audit]
path = "audit.jsonl"
"""

Write = Callable[[str], Settings]


@pytest.fixture
def write(tmp_path: Path) -> Write:
    """Writes a configuration beside a key and a secret that are as they should be."""
    for name, text in (("key", "the-key-1"), ("secret", "canary-secret")):
        (tmp_path / name).write_text(text, encoding="utf-8")
        (tmp_path / name).chmod(0o600)

    def write_and_load(text: str) -> Settings:
        path = tmp_path / "goflat.toml"
        path.write_text(text, encoding="utf-8")
        path.chmod(0o644)
        return load_settings(str(path), environ={})

    return write_and_load


def ids(config: object) -> list[str]:
    report = ConfigValidator(environ={}).validate(config)  # type: ignore[arg-type]
    assert "canary" not in repr(report)
    return [finding.id for finding in report.findings]


def test_a_good_configuration_gives_nothing_to_say(write: Write) -> None:
    assert ids(write(GOOD)) == []


@pytest.mark.parametrize(
    ("name", "mode", "finding"),
    [
        ("secret", 0o604, "secret-file-open"),
        ("secret", 0o640, "secret-file-open"),
        ("secret", 0o400, None),
        ("goflat.toml", 0o664, "configuration-writable"),
        ("goflat.toml", 0o600, None),
    ],
)
def test_a_file_that_others_can_use_is_found(
    write: Write, tmp_path: Path, name: str, mode: int, finding: str | None
) -> None:
    settings = write(GOOD)
    (tmp_path / name).chmod(mode)

    assert ids(settings) == ([finding] if finding else [])


def test_a_credential_of_systemd_shows_group_rights_and_is_fine(
    write: Write, tmp_path: Path
) -> None:
    (tmp_path / "secret").chmod(0o440)
    settings = write(GOOD.replace("file:secret", "credential:secret"))
    validator = ConfigValidator(environ={"CREDENTIALS_DIRECTORY": str(tmp_path)})

    assert validator.validate(settings).findings == ()


def test_a_secret_that_is_not_there_is_an_error(write: Write) -> None:
    settings = write(GOOD.replace("file:secret", "env:ABSENT"))

    (finding,) = ConfigValidator(environ={}).validate(settings).errors

    assert finding.id == "secret-unavailable"
    assert finding.text == "api_secret: env:ABSENT: this environment variable is not set"


def test_a_secret_that_stands_in_a_comment_is_found(write: Write) -> None:
    assert ids(write(GOOD + "# it is canary-secret\n")) == ["secret-in-configuration"]


def test_a_key_that_is_its_own_secret_is_found(write: Write) -> None:
    assert ids(write(GOOD.replace("file:key", "file:secret"))) == ["key-is-secret"]


@pytest.mark.parametrize("what", ["directory", "pipe", "absent", "existing"])
def test_an_audit_file_is_tried_without_writing_to_it(
    write: Write, tmp_path: Path, what: str
) -> None:
    settings = write(GOOD.replace("audit.jsonl", "logs/audit.jsonl"))
    path = tmp_path / "logs" / "audit.jsonl"
    match what:
        case "directory":
            path.mkdir(parents=True)
        case "pipe":
            path.parent.mkdir()
            os.mkfifo(path)
        case "existing":
            path.parent.mkdir()
            path.write_text("line\n", encoding="utf-8")

    assert ids(settings) == ([] if what == "existing" else ["audit-unusable"])
    assert what != "existing" or path.read_text(encoding="utf-8") == "line\n"


def test_an_audit_path_that_leads_nowhere_is_found(write: Write, tmp_path: Path) -> None:
    settings = write(GOOD)
    (tmp_path / "audit.jsonl").symlink_to(tmp_path / "audit.jsonl")

    assert ids(settings) == ["audit-unusable"]


def test_what_is_left_out_is_named(write: Write) -> None:
    assert ids(write('[venue]\nenvironment = "simulated"\n')) == [
        "audit-missing",
        "scope-missing",
        "embedded-venue",
    ]


def test_an_unencrypted_address_is_worth_a_word_except_for_a_simulation(write: Write) -> None:
    local = GOOD.replace("[audit]", 'rest_url = "http://127.0.0.1:9000"\n[audit]')

    assert ids(write(local)) == ["plain-http"]
    assert ids(write(local.replace("testnet", "simulated"))) == []


def test_two_accounts_with_one_key_are_found(write: Write) -> None:
    venue = GOOD[GOOD.index("environment") : GOOD.index("[audit]")]
    accounts = "".join(f'[[account]]\nname = "{name}"\n{venue}' for name in "ab")

    assert "key-shared" in ids(write(accounts))


def test_a_fault_elsewhere_is_an_error_here(write: Write) -> None:
    assert ids(write(GOOD + "[alarms]\nphone = 1\n")) == ["invalid-setting"]


def test_a_configuration_that_is_gone_by_now_is_no_reason_to_fail(
    write: Write, tmp_path: Path
) -> None:
    settings = write(GOOD)
    (tmp_path / "goflat.toml").unlink()

    assert ids(settings) == []


def test_the_six_settings_alone_can_be_validated() -> None:
    assert ids(LiquidationConfig()) == []
    assert ids({"timeout_seconds": 5, "max_retries": 3}) == []
    assert ids({"liquidation": {"timeout_seconds": 20}}) == ["timeout-long"]
    assert ids({}) == []


@pytest.mark.parametrize(
    "config",
    [
        {"timeout_seconds": "5"},
        {"timeout_seconds": None},
        {"timeout_seconds": float("nan")},
        {"max_retries": True},
        {"max_retries": 2.5},
        {"emergency_liquidation": False},
        {"timeout_secnds": 5},
        {3: 5},
        {"liquidation": []},
        {"liquidation": {}, "audit": {"path": 3}},
        {"liquidation": {}, "alarms": {}},
        {"venue": {"environment": "prod"}},
        {"api_secret": "canary"},
        None,
        5,
        "canary",
    ],
)
def test_whatever_is_handed_in_gives_errors_and_never_raises(config: object) -> None:
    found = ids(config)

    assert found
    assert set(found) == {"invalid-setting"}


def test_tables_in_a_mapping_are_judged_like_a_file() -> None:
    config = {"venue": {"environment": "simulated"}, "liquidation": {"scope": "account"}}

    assert ids(config) == ["audit-missing", "embedded-venue"]


def test_readiness_is_relaxed_for_play_money_and_not_for_real_money() -> None:
    off = LiquidationConfig(emergency_liquidation=False, close_positions=False, cancel_orders=False)
    check = ConfigValidator(environ={}).check_deployment_readiness

    assert check(off, "testnet").is_ready
    assert not check(off, "testnet", strict=True).is_ready
    assert not check(off).is_ready
    assert check(LiquidationConfig(timeout_seconds=20.0)).is_ready
    assert not check(LiquidationConfig(timeout_seconds=20.0), strict=True).is_ready
    assert not check({"timeout_seconds": "x"}, "testnet").is_ready
    with pytest.raises(SettingsError, match='"testnet" or "production"'):
        check(off, "staging")  # type: ignore[arg-type]


def test_what_a_venue_said_is_judged_for_its_account(write: Write) -> None:
    readiness = ConfigValidator(environ={}).check_deployment_readiness(
        write(GOOD), "testnet", answers={"main": AccountFacts(key_works=False)}
    )

    assert [finding.id for finding in readiness.blockers] == ["key-refused"]
