"""A run while it lasts: one line an instrument in a terminal, a line a change elsewhere."""

import os
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import TYPE_CHECKING, TextIO

from goflat.cli.voice import Screen, writer_to
from goflat.core.run import Liquidation
from goflat.core.states import LegState
from goflat.core.verdict import judge
from goflat.domain.instrument import Symbol
from goflat.domain.outcome import LegResult
from goflat.domain.position import PositionSide
from goflat.domain.time import Instant
from goflat.errors import printable

if TYPE_CHECKING:
    from rich.console import Console
    from rich.live import Live
    from rich.table import Table

ROWS_MAX = 200
"""Rows of one picture, however high the terminal is."""


class Mood(Enum):
    """How a position stands, in one colour."""

    UNDER_WAY = "yellow"
    DONE = "green"
    TROUBLE = "bold red"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One position, or an instrument that has orders only, at one moment. Fit to be printed."""

    instrument: str
    position: str
    orders: str
    state: str
    mood: Mood

    @property
    def news(self) -> str:
        """What a line about it says."""
        parts = (self.instrument, self.position, self.state, self.orders)
        return (
            " ".join(part for part in parts[:2] if part) + ": " + ", ".join(filter(None, parts[2:]))
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Picture:
    """A run at one moment."""

    rows: tuple[Row, ...]
    elapsed_seconds: float
    timeout_seconds: float


_STATES: Mapping[LegState, tuple[str, Mood]] = MappingProxyType(
    {
        LegState.EXPOSED: ("open", Mood.UNDER_WAY),
        LegState.CLOSING: ("closing", Mood.UNDER_WAY),
        LegState.DOUBTFUL: ("no answer, asking", Mood.UNDER_WAY),
        LegState.SETTLING: ("answered, looking", Mood.UNDER_WAY),
        LegState.GONE: ("flat", Mood.DONE),
        LegState.STUCK: ("not closed", Mood.TROUBLE),
    }
)


def picture_of(run: Liquidation, now: Instant) -> Picture:
    """The only place of the view that looks into a run."""
    states: dict[tuple[Symbol, PositionSide | None], LegState]
    states = {(leg.key.symbol, leg.key.side): leg.state for leg in run.legs}
    result = judge(run, now)
    return Picture(
        rows=tuple(_row(leg, states.get((leg.symbol, leg.side))) for leg in result.legs),
        elapsed_seconds=result.total_duration_seconds,
        timeout_seconds=run.config.timeout_seconds,
    )


def _row(leg: LegResult, state: LegState | None) -> Row:
    if state is None:
        is_done = leg.reason is None
        word = "orders gone" if is_done else "orders only"
        mood = Mood.DONE if is_done else Mood.UNDER_WAY
    else:
        word, mood = _STATES[state]
    side = "" if leg.side is None else f"{leg.side.value} {leg.quantity:f}"
    return Row(
        instrument=printable(leg.symbol),
        position=side,
        orders=", ".join(_orders(leg)),
        state=word,
        mood=mood,
    )


def _orders(leg: LegResult) -> Iterator[str]:
    found = leg.orders_cancelled + leg.orders_left
    if leg.orders_left:
        yield f"{leg.orders_cancelled} of {found} cancelled"
    elif found:
        yield f"{found} cancelled"
    if leg.stops_kept:
        yield f"{leg.stops_kept} stop(s) kept"


# --- where it is shown --------------------------------------------------------------------------


def screen_on(stream: TextIO | None, *, name: str) -> Screen:
    """A picture where a person looks at a terminal; lines everywhere else."""
    write = writer_to(stream)
    is_terminal = stream is not None and stream.isatty() and os.environ.get("TERM") != "dumb"
    return Terminal(write, name) if is_terminal else Lines(write, name)


class Lines:
    """A line for each thing that changes, as it changes."""

    def __init__(self, write: Callable[[str], None], name: str) -> None:
        self._write = write
        self._name = name
        self._told: dict[tuple[str, str], Row] = {}

    def say(self, line: str) -> None:
        self._write(f"goflat {self._name}: {printable(line)}\n")

    def draw(self, run: Liquidation, now: Instant) -> None:
        """Tell what is new since the last time."""
        picture = picture_of(run, now)
        for row in picture.rows:
            key = (row.instrument, row.position)
            if self._told.get(key) != row:
                self._told[key] = row
                self.say(f"{picture.elapsed_seconds:6.2f} s  {row.news}")

    def clear(self) -> None:
        """Lines stay."""


class Terminal:
    """A table that is drawn over and over in its place, and taken away at the end."""

    def __init__(self, write: Callable[[str], None], name: str) -> None:
        self._write = write
        self._name = name
        self._live: Live | None = None
        self._console: Console | None = None

    def say(self, line: str) -> None:
        text = f"goflat {self._name}: {printable(line)}"
        if self._live is None or self._console is None:
            self._write(f"{text}\n")
        else:
            self._console.print(text, markup=False, highlight=False)

    def draw(self, run: Liquidation, now: Instant) -> None:
        live = self._live or self._begin()
        live.update(self._table(picture_of(run, now)), refresh=True)

    def clear(self) -> None:
        if self._live is not None:
            self._live.stop()
            self._live = None

    def _begin(self) -> "Live":
        # Only who looks at a terminal pays for the import, and in this thread.
        from rich.console import Console  # noqa: PLC0415
        from rich.live import Live  # noqa: PLC0415

        self._console = Console(file=_Through(self._write), force_terminal=True)  # type: ignore[arg-type]
        self._live = Live(
            console=self._console,
            auto_refresh=False,
            transient=True,
            redirect_stdout=False,
            redirect_stderr=False,
        )
        self._live.start()
        return self._live

    def _table(self, picture: Picture) -> "Table":
        from rich.table import Table  # noqa: PLC0415
        from rich.text import Text  # noqa: PLC0415

        assert self._console is not None
        rows = _most_urgent(picture.rows, max(1, min(ROWS_MAX, self._console.height - 4)))
        done = sum(1 for row in picture.rows if row.mood is Mood.DONE)
        table = Table.grid(padding=(0, 2))
        table.title_justify = "left"
        table.title = Text(
            f"{picture.elapsed_seconds:4.1f} s of {picture.timeout_seconds:g} s"
            f"   {done} of {len(picture.rows)} done",
            style="bold",
        )
        for row in rows:
            table.add_row(
                Text(row.instrument),
                Text(row.position),
                Text(row.state, style=row.mood.value),
                Text(row.orders, style="dim"),
            )
        if left_out := len(picture.rows) - len(rows):
            table.add_row(Text(f"and {left_out} more", style="dim"))
        return table


def _most_urgent(rows: tuple[Row, ...], most: int) -> tuple[Row, ...]:
    """All of them where there is room; else those first that are not done."""
    if len(rows) <= most:
        return rows
    return tuple(sorted(rows, key=lambda row: row.mood is Mood.DONE)[:most])


class _Through:
    """As much of a file as a console needs, around what writes without Python's buffers."""

    encoding = "utf-8"

    def __init__(self, write: Callable[[str], None]) -> None:
        self.write = write

    def flush(self) -> None:
        """Nothing waits here."""

    def isatty(self) -> bool:
        return True
