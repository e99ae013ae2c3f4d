"""A rehearsal: every decision of a real run, and nothing but readings at the venue."""

from collections.abc import Iterable
from decimal import Decimal

import pytest

from goflat.domain.config import LiquidationConfig
from goflat.domain.order import Book, CloseOrder, ConditionalOrder, WorkingOrder
from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.domain.position import OrderSide, Position, PositionSide
from goflat.errors import Unanswered
from goflat.manager import LiquidationManager
from goflat.shell.rehearse import Cancel, RehearsedVenue
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
READS = {"read_positions", "read_working_orders", "read_conditional_orders", "read_rules"}


def position(symbol: str, quantity: str, side: PositionSide = PositionSide.LONG) -> Position:
    return Position(symbol=symbol, side=side, quantity=Decimal(quantity), mark_price=Decimal(100))


def working(symbol: str, order_id: str) -> WorkingOrder:
    return WorkingOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=OrderSide.BUY,
        quantity=Decimal(2),
        executed=Decimal(0),
    )


def stop(symbol: str, order_id: str, *, closes: bool = True) -> ConditionalOrder:
    return ConditionalOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=OrderSide.SELL if closes else OrderSide.BUY,
        type="STOP_MARKET",
        quantity=None if closes else Decimal(1),
        trigger_price=Decimal(80),
        close_position=closes,
    )


def account(positions: Iterable[Position]) -> PaperVenue:
    rows = {row.key: row for row in positions}
    return PaperVenue(
        positions=rows, rules={symbol: rules_for(symbol) for symbol in (BTC, ETH, SOL)}
    )


def rehearse(venue: PaperVenue) -> tuple[RehearsedVenue, LiquidationResult]:
    async def run() -> tuple[RehearsedVenue, LiquidationResult]:
        rehearsed = RehearsedVenue(venue=venue)
        manager = LiquidationManager(rehearsed, LiquidationConfig(), quiet_seconds=0.0)
        return rehearsed, await manager.execute_liquidation()

    return run_virtual(run())


def test_nothing_but_readings_reaches_the_venue() -> None:
    venue = account([position(BTC, "1"), position(ETH, "3", PositionSide.SHORT)])
    venue.working = [working(BTC, "w1"), working(SOL, "w2")]
    venue.conditional = [stop(BTC, "s1"), stop(ETH, "s2", closes=False)]

    rehearsed, result = rehearse(venue)

    assert {call.verb for call in venue.calls} <= READS
    assert len(venue.positions) == len(venue.working) == len(venue.conditional) == 2
    assert result.state is LiquidationState.COMPLETED
    assert rehearsed.unread == {}


def test_the_acts_are_those_of_a_run_in_their_order() -> None:
    venue = account([position(BTC, "1")])
    venue.working = [working(BTC, "w1"), working(BTC, "w2")]
    venue.conditional = [stop(BTC, "s1")]

    rehearsed, _ = rehearse(venue)

    cancel, close, clear = rehearsed.acts
    assert isinstance(cancel, Cancel)
    assert (cancel.book, [o.order_id for o in cancel.orders]) == (Book.WORKING, ["w1", "w2"])
    assert isinstance(close, CloseOrder)
    assert (close.side, close.quantity, close.symbol) == (OrderSide.SELL, Decimal(1), BTC)
    assert isinstance(clear, Cancel)
    assert (clear.book, [o.order_id for o in clear.orders]) == (Book.CONDITIONAL, ["s1"])


def test_an_entry_goes_alone_where_a_stop_has_to_stay() -> None:
    venue = account([position(BTC, "1")])
    venue.conditional = [stop(BTC, "s1"), stop(BTC, "e1", closes=False)]

    rehearsed, _ = rehearse(venue)

    first = rehearsed.acts[0]
    assert isinstance(first, Cancel)
    assert (first.whole_book, [o.order_id for o in first.orders]) == (False, ["e1"])


def test_a_large_position_is_cut_as_a_run_would_cut_it() -> None:
    rehearsed, result = rehearse(account([position(BTC, "250")]))

    sizes = [act.quantity for act in rehearsed.acts if isinstance(act, CloseOrder)]
    assert sizes == [Decimal(120), Decimal(120), Decimal(10)]
    assert result.state is LiquidationState.COMPLETED


def test_dust_is_left_and_named() -> None:
    rehearsed, result = rehearse(account([position(BTC, "0.0004")]))

    assert rehearsed.acts == []
    assert [leg.outcome.value for leg in result.legs] == ["dust"]


@pytest.mark.parametrize(
    ("verb", "what"),
    [
        ("read_positions", "positions"),
        ("read_working_orders", "working orders"),
        ("read_conditional_orders", "conditional orders"),
        ("read_rules", "rules"),
    ],
)
def test_what_cannot_be_read_is_said(verb: str, what: str) -> None:
    venue = account([position(BTC, "1")])
    venue.script(verb, *(Misbehave(failure=Unanswered("silence")) for _ in range(200)))

    rehearsed, _ = rehearse(venue)

    assert rehearsed.unread == {what: "silence"}
    assert {call.verb for call in venue.calls} <= READS


def test_what_was_read_at_the_second_attempt_was_read() -> None:
    venue = account([position(BTC, "1")])
    venue.script("read_positions", Misbehave(failure=Unanswered("silence")))

    rehearsed, result = rehearse(venue)

    assert rehearsed.unread == {}
    assert result.state is LiquidationState.COMPLETED
