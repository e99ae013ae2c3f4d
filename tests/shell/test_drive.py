"""The one loop: it asks, it waits, it ends, and it leaves nothing behind."""

import asyncio
from typing import Any

import pytest

from accounts import BTC, position
from goflat.core.events import Started, UsageSeen
from goflat.core.liquidation import begin
from goflat.core.run import Liquidation
from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.config import LiquidationConfig
from goflat.domain.scope import Everything
from goflat.domain.time import Instant
from goflat.shell.clock import LoopClock
from goflat.shell.drive import INTENT_SECONDS, drive
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.record import MemoryRecord, replay
from goflat.testing.virtual_time import run_virtual


def account() -> PaperVenue:
    held = position()
    return PaperVenue(positions={held.key: held}, rules={BTC: rules_for(BTC)})


def beginning(now: float = 0.0, capabilities: Capabilities | None = None) -> Liquidation:
    return begin(
        correlation_id="liq_20260101T000000000000Z_abcdef01",
        scope=Everything(),
        config=LiquidationConfig(timeout_seconds=2.0),
        capabilities=capabilities or Capabilities(),
        now=Instant(now),
        quiet_seconds=0.2,
    )


def driven(venue: Any, record: MemoryRecord | None = None) -> tuple[Liquidation, float]:
    async def run() -> tuple[Liquidation, float]:
        clock = LoopClock()
        end = await drive(
            beginning(capabilities=venue.capabilities), venue, clock, record or MemoryRecord()
        )
        return end, clock.now()

    return run_virtual(run())


def test_it_begins_with_the_trigger_and_ends_when_everything_is_proven() -> None:
    record = MemoryRecord()

    end, took = driven(account(), record)

    assert record.turns[0].event == Started()
    assert end.proof.is_complete
    assert took < 1.0
    assert replay(beginning(), record.turns) == end


def test_what_is_still_under_way_at_the_end_is_cancelled_and_not_waited_for() -> None:
    venue = account()
    venue.script("close", *[Misbehave(delay=1000.0)] * 50)
    venue.script("query", *[Misbehave(delay=1000.0)] * 50)
    venue.script("read_positions", Misbehave(), *[Misbehave(delay=1000.0)] * 50)

    async def run() -> float:
        clock = LoopClock()
        await drive(beginning(), venue, clock, MemoryRecord())
        ended = clock.now()
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1
        return ended

    assert run_virtual(run()) == pytest.approx(2.0, abs=1e-6)


def test_a_run_that_is_cancelled_leaves_no_request_behind() -> None:
    venue = account()
    venue.script("read_positions", *[Misbehave(delay=1000.0)] * 50)

    async def run() -> None:
        task = asyncio.ensure_future(drive(beginning(), venue, LoopClock(), MemoryRecord()))
        await asyncio.sleep(0.1)
        task.cancel()
        with pytest.raises(asyncio.CancelledError):
            await task
        await asyncio.sleep(0)
        assert len(asyncio.all_tasks()) == 1

    run_virtual(run())


def test_the_first_act_waits_once_for_its_intent_and_no_longer_than_allowed() -> None:
    asked: list[float] = []

    class Slow(MemoryRecord):
        async def flush(self, timeout_seconds: float) -> bool:
            asked.append(timeout_seconds)
            await asyncio.sleep(timeout_seconds)
            return False

    venue = account()
    driven(venue, Slow())

    assert asked == [INTENT_SECONDS]
    assert venue.is_bare


def test_nothing_is_sent_before_the_record_of_it_was_taken_down() -> None:
    venue = account()
    seen: list[tuple[int, int]] = []

    class Watching(MemoryRecord):
        def append(self, *args: Any) -> None:
            super().append(*args)
            intended = sum(len(turn.decision.requests) for turn in self.turns)
            seen.append((intended, len(venue.calls)))

    driven(venue, Watching())

    assert all(called <= intended for intended, called in seen)


def test_what_the_venue_says_of_its_limits_is_heard() -> None:
    class Counting(PaperVenue):
        async def read_positions(self) -> Any:
            self.usage = Usage(weight_per_minute=1000 + len(self.calls))
            return await super().read_positions()

    limits = Limits(weight_per_minute=2400, orders_per_ten_seconds=300, orders_per_minute=1200)
    venue = Counting(capabilities=Capabilities(limits=limits))
    record = MemoryRecord()

    end, _ = driven(venue, record)

    assert any(isinstance(turn.event, UsageSeen) for turn in record.turns)
    assert end.budget.weight is not None
    assert end.budget.weight.others > 0


def test_others_on_the_loop_are_let_run_between_two_turns() -> None:
    """A hundred answers that come at once do not keep a heartbeat waiting for all of them."""
    held = [position(f"S{n}USDT") for n in range(100)]
    venue = PaperVenue(
        positions={each.key: each for each in held},
        rules={each.symbol: rules_for(each.symbol) for each in held},
    )
    in_a_row: list[int] = [0]

    class Watching(MemoryRecord):
        """Counts the turns between two moments at which others were let run."""

        def append(self, *args: Any) -> None:
            super().append(*args)
            in_a_row[-1] += 1
            asyncio.get_running_loop().call_soon(in_a_row.append, 0)

    driven(venue, Watching())

    assert max(in_a_row) <= 2
