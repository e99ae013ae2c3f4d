"""One step in, one event out. Whatever a venue does, or does not do, comes back as an event."""

import asyncio
import logging
from typing import assert_never, cast

from goflat.core.events import (
    BookCancelled,
    CloseAnswered,
    ConditionalCancelled,
    ConditionalOrdersRead,
    Event,
    Failed,
    PositionsRead,
    Protected,
    QueryAnswered,
    RulesRead,
    WorkingOrdersRead,
)
from goflat.core.steps import (
    CancelAll,
    CancelConditional,
    Close,
    Protect,
    Query,
    ReadOrders,
    ReadPositions,
    ReadRules,
    Request,
    Step,
)
from goflat.domain.order import Book
from goflat.errors import Unanswered, VenueError
from goflat.ports.clock import Clock
from goflat.ports.venue import SecondSight, Venue

_log = logging.getLogger("goflat")


async def perform(request: Request, venue: Venue, clock: Clock) -> Event:
    """Do one step, within its own time. Never raises, unless it is cancelled."""
    step = request.step
    try:
        async with asyncio.timeout_at(request.answer_by):
            return await _do(step, venue, clock)
    except TimeoutError:
        return Failed(step, Unanswered("no answer in time"))
    except asyncio.CancelledError:
        if (task := asyncio.current_task()) is None or task.cancelling():
            raise
        # Nobody cancelled this step: something inside it was cancelled, and it went unanswered.
        return Failed(step, Unanswered("cancelled from inside"))
    except VenueError as failure:
        return Failed(step, failure.with_traceback(None))
    except Exception as bug:  # noqa: BLE001 - a bug in one step is that step's failure
        # What a bug left behind is not known, so it is the most careful of the four names.
        _log.exception("a step failed in a way that nobody foresaw: %s", type(step).__name__)
        return Failed(step, Unanswered(f"{type(bug).__name__} in goflat"))


async def _do(step: Step, venue: Venue, clock: Clock) -> Event:
    began = clock.now()
    match step:
        case ReadPositions(elsewhere=True):
            second = cast("SecondSight", venue)
            return PositionsRead(await second.read_positions_elsewhere(), began)
        case ReadPositions():
            return PositionsRead(await venue.read_positions(), began)
        case ReadOrders(Book.WORKING):
            return WorkingOrdersRead(await venue.read_working_orders(), began)
        case ReadOrders():
            return ConditionalOrdersRead(await venue.read_conditional_orders(), began)
        case ReadRules():
            rules, limits = await venue.read_rules()
            return RulesRead(rules, limits)
        case CancelAll(symbol, book):
            return BookCancelled(symbol, book, await venue.cancel_all(symbol, book))
        case CancelConditional(order):
            await venue.cancel_conditional(order)
            return ConditionalCancelled(order)
        case Close(order, valid_seconds):
            return CloseAnswered(order, await venue.close(order, valid_seconds=valid_seconds))
        case Query(order):
            return QueryAnswered(order, await venue.query(order))
        case Protect(stop):
            await venue.protect(stop)
            return Protected(stop)
        case _:
            assert_never(step)
