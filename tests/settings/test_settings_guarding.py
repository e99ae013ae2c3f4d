"""[guard], [[bot]] and [[trigger]]: what they may say, and what is refused with its place."""

from decimal import Decimal
from pathlib import Path

import pytest

from goflat.errors import SettingsError
from goflat.settings import Settings, load_settings

VENUE = '[venue]\nenvironment = "simulated"\nrest_url = "http://127.0.0.1:9000"\n'


def loaded(tmp_path: Path, text: str) -> Settings:
    path = tmp_path / "goflat.toml"
    path.write_text(VENUE + text)
    return load_settings(str(path), environ={})


def test_nothing_said_is_a_guard_with_its_defaults(tmp_path: Path) -> None:
    guarding = loaded(tmp_path, "").guarding
    assert guarding is not None
    assert guarding.guard.hold_seconds == 60
    assert guarding.guard.after_trip == "terminate"
    assert guarding.guard.http_port is None
    assert guarding.bots == guarding.triggers == ()


def test_a_bot_and_a_trigger_are_read_whole(tmp_path: Path) -> None:
    guarding = loaded(
        tmp_path,
        '[[bot]]\nname = "maker"\nhang_seconds = 30\non_exit = "nonzero"\nunit = "a@b.service"\n'
        '[[trigger]]\nname = "drawdown"\nkind = "loss"\nloss_amount = "500.50"\n'
        '[[trigger]]\nname = "evening"\nkind = "schedule"\ncron = "55 21 * * 1-5"\n'
        'time_zone = "Europe/Berlin"\nseverity = "reduce"\n',
    ).guarding
    assert guarding is not None
    (bot,) = guarding.bots
    drawdown, evening = guarding.triggers
    assert (bot.account, bot.hang_seconds, bot.unit) == ("main", 30, "a@b.service")
    assert drawdown.loss_amount == Decimal("500.50")
    assert evening.cron is not None
    assert evening.time_zone.key == "Europe/Berlin"


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("[guard]\nhold_secnds = 5\n", 'did you mean "hold_seconds"'),
        ("[guard]\nhold_seconds = 0\n", "from 1 to 3600"),
        ("[guard]\nhttp_port = 0\n", "from 1 to 65535"),
        ("[bot]\nname = 'x'\n", "[[bot]]"),
        ("[[bot]]\nhang_seconds = 3\n", "name: is missing"),
        ('[[bot]]\nname = "a"\naccount = "mian"\n', "none of the accounts"),
        ('[[bot]]\nname = "a"\n[[bot]]\nname = "a"\n', "one before it"),
        ('[[bot]]\nname = "a"\nunit = "../x"\n', "systemd unit"),
        ('[[trigger]]\nname = "a"\nkind = "los"\n', "did you mean"),
        ('[[trigger]]\nname = "a"\nkind = "loss"\n', "loss_percent or loss_amount"),
        ('[[trigger]]\nname = "a"\nkind = "file"\npath = "p"\ncron = "* * * * *"\n', "belongs to"),
        ('[[trigger]]\nname = "a"\nkind = "schedule"\ncron = "61 * * * *"\n', "not from 0 to 59"),
        ('[[trigger]]\nname = "a"\nkind = "loss"\nloss_amount = 1.5\n', "amount above zero"),
        ('[[trigger]]\nname = "a"\nkind = "loss"\nloss_amount = "-1"\n', "amount above zero"),
        ('[[trigger]]\nname = "a"\nkind = "code"\nfunction = "no"\n', "module:function"),
        (
            '[[trigger]]\nname = "a"\nkind = "schedule"\ncron = "* * * * *"\ntime_zone = "Mars"\n',
            "time zone",
        ),
    ],
)
def test_a_fault_is_refused_by_a_guard_and_stops_no_emergency(
    tmp_path: Path, text: str, expected: str
) -> None:
    settings = loaded(tmp_path, text)
    assert settings.guarding is None
    with pytest.raises(SettingsError) as caught:
        settings.without_faults()
    assert expected in str(caught.value)
    assert "goflat.toml:" in str(caught.value)


def test_a_bot_belongs_to_the_account_that_it_names(tmp_path: Path) -> None:
    path = tmp_path / "goflat.toml"
    account = VENUE.replace("[venue]", "[[account]]")
    path.write_text(
        f'{account}name = "a"\n{account}name = "b"\n[[bot]]\nname = "x"\naccount = "b"\n'
        '[[bot]]\nname = "x"\naccount = "a"\n'
    )
    guarding = load_settings(str(path), environ={}).guarding
    assert guarding is not None
    assert [bot.account for bot in guarding.bots] == ["b", "a"]
