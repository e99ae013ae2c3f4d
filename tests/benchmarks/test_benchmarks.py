"""The harness works, and its figures are sane. How fast anything is, no test says."""

from datetime import UTC, datetime

import pytest

from benchmarks import report, results
from benchmarks.contestants import COLD_FLOOR, GOFLAT, IDEAL_FLOOR
from benchmarks.figures import gates, positions_gone_ms, ratio, rows
from benchmarks.lines import Claim
from benchmarks.race import Run, Track
from benchmarks.results import Results
from benchmarks.schedule import Plan
from benchmarks.stopwatch import Ledger
from benchmarks.work import Work

ONE = Work(positions=1, round_trip_ms=2.0, listed=5)


def ledger(
    gone: float | None = 80.0, clear: float | None = 120.0, *, conditional: int = 0
) -> Ledger:
    return Ledger(
        positions_gone_ms=gone,
        books_clear_ms=clear,
        positions_left=0,
        working_left=0,
        conditional_left=conditional,
        enlarging_fills=0,
        limit_answers=0,
        requests=7,
        steps=(),
    )


def run(contestant: str, number: int = 1, *, found: Ledger | None = None, says: bool = True) -> Run:
    return Run(
        contestant=contestant,
        work=Work(positions=100),
        round=number,
        claim=Claim(says_flat=says, proves=False, knows_ms=200.0),
        ledger=found or ledger(),
    )


async def test_goflat_and_the_cold_floor_leave_nothing_and_the_venue_saw_when():
    async with Track.opened() as track:
        runs = [await track.run(name, ONE) for name in (GOFLAT, COLD_FLOOR, IDEAL_FLOOR)]
    for seen in runs:
        assert seen.ledger.is_flat
        assert seen.claim.says_flat
        assert not seen.is_false
        assert seen.ledger.limit_answers == seen.ledger.enlarging_fills == 0
        gone, clear = seen.ledger.positions_gone_ms, seen.ledger.books_clear_ms
        assert gone is not None
        assert clear is not None
        assert 0 < gone < 10_000
        assert 0 < clear < 10_000
        assert seen.claim.knows_ms > ONE.round_trip_ms
    goflat, cold, ideal = runs
    assert goflat.claim.proves
    assert not cold.claim.proves
    assert (ideal.ledger.requests, cold.ledger.requests) == (3, 13)


def test_who_says_done_while_a_conditional_order_is_left_is_counted_as_false():
    (row,) = rows([run("ccxt-loop", found=ledger(clear=None, conditional=50))])
    assert (row.false_results, row.conditional_left, row.clear) == (1, 50, None)


def test_a_time_that_one_of_the_runs_never_reached_is_no_median_of_the_others():
    (row,) = rows([run(GOFLAT, 1), run(GOFLAT, 2, found=ledger(gone=None))])
    assert row.gone is None
    assert row.clear is not None


def test_ratios_are_taken_within_one_round():
    runs = [
        run(GOFLAT, 1, found=ledger(gone=100.0)),
        run(COLD_FLOOR, 1, found=ledger(gone=50.0)),
        run(GOFLAT, 2, found=ledger(gone=400.0)),
        run(COLD_FLOOR, 2, found=ledger(gone=100.0)),
        run(GOFLAT, 3, found=ledger(gone=900.0)),
    ]
    paired = ratio(runs, positions_gone_ms, GOFLAT, COLD_FLOOR)
    assert paired is not None
    assert (paired.least, paired.median, paired.most, paired.count) == (2.0, 3.0, 4.0, 2)


@pytest.mark.parametrize(("gone", "is_met"), [(120.0, True), (121.0, False)])
def test_the_gate_is_met_up_to_one_and_a_half_times_the_floor(gone: float, is_met: bool):
    runs = [run(GOFLAT, found=ledger(gone=gone)), run(COLD_FLOOR)]
    assert [gate.is_met for gate in gates(runs)] == [is_met]
    assert ("**met**" in "\n".join(report.gate_lines(runs))) is is_met


def test_a_contestant_that_throttles_itself_runs_once_where_it_takes_long():
    plan = Plan(sizes=(10, 100, 1000), rounds=2, contestants=("ccxt-loop", GOFLAT))
    turns = [(turn.work.positions, turn.contestant) for turn in plan.turns()]
    assert turns.count((10, "ccxt-loop")) == turns.count((100, GOFLAT)) == 2
    assert turns.count((100, "ccxt-loop")) == 1
    assert turns.count((1000, "ccxt-loop")) == 0


def test_another_contestant_is_first_in_each_round():
    turns = list(Plan(sizes=(1,), rounds=2, contestants=(GOFLAT, COLD_FLOOR)).turns())
    assert [turn.contestant for turn in turns] == [GOFLAT, COLD_FLOOR, COLD_FLOOR, GOFLAT]


def test_results_survive_the_disk_and_become_a_page(tmp_path):
    kept = Results(
        began_at=datetime(2026, 11, 22, tzinfo=UTC),
        command="python -m benchmarks",
        machine="2 cores",
        load_before=0.5,
        runs=(run(GOFLAT), run(COLD_FLOOR), run("ccxt-loop", found=ledger(clear=None))),
    )
    path = results.save(kept, tmp_path)
    assert results.newest(tmp_path) == path
    assert results.load(path) == kept
    text = report.page(kept)
    for word in ("2 cores", "2026-11-22", "`python -m benchmarks`", "never", "**met**"):
        assert word in text


def test_every_size_has_its_orders():
    work = Work(positions=100)
    assert (len(work.holdings), work.conditional_orders) == (100, 50)
    assert Work(positions=1).conditional_orders == 1
