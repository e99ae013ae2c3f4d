"""What every adapter has to do, as numbered cases: an adapter is done when it passes them all.

A case needs a `Ground`: the adapter on an account that is flat, and a hand behind the scenes that
can open positions, place orders and look at the truth. Each case leaves the account as it likes;
give the next one a fresh ground.
"""

from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, replace
from decimal import Decimal
from typing import Protocol, TypeAlias

from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, CloseOrder, ProtectiveStop
from goflat.domain.position import LegKey, Position, PositionSide
from goflat.errors import NotSent, Rejected
from goflat.ports.venue import Venue

VALID_SECONDS = 2.0


class Ground(Protocol):
    """A flat account at a venue, and a hand behind the scenes.

    `quantity` is a size that the venue takes for both of the `symbols`, also twice and halved.
    """

    venue: Venue
    symbols: tuple[Symbol, Symbol]
    quantity: Decimal

    async def open(self, symbol: Symbol, side: PositionSide, quantity: Decimal) -> None:
        """Open a position."""
        ...

    async def reduce(self, symbol: Symbol, side: PositionSide, quantity: Decimal) -> None:
        """Make a position smaller, past the adapter."""
        ...

    async def rest_order(self, symbol: Symbol) -> None:
        """Place an order to buy that waits in the regular book, far from the market."""
        ...

    async def rest_stop(self, symbol: Symbol) -> None:
        """Place a stop that only reduces a long position, far from the market."""
        ...

    async def quantities(self) -> Mapping[LegKey, Decimal]:
        """The truth about positions."""
        ...

    async def orders(self, symbol: Symbol, book: Book) -> int:
        """The truth about orders: how many of one instrument are in one book."""
        ...


Trial: TypeAlias = Callable[[Ground], Awaitable[None]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Case:
    """One thing that an adapter has to do. `run` raises AssertionError where it does not."""

    number: str
    says: str
    run: Trial


def _close(position: Position, number: int = 1) -> CloseOrder:
    return CloseOrder(
        position=position, quantity=position.quantity, client_order_id=f"conformance-{number}"
    )


async def _only_position(ground: Ground) -> Position:
    listing = await ground.venue.read_positions()
    assert listing.unreadable == ()
    (position,) = listing.rows
    return position


async def _an_empty_account_reads_as_empty(ground: Ground) -> None:
    for listing in (
        await ground.venue.read_positions(),
        await ground.venue.read_working_orders(),
        await ground.venue.read_conditional_orders(),
    ):
        assert (listing.rows, listing.unreadable) == ((), ())


async def _positions_are_read_with_side_and_quantity(ground: Ground) -> None:
    first, second = ground.symbols
    await ground.open(first, PositionSide.LONG, ground.quantity)
    await ground.open(second, PositionSide.SHORT, ground.quantity * 2)
    listing = await ground.venue.read_positions()
    assert {row.key: row.quantity for row in listing.rows} == await ground.quantities()
    assert len(listing.rows) == 2


async def _a_close_makes_its_position_go(ground: Ground) -> None:
    for side in PositionSide:
        await ground.open(ground.symbols[0], side, ground.quantity)
        position = await _only_position(ground)
        await ground.venue.close(_close(position), valid_seconds=VALID_SECONDS)
        assert await ground.quantities() == {}


async def _a_close_touches_no_other_position(ground: Ground) -> None:
    first, second = ground.symbols
    await ground.open(first, PositionSide.LONG, ground.quantity)
    position = await _only_position(ground)
    await ground.open(second, PositionSide.LONG, ground.quantity)
    await ground.venue.close(_close(position), valid_seconds=VALID_SECONDS)
    assert await ground.quantities() == {LegKey(second, PositionSide.LONG): ground.quantity}


async def _closing_what_is_gone_is_rejected_and_opens_nothing(ground: Ground) -> None:
    for number, side in enumerate(PositionSide):
        await ground.open(ground.symbols[0], side, ground.quantity)
        position = await _only_position(ground)
        await ground.reduce(ground.symbols[0], side, ground.quantity)
        try:
            await ground.venue.close(_close(position, number), valid_seconds=VALID_SECONDS)
        except Rejected:
            assert await ground.quantities() == {}
        else:
            raise AssertionError("an order that had nothing to reduce was taken")


async def _a_close_larger_than_what_is_left_never_turns_the_position(ground: Ground) -> None:
    key = LegKey(ground.symbols[0], PositionSide.LONG)
    await ground.open(*key, ground.quantity * 2)
    position = await _only_position(ground)
    await ground.reduce(*key, ground.quantity)
    try:
        await ground.venue.close(_close(position), valid_seconds=VALID_SECONDS)
    except Rejected:
        assert await ground.quantities() == {key: ground.quantity}
    else:
        assert await ground.quantities() == {}


async def _a_close_at_a_price_leaves_nothing_in_the_book(ground: Ground) -> None:
    symbol = ground.symbols[0]
    await ground.open(symbol, PositionSide.LONG, ground.quantity)
    position = await _only_position(ground)
    rules, _ = await ground.venue.read_rules()
    assert position.mark_price is not None
    # Above the market: nobody buys there now, and the order must not wait for somebody.
    tick = rules[symbol].tick
    above = (position.mark_price * Decimal("1.02") / tick).to_integral_value() * tick
    order = replace(_close(position), limit_price=above)
    report = await ground.venue.close(order, valid_seconds=VALID_SECONDS)
    assert not report.executed
    assert await ground.orders(symbol, Book.WORKING) == 0


async def _an_order_is_found_by_its_id_and_others_are_unknown(ground: Ground) -> None:
    await ground.open(ground.symbols[0], PositionSide.LONG, ground.quantity)
    position = await _only_position(ground)
    await ground.venue.close(_close(position, 1), valid_seconds=VALID_SECONDS)
    report = await ground.venue.query(_close(position, 1))
    assert report is not None
    assert report.executed == position.quantity
    assert await ground.venue.query(_close(position, 2)) is None


async def _cancel_all_takes_one_book_of_one_instrument(ground: Ground) -> None:
    first, second = ground.symbols
    await ground.open(first, PositionSide.LONG, ground.quantity)
    await ground.rest_order(first)
    await ground.rest_stop(first)
    await ground.rest_order(second)
    assert len((await ground.venue.read_working_orders()).rows) == 2
    assert len((await ground.venue.read_conditional_orders()).rows) == 1
    await ground.venue.cancel_all(first, Book.WORKING)
    assert await ground.orders(first, Book.WORKING) == 0
    assert await ground.orders(first, Book.CONDITIONAL) == 1
    assert await ground.orders(second, Book.WORKING) == 1
    await ground.venue.cancel_all(first, Book.CONDITIONAL)
    assert await ground.orders(first, Book.CONDITIONAL) == 0
    assert await ground.orders(second, Book.WORKING) == 1


async def _cancel_all_twice_is_as_good_as_once(ground: Ground) -> None:
    symbol = ground.symbols[0]
    await ground.rest_order(symbol)
    for _ in range(2):
        for book in Book:
            await ground.venue.cancel_all(symbol, book)
            assert await ground.orders(symbol, book) == 0


async def _cancelling_a_conditional_order_that_is_gone_counts_as_done(ground: Ground) -> None:
    symbol = ground.symbols[0]
    await ground.open(symbol, PositionSide.LONG, ground.quantity)
    await ground.rest_stop(symbol)
    (stop,) = (await ground.venue.read_conditional_orders()).rows
    for _ in range(2):
        await ground.venue.cancel_conditional(stop)
        assert await ground.orders(symbol, Book.CONDITIONAL) == 0


async def _a_stop_that_was_taken_away_is_put_back_and_only_reduces(ground: Ground) -> None:
    symbol = ground.symbols[0]
    await ground.open(symbol, PositionSide.LONG, ground.quantity)
    await ground.rest_stop(symbol)
    (before,) = (await ground.venue.read_conditional_orders()).rows
    assert before.protects(PositionSide.LONG)
    await ground.venue.cancel_conditional(before)
    await ground.venue.protect(ProtectiveStop(order=before, client_order_id="conformance-stop"))
    (after,) = (await ground.venue.read_conditional_orders()).rows
    assert after.protects(PositionSide.LONG)
    assert (after.quantity, after.trigger_price) == (before.quantity, before.trigger_price)


async def _the_rules_name_sizes_that_can_be_sent(ground: Ground) -> None:
    rules, limits = await ground.venue.read_rules()
    for symbol in ground.symbols:
        found = rules[symbol]
        assert found.tick > 0
        for lot in (found.limit_lot, found.market_lot):
            assert 0 < lot.step <= lot.minimum <= lot.maximum
    assert limits is None or limits.weight_per_minute > 0


async def _a_closed_adapter_sends_nothing(ground: Ground) -> None:
    await ground.open(ground.symbols[0], PositionSide.LONG, ground.quantity)
    position = await _only_position(ground)
    await ground.venue.aclose()
    await ground.venue.aclose()
    try:
        await ground.venue.close(_close(position), valid_seconds=VALID_SECONDS)
    except NotSent:
        assert len(await ground.quantities()) == 1
    else:
        raise AssertionError("a closed adapter sent an order")


_TRIALS: tuple[Trial, ...] = (
    _an_empty_account_reads_as_empty,
    _positions_are_read_with_side_and_quantity,
    _a_close_makes_its_position_go,
    _a_close_touches_no_other_position,
    _closing_what_is_gone_is_rejected_and_opens_nothing,
    _a_close_larger_than_what_is_left_never_turns_the_position,
    _a_close_at_a_price_leaves_nothing_in_the_book,
    _an_order_is_found_by_its_id_and_others_are_unknown,
    _cancel_all_takes_one_book_of_one_instrument,
    _cancel_all_twice_is_as_good_as_once,
    _cancelling_a_conditional_order_that_is_gone_counts_as_done,
    _a_stop_that_was_taken_away_is_put_back_and_only_reduces,
    _the_rules_name_sizes_that_can_be_sent,
    _a_closed_adapter_sends_nothing,
)

CASES: tuple[Case, ...] = tuple(
    Case(number=f"V{number:02}", says=trial.__name__.strip("_").replace("_", " "), run=trial)
    for number, trial in enumerate(_TRIALS, start=1)
)
"""Every case, in order. A number is never given to another case."""
