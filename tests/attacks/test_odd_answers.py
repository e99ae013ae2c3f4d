"""Answers that a venue may give on a day when little of it works."""

from collections.abc import Callable
from dataclasses import replace
from decimal import Decimal

from goflat import LiquidationConfig, LiquidationManager, LiquidationResult, LiquidationState
from goflat.domain.listing import Listing, Unreadable
from goflat.domain.order import Book, ConditionalOrder, WorkingOrder
from goflat.domain.position import LegKey, OrderSide, Position, PositionSide
from goflat.errors import Throttled
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

ENTRY = WorkingOrder(
    symbol="SOLUSDT",
    order_id="7",
    client_order_id="bot-7",
    side=OrderSide.BUY,
    quantity=Decimal(5),
    executed=Decimal(0),
)
STOP = ConditionalOrder(
    symbol="SOLUSDT",
    order_id="8",
    client_order_id="bot-8",
    side=OrderSide.SELL,
    type="STOP_MARKET",
    quantity=None,
    trigger_price=Decimal(80),
    close_position=True,
)
HOLE = Unreadable(reason="side is a word that is not known", symbol="SOLUSDT")


def held(symbol: str) -> dict[LegKey, Position]:
    key = LegKey(symbol, PositionSide.LONG)
    return {key: Position(symbol=symbol, side=key.side, quantity=Decimal(1))}


def venue_with(**content: object) -> PaperVenue:
    names = ("BTCUSDT", "SOLUSDT")
    return PaperVenue(rules={name: rules_for(name) for name in names}, **content)  # type: ignore[arg-type]


def flatten(venue: PaperVenue, *, timeout_seconds: float = 5.0) -> LiquidationResult:
    config = LiquidationConfig(timeout_seconds=timeout_seconds)
    return run_virtual(LiquidationManager(venue, config).execute_liquidation())


def unreadable_while_there(orders: Callable[[], object]) -> list[Misbehave]:
    """The next lists: what is in the book is shown as a row that cannot be read."""
    show = lambda: Listing(rows=(), unreadable=(HOLE,) if orders() else ())  # noqa: E731
    return [Misbehave(instead=show) for _ in range(50)]


def test_an_order_in_a_row_that_cannot_be_read_is_cancelled_by_its_instrument() -> None:
    venue = venue_with(positions=held("BTCUSDT"), working=[ENTRY])
    venue.script("read_working_orders", *unreadable_while_there(lambda: venue.working))
    result = flatten(venue)
    assert [call.about for call in venue.called("cancel_all")] == [("SOLUSDT", Book.WORKING)]
    assert venue.is_bare
    assert result.state is LiquidationState.COMPLETED


def test_a_conditional_order_that_cannot_be_read_goes_where_it_can_protect_nothing() -> None:
    entry = replace(STOP, close_position=False, quantity=Decimal(1), side=OrderSide.BUY)
    venue = venue_with(positions=held("BTCUSDT"), conditional=[entry])
    venue.script("read_conditional_orders", *unreadable_while_there(lambda: venue.conditional))
    assert flatten(venue).state is LiquidationState.COMPLETED
    assert venue.is_bare


def test_a_conditional_order_that_cannot_be_read_stays_until_its_position_is_gone() -> None:
    venue = venue_with(positions=held("SOLUSDT"), conditional=[STOP])
    venue.script("read_conditional_orders", *unreadable_while_there(lambda: venue.conditional))
    result = flatten(venue)
    first_cancel = venue.called("cancel_all")[0].at
    assert venue.called("close")[0].at < first_cancel
    assert venue.is_bare
    assert result.state is LiquidationState.COMPLETED


def test_a_row_that_stays_unreadable_never_becomes_completed() -> None:
    venue = venue_with(positions=held("BTCUSDT"))
    venue.script("read_working_orders", *unreadable_while_there(lambda: True))
    result = flatten(venue)
    assert result.state is LiquidationState.PARTIAL
    assert not result.verified
    assert "could not be read" in str(result.error_message)


def test_a_venue_that_says_wait_zero_seconds_is_not_hammered() -> None:
    venue = venue_with(positions=held("BTCUSDT"), working=[replace(ENTRY, symbol="BTCUSDT")])
    no = Misbehave(failure=Throttled("HTTP 429", retry_after_seconds=0.0))
    for verb in ("cancel_all", "close"):
        venue.script(verb, *[no] * 500)
    result = flatten(venue)
    assert result.state is LiquidationState.FAILED
    assert len(venue.called("cancel_all")) <= 6
    assert len(venue.called("close")) <= 6
