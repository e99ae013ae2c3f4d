"""Our verbs as Binance's paths and parameters (fact sheet, orders, algo service, positions). Pure.

Every order passes one more gate on its way out, `_order`: parameters that do not carry the
guarantee to only reduce are not serialised, whoever built them.
"""

import math
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from types import MappingProxyType
from typing import TypeAlias

from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ClientOrderId, CloseOrder, ConditionalOrder, ProtectiveStop
from goflat.domain.position import OrderSide, PositionMode, PositionSide
from goflat.errors import NotSent

Params: TypeAlias = tuple[tuple[str, str], ...]

WINDOW_MS = 5_000
"""How long the venue may take a request that is no close: its own default."""
WINDOW_MS_MAX = 60_000
LIST_BYTES_MAX = 8 * 2**20
RULES_BYTES_MAX = 32 * 2**20

_CLIENT_ORDER_ID = re.compile(r"[.A-Z:/a-z0-9_-]{1,36}\Z")
_CANCEL_ALL_PATHS: Mapping[Book, str] = MappingProxyType(
    {Book.WORKING: "/fapi/v1/allOpenOrders", Book.CONDITIONAL: "/fapi/v1/algoOpenOrders"}
)
_PRICED_TYPES = frozenset({"STOP", "TAKE_PROFIT"})
_PLACEABLE_TIMES_IN_FORCE = frozenset({"GTC", "IOC", "FOK", "GTX"})

# A close that meets an order of our own must go on and expire that one. With NONE the two would
# fill each other, and the position would stand as before; with the others the close itself dies.
_SELF_TRADE = ("selfTradePreventionMode", "EXPIRE_MAKER")


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """One request, before it is signed.

    `weight` is what it costs of the limit per minute. `window_ms` is how long after its timestamp
    the venue may still take it; None for an open question that needs no signature.
    `answer_bytes_max` bounds the answer.
    """

    method: str
    path: str
    weight: int
    params: Params = ()
    window_ms: int | None = WINDOW_MS
    answer_bytes_max: int = LIST_BYTES_MAX


def server_time() -> Request:
    """The venue's clock, asked without a signature."""
    return Request(method="GET", path="/fapi/v1/time", weight=1, window_ms=None)


def rules() -> Request:
    """Every instrument's rules, and the limits. About two megabytes."""
    return Request(
        method="GET",
        path="/fapi/v1/exchangeInfo",
        weight=1,
        window_ms=None,
        answer_bytes_max=RULES_BYTES_MAX,
    )


def positions() -> Request:
    """Rows of every instrument with a position or an order."""
    return Request(method="GET", path="/fapi/v3/positionRisk", weight=5)


def account() -> Request:
    """The account with its positions: the same question at another endpoint."""
    return Request(method="GET", path="/fapi/v3/account", weight=5)


def transfers(since_ms: int) -> Request:
    """What was moved into the account and out of it since then."""
    asked = (("incomeType", "TRANSFER"), ("startTime", str(since_ms)), ("limit", "1000"))
    return Request(method="GET", path="/fapi/v1/income", weight=30, params=asked)


def account_config() -> Request:
    """Position mode, and whether the account may trade."""
    return Request(method="GET", path="/fapi/v1/accountConfig", weight=5)


def working_orders() -> Request:
    """The regular book of every instrument. Conditional orders are not in it."""
    return Request(method="GET", path="/fapi/v1/openOrders", weight=40)


def conditional_orders() -> Request:
    """The orders of every instrument that wait for a trigger, kept by another service."""
    return Request(method="GET", path="/fapi/v1/openAlgoOrders", weight=40)


def key_rights() -> Request:
    """What the key may do. Asked of the venue's spot host; the test networks have none."""
    return Request(method="GET", path="/sapi/v1/account/apiRestrictions", weight=1)


def cancel_all(symbol: Symbol, book: Book) -> Request:
    """One book of one instrument. Neither endpoint touches the other's orders."""
    return Request(
        method="DELETE", path=_CANCEL_ALL_PATHS[book], weight=1, params=(("symbol", symbol),)
    )


def cancel_conditional(order: ConditionalOrder) -> Request:
    """One conditional order, by the venue's own id of it."""
    return Request(
        method="DELETE",
        path="/fapi/v1/algoOrder",
        weight=1,
        params=(("algoId", order.order_id),),
    )


def query(order: CloseOrder) -> Request:
    """An order of ours, by the id that we gave it."""
    asked = (("symbol", order.symbol), ("origClientOrderId", order.client_order_id))
    return Request(method="GET", path="/fapi/v1/order", weight=1, params=asked)


def close(order: CloseOrder, *, valid_seconds: float) -> Request:
    """A market order, or a limit order that takes what is there, sized within its position.

    Raises:
        NotSent: the parameters do not carry the guarantee to only reduce.
    """
    position = order.position
    mode_side = None if position.mode is PositionMode.ONE_WAY else position.side
    params = (
        ("symbol", order.symbol),
        *_reducing(order.side, mode_side),
        *_market_or_limit(order.limit_price),
        ("quantity", plain(order.quantity)),
        ("newClientOrderId", _client_order_id(order.client_order_id)),
        ("newOrderRespType", "RESULT"),
        _SELF_TRADE,
    )
    return _order("/fapi/v1/order", params, window_ms=_window_ms(valid_seconds))


def protect(stop: ProtectiveStop) -> Request:
    """A conditional order as it was found, under an id of ours.

    Raises:
        NotSent: the parameters do not carry the guarantee to only reduce.
    """
    order = stop.order
    params = (
        ("algoType", "CONDITIONAL"),
        ("symbol", order.symbol),
        ("type", order.type),
        *_size(order),
        *_trigger(order),
        ("clientAlgoId", _client_order_id(stop.client_order_id)),
        _SELF_TRADE,
    )
    return _order("/fapi/v1/algoOrder", params, window_ms=WINDOW_MS)


def plain(number: Decimal) -> str:
    """A decimal number in digits: no exponent, no zeros that mean nothing."""
    text = format(number, "f")
    return text.rstrip("0").removesuffix(".") if "." in text else text


def _reducing(side: OrderSide, position_side: PositionSide | None) -> Params:
    """The guarantee: a flag in one-way mode, the position's side in hedge mode.

    Hedge mode refuses the flag, and one-way mode needs it.
    """
    if position_side is None:
        return (("side", side.value), ("positionSide", "BOTH"), ("reduceOnly", "true"))
    return (("side", side.value), ("positionSide", position_side.value))


def _market_or_limit(limit_price: Decimal | None) -> Params:
    if limit_price is None:
        return (("type", "MARKET"),)
    return (("type", "LIMIT"), ("timeInForce", "IOC"), ("price", plain(limit_price)))


def _size(order: ConditionalOrder) -> Params:
    if order.close_position:
        side = "BOTH" if order.position_side is None else order.position_side.value
        return (("side", order.side.value), ("positionSide", side), ("closePosition", "true"))
    if order.quantity is None:
        raise NotSent(f"refused: {order.client_order_id} says neither a quantity nor to close all")
    return (*_reducing(order.side, order.position_side), ("quantity", plain(order.quantity)))


def _trigger(order: ConditionalOrder) -> Params:
    """When it fires, and at what price: only what this type of order may carry."""
    times = _PLACEABLE_TIMES_IN_FORCE if order.type in _PRICED_TYPES else frozenset()
    said = (
        ("triggerPrice", order.trigger_price),
        ("price", order.price if order.type in _PRICED_TYPES else None),
        ("activatePrice", order.activate_price),
        ("callbackRate", order.callback_rate),
    )
    return (
        *((name, plain(value)) for name, value in said if value is not None),
        *((("timeInForce", order.time_in_force),) if order.time_in_force in times else ()),
        *((("workingType", order.working_type),) if order.working_type else ()),
        *((("priceProtect", "true"),) if order.price_protect else ()),
    )


def _client_order_id(text: ClientOrderId) -> str:
    if not _CLIENT_ORDER_ID.match(text):
        raise NotSent("refused: the client order id has a form that the venue does not take")
    return text


def _window_ms(valid_seconds: float) -> int:
    if not (math.isfinite(valid_seconds) and valid_seconds > 0):
        raise NotSent(f"refused: an order cannot be valid for {valid_seconds} s")
    return max(1, min(WINDOW_MS_MAX, int(valid_seconds * 1000)))


def _order(path: str, params: Params, *, window_ms: int) -> Request:
    """The only place that makes a POST, and the second place that checks what an order may do."""
    if not _only_reduces(params):
        raise NotSent("refused: an order without the guarantee to only reduce is not sent")
    return Request(method="POST", path=path, weight=0, params=params, window_ms=window_ms)


def _only_reduces(params: Iterable[tuple[str, str]]) -> bool:
    """Whether the venue will hold these parameters to reducing (fact sheet, closing matrix)."""
    names = [name for name, _ in params]
    said = dict(params)
    if len(names) != len(said):
        return False
    if said.get("type") == "LIMIT" and said.get("timeInForce") != "IOC":
        return False
    match said.get("positionSide"), said.get("side"):
        case "LONG", "SELL":
            return True
        case "SHORT", "BUY":
            return True
        case "BOTH", "BUY" | "SELL":
            return (said.get("reduceOnly") == "true") != (said.get("closePosition") == "true")
        case _:
            return False
