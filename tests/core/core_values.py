"""Values for the tests of the decisions: one ordinary account, and words to change it with."""

from dataclasses import replace
from decimal import Decimal

from goflat.core.leg import Leg, Terms
from goflat.core.leg.known import Doubt, Round
from goflat.core.manner import ORDINARY, Manner
from goflat.core.states import LegState
from goflat.domain.instrument import InstrumentRules, LotLimits, PriceBand
from goflat.domain.order import (
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    WorkingOrder,
)
from goflat.domain.position import OrderSide, Position, PositionSide
from goflat.domain.time import Deadline, Instant

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
BTC = "BTCUSDT"


def at(seconds: float) -> Instant:
    return Instant(seconds)


def terms(**changes: object) -> Terms:
    """A run that began at 0 and ends at 5."""
    plain = Terms(
        run_tag="tag",
        deadline=Deadline(at(5.0)),
        last_look_at=at(4.5),
        max_retries=3,
        retry_delay_seconds=0.5,
        quiet_seconds=1.0,
        valid_seconds=1.25,
        answer_seconds=1.0,
        asks_by_id=True,
        manner=ORDINARY,
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def under(manner: Manner) -> Terms:
    return terms(manner=manner)


def position(quantity: object = 2, side: PositionSide = LONG, **changes: object) -> Position:
    plain = Position(
        symbol=BTC, side=side, quantity=Decimal(str(quantity)), mark_price=Decimal(100)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def rules(symbol: str = BTC, **changes: object) -> InstrumentRules:
    lot = LotLimits(minimum=Decimal("0.01"), maximum=Decimal(100), step=Decimal("0.01"))
    plain = InstrumentRules(
        symbol=symbol,
        status="TRADING",
        tick=Decimal("0.1"),
        limit_lot=lot,
        market_lot=replace(lot, maximum=Decimal(10)),
        band=PriceBand(up=Decimal("1.05"), down=Decimal("0.95")),
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def working(order_id: str = "w1", symbol: str = BTC) -> WorkingOrder:
    return WorkingOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=OrderSide.BUY,
        quantity=Decimal(1),
        executed=Decimal(0),
    )


def stop(order_id: str = "s1", side: PositionSide = LONG, symbol: str = BTC) -> ConditionalOrder:
    """A stop that protects a position of that side."""
    return ConditionalOrder(
        symbol=symbol,
        order_id=order_id,
        client_order_id=f"c-{order_id}",
        side=side.closes_with,
        type="STOP_MARKET",
        quantity=None,
        trigger_price=Decimal(90),
        close_position=True,
    )


def opener(order_id: str = "o1", symbol: str = BTC) -> ConditionalOrder:
    """A conditional order that could open a position."""
    return replace(
        stop(order_id, SHORT, symbol), close_position=False, quantity=Decimal(1), type="STOP"
    )


def close(
    quantity: object = 2, client_order_id: str = "a", of: Position | None = None
) -> CloseOrder:
    return CloseOrder(
        position=of or position(),
        quantity=Decimal(str(quantity)),
        client_order_id=client_order_id,
    )


def report(
    executed: object = 2, status: OrderStatus = OrderStatus.FILLED, **changes: object
) -> OrderReport:
    amount = None if executed is None else Decimal(str(executed))
    return replace(OrderReport(status=status, executed=amount), **changes)  # type: ignore[arg-type]


def leg(**changes: object) -> Leg:
    """A long position of 2 that a reading begun at 0 has shown."""
    plain = Leg(
        key=position().key, terms=terms(), first=position(), position=position(), seen_began=at(0)
    )
    return replace(plain, **changes)  # type: ignore[arg-type]


def closing(*orders: CloseOrder, **changes: object) -> Leg:
    """A leg whose closes are on their way."""
    sent = orders or (close(),)
    return leg(
        state=LegState.CLOSING,
        attempts=1,
        round=Round(quantity=Decimal(2)),
        in_flight=frozenset(order.client_order_id for order in sent),
        order_ids=tuple(order.client_order_id for order in sent),
        **changes,
    )


def doubtful(*orders: CloseOrder, **changes: object) -> Leg:
    """A leg whose closes went unanswered at 1."""
    sent = orders or (close(),)
    given: dict[str, object] = {
        "state": LegState.DOUBTFUL,
        "attempts": 1,
        "round": Round(quantity=Decimal(2)),
        "last_act": at(1),
        "doubts": tuple(Doubt(order=order, ask_at=at(1)) for order in sent),
        **changes,
    }
    return leg(**given)


def settling(**changes: object) -> Leg:
    """A leg whose closes were answered at 1."""
    given: dict[str, object] = {
        "state": LegState.SETTLING,
        "attempts": 1,
        "round": Round(quantity=Decimal(2)),
        "last_act": at(1),
        **changes,
    }
    return leg(**given)


def in_state(state: LegState) -> Leg:
    """A leg that has come to a state in an ordinary way."""
    return {
        LegState.EXPOSED: leg(),
        LegState.CLOSING: closing(),
        LegState.DOUBTFUL: doubtful(),
        LegState.SETTLING: settling(),
        LegState.GONE: leg(state=LegState.GONE, position=None, seen_began=at(1), last_act=at(1)),
        LegState.STUCK: leg(state=LegState.STUCK, refused=4, reason="refused"),
    }[state]
