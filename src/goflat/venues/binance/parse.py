"""Binance's payloads as our values (fact sheet, sample payloads). Pure.

Unknown fields are ignored, and a word that is not known never becomes a default: it makes its row
unreadable, or its status UNKNOWN.
"""

import dataclasses
from collections.abc import Mapping
from decimal import Decimal
from types import MappingProxyType
from typing import TypeVar

import msgspec

from goflat.domain.facts import Balance
from goflat.domain.listing import Listing
from goflat.domain.order import (
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import OrderSide, Position, PositionMode, PositionSide
from goflat.errors import Rejected, Unanswered
from goflat.venues.binance.payloads import (
    BOTH,
    Account,
    AccountConfig,
    Acknowledgement,
    AlgoRow,
    Balances,
    ConditionalRow,
    KeyRights,
    OrderRow,
    PositionRow,
    ServerTime,
    TransferRow,
    WorkingRow,
)
from goflat.venues.binance.rows import (
    UNREADABLE,
    ListReader,
    convert,
    flag,
    milliseconds,
    number,
    price,
    strict_json,
    symbol,
    unknown_word,
)

TRANSFERS_MAX = 1000
"""As many transfers as one answer holds: then there may be more."""

ORDER_STATUSES: Mapping[str, OrderStatus] = MappingProxyType(
    {
        "NEW": OrderStatus.NEW,
        "NEW_INSURANCE": OrderStatus.NEW,
        "NEW_ADL": OrderStatus.NEW,
        "PARTIALLY_FILLED": OrderStatus.PARTIALLY_FILLED,
        "FILLED": OrderStatus.FILLED,
        "CANCELED": OrderStatus.CANCELLED,
        "REJECTED": OrderStatus.REJECTED,
        "EXPIRED": OrderStatus.EXPIRED,
        "EXPIRED_IN_MATCH": OrderStatus.EXPIRED,
    }
)
"""The venue's words for what became of an order, and ours. Any other word is UNKNOWN."""

_ALGO_OVER = frozenset({"CANCELED", "EXPIRED", "REJECTED"})
_TIME_MS_MAX = 10**14


RowT = TypeVar("RowT", bound=msgspec.Struct)


def positions(body: bytes) -> Listing[Position]:
    """Every open position of a list. Rows of zero are no positions.

    Raises:
        Unanswered: it is no list, or no JSON.
    """
    return _POSITIONS.listing(body)


def positions_of_account(body: bytes) -> Listing[Position]:
    """The same from an account's answer, whose rows carry no mark price. Raises Unanswered."""
    return _POSITIONS.listing(bytes(_one(body, Account).positions))


def balance(body: bytes) -> Balance:
    """What the account is worth. Raises Unanswered where a sum cannot be read."""
    said = _one(body, Balances)
    try:
        return Balance(
            wallet=number(said.total_wallet_balance, "totalWalletBalance"),
            unrealized=number(said.total_unrealized_profit, "totalUnrealizedProfit"),
            margin=number(said.total_margin_balance, "totalMarginBalance"),
            maintenance=number(said.total_maint_margin, "totalMaintMargin"),
        )
    except ValueError as error:
        raise Unanswered(f"the balance cannot be read: {error}") from None


def transfers(body: bytes) -> Decimal:
    """The sum of what was moved in and out. Raises Unanswered where a row cannot be read."""
    try:
        rows = msgspec.json.decode(body, type=list[TransferRow])
    except UNREADABLE:
        raise Unanswered("the transfers cannot be read") from None
    if len(rows) >= TRANSFERS_MAX:
        raise Unanswered("more transfers than one answer holds")
    try:
        return sum((number(row.income, "income") for row in rows), Decimal(0))
    except ValueError as error:
        raise Unanswered(f"the transfers cannot be read: {error}") from None


def working_orders(body: bytes) -> Listing[WorkingOrder]:
    """Every order of the regular book. Raises Unanswered as `positions` does."""
    return _WORKING_ORDERS.listing(body)


def conditional_orders(body: bytes) -> Listing[ConditionalOrder]:
    """Every order that waits for its trigger. Raises Unanswered as `positions` does."""
    return _CONDITIONAL_ORDERS.listing(body)


def placed(body: bytes, order: CloseOrder) -> OrderReport:
    """What an answer to a new order says of it.

    The venue answers some orders before they are matched: NEW with nothing executed says only that
    the order was taken, so `executed` is None then.

    Raises:
        Unanswered: the answer cannot be read, or is not about this order.
    """
    report = queried(body, order)
    if report.executed or report.status.is_final:
        return report
    return dataclasses.replace(report, executed=None)


def queried(body: bytes, order: CloseOrder) -> OrderReport:
    """What an answer to a question about one of our orders says.

    Raises:
        Unanswered: the answer cannot be read, or is not about this order.
    """
    row = _one(body, OrderRow, once=_ORDER_DECISIVE)
    if row.symbol not in (None, order.symbol):
        raise Unanswered("the answer is about another instrument")
    if row.client_order_id not in (None, order.client_order_id):
        raise Unanswered("the answer is about another order")
    status = ORDER_STATUSES.get(row.status, OrderStatus.UNKNOWN)
    executed = _executed(row, order)
    if status is OrderStatus.FILLED and not executed:
        executed = None  # some accounts are told FILLED without how much
    return OrderReport(
        status=status,
        executed=executed,
        order_id=str(row.order_id),
        updated_ms=milliseconds(row.update_time),
    )


def acknowledged(body: bytes) -> None:
    """That the answer to a cancel is the venue's, and not somebody's page.

    Raises:
        Unanswered: it is no JSON object.
    """
    _one(body, Acknowledgement)


def algo_placed(body: bytes, stop: ProtectiveStop) -> None:
    """That a conditional order stands now.

    Raises:
        Rejected: the venue took it and let it go at once.
        Unanswered: the answer cannot be read, or is not about this order.
    """
    row = _one(body, AlgoRow)
    if row.client_algo_id not in (None, stop.client_order_id):
        raise Unanswered("the answer is about another order")
    if row.algo_status in _ALGO_OVER:
        raise Rejected(f"the conditional order is {row.algo_status} already")


def server_time_ms(body: bytes) -> int:
    """The venue's clock, in milliseconds. Raises Unanswered."""
    found = _one(body, ServerTime).server_time
    if not 0 < found < _TIME_MS_MAX:
        raise Unanswered("the answer is no time")
    return found


def account_config(body: bytes) -> AccountConfig:
    """The account's mode and whether it may trade. A mode is never guessed: raises Unanswered."""
    return _one(body, AccountConfig, once=("dualSidePosition",))


def key_rights(body: bytes) -> KeyRights:
    """What the key may do, as far as it is said. Raises Unanswered."""
    return _one(body, KeyRights)


def _one(body: bytes, row: type[RowT], *, once: tuple[str, ...] = ()) -> RowT:
    """One object in which each of the keys `once` stands at most once. Raises Unanswered."""
    try:
        if all(body.count(f'"{name}"'.encode()) <= 1 for name in once):
            return msgspec.json.decode(body, type=row)
    except UNREADABLE:
        pass  # a number where the venue writes text, for one: read it again, slowly
    try:
        return convert(strict_json(body), row)
    except UNREADABLE:
        raise Unanswered("the answer cannot be read") from None


def _position(row: PositionRow) -> Position | None:
    name = symbol(row.symbol)
    amount = number(row.position_amt, "positionAmt")
    if not amount:
        return None
    profit = row.unrealized_profit if row.un_realized_profit is None else row.un_realized_profit
    return Position(
        symbol=name,
        side=_held_side(row.position_side, amount),
        quantity=abs(amount),
        mode=PositionMode.ONE_WAY if row.position_side == BOTH else PositionMode.HEDGE,
        mark_price=price(row.mark_price),
        entry_price=price(row.entry_price),
        liquidation_price=price(row.liquidation_price),
        unrealized_pnl=None if profit is None else number(profit, "unRealizedProfit"),
        updated_ms=milliseconds(row.update_time),
    )


def _held_side(word: str, amount: Decimal) -> PositionSide:
    """The side of a position: by the sign in one-way mode, by the word in hedge mode.

    In hedge mode the sign has to agree with the word: a short position is written negative.
    """
    by_sign = PositionSide.LONG if amount > 0 else PositionSide.SHORT
    if word == BOTH:
        return by_sign
    if word not in PositionSide.__members__:
        unknown_word("positionSide", word)
    if PositionSide[word] is not by_sign:
        raise ValueError(f"positionSide {word} and a quantity of the other sign")
    return by_sign


def _working_order(row: WorkingRow) -> WorkingOrder:
    return WorkingOrder(
        symbol=symbol(row.symbol),
        order_id=str(row.order_id),
        client_order_id=row.client_order_id,
        side=_order_side(row.side),
        quantity=_not_negative(row.orig_qty, "origQty"),
        executed=_not_negative(row.executed_qty, "executedQty"),
        position_side=_position_side(row.position_side),
        reduce_only=flag(row.reduce_only, "reduceOnly"),
        type=row.type,
        price=price(row.price),
    )


def _conditional_order(row: ConditionalRow) -> ConditionalOrder:
    closes_all = flag(row.close_position, "closePosition")
    return ConditionalOrder(
        symbol=symbol(row.symbol),
        order_id=str(row.algo_id),
        client_order_id=row.client_algo_id,
        side=_order_side(row.side),
        type=row.order_type,
        quantity=None if closes_all else _not_negative(row.quantity or "", "quantity"),
        trigger_price=price(row.trigger_price),
        price=price(row.price),
        position_side=_position_side(row.position_side),
        reduce_only=flag(row.reduce_only, "reduceOnly"),
        close_position=closes_all,
        working_type=row.working_type or "",
        time_in_force=row.time_in_force or "",
        price_protect=flag(row.price_protect, "priceProtect"),
        activate_price=price(row.activate_price),
        callback_rate=price(row.callback_rate),
    )


def _executed(row: OrderRow, order: CloseOrder) -> Decimal | None:
    """What was executed of an order of ours. Raises Unanswered where that cannot be true."""
    if row.executed_qty is None:
        return None
    try:
        executed = _not_negative(row.executed_qty, "executedQty")
    except ValueError as error:
        raise Unanswered(f"the answer cannot be read: {error}") from None
    if executed > order.quantity:
        raise Unanswered("the answer says that more was executed than was asked for")
    return executed


def _order_side(word: str) -> OrderSide:
    if word not in OrderSide.__members__:
        unknown_word("side", word)
    return OrderSide[word]


def _position_side(word: str) -> PositionSide | None:
    if word == BOTH:
        return None
    if word not in PositionSide.__members__:
        unknown_word("positionSide", word)
    return PositionSide[word]


def _not_negative(text: str, name: str) -> Decimal:
    value = number(text, name)
    if value < 0:
        raise ValueError(f"{name} is below zero")
    return value


_ORDER_DECISIVE = ("orderId", "clientOrderId", "status", "executedQty")

_POSITIONS = ListReader(
    PositionRow,
    read=_position,
    key=lambda row: (row.symbol, row.position_side),
    decisive=("symbol", "positionSide", "positionAmt"),
)
_WORKING_ORDERS = ListReader(
    WorkingRow,
    read=_working_order,
    key=lambda row: str(row.order_id),
    decisive=("symbol", "orderId", "side", "origQty", "reduceOnly", "positionSide"),
)
_CONDITIONAL_ORDERS = ListReader(
    ConditionalRow,
    read=_conditional_order,
    key=lambda row: str(row.algo_id),
    decisive=("symbol", "algoId", "side", "quantity", "reduceOnly", "closePosition"),
)
