"""What is shown of a run: fit for its screen, and never in the way."""

import io
import os
import re
import threading
import time
from dataclasses import replace
from decimal import Decimal

import pytest

from goflat.cli.live import Lines, Mood, Picture, Row, Terminal, picture_of
from goflat.cli.voice import Voice, print_out, writer_to
from goflat.core.events import PositionsRead, Started
from goflat.core.liquidation import advance, begin
from goflat.core.run import Liquidation
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.listing import Listing
from goflat.domain.position import Position, PositionSide
from goflat.domain.scope import Everything
from goflat.domain.time import Instant


def held(symbol: str) -> Position:
    return Position(symbol=symbol, side=PositionSide.LONG, quantity=Decimal("0.5"))


def run_with(*symbols: str) -> Liquidation:
    """A run that has just read its positions."""
    run = begin(
        correlation_id="liq_x_1234",
        scope=Everything(),
        config=LiquidationConfig(),
        capabilities=Capabilities(),
        now=Instant(100.0),
    )
    run = advance(run, Started(), Instant(100.0)).now_is
    listing = Listing(rows=tuple(held(symbol) for symbol in symbols))
    return advance(run, PositionsRead(listing, Instant(100.0)), Instant(100.1)).now_is


def test_a_picture_tells_each_position_and_the_time() -> None:
    picture = picture_of(run_with("BTCUSDT", "ETHUSDT"), Instant(101.5))

    assert [row.instrument for row in picture.rows] == ["BTCUSDT", "ETHUSDT"]
    assert picture.rows[0] == Row(
        instrument="BTCUSDT", position="LONG 0.5", orders="", state="open", mood=Mood.UNDER_WAY
    )
    assert (picture.elapsed_seconds, picture.timeout_seconds) == (1.5, 5.0)


def test_a_line_comes_for_each_change_and_once() -> None:
    said: list[str] = []
    screen = Lines(said.append, "flatten")
    run = run_with("BTCUSDT")

    for now in (100.1, 100.2, 100.3):
        screen.draw(run, Instant(now))
    screen.draw(run_with("BTCUSDT", "ETHUSDT"), Instant(100.4))

    assert said == [
        "goflat flatten:   0.10 s  BTCUSDT LONG 0.5: open\n",
        "goflat flatten:   0.40 s  ETHUSDT LONG 0.5: open\n",
    ]


@pytest.mark.parametrize("kind", [Lines, Terminal])
def test_text_of_the_venue_cannot_redraw_the_screen(kind: type[Lines] | type[Terminal]) -> None:
    said: list[str] = []
    screen = kind(said.append, "flatten")

    screen.say("\x1b[2Jevil\r\x07 \u202etxt [bold]x[/bold]")
    assert said == ["goflat flatten: [2Jevil txt [bold]x[/bold]\n"]

    screen.draw(run_with("\x1b[31mEVIL[red]\u202e"), Instant(100.2))
    screen.clear()
    text = "".join(said)
    assert "\x1b[31mEVIL" not in text
    assert "\u202e" not in text
    assert "[31mEVIL[red]" in text


def test_a_terminal_shows_as_many_rows_as_it_has_and_counts_the_rest(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES", "24")
    monkeypatch.setenv("COLUMNS", "80")
    said: list[str] = []
    screen = Terminal(said.append, "flatten")

    screen.draw(run_with(*(f"SIM{n:03}USDT" for n in range(100))), Instant(100.2))
    screen.clear()

    frame = "".join(said)
    assert "0 of 100 done" in frame
    assert len(set(re.findall(r"SIM\d+USDT", frame))) == 20
    assert "and 80 more" in frame


def test_what_is_not_done_is_shown_first_where_room_is_short(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("LINES", "6")
    monkeypatch.setenv("COLUMNS", "80")
    said: list[str] = []
    row = Row(instrument="A", position="", orders="", state="flat", mood=Mood.DONE)
    rows = (*(replace(row, instrument=f"D{n}") for n in range(9)), replace(row, mood=Mood.TROUBLE))
    picture = Picture(rows=rows, elapsed_seconds=1.0, timeout_seconds=5.0)
    monkeypatch.setattr("goflat.cli.live.picture_of", lambda _run, _now: picture)
    screen = Terminal(said.append, "flatten")

    screen.draw(run_with("BTCUSDT"), Instant(100.2))
    screen.clear()

    frame = "".join(said)
    assert "A" in frame
    assert "D0" in frame
    assert "D1" not in frame


def test_no_colour_where_none_is_wanted(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("NO_COLOR", "1")
    said: list[str] = []
    screen = Terminal(said.append, "flatten")

    screen.draw(run_with("BTCUSDT"), Instant(100.2))
    screen.clear()

    assert "\x1b[33m" not in "".join(said)


# --- the voice ----------------------------------------------------------------------------------


class Stuck:
    """A screen on a terminal that somebody has stopped."""

    def __init__(self) -> None:
        self.released = threading.Event()
        self.lines: list[str] = []

    def say(self, line: str) -> None:
        self.released.wait(20)
        self.lines.append(line)

    def draw(self, run: Liquidation, now: Instant) -> None:
        self.released.wait(20)

    def clear(self) -> None:
        """Nothing to take away."""


def test_a_stopped_terminal_makes_nobody_wait_while_it_lasts() -> None:
    screen = Stuck()
    run = run_with("BTCUSDT")
    with Voice(screen) as voice:
        started = time.monotonic()
        for number in range(20_000):
            voice.say(f"line {number}")
            voice.show(run)
        took = time.monotonic() - started
        screen.released.set()

    assert took < 1.0
    assert 1 < len(screen.lines) <= 10_001


def test_everything_that_was_said_is_shown_in_order_at_the_end() -> None:
    stream = io.StringIO()
    with Voice(Lines(writer_to(stream), "x")) as voice:
        for number in range(100):
            voice.say(str(number))

    assert stream.getvalue().splitlines() == [f"goflat x: {number}" for number in range(100)]


def test_a_picture_that_cannot_be_drawn_costs_the_picture_alone() -> None:
    class Broken(Lines):
        def draw(self, run: Liquidation, now: Instant) -> None:
            raise ZeroDivisionError

    said: list[str] = []
    with Voice(Broken(said.append, "x")) as voice:
        voice.show(run_with("BTCUSDT"))
        assert voice.drain(5)
        voice.say("on")

    assert said == ["goflat x: the run cannot be shown: ZeroDivisionError\n", "goflat x: on\n"] or (
        sorted(said) == ["goflat x: on\n", "goflat x: the run cannot be shown: ZeroDivisionError\n"]
    )


def test_a_closed_stream_is_written_to_by_nobody() -> None:
    writer_to(None)("lost")
    reads, writes = os.pipe()
    os.close(reads)
    with os.fdopen(writes, "w") as stream:
        writer_to(stream)("lost as well")


def test_standard_output_that_is_closed_is_no_exception(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdout", None)

    assert print_out("lost") is False


def test_a_symbol_that_the_terminal_cannot_spell_is_escaped(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    written = io.BytesIO()
    monkeypatch.setattr("sys.stdout", io.TextIOWrapper(written, encoding="latin-1"))

    assert print_out("测试USDT")
    assert written.getvalue() == b"\\u6d4b\\u8bd5USDT\n"
