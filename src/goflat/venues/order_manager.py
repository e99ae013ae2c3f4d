"""A venue behind somebody's own order manager, synchronous or not.

`OrderExecutionManager` is the protocol for people who already have something that reads positions,
cancels and closes. What it returns is a claim; its positions, asked for again, are the evidence.
"""

import inspect
import re
from collections.abc import Callable, Mapping, Sequence
from decimal import Decimal, InvalidOperation
from typing import Any, Protocol

from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing, Unreadable
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import LegKey, OrderSide, Position, PositionMode, PositionSide
from goflat.domain.scope import Only, Scope
from goflat.errors import NotSent, Refusal, Rejected, Unanswered
from goflat.venues.off_loop import OffLoop

CALLS_AT_ONCE = 8
TEXT_MAX = 200
_SIGNED = re.compile(r"(signature|apiKey|listenKey)=[^&\s]+", re.IGNORECASE)
_CONTROL = re.compile(r"[\x00-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")


class OrderExecutionManager(Protocol):
    """What goflat needs of a person's own order manager. Each method may be sync or async.

    `get_all_positions` returns rows in Binance's field names (`symbol`, `positionAmt`, and
    `positionSide` in hedge mode); None asks for the whole account. `execute_market_close` returns a
    mapping with `success`; `quantity` is a Decimal that prints plainly. In hedge mode it is given
    `position_side=` ("LONG" or "SHORT") where it accepts that. An optional
    `get_open_orders(symbols)` lets the cancelled orders be verified too.
    """

    def get_all_positions(self, symbols: Sequence[str] | None) -> Any: ...

    def cancel_all_orders(self, symbol: str) -> Any: ...

    def execute_market_close(
        self,
        symbol: str,
        side: str,
        quantity: Decimal,
        reduce_only: bool = True,  # noqa: FBT001, FBT002
    ) -> Any: ...


def is_order_manager(thing: object) -> bool:
    """Whether a thing has the three methods of an `OrderExecutionManager`."""
    names = ("get_all_positions", "cancel_all_orders", "execute_market_close")
    return all(callable(getattr(thing, name, None)) for name in names)


class PlainDecimal(Decimal):
    """A Decimal that prints 0.0000001 and never 1E-7: it may be sent as it prints."""

    def __str__(self) -> str:
        return format(Decimal(self), "f")

    def __format__(self, spec: str, context: Any = None, /) -> str:
        """What an f-string asks for instead of `str`: as plain, unless it names a type."""
        names_a_type = spec.endswith(("e", "E", "f", "F", "g", "G", "n", "%"))
        return format(Decimal(self), spec if names_a_type else f"{spec}f")


class OrderManagerVenue:
    """Keeps the venue port over an `OrderExecutionManager`.

    An exception out of one of its methods is an answer that says nothing: a read that raised is
    unread, and a cancel or close that raised counts as one attempt. What it did is not known, so
    positions are read again before the next attempt. A call is never repeated while it still runs.
    `calls` belongs to the manager and not to the run: a call that hangs outlives the run.
    """

    def __init__(self, manager: OrderExecutionManager, scope: Scope, *, calls: OffLoop) -> None:
        self._manager = manager
        self._symbols = sorted(scope.symbols) if isinstance(scope, Only) else None
        self._calls = calls
        self._lists_orders = callable(getattr(manager, "get_open_orders", None))
        self.usage = Usage()

    @property
    def capabilities(self) -> Capabilities:
        return Capabilities(
            lists_working_orders=self._lists_orders,
            lists_conditional_orders=False,
            finds_orders_by_id=False,
            answer_seconds=None,
        )

    async def read_positions(self) -> Listing[Position]:
        rows = await self._read("get_all_positions")
        return _listing(rows, _position)

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        rows = await self._read("get_open_orders")
        return _listing(rows, _working_order)

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        raise NotSent("this order manager has no list of conditional orders")

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        raise NotSent("this order manager tells no rules of its venue")

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        if book is not Book.WORKING:
            raise NotSent("this order manager cancels no conditional orders")
        try:
            count = await self._calls.call(self._manager.cancel_all_orders, symbol)
        except Exception as error:
            raise Rejected(f"cancel_all_orders raised {_words(error)}") from error
        if count is None:
            return None
        if isinstance(count, bool) or not isinstance(count, int):
            raise Rejected(f"cancel_all_orders returned {_words(count)}, not a number of orders")
        return count

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        raise NotSent(f"this order manager cannot cancel {order.order_id}")

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:  # noqa: ARG002
        method = self._manager.execute_market_close
        named: dict[str, object] = {"reduce_only": True}
        if order.position.mode is PositionMode.HEDGE:
            if not _accepts(method, "position_side"):
                raise Rejected(
                    "execute_market_close takes no position_side, so nothing was sent for a "
                    f"{order.position.side.value} position of hedge mode",
                    refusal=Refusal.NO_PERMISSION,
                )
            named["position_side"] = order.position.side.value
        quantity = PlainDecimal(order.quantity)
        try:
            answer = await self._calls.call(
                method, order.symbol, order.side.value, quantity, **named
            )
        except Exception as error:
            raise Rejected(f"execute_market_close raised {_words(error)}") from error
        return _report(answer)

    async def query(self, order: CloseOrder) -> OrderReport | None:
        raise NotSent(f"this order manager cannot be asked about {order.client_order_id}")

    async def protect(self, stop: ProtectiveStop) -> None:
        raise NotSent(f"this order manager cannot place {stop.client_order_id}")

    async def aclose(self) -> None:
        return

    async def _read(self, name: str) -> object:
        try:
            return await self._calls.call(getattr(self._manager, name), self._symbols)
        except Exception as error:
            raise Unanswered(f"{name} raised {_words(error)}") from error


def _accepts(method: Callable[..., Any], name: str) -> bool:
    try:
        parameters = inspect.signature(method).parameters.values()
    except (TypeError, ValueError):
        return False
    return any(p.name == name or p.kind is inspect.Parameter.VAR_KEYWORD for p in parameters)


# --- what came back -----------------------------------------------------------------------------


def _listing(rows: object, read: Callable[[Mapping[str, Any]], Any]) -> Listing[Any]:
    if isinstance(rows, str | bytes | Mapping) or not isinstance(rows, Sequence):
        raise Unanswered(f"expected a list of rows, was {_words(rows)}")
    found: list[Any] = []
    unreadable: list[Unreadable] = []
    keys: set[LegKey] = set()
    for row in rows:
        symbol = row.get("symbol") if isinstance(row, Mapping) else None
        symbol = symbol if isinstance(symbol, str) and symbol else None
        try:
            if not isinstance(row, Mapping) or symbol is None:
                raise ValueError(f"a row has to be a mapping with a symbol, was {_words(row)}")
            value = read(row)
            if isinstance(value, Position):
                if value.key in keys:
                    raise ValueError(f"two rows for {value.key}")
                keys.add(value.key)
        except ValueError as error:
            unreadable.append(Unreadable(reason=str(error), symbol=symbol))
        except Exception as error:  # noqa: BLE001 - one row's garbage is that row's hole
            unreadable.append(Unreadable(reason=_words(error), symbol=symbol))
        else:
            found += [] if value is None else [value]
    return Listing(rows=tuple(found), unreadable=tuple(unreadable))


def _position(row: Mapping[str, Any]) -> Position | None:
    """A row of one-way mode has a signed amount, one of hedge mode names its side."""
    amount = _decimal(row, "positionAmt")
    if amount is None:
        raise ValueError("positionAmt is missing")
    if amount == 0:
        return None
    named = row.get("positionSide", "BOTH")
    if named not in {"BOTH", "LONG", "SHORT"}:
        raise ValueError(f"positionSide is BOTH, LONG or SHORT, was {_words(named)}")
    side = PositionSide.LONG if amount > 0 else PositionSide.SHORT
    return Position(
        symbol=row["symbol"],
        side=side if named == "BOTH" else PositionSide(named),
        quantity=abs(amount),
        mode=PositionMode.ONE_WAY if named == "BOTH" else PositionMode.HEDGE,
        mark_price=_above_zero(row, "markPrice"),
        entry_price=_above_zero(row, "entryPrice"),
        liquidation_price=_above_zero(row, "liquidationPrice"),
    )


def _working_order(row: Mapping[str, Any]) -> WorkingOrder:
    order_id = row.get("orderId", row.get("clientOrderId"))
    if order_id is None:
        raise ValueError("an order has to have an orderId or a clientOrderId")
    return WorkingOrder(
        symbol=row["symbol"],
        order_id=str(order_id),
        client_order_id=str(row.get("clientOrderId", "")),
        side=OrderSide.SELL if str(row.get("side")).upper() == "SELL" else OrderSide.BUY,
        quantity=_decimal(row, "origQty") or Decimal(0),
        executed=_decimal(row, "executedQty") or Decimal(0),
        reduce_only=row.get("reduceOnly") is True,
        type=str(row.get("type", "")),
    )


def _above_zero(row: Mapping[str, Any], name: str) -> Decimal | None:
    """Beside the amount nothing in a row decides, so what cannot be read is left out."""
    try:
        value = _decimal(row, name)
    except (ValueError, ArithmeticError):
        return None
    return value if value is not None and value > 0 else None


def _decimal(row: Mapping[str, Any], name: str) -> Decimal | None:
    value = row.get(name)
    if value is None or value == "":
        return None
    if isinstance(value, bool) or not isinstance(value, str | int | float | Decimal):
        raise ValueError(f"{name} is a number, was {_words(value)}")
    # A float says what its shortest text says; anything more exact would be invented.
    try:
        found = Decimal(str(value).strip())
    except InvalidOperation:
        raise ValueError(f"{name} is a number, was {_words(value)}") from None
    if not found.is_finite():
        raise ValueError(f"{name} is a finite number, was {_words(value)}")
    return found


def _report(answer: object) -> OrderReport:
    if not isinstance(answer, Mapping) or "success" not in answer:
        raise Unanswered(f"expected a mapping with 'success', was {_words(answer)}")
    if not answer["success"]:
        said = next((answer[k] for k in _SAYS_WHY if answer.get(k)), "it gave no reason")
        raise Rejected(f"execute_market_close was not successful: {_words(said)}")
    order_id = answer.get("order_id", answer.get("orderId"))
    return OrderReport(
        status=OrderStatus.UNKNOWN,
        executed=None,
        order_id=None if order_id is None else str(order_id),
        realized_pnl=_pnl(answer),
    )


_SAYS_WHY = ("error_message", "error", "message", "msg", "reason")


def _pnl(answer: Mapping[str, Any]) -> Decimal | None:
    try:
        return _decimal(answer, "realized_pnl")
    except (ValueError, ArithmeticError):
        return None


def _words(thing: object) -> str:
    """Somebody else's text: one line, capped, and without what looks like a signed request."""
    kind = type(thing).__name__
    try:
        text = f"{kind}: {thing}" if isinstance(thing, BaseException) else str(thing)
    except Exception:  # noqa: BLE001 - a thing that cannot even say what it is
        text = kind
    return _SIGNED.sub(r"\1=…", _CONTROL.sub(" ", text))[:TEXT_MAX]
