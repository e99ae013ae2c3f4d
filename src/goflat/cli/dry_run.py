"""What `goflat flatten --dry-run` shows: what would be sent, and what could not be read."""

from collections.abc import Iterator, Sequence
from decimal import Decimal

from goflat.domain.order import Book, CloseOrder, ConditionalOrder, ProtectiveStop, WorkingOrder
from goflat.domain.outcome import LegOutcome, LiquidationResult
from goflat.domain.position import PositionMode
from goflat.errors import printable
from goflat.shell.rehearse import Cancel, RehearsedVenue, WouldBe


def lines(rehearsed: RehearsedVenue, result: LiquidationResult) -> Iterator[str]:
    """For a person."""
    yield "Nothing was sent. This is what would be, in this order:"
    yield ""
    for number, act in enumerate(rehearsed.acts, start=1):
        yield from _act(number, act, is_after_close=_has_closed(rehearsed.acts[: number - 1], act))
    if not rehearsed.acts:
        yield "  nothing"
    yield ""
    for leg in result.legs:
        if leg.outcome is not LegOutcome.FLAT:
            yield printable(f"  would be left: {leg.symbol}, {leg.outcome.value}: {leg.reason}")
    for found in result.outside_scope:
        yield printable(f"  would not be touched: {found.kind} {found.symbol} {found.side}")
    for what, reason in rehearsed.unread.items():
        yield printable(f"  WARNING: {what} could not be read: {reason}")


def as_dict(rehearsed: RehearsedVenue, result: LiquidationResult) -> dict[str, object]:
    """For a program."""
    return {
        "dry_run": True,
        "exit_code": exit_code(rehearsed),
        "would_send": [_act_dict(act) for act in rehearsed.acts],
        "would_be_left": [
            leg.to_dict() for leg in result.legs if leg.outcome is not LegOutcome.FLAT
        ],
        "outside_scope": [found.to_dict() for found in result.outside_scope],
        "unread": rehearsed.unread,
    }


def exit_code(rehearsed: RehearsedVenue) -> int:
    """0 if everything could be read, else 1."""
    return 1 if rehearsed.unread else 0


def _act(number: int, act: WouldBe, *, is_after_close: bool) -> Iterator[str]:
    match act:
        case Cancel(symbol=symbol, book=book, whole_book=whole, orders=orders):
            which = f"all {book.value}" if whole else "one conditional order"
            when = ", once its position is shown closed" if is_after_close else ""
            yield printable(f"{number:>3}. cancel  {symbol}  {which}{when}")
            for order in orders:
                yield printable(f"             {_order(order)}")
        case CloseOrder():
            yield printable(f"{number:>3}. close   {act.symbol}  {_close(act)}")
        case ProtectiveStop(order=order):
            yield printable(f"{number:>3}. protect {order.symbol}  {_order(order)}")


def _has_closed(before: Sequence[WouldBe], act: WouldBe) -> bool:
    """Whether this clears a book of protective stops that waited for a close."""
    if not isinstance(act, Cancel) or act.book is not Book.CONDITIONAL:
        return False
    return any(isinstance(b, CloseOrder) and b.symbol == act.symbol for b in before)


def _close(order: CloseOrder) -> str:
    kind = "market" if order.limit_price is None else f"limit {order.limit_price:f}, at once"
    of = order.position.quantity
    split = "" if order.quantity == of else f" of {of:f}"
    return f"{order.side.value} {order.quantity:f}{split}, {kind}, {_flag(order)}"


def _flag(order: CloseOrder) -> str:
    """What keeps it from doing anything but reduce."""
    if order.position.mode is PositionMode.ONE_WAY:
        return "reduce-only"
    return f"position side {order.position.side.value}"


def _order(order: WorkingOrder | ConditionalOrder) -> str:
    size = "all" if order.quantity is None else f"{order.quantity:f}"
    price = order.price if isinstance(order, WorkingOrder) else order.trigger_price
    return f"{order.side.value} {size} {order.type} {_plain(price)}  {order.client_order_id}"


def _plain(price: Decimal | None) -> str:
    return "" if price is None else f"at {price:f}"


def _act_dict(act: WouldBe) -> dict[str, object]:
    match act:
        case Cancel(symbol=symbol, book=book, whole_book=whole, orders=orders):
            return {
                "act": "cancel",
                "symbol": symbol,
                "book": book.value,
                "whole_book": whole,
                "orders": [order.client_order_id for order in orders],
            }
        case CloseOrder():
            return {
                "act": "close",
                "symbol": act.symbol,
                "side": act.side.value,
                "type": "MARKET" if act.limit_price is None else "LIMIT",
                "quantity": f"{act.quantity:f}",
                "of": f"{act.position.quantity:f}",
                "limit_price": None if act.limit_price is None else f"{act.limit_price:f}",
                "position_side": act.position.side.value,
                "guarantee": _flag(act),
            }
        case ProtectiveStop(order=order):
            return {"act": "protect", "symbol": order.symbol, "side": order.side.value}
