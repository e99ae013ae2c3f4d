"""Orders as the venue keeps them, in the venue's own words."""

from dataclasses import dataclass
from decimal import Decimal
from enum import StrEnum

ZERO = Decimal(0)


class Side(StrEnum):
    """Which way an order trades."""

    BUY = "BUY"
    SELL = "SELL"

    @property
    def sign(self) -> int:
        return 1 if self is Side.BUY else -1

    @property
    def opposite(self) -> "Side":
        return Side.SELL if self is Side.BUY else Side.BUY


class PositionSide(StrEnum):
    """Which row of a symbol an order acts on: BOTH in one-way mode, the others in hedge mode."""

    BOTH = "BOTH"
    LONG = "LONG"
    SHORT = "SHORT"


class OrderType(StrEnum):
    """What an order is. The last five wait for a trigger."""

    LIMIT = "LIMIT"
    MARKET = "MARKET"
    STOP = "STOP"
    STOP_MARKET = "STOP_MARKET"
    TAKE_PROFIT = "TAKE_PROFIT"
    TAKE_PROFIT_MARKET = "TAKE_PROFIT_MARKET"
    TRAILING_STOP_MARKET = "TRAILING_STOP_MARKET"

    @property
    def is_conditional(self) -> bool:
        return self not in (OrderType.LIMIT, OrderType.MARKET)

    @property
    def has_price(self) -> bool:
        return self in (OrderType.LIMIT, OrderType.STOP, OrderType.TAKE_PROFIT)


class TimeInForce(StrEnum):
    """How long an order works."""

    GTC = "GTC"
    IOC = "IOC"
    FOK = "FOK"
    GTX = "GTX"
    GTD = "GTD"
    RPI = "RPI"
    GTE_GTC = "GTE_GTC"


class Status(StrEnum):
    """What has become of a regular order."""

    NEW = "NEW"
    PARTIALLY_FILLED = "PARTIALLY_FILLED"
    FILLED = "FILLED"
    CANCELED = "CANCELED"
    REJECTED = "REJECTED"
    EXPIRED = "EXPIRED"
    EXPIRED_IN_MATCH = "EXPIRED_IN_MATCH"

    @property
    def is_open(self) -> bool:
        return self in (Status.NEW, Status.PARTIALLY_FILLED)


class AlgoStatus(StrEnum):
    """What has become of a conditional order."""

    NEW = "NEW"
    TRIGGERING = "TRIGGERING"
    TRIGGERED = "TRIGGERED"
    FINISHED = "FINISHED"
    CANCELED = "CANCELED"
    EXPIRED = "EXPIRED"
    REJECTED = "REJECTED"


class Expiry(StrEnum):
    """Why an order ended without being filled or cancelled: `er` of its last event."""

    NONE = "0"
    SELF_TRADE = "1"
    IOC_REMAINDER = "2"
    KNOCKED_OUT = "4"
    LIQUIDATED = "5"
    POSITION_GONE = "6"
    DELISTED = "7"
    MARKET_REMAINDER = "9"


class SelfTrade(StrEnum):
    """What happens when an order meets another one of the same account."""

    NONE = "NONE"
    EXPIRE_TAKER = "EXPIRE_TAKER"
    EXPIRE_MAKER = "EXPIRE_MAKER"
    EXPIRE_BOTH = "EXPIRE_BOTH"


@dataclass(frozen=True, slots=True, kw_only=True)
class Ticket:
    """An order as it was asked for, read and well-formed, not yet checked against anything.

    `reduce_only` is None where the parameter was not sent, which hedge mode tells from false.
    """

    symbol: str
    side: Side
    type: OrderType
    quantity: Decimal | None = None
    price: Decimal | None = None
    position_side: PositionSide = PositionSide.BOTH
    time_in_force: TimeInForce = TimeInForce.GTC
    reduce_only: bool | None = None
    close_position: bool = False
    client_order_id: str | None = None
    trigger_price: Decimal | None = None
    activate_price: Decimal | None = None
    callback_rate: Decimal | None = None
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    self_trade: SelfTrade = SelfTrade.NONE
    good_till_ms: int = 0
    wants_result: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Origin:
    """Who made an order: by which door, with which key."""

    via: str
    api_key: str = ""


BY_HAND = Origin(via="direct")
"""Placed by the program that runs the venue, past its API."""
BY_VENUE = Origin(via="venue")
"""Made by the venue itself: a forced liquidation, a trigger."""


@dataclass(slots=True, kw_only=True)
class Order:
    """One order of the regular book. Quantities in the base asset, prices in the quote asset."""

    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    type: OrderType
    original_type: OrderType
    time_in_force: TimeInForce
    quantity: Decimal
    price: Decimal
    reduce_only: bool
    origin: Origin
    created_ms: int
    updated_ms: int
    close_position: bool = False
    stop_price: Decimal = ZERO
    working_type: str = "CONTRACT_PRICE"
    price_protect: bool = False
    price_match: str = "NONE"
    self_trade: SelfTrade = SelfTrade.NONE
    good_till_ms: int = 0
    status: Status = Status.NEW
    executed: Decimal = ZERO
    quote: Decimal = ZERO

    @property
    def remaining(self) -> Decimal:
        return self.quantity - self.executed

    @property
    def average_price(self) -> Decimal:
        return self.quote / self.executed if self.executed else ZERO


@dataclass(slots=True, kw_only=True)
class AlgoOrder:
    """One conditional order. It becomes a regular one when its trigger is met."""

    algo_id: int
    ticket: Ticket
    client_order_id: str
    origin: Origin
    created_ms: int
    updated_ms: int
    triggers_above: bool
    status: AlgoStatus = AlgoStatus.NEW
    triggered_ms: int = 0
    order: Order | None = None
    reason: str = ""
    extreme: Decimal | None = None

    @property
    def symbol(self) -> str:
        return self.ticket.symbol

    @property
    def reduce_only(self) -> bool:
        return bool(self.ticket.reduce_only)


@dataclass(frozen=True, slots=True, kw_only=True)
class Fill:
    """One execution, and what it did to the position it hit (signed amounts)."""

    trade_id: int
    at_ms: int
    account: str
    order_id: int
    client_order_id: str
    symbol: str
    side: Side
    position_side: PositionSide
    quantity: Decimal
    price: Decimal
    maker: bool
    realized: Decimal
    fee: Decimal
    fee_asset: str
    before: Decimal
    after: Decimal
    origin: Origin
    reduce_only: bool

    @property
    def enlarges(self) -> bool:
        """Whether the position was larger, or on the other side, after this fill."""
        return abs(self.after) > abs(self.before) or self.before * self.after < 0
