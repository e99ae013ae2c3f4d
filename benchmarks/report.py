"""The results as a page: docs/benchmarks.md, and the same tables for a terminal."""

from collections.abc import Callable, Iterable, Mapping, Sequence
from pathlib import Path
from types import MappingProxyType
from typing import TypeAlias

from benchmarks.contestants import COLD_FLOOR, CONTESTANTS
from benchmarks.figures import (
    GATE,
    GATED_POSITIONS,
    Gate,
    Measure,
    Row,
    Spread,
    books_clear_ms,
    by_work,
    gates,
    positions_gone_ms,
    ratio,
    rows,
)
from benchmarks.race import Run
from benchmarks.results import Results
from benchmarks.work import Work

PAGE = Path("docs/benchmarks.md")

FAULTS: Mapping[str, str] = MappingProxyType(
    {
        "lost": ", one close executed and its answer lost (503)",
        "hang": ", one close never executed and silent for 10 s",
    }
)
"""What a heading says of a fault of `benchmarks.faults`."""

INTRODUCTION = """\
# Benchmarks

How long until an account is flat: goflat against what people use otherwise, and against bare
sockets, all in one run on one machine. Absolute figures mean little anywhere else; the ratios are
taken within one round and travel better. This page is written by `python -m benchmarks report`.
"""

METHOD = """\
## What is measured

**The work.** So many positions on as many symbols, long and short in turn. Beside each rest two
orders, one that could open more and one that takes profit on half; every second position has a
protective stop (closePosition) in the book of conditional orders. The account is in one-way mode,
prices stand still, and nothing fails unless the heading says so.

**The venue** is goflat's simulated one, in a process of its own on one core (on uvloop where that
is installed), with the round trip added to every request, half before it is executed and half
after. The client is a fresh process on the other core. After every request the venue looks at its
own ground truth and notes when the last position was gone and when both books were empty, counted
from the moment the contestant's first request set out. Nobody's answer is believed about that.

**The columns.** *gone*: no position is left. *clear*: no working and no conditional order is left;
*never* where that did not happen while the contestant ran. *knows*: the contestant has said its
last word, by its own clock, counted from its start. *proves*: that word rests on readings of
positions and both books that began after its last act. *left*: positions / working orders /
conditional orders that were still there then. *false*: runs whose last word was not the truth: "all
done" with anything left, or the reverse. *limits*: answers 429 and 418. *grown*: fills that
enlarged or turned a position. Times are medians in milliseconds, with the least and the most in
brackets; *left* is the worst of all runs. *gone / floor* and *clear / floor* compare with the cold
floor.

**The contestants.** *goflat, cold* starts from nothing: manager, venue and audit trail are built
when the clock is running, and no connection is open. The scripts on ccxt and python-binance read
the positions, cancel and close each with a reduce-only market order, and read the positions again;
they are spared their start, because their markets are loaded and a connection is open before the
clock starts, as in a bot that has been running. The floors send bytes that were signed before the
clock started and read nothing of the answers but their status: the *cold* one takes the same steps
as goflat in the same order (look, cancel and close symbol by symbol and all symbols at once, look,
clear the conditional orders, look), the *warm* one sends everything at once. No client that takes
those steps can be faster.
"""

LIMITS = """\
## What these figures do not show

- Everything is on one machine. A connection costs nothing here; over a real network each new one
  takes one more round trip, and two with TLS. goflat and the cold floor open about as many.
- Venue and client each have a core. With many positions a good part of every figure is the two
  programs' own computing, the venue's included.
- A second look after a quiet time is what makes goflat's *knows* longer than its *clear*: two
  readings that agree, at least one second apart. The scripts look once, at positions only; the
  floors do not look at what their readings say.
- The prices of the simulated venue stand still, and its books are deep. Nothing here says what a
  close costs in money.
"""


def page(results: Results) -> str:
    """The whole page, in Markdown."""
    return "\n".join(
        [
            INTRODUCTION,
            f"- Measured: {results.began_at:%Y-%m-%d %H:%M} UTC",
            f"- Machine: {results.machine}; load before: {results.load_before:.1f}",
            f"- Repeat with: `{results.command}`, then `python -m benchmarks report`",
            "",
            "## Results",
            "",
            summary(results),
            METHOD,
            LIMITS,
        ]
    )


def summary(results: Results) -> str:
    """The gate, and a table for each work."""
    parts = gate_lines(results.runs)
    for work, runs in by_work(results.runs).items():
        parts += [f"### {heading(work)}", "", table(runs), ""]
    return "\n".join(parts)


def heading(work: Work) -> str:
    """What a table is about."""
    orders = f"{2 * work.positions} working and {work.conditional_orders} conditional orders"
    plural = "" if work.positions == 1 else "s"
    bent = "" if work.fault is None else FAULTS[work.fault]
    return f"{work.positions} position{plural}, {orders}, {work.round_trip_ms:g} ms{bent}"


def line(run: Run) -> str:
    """One run, while the benchmark goes on."""
    ledger, claim = run.ledger, run.claim
    return (
        f"{heading(run.work)}: {CONTESTANTS[run.contestant].title}, round {run.round}: "
        f"gone {_ms(ledger.positions_gone_ms)}, clear {_ms(ledger.books_clear_ms)}, "
        f"knows {_ms(claim.knows_ms)} ms ({claim.words})"
    )


def steps(run: Run) -> str:
    """What one run asked of the venue, and when: a line for each step."""
    return "\n".join(
        f"{step.first_ms:6} to {step.last_ms:6} ms  {step.count:4} x {step.request}"
        for step in run.ledger.steps
    )


def table(runs: Sequence[Run]) -> str:
    """One work's table, padded so that it can be read as it stands."""
    body = [[cell(row, runs) for _, cell in COLUMNS] for row in rows(runs)]
    return _padded([[head for head, _ in COLUMNS], *body])


def gate_lines(runs: Iterable[Run]) -> list[str]:
    """What the runs say of the gate; nothing where the gated work was not among them."""
    return [
        line
        for work, found in by_work(runs).items()
        if work.positions == GATED_POSITIONS and work.fault is None
        for gate in gates(found)
        for line in _gate(work, gate)
    ]


def _gate(work: Work, gate: Gate) -> list[str]:
    title = CONTESTANTS[gate.contestant].title
    gone, clear = _times(gate.gone), _times(gate.clear)
    verdict = "met" if gate.is_met else "NOT met"
    return [
        f"**{title}**, as a multiple of the cold floor; {heading(work)}:",
        f"positions gone {gone}, both books clear {clear}. Gate of {GATE:g}: **{verdict}**.",
        "",
    ]


def _left(row: Row) -> str:
    return f"{row.positions_left} / {row.working_left} / {row.conditional_left}"


def _against_floor(measure: Measure) -> "Cell":
    return lambda row, runs: _times(ratio(runs, measure, row.contestant, COLD_FLOOR))


def _spread(spread: Spread | None) -> str:
    if spread is None:
        return "never"
    if spread.count == 1:
        return f"{spread.median:.0f}"
    return f"{spread.median:.0f} ({spread.least:.0f}-{spread.most:.0f})"


def _times(spread: Spread | None) -> str:
    if spread is None:
        return "-"
    if spread.count == 1:
        return f"{spread.median:.2f}"
    return f"{spread.median:.2f} ({spread.least:.2f}-{spread.most:.2f})"


def _ms(value: float | None) -> str:
    return "never" if value is None else f"{value:.0f}"


def _padded(lines: Sequence[Sequence[str]]) -> str:
    """A Markdown table: the first column to the left, the others to the right."""
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    rule = ["-" * widths[0], *("-" * (width - 1) + ":" for width in widths[1:])]
    return "\n".join(_row(cells, widths) for cells in (lines[0], rule, *lines[1:]))


def _row(cells: Sequence[str], widths: Sequence[int]) -> str:
    first, *others = zip(cells, widths, strict=True)
    padded = [first[0].ljust(first[1]), *(text.rjust(width) for text, width in others)]
    return f"| {' | '.join(padded)} |"


Cell: TypeAlias = Callable[[Row, Sequence[Run]], str]

COLUMNS: Sequence[tuple[str, Cell]] = (
    ("contestant", lambda row, _: row.title),
    ("gone", lambda row, _: _spread(row.gone)),
    ("clear", lambda row, _: _spread(row.clear)),
    ("knows", lambda row, _: _spread(row.knows)),
    ("proves", lambda row, _: "yes" if row.proves else "no"),
    ("left", lambda row, _: _left(row)),
    ("false", lambda row, _: f"{row.false_results} of {row.runs}"),
    ("limits", lambda row, _: str(row.limit_answers)),
    ("grown", lambda row, _: str(row.enlarging_fills)),
    ("requests", lambda row, _: str(row.requests)),
    ("gone / floor", _against_floor(positions_gone_ms)),
    ("clear / floor", _against_floor(books_clear_ms)),
)
"""Heads of the table, and what stands below each."""
