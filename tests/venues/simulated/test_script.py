"""The fault script: what it says happens, and what is wrong in it is named with its place."""

from decimal import Decimal
from pathlib import Path

import pytest

from goflat.errors import SettingsError
from goflat.venues.simulated.faults import Match, Outcome, Say, Spoil, Then
from goflat.venues.simulated.happenings import MarkMoves, Reopens
from goflat.venues.simulated.knobs import Claimed
from goflat.venues.simulated.script import load, read
from goflat.venues.simulated.venue import SimulatedVenue

WHOLE = """
[knobs]
claimed_position = "-4118"
triggering_seconds = 0.5

[[fault]]
method = "POST"
path = "/fapi/v1/order"
parameters = { side = "BUY" }
first = 2
count = 1
fault = "unknown-outcome"
outcome = "executed"

[[fault]]
path = "/fapi/v3/positionRisk"
fault = "spoil"
shape = "nulls"
fields = ["positionAmt"]

[[event]]
event = "ORDER_TRADE_UPDATE"
ripple = "late"
delay_seconds = 2

[[happening]]
at_seconds = 2
happening = "mark-moves"
symbol = "BTCUSDT"
price = "58000"

[[happening]]
on = { method = "DELETE", count = 1 }
wait_seconds = 0.2
happening = "reopens"
symbol = "BTCUSDT"
times = 3
"""


def test_a_script_becomes_rules_events_and_cues() -> None:
    script = read(WHOLE)

    unknown, spoilt, reopened = script.rules
    assert unknown.match == Match(
        method="POST", path="/fapi/v1/order", parameters={"side": "BUY"}, first=2, count=1
    )
    assert isinstance(unknown.effect, Say)
    assert unknown.effect.outcome is Outcome.EXECUTED
    assert isinstance(spoilt.effect, Spoil)
    assert reopened.effect == Then(happening=Reopens(symbol="BTCUSDT", times=3), delay_seconds=0.2)
    assert script.events[0].ripple.delay_seconds == 2
    (cue,) = script.cues
    assert (cue.at_seconds, cue.happening) == (2, MarkMoves(symbol="BTCUSDT", price=Decimal(58000)))
    assert script.knobs.claimed_position is Claimed.REFUSE_4118


async def test_a_script_is_staged(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\npath = "/fapi/v1/ping"\nfault = "say"\ncode = -1000\n')
    async with SimulatedVenue() as venue, venue.trader() as trader:
        load(path).stage(venue)

        assert (await trader.ask_raw("GET", "/fapi/v1/ping")).code == -1000


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("[[fault]\n", "x.toml: is no TOML"),
        ("\n[[falt]]\n", "x.toml:2: falt: is not known here; did you mean `fault`?"),
        ("[fault]\n", "x.toml:1: [[fault]] 1: has two brackets"),
        ('[[fault]]\npath = "/"\n', "x.toml:1: [[fault]] 1 fault: is missing"),
        ('[[fault]]\nfault = "rest"\n', 'x.toml:2: [[fault]] 1 fault: "rest" is not known'),
        ('[[fault]]\nfault = "rest"\n', "did you mean `reset`?"),
        (
            '[[fault]]\nfault = "reset"\n\n[[fault]]\nfault = "reset"\ncuont = 1\n',
            "x.toml:6: [[fault]] 2 cuont: is not known here; did you mean `count`?",
        ),
        ('[[fault]]\nfault = "hang"\n', "x.toml:1: [[fault]] 1: needs `seconds`"),
        (
            '[[fault]]\nfault = "hang"\nseconds = "long"\n',
            "x.toml:3: [[fault]] 1 seconds: is wrong: Expected `float`, got `str`",
        ),
        ('[[fault]]\nfault = "reset"\ncount = 1.5\n', "x.toml:3: [[fault]] 1 count: is wrong"),
        (
            '[[fault]]\nfault = "reset"\noutcome = "done"\n',
            "x.toml:3: [[fault]] 1 outcome: is wrong: Invalid enum value 'done'",
        ),
        ('[[event]]\nripple = "gone"\n', 'x.toml:2: [[event]] 1 ripple: "gone" is not known'),
        ('[[event]]\nripple = "late"\n', "x.toml:1: [[event]] 1: needs `delay_seconds`"),
        (
            '[[happening]]\nhappening = "triggers-fire"\nsymbol = "BTCUSDT"\n',
            "x.toml:1: [[happening]] 1: has either `at_seconds` or `on`",
        ),
        (
            '[[happening]]\nat_seconds = 1\non = {}\nhappening = "triggers-fire"\nsymbol = "B"\n',
            "has either `at_seconds` or `on`",
        ),
        (
            '[[happening]]\non = "GET"\nhappening = "triggers-fire"\nsymbol = "B"\n',
            "x.toml:2: [[happening]] 1 on: is a table",
        ),
        (
            '[[happening]]\nat_seconds = 1\nhappening = "mark-moves"\nsymbol = "B"\nprice = "x"\n',
            "x.toml:5: [[happening]] 1 price: is wrong",
        ),
        ("[knobs]\ntriggring_seconds = 1\n", "x.toml:2: [knobs] triggring_seconds"),
        ("[knobs]\nclaimed_position = 5\n", "x.toml:2: [knobs] claimed_position: is wrong"),
        ("knobs = 5\n", "x.toml:1: [knobs]: is a table"),
    ],
)
def test_what_is_wrong_is_named_with_file_line_and_key(text: str, told: str) -> None:
    with pytest.raises(SettingsError) as caught:
        read(text, file="x.toml")

    assert told in str(caught.value)


@pytest.mark.parametrize(
    ("content", "told"),
    [(None, "cannot be read"), (b"\xff\xfe", "is no UTF-8"), (b"#" * 2**21, "above")],
)
def test_a_file_that_cannot_be_used_is_named(
    tmp_path: Path, content: bytes | None, told: str
) -> None:
    path = tmp_path / "faults.toml"
    if content is not None:
        path.write_bytes(content)

    with pytest.raises(SettingsError, match=told):
        load(path)
