"""Tell a run's turns as audit events: what happened, and what was decided because of it."""

from collections.abc import Callable, Iterator
from functools import partial
from typing import TypeAlias

from goflat.core.decision import Decision, Note, Remark
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
    UsageSeen,
    Woke,
    WorkingOrdersRead,
)
from goflat.core.run import Liquidation
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
from goflat.domain.listing import Listing
from goflat.domain.order import CloseOrder, ConditionalOrder, OrderReport, WorkingOrder
from goflat.domain.position import Position
from goflat.domain.time import Instant
from goflat.errors import Rejected, Throttled, Unanswered, VenueError
from goflat.journal.inbox import Tell
from goflat.journal.record import EventType
from goflat.ports.journal import Audit

Telling: TypeAlias = tuple[str, dict[str, object]]

ROWS_MAX = 500
"""Rows of one reading that are taken down in full; beyond that their number alone."""

_REMARKS = {
    Note.RETRY: EventType.RETRY,
    Note.DEADLINE: EventType.DEADLINE,
}


class AuditedRecord:
    """Writes the turns of one run to an audit trail. Keeps `goflat.ports.record.Record`.

    Events and decisions never change, so a trail that can put them into words later is asked to:
    between a trigger and the venue every tenth of a millisecond is wanted elsewhere.
    """

    def __init__(self, audit: Audit, correlation_id: str, started: Instant) -> None:
        self._audit = audit
        self._correlation_id = correlation_id
        self._started = started
        self._later: Callable[[str, Tell], None] | None = getattr(audit, "log_later", None)

    def append(self, now: Instant, event: Event, decision: Decision[Liquidation]) -> None:
        if isinstance(event, Woke | UsageSeen) and not (decision.requests or decision.remarks):
            return
        told, asked = decision.remarks, decision.requests
        tell = partial(_timed, round(now - self._started, 6), event, told, asked)
        if self._later is not None:
            self._later(self._correlation_id, tell)
            return
        for event_type, data in tell():
            self._audit.log_event(event_type, self._correlation_id, data)

    async def flush(self, timeout_seconds: float) -> bool:
        return await self._audit.flush(timeout_seconds)


def _timed(
    elapsed: float, event: Event, remarks: tuple[Remark, ...], requests: tuple[Request, ...]
) -> Iterator[Telling]:
    for event_type, data in narrate(event, remarks, requests):
        yield event_type, {"elapsed": elapsed, **data}


def narrate(
    event: Event, remarks: tuple[Remark, ...], requests: tuple[Request, ...]
) -> Iterator[Telling]:
    """What one turn says: the event first, then the remarks, then the intents."""
    yield from _event(event)
    for remark in remarks:
        yield _remark(remark)
    for request in requests:
        yield from _intent(request.step)


def _event(event: Event) -> Iterator[Telling]:
    match event:
        case PositionsRead(listing, _):
            rows = [_position(position) for position in listing.rows[:ROWS_MAX]]
            yield EventType.READING, _reading("positions", listing, rows)
        case WorkingOrdersRead(listing, _):
            rows = [_order(order) for order in listing.rows[:ROWS_MAX]]
            yield EventType.READING, _reading("working orders", listing, rows)
        case ConditionalOrdersRead(listing, _):
            rows = [_order(order) for order in listing.rows[:ROWS_MAX]]
            yield EventType.READING, _reading("conditional orders", listing, rows)
        case BookCancelled(symbol, book, count):
            about: dict[str, object] = {"symbol": symbol, "book": book.value, "count": count}
            yield EventType.ORDER_CANCELLED, about
        case ConditionalCancelled(order):
            yield EventType.ORDER_CANCELLED, _order(order)
        case CloseAnswered(order, report):
            yield EventType.ORDER_PLACED, _close(order) | _report(report)
        case QueryAnswered(order, report):
            found: dict[str, object] = {} if report is None else _report(report)
            yield EventType.ORDER_RESOLVED, _close(order) | {"known": report is not None} | found
        case Protected(stop):
            yield EventType.STOP_RESTORED, _order(stop.order) | {"new_id": stop.client_order_id}
        case Failed(step, failure):
            yield _failed(step, failure)
        case _:
            return


def _failed(step: Step, failure: VenueError) -> Telling:
    said: dict[str, object] = {"failure": type(failure).__name__, "reason": failure.reason}
    if isinstance(failure, Rejected):
        said |= {"code": failure.code, "refusal": failure.refusal.value}
    if isinstance(failure, Throttled):
        said |= {"retry_after_seconds": failure.retry_after_seconds}
    match step:
        case Close(order, _):
            unknown = isinstance(failure, Unanswered)
            kind = EventType.ORDER_UNANSWERED if unknown else EventType.ORDER_REJECTED
            return kind, _close(order) | said
        case Query(order):
            return EventType.ORDER_UNANSWERED, _close(order) | said | {"asked_by_id": True}
        case CancelAll(symbol, book):
            return EventType.CANCEL_FAILED, {"symbol": symbol, "book": book.value} | said
        case CancelConditional(order):
            return EventType.CANCEL_FAILED, _order(order) | said
        case Protect(stop):
            return EventType.ORDER_REJECTED, _order(stop.order) | said | {"stop": True}
        case ReadPositions():
            return EventType.READING_FAILED, {"what": "positions"} | said
        case ReadOrders(book):
            return EventType.READING_FAILED, {"what": book.value} | said
        case ReadRules():
            return EventType.READING_FAILED, {"what": "rules"} | said


def _remark(remark: Remark) -> Telling:
    kind = _REMARKS.get(remark.note, remark.note.value)
    return kind, {"about": remark.about, "text": remark.text}


def _intent(step: Step) -> Iterator[Telling]:
    match step:
        case Close(order, valid_seconds):
            yield EventType.ORDER_INTENT, _close(order) | {"valid_seconds": valid_seconds}
        case Protect(stop):
            yield EventType.ORDER_INTENT, _order(stop.order) | {"new_id": stop.client_order_id}
        case CancelAll(symbol, book):
            yield EventType.CANCEL_INTENT, {"symbol": symbol, "book": book.value}
        case CancelConditional(order):
            yield EventType.CANCEL_INTENT, _order(order)
        case _:
            return


# --- values as data -----------------------------------------------------------------------------


def _reading(
    what: str,
    listing: Listing[Position] | Listing[WorkingOrder] | Listing[ConditionalOrder],
    rows: list[dict[str, object]],
) -> dict[str, object]:
    data: dict[str, object] = {"what": what, "count": len(listing.rows), "rows": rows}
    if listing.unreadable:
        data["unreadable"] = [
            {"symbol": row.symbol, "reason": row.reason} for row in listing.unreadable[:ROWS_MAX]
        ]
    return data


def _position(position: Position) -> dict[str, object]:
    return {
        "symbol": position.symbol,
        "side": position.side.value,
        "quantity": position.quantity,
        "mark_price": position.mark_price,
    }


def _order(order: WorkingOrder | ConditionalOrder) -> dict[str, object]:
    return {
        "symbol": order.symbol,
        "id": order.order_id,
        "client_order_id": order.client_order_id,
        "side": order.side.value,
        "type": order.type,
        "quantity": order.quantity,
        "reduce_only": order.reduce_only,
    }


def _close(order: CloseOrder) -> dict[str, object]:
    data: dict[str, object] = {
        "symbol": order.symbol,
        "client_order_id": order.client_order_id,
        "side": order.side.value,
        "position_side": order.position.side.value,
        "quantity": order.quantity,
        "of": order.position.quantity,
    }
    return data if order.limit_price is None else data | {"limit_price": order.limit_price}


def _report(report: OrderReport) -> dict[str, object]:
    return {
        "status": report.status.value,
        "executed": report.executed,
        "order_id": report.order_id,
    }
