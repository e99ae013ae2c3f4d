"""Before anything is sent: what is there, does the venue know the names, and does a person agree.

Nothing here can hold an emergency up for longer than its bound, and no failed reading stops it.
"""

import asyncio
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from decimal import Decimal

import click

from goflat.core.events import (
    ConditionalOrdersRead,
    Event,
    Failed,
    PositionsRead,
    RulesRead,
    WorkingOrdersRead,
)
from goflat.core.steps import ReadOrders, ReadPositions, ReadRules, Request
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ConditionalOrder, WorkingOrder
from goflat.domain.position import Position
from goflat.domain.scope import Only, Scope
from goflat.domain.time import Instant
from goflat.errors import SettingsError, printable
from goflat.ports.venue import Venue
from goflat.settings import AccountSettings
from goflat.settings.spelling import did_you_mean
from goflat.shell.clock import LoopClock
from goflat.shell.perform import perform

LOOK_SECONDS = 5.0
"""How long a look before a question may take."""

RULES_SECONDS = 2.0
"""How long the venue is asked whether it knows the symbols. Then the run begins all the same."""

ROWS_MAX = 40


@dataclass(frozen=True, slots=True, kw_only=True)
class Sight:
    """What was seen of an account. `problems` says what could not be read."""

    positions: tuple[Position, ...]
    orders: tuple[WorkingOrder | ConditionalOrder, ...]
    problems: tuple[str, ...]


async def refuse_unknown(venue: Venue, symbols: Iterable[Symbol]) -> str | None:
    """Check that the venue lists these symbols. Where it does not say, why, as a warning.

    Raises:
        SettingsError: it says, and one of them is not listed.
    """
    clock = LoopClock()
    request = Request(ReadRules(), Instant(clock.now() + RULES_SECONDS))
    match await perform(request, venue, clock):
        case RulesRead(rules, _):
            unknown = [symbol for symbol in symbols if symbol not in rules]
            if unknown:
                raise SettingsError(*(_unknown(symbol, rules) for symbol in unknown))
            return None
        case Failed(_, failure):
            return f"whether the venue lists the symbols is not known: {failure.reason}"
        case other:
            return f"whether the venue lists the symbols is not known: {type(other).__name__}"


def _unknown(symbol: Symbol, listed: Iterable[Symbol]) -> str:
    hint = did_you_mean(symbol, listed) or "."
    return f"the venue does not list {printable(symbol)[:40]!r}{hint} Nothing was sent."


async def look(venue: Venue, scope: Scope) -> Sight:
    """Read positions and both books, all at once."""
    clock = LoopClock()
    until = Instant(clock.now() + LOOK_SECONDS)
    steps = (ReadPositions(), ReadOrders(Book.WORKING), ReadOrders(Book.CONDITIONAL))
    events = await asyncio.gather(*(perform(Request(s, until), venue, clock) for s in steps))
    positions: list[Position] = []
    orders: list[WorkingOrder | ConditionalOrder] = []
    for event in events:
        match event:
            case PositionsRead(listing, _):
                positions += [row for row in listing.rows if scope.covers(row.symbol)]
            case WorkingOrdersRead(listing, _) | ConditionalOrdersRead(listing, _):
                orders += [row for row in listing.rows if scope.covers(row.symbol)]
            case _:
                pass
    return Sight(
        positions=tuple(positions),
        orders=tuple(orders),
        problems=tuple(problem for event in events for problem in _problems(event)),
    )


def _problems(event: Event) -> Iterator[str]:
    match event:
        case Failed(ReadOrders(book), failure):
            yield f"{book.value} could not be read: {failure.reason}"
        case Failed(_, failure):
            yield f"positions could not be read: {failure.reason}"
        case PositionsRead(listing, _) | WorkingOrdersRead(listing, _):
            yield from (f"a row could not be read: {hole.reason}" for hole in listing.unreadable)
        case ConditionalOrdersRead(listing, _):
            yield from (f"a row could not be read: {hole.reason}" for hole in listing.unreadable)
        case _:
            return


def question(account: AccountSettings, scope: Scope, sight: Sight) -> Iterator[str]:
    """What a person has to know to say yes, line by line."""
    hosts = ", ".join(account.hosts)
    yield f"Account {account.name} at {account.venue}, {account.environment} ({hosts})"
    if account.environment == "production":
        yield "This is real money."
    yield f"Scope: {scope_in_words(scope)}"
    yield ""
    for position in sight.positions[:ROWS_MAX]:
        yield f"  {position.symbol:<16} {position.side.value:<5} {_amounts(position)}"
    if len(sight.positions) > ROWS_MAX:
        yield f"  and {len(sight.positions) - ROWS_MAX} more"
    yield (
        f"  {len(sight.positions)} position(s), {money(_notional(sight.positions))} together, "
        f"and {len(sight.orders)} order(s)"
    )
    for problem in sight.problems:
        yield f"  WARNING: {problem}"


def agrees(lines: Iterable[str]) -> bool:
    """Ask once, on standard error. Only a clear yes is one; no answer is a no."""
    for line in lines:
        click.echo(printable(line), err=True)
    try:
        return click.confirm("Cancel these orders and close these positions now?", err=True)
    except click.Abort:
        click.echo("", err=True)
        return False


def scope_in_words(scope: Scope) -> str:
    """What is to be flattened."""
    if not isinstance(scope, Only):
        return "the whole account"
    return ", ".join(printable(symbol) for symbol in sorted(scope.symbols))


def money(amount: Decimal | None) -> str:
    """An amount in the quote asset, for people."""
    return "of unknown value" if amount is None else f"about {amount:,.0f} in quote"


def _amounts(position: Position) -> str:
    return f"{position.quantity:f}  {money(position.notional)}"


def _notional(positions: Iterable[Position]) -> Decimal | None:
    """The sum. None as soon as one of them has no price."""
    notionals = [position.notional for position in positions]
    known = [notional for notional in notionals if notional is not None]
    return sum(known, Decimal(0)) if len(known) == len(notionals) else None
