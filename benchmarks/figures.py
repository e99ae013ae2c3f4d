"""From runs to figures: medians with their spread, and ratios paired within one round."""

import statistics
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeAlias

from benchmarks.contestants import COLD_FLOOR, CONTESTANTS, GOFLAT, GOFLAT_UVLOOP
from benchmarks.race import Run
from benchmarks.work import Work

Measure: TypeAlias = Callable[[Run], float | None]

GATE = 1.5
"""Most that goflat may take, cold, as a multiple of the cold floor in the same round."""
GATED_POSITIONS = 100


def positions_gone_ms(run: Run) -> float | None:
    """From the first request to the last position gone, by the venue's clock."""
    return run.ledger.positions_gone_ms


def books_clear_ms(run: Run) -> float | None:
    """From the first request to both books empty, by the venue's clock. None: never."""
    return run.ledger.books_clear_ms


def knows_ms(run: Run) -> float | None:
    """From the start of the contestant to its last word, by its own clock."""
    return run.claim.knows_ms


@dataclass(frozen=True, slots=True, kw_only=True)
class Spread:
    """Several values of one figure: their median, the least and the most."""

    median: float
    least: float
    most: float
    count: int

    @classmethod
    def of(cls, values: Sequence[float]) -> "Spread | None":
        """None where there is not one value."""
        if not values:
            return None
        return cls(
            median=statistics.median(values),
            least=min(values),
            most=max(values),
            count=len(values),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One contestant at one work, all its runs together.

    A time is None where any of its runs never got there: a median over the lucky ones would be
    none. What is left, false or refused is the worst of any run; requests are a median.
    """

    contestant: str
    title: str
    runs: int
    gone: Spread | None
    clear: Spread | None
    knows: Spread | None
    cpu_ms: float
    requests: int
    proves: bool
    positions_left: int
    working_left: int
    conditional_left: int
    false_results: int
    limit_answers: int
    enlarging_fills: int
    words: str


def rows(runs: Iterable[Run]) -> tuple[Row, ...]:
    """The table of one work, in the order of the contestants."""
    by_name: dict[str, list[Run]] = {name: [] for name in CONTESTANTS}
    for run in runs:
        by_name[run.contestant].append(run)
    return tuple(_row(name, found) for name, found in by_name.items() if found)


def _row(name: str, runs: Sequence[Run]) -> Row:
    ledgers = [run.ledger for run in runs]
    return Row(
        contestant=name,
        title=CONTESTANTS[name].title,
        runs=len(runs),
        gone=_always(runs, positions_gone_ms),
        clear=_always(runs, books_clear_ms),
        knows=_always(runs, knows_ms),
        cpu_ms=statistics.median(run.claim.cpu_ms for run in runs),
        requests=round(statistics.median(ledger.requests for ledger in ledgers)),
        proves=all(run.claim.proves for run in runs),
        positions_left=max(ledger.positions_left for ledger in ledgers),
        working_left=max(ledger.working_left for ledger in ledgers),
        conditional_left=max(ledger.conditional_left for ledger in ledgers),
        false_results=sum(run.is_false for run in runs),
        limit_answers=sum(ledger.limit_answers for ledger in ledgers),
        enlarging_fills=sum(ledger.enlarging_fills for ledger in ledgers),
        words="; ".join(dict.fromkeys(run.claim.words for run in runs)),
    )


def _always(runs: Sequence[Run], measure: Measure) -> Spread | None:
    values = [measure(run) for run in runs]
    known = [value for value in values if value is not None]
    return Spread.of(known) if len(known) == len(values) else None


def ratio(runs: Iterable[Run], measure: Measure, over: str, under: str) -> Spread | None:
    """How many times as long as `under` did `over` take, each pair from one round."""
    overs, unders = {}, {}
    for run in runs:
        value = measure(run)
        if value is not None and run.contestant == over:
            overs[run.round] = value
        if value is not None and run.contestant == under:
            unders[run.round] = value
    return Spread.of([overs[number] / unders[number] for number in overs if number in unders])


def by_work(runs: Iterable[Run]) -> Mapping[Work, Sequence[Run]]:
    """Runs of the same work together, in the order in which they came."""
    together: dict[Work, list[Run]] = {}
    for run in runs:
        together.setdefault(run.work, []).append(run)
    return together


@dataclass(frozen=True, slots=True, kw_only=True)
class Gate:
    """goflat, cold, against the floor that takes the same steps."""

    contestant: str
    gone: Spread
    clear: Spread

    @property
    def is_met(self) -> bool:
        return max(self.gone.median, self.clear.median) <= GATE


def gates(runs: Sequence[Run]) -> tuple[Gate, ...]:
    """What can be said of the gate from the runs of one work."""
    found = []
    for name in (GOFLAT, GOFLAT_UVLOOP):
        gone = ratio(runs, positions_gone_ms, name, COLD_FLOOR)
        clear = ratio(runs, books_clear_ms, name, COLD_FLOOR)
        if gone is not None and clear is not None:
            found.append(Gate(contestant=name, gone=gone, clear=clear))
    return tuple(found)
