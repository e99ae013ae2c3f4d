"""Whole runs on a hostile venue in virtual time: whatever goes wrong, the oracle finds no fault.

Every run is a seed. `GOFLAT_SEEDS=20000 pytest tests/shell/test_worst_days.py` runs that many, and
a failure names the seed and everything that is wrong with it.
"""

import logging
import os
from collections.abc import Callable, Iterator
from dataclasses import replace

import pytest
from hostile_venue import FAULTS
from oracle import violations
from worst_day import Day, Lived, calmed, colourful, draw, guarded, live

from goflat.core.looks import Part
from goflat.domain.outcome import LegOutcome, LiquidationState

SEEDS = int(os.environ.get("GOFLAT_SEEDS", "120"))
BATCHES = 6


@pytest.fixture(autouse=True)
def _quiet_log() -> Iterator[None]:
    logging.disable(logging.CRITICAL)
    yield
    logging.disable(logging.NOTSET)


def seeds(batch: int) -> range:
    return range(batch, SEEDS, BATCHES)


def judge_all(days: Callable[[int], Day], batch: int, *rules: Callable[[Lived], list[str]]) -> None:
    wrong = []
    for seed in seeds(batch):
        lived = live(days(seed))
        wrong += [f"seed {seed}: {found}" for rule in rules for found in rule(lived)]
    assert not wrong, "\n".join(wrong)


@pytest.mark.timeout(0 if SEEDS > 1000 else 60)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_no_day_is_so_bad_that_a_rule_is_broken(batch: int) -> None:
    judge_all(draw, batch, violations)


@pytest.mark.timeout(0 if SEEDS > 1000 else 60)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_three_good_seconds_before_the_deadline_are_enough(batch: int) -> None:
    judge_all(lambda seed: calmed(draw(seed)), batch, violations, not_flat)


@pytest.mark.timeout(0 if SEEDS > 1000 else 60)
@pytest.mark.parametrize("batch", range(BATCHES))
def test_a_stop_that_had_to_go_for_nothing_is_put_back(batch: int) -> None:
    judge_all(lambda seed: guarded(draw(seed)), batch, violations)


def not_flat(lived: Lived) -> list[str]:
    """What is left, unless it is dust, or came after it had been proven that nothing is."""
    outcomes = {leg.outcome for leg in lived.result.legs}
    if lived.result.state is LiquidationState.COMPLETED or LegOutcome.DUST in outcomes:
        return []
    truth = lived.venue.moments[-1]
    left = [row for part in Part for row in truth.rows(part)]
    covered = [row for row in left if lived.day.scope.covers(row.symbol)]
    return [f"left: {row}" for row in covered]


def test_every_fault_of_the_venue_was_met() -> None:
    met = {
        (call.verb, call.fault)
        for seed in range(160)
        for call in live(colourful(guarded(draw(seed)))).venue.calls
        if call.fault is not None
    }
    possible = {(verb, fault) for verb, faults in FAULTS.items() for fault in faults}

    assert possible - met == set()


@pytest.mark.parametrize("seed", [3, 30, 300])
def test_a_run_is_the_same_run_every_time(seed: int) -> None:
    once, again = live(draw(seed)), live(draw(seed))

    assert once.record.turns == again.record.turns
    assert once.result == again.result


@pytest.mark.parametrize("seed", range(40))
def test_a_good_day_takes_the_time_of_two_looks_and_a_few_round_trips(seed: int) -> None:
    day = calmed(draw(seed))
    good = replace(day, mood=replace(day.mood, faults={}, latency=(0.02, 0.02)), deeds=())

    lived = live(good)

    assert lived.result.state is LiquidationState.COMPLETED
    assert lived.took_seconds < good.quiet_seconds + 16 * 0.02 + 0.1
