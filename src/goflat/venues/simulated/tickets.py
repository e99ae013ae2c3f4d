"""Parameters of an order request, read into a ticket."""

import itertools
from collections.abc import Mapping
from decimal import Decimal

from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import (
    OrderType,
    PositionSide,
    SelfTrade,
    Side,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing, not_required

GTD_AHEAD_MS = 600_000
GTD_LAST_MS = 253402300799000
WORKING_TYPES = ("CONTRACT_PRICE", "MARK_PRICE")
MATCH_LEVELS: Mapping[str, tuple[bool, int]] = {
    "OPPONENT": (True, 1),
    "OPPONENT_5": (True, 5),
    "OPPONENT_10": (True, 10),
    "OPPONENT_20": (True, 20),
    "QUEUE": (False, 1),
    "QUEUE_5": (False, 5),
    "QUEUE_10": (False, 10),
    "QUEUE_20": (False, 20),
}
"""priceMatch: whether on the other side of the book, and how deep."""


def regular(params: Params, market: Market, knobs: Knobs, now_ms: int) -> Ticket:
    """An order for the regular book: LIMIT or MARKET. Conditional types are refused (-4120)."""
    side, kind = _side(params), _type(params)
    if kind.is_conditional:
        raise Refused(-4120)
    if params.flag("closePosition"):
        raise Refused(-4136)
    in_force = params.word("timeInForce", TimeInForce, -1115)
    quantity = params.decimal("quantity")
    if quantity is None:
        raise missing("quantity")
    price = _price_of(kind, params, market, side, in_force)
    return Ticket(
        symbol=market.symbol,
        side=side,
        type=kind,
        quantity=quantity,
        price=price,
        position_side=_position_side(params),
        time_in_force=in_force or TimeInForce.GTC,
        reduce_only=params.flag("reduceOnly", code=-4062),
        client_order_id=params.client_id("newClientOrderId"),
        price_match=params.text("priceMatch") or "NONE",
        self_trade=_self_trade(params, knobs.self_trade_default),
        good_till_ms=_good_till(params, in_force, now_ms),
        wants_result=_wants_result(params),
    )


def conditional(params: Params, market: Market, now_ms: int) -> Ticket:
    """An order for the algo book."""
    if params.required("algoType") != "CONDITIONAL":
        raise Refused(-1130, "Data sent for parameter 'algoType' is not valid.")
    side, kind = _side(params), _type(params)
    if not kind.is_conditional:
        raise Refused(-1116)
    in_force = params.word("timeInForce", TimeInForce, -1115)
    if kind.has_price and params.decimal("price") is None and not params.text("priceMatch"):
        raise missing("price")
    working_type = params.text("workingType") or WORKING_TYPES[0]
    if working_type not in WORKING_TYPES:
        raise Refused(-1130, "Data sent for parameter 'workingType' is not valid.")
    return Ticket(
        symbol=market.symbol,
        side=side,
        type=kind,
        quantity=params.decimal("quantity") or None,
        price=params.decimal("price") if kind.has_price else None,
        position_side=_position_side(params),
        time_in_force=in_force or TimeInForce.GTC,
        reduce_only=params.flag("reduceOnly", code=-4062),
        close_position=bool(params.flag("closePosition")),
        client_order_id=params.client_id("clientAlgoId"),
        trigger_price=_trigger(kind, params),
        activate_price=params.decimal("activatePrice"),
        callback_rate=_callback_rate(kind, params),
        working_type=working_type,
        price_protect=bool(params.flag("priceProtect")),
        price_match=params.text("priceMatch") or "NONE",
        self_trade=_self_trade(params, SelfTrade.NONE),
        good_till_ms=_good_till(params, in_force, now_ms),
    )


def _side(params: Params) -> Side:
    params.required("side")
    side = params.word("side", Side, -1117)
    assert side is not None
    return side


def _type(params: Params) -> OrderType:
    params.required("type")
    kind = params.word("type", OrderType, -1116)
    assert kind is not None
    return kind


def _position_side(params: Params) -> PositionSide:
    return params.word("positionSide", PositionSide, -4060) or PositionSide.BOTH


def _self_trade(params: Params, default: SelfTrade) -> SelfTrade:
    return params.word("selfTradePreventionMode", SelfTrade, -1130) or default


def _wants_result(params: Params) -> bool:
    kind = params.text("newOrderRespType") or "ACK"
    if kind not in ("ACK", "RESULT"):
        raise Refused(-1136)
    return kind == "RESULT"


def _price_of(
    kind: OrderType, params: Params, market: Market, side: Side, in_force: TimeInForce | None
) -> Decimal | None:
    price, match = params.decimal("price"), params.text("priceMatch")
    if kind is OrderType.MARKET:
        for name in ("timeInForce", "price", "priceMatch"):
            if params.text(name) is not None and params.text(name) != "NONE":
                raise not_required(name)
        return None
    if in_force is None:
        raise missing("timeInForce")
    if match is None or match == "NONE":
        if price is None:
            raise missing("price")
        return price
    if price is not None:
        raise not_required("price")
    return _matched(market, side, match)


def _matched(market: Market, side: Side, match: str) -> Decimal:
    if match not in MATCH_LEVELS:
        raise Refused(-5037)
    opponent, depth = MATCH_LEVELS[match]
    offers = market.offers(side if opponent else side.opposite)
    level = next(itertools.islice(offers, depth - 1, depth), None)
    if level is None:
        raise Refused(-5041)
    return level.price


def _trigger(kind: OrderType, params: Params) -> Decimal | None:
    price = params.decimal("triggerPrice")
    if kind is not OrderType.TRAILING_STOP_MARKET and not price:
        raise missing("triggerPrice")
    return None if kind is OrderType.TRAILING_STOP_MARKET else price


def _callback_rate(kind: OrderType, params: Params) -> Decimal | None:
    rate = params.decimal("callbackRate")
    if kind is not OrderType.TRAILING_STOP_MARKET:
        return None
    if rate is None:
        raise missing("callbackRate")
    if not Decimal("0.1") <= rate <= 10:
        raise Refused(-2007, "Invalid callback rate.")
    return rate


def _good_till(params: Params, in_force: TimeInForce | None, now_ms: int) -> int:
    until = params.integer("goodTillDate") or 0
    if in_force is not TimeInForce.GTD:
        return 0
    if not now_ms + GTD_AHEAD_MS < until < GTD_LAST_MS:
        raise Refused(-5040)
    return until // 1000 * 1000
