"""Runs that a guard begins, in virtual time: they prove later, and take only what is theirs."""

from dataclasses import replace
from decimal import Decimal

import pytest

from accounts import BTC, ETH, position, stop, working
from goflat.core.guarding.effects import StartRun
from goflat.core.guarding.events import RunEnded
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.domain.config import LiquidationConfig
from goflat.domain.order import Book
from goflat.domain.outcome import LiquidationState
from goflat.domain.position import LegKey, Position, PositionMode, PositionSide
from goflat.domain.scope import Everything
from goflat.domain.time import LONG_AGO, Instant
from goflat.errors import Unanswered
from goflat.guard.liquidator import Liquidator, RunTerms
from goflat.shell.portion import PortionVenue
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
TERMS = RunTerms(
    scope=Everything(), config=LiquidationConfig(timeout_seconds=4.0), quiet_seconds=0.5
)


def paper(*positions: Position) -> PaperVenue:
    venue = PaperVenue(
        positions={it.key: it for it in positions},
        rules={symbol: rules_for(symbol) for symbol in (BTC, ETH)},
    )
    venue.working.append(working())
    venue.conditional.append(stop())
    return venue


class Told:
    """What a liquidator said on its way."""

    def __init__(self) -> None:
        self.left: list[Remnant] = []
        self.foreign: list[Position] = []


def carried_out(
    venue: PaperVenue,
    severity: Severity = Severity.FLATTEN,
    *,
    only: Remnant | None = None,
    proves_after: float = LONG_AGO,
    told: Told | None = None,
) -> RunEnded:
    told = Told() if told is None else told
    liquidator = Liquidator(
        venue,
        TERMS,
        None,
        progress=told.left.append,
        foreign=told.foreign.extend,
    )
    order = StartRun(
        run_id="liq_20260101T000000_abcdef12",
        measures=MEASURES[severity],
        reason="a test",
        only=only,
    )
    return run_virtual(liquidator.run(order, Instant(proves_after)))


def test_flatten_takes_everything_and_says_what_was_left_on_the_way() -> None:
    venue, told = paper(position(BTC, "2")), Told()
    ended = carried_out(venue, told=told)
    assert ended.result.state is LiquidationState.COMPLETED
    assert ended.result.verified
    assert venue.is_bare
    assert ended.left == {LegKey(BTC, LONG): Decimal(0)}
    assert told.left[0] == Remnant.of({LegKey(BTC, LONG): Decimal(2)})
    assert told.left[-1] == Remnant(symbols=frozenset({BTC}), legs={})


def test_cancel_takes_both_books_and_leaves_the_position() -> None:
    venue = paper(position(BTC, "2"))
    ended = carried_out(venue, Severity.CANCEL)
    assert ended.result.state is LiquidationState.COMPLETED
    assert not venue.working
    assert not venue.conditional
    assert len(venue.positions) == 1
    assert ended.left == {LegKey(BTC, LONG): Decimal(2)}


def test_reduce_keeps_what_protects() -> None:
    venue = paper(position(BTC, "2"))
    assert carried_out(venue, Severity.REDUCE).result.state is LiquidationState.COMPLETED
    assert not venue.working
    assert [order.order_id for order in venue.conditional] == ["s1"]


@pytest.mark.parametrize("until", [2.0, 3.0])
def test_nothing_is_proven_before_the_window_of_the_bot_is_over(until: float) -> None:
    venue = paper(position(BTC, "2"))
    ended = carried_out(venue, proves_after=until)
    assert ended.result.state is LiquidationState.COMPLETED
    looks = [call.at for call in venue.called("read_positions") if call.at >= until]
    assert len(looks) >= 2
    assert venue.called("close")[0].at < 0.2
    assert ended.result.total_duration_seconds >= until + TERMS.quiet_seconds


def test_only_our_part_of_a_position_is_closed_and_the_rest_is_told() -> None:
    venue, told = paper(position(BTC, "5"), position(ETH, "1")), Told()
    only = Remnant.of({LegKey(BTC, LONG): Decimal(2)})
    ended = carried_out(venue, only=only, told=told)
    assert ended.result.state is LiquidationState.COMPLETED
    left = {key: it.quantity for key, it in venue.positions.items()}
    assert left == {LegKey(BTC, LONG): Decimal(3), LegKey(ETH, LONG): Decimal(1)}
    assert {it.key for it in told.foreign} == set(left)


def test_the_stop_of_a_position_that_is_not_ours_stays() -> None:
    hedge = PositionMode.HEDGE
    venue = paper(position(BTC, "1", LONG, mode=hedge), position(BTC, "1", SHORT, mode=hedge))
    venue.conditional = [
        replace(stop(BTC, "ours", LONG), position_side=LONG),
        replace(stop(BTC, "theirs", SHORT), position_side=SHORT),
    ]
    carried_out(venue, only=Remnant.of({LegKey(BTC, LONG): None}))
    assert list(venue.positions) == [LegKey(BTC, SHORT)]
    assert [order.order_id for order in venue.conditional] == ["theirs"]


def test_two_runs_of_one_id_name_their_orders_differently() -> None:
    names = []
    for _ in range(2):
        venue = paper(position(BTC, "2"))
        carried_out(venue)
        names.append(venue.called("close")[0].about.client_order_id)  # type: ignore[attr-defined]
    assert names[0] != names[1]
    assert all(name.startswith("gf-abcdef12") for name in names)


def test_a_bug_is_a_failed_run_and_nobody_is_left_without_an_answer() -> None:
    class Broken(PaperVenue):
        @property
        def capabilities(self) -> object:  # type: ignore[override]
            raise RuntimeError("a bug")

        @capabilities.setter
        def capabilities(self, _value: object) -> None: ...

    ended = carried_out(Broken())
    assert ended.result.state is LiquidationState.FAILED
    assert "goflat itself failed" in str(ended.result.error_message)


async def _through(venue: PortionVenue) -> None:
    assert venue.usage is not None
    assert (await venue.read_working_orders()).rows
    assert (await venue.read_conditional_orders()).rows
    await venue.cancel_conditional(stop())
    await venue.cancel_all(BTC, Book.WORKING)
    await venue.aclose()


def test_what_is_no_position_passes_through() -> None:
    paper_venue = paper(position(BTC, "2"))
    run_virtual(_through(PortionVenue(paper_venue, Remnant.of({}))))
    assert not paper_venue.working
    assert not paper_venue.conditional


def test_a_reading_that_fails_is_never_nothing_there() -> None:
    venue = paper(position(BTC, "2"))
    venue.script("read_positions", *[Misbehave(failure=Unanswered("no answer"))] * 500)
    ended = carried_out(venue, only=Remnant.of({LegKey(BTC, LONG): None}))
    assert ended.result.state is not LiquidationState.COMPLETED
    assert not ended.result.verified
    assert venue.positions
