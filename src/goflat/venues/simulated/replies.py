"""The JSON that REST and WebSocket API answer with: one function a shape.

Prices, quantities and money are strings, ids and times integers, flags booleans.
"""

from decimal import Decimal
from typing import TypeAlias

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import (
    ZERO,
    AlgoOrder,
    AlgoStatus,
    Fill,
    Order,
    PositionSide,
)
from goflat.venues.simulated.positions import PositionRow, PositionState

Json: TypeAlias = dict[str, object]
MONEY = Decimal("0.00000001")
MAINTENANCE_RATE = Decimal("0.005")


def plain(value: Decimal) -> str:
    """A decimal as the venue writes it: never with an exponent."""
    return format(value, "f")


def money(value: Decimal) -> str:
    """An amount of money, to eight places; zero has no sign."""
    return format(value.quantize(MONEY) + 0, "f")


def price(value: Decimal, market: Market) -> str:
    """A price in the instrument's own places."""
    return format(value.quantize(market.instrument.tick), "f")


def amount(value: Decimal, market: Market) -> str:
    """A quantity in the instrument's own places; in more where it has more, as dust does.

    Rounded, a position below the step would be shown as none.
    """
    shown = value.quantize(market.instrument.lot.step)
    return format(shown if shown == value else value, "f")


def order_placed(order: Order, market: Market, knobs: Knobs) -> Json:
    """An order in the answer to placing, amending or cancelling it."""
    executed = amount(order.executed, market)
    answer: Json = {
        "orderId": order.order_id,
        "symbol": order.symbol,
        "status": order.status.value,
        "clientOrderId": order.client_order_id,
        "price": price(order.price, market),
        "origQty": amount(order.quantity, market),
        "executedQty": executed,
        "cumQty": executed,
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "reduceOnly": order.reduce_only,
        "closePosition": order.close_position,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "stopPrice": price(order.stop_price, market),
        "workingType": order.working_type,
        "priceProtect": order.price_protect,
        "origType": order.original_type.value,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.self_trade.value,
        "goodTillDate": order.good_till_ms,
        "updateTime": order.updated_ms,
    }
    if knobs.replies_carry_average_price:
        answer["avgPrice"] = price(order.average_price, market)
        answer["cumQuote"] = money(order.quote)
    return answer


def order_acknowledged(order: Order, market: Market, knobs: Knobs) -> Json:
    """The answer ACK: the order was taken, and nothing about what became of it."""
    zero = amount(ZERO, market)
    answer = order_placed(order, market, knobs)
    return answer | {"status": "NEW", "executedQty": zero, "cumQty": zero}


def order_found(order: Order, market: Market) -> Json:
    """An order in the answer to a query or a list."""
    return {
        "avgPrice": price(order.average_price, market),
        "clientOrderId": order.client_order_id,
        "cumQuote": money(order.quote),
        "executedQty": amount(order.executed, market),
        "orderId": order.order_id,
        "origQty": amount(order.quantity, market),
        "origType": order.original_type.value,
        "price": price(order.price, market),
        "reduceOnly": order.reduce_only,
        "side": order.side.value,
        "positionSide": order.position_side.value,
        "status": order.status.value,
        "stopPrice": price(order.stop_price, market),
        "closePosition": order.close_position,
        "symbol": order.symbol,
        "time": order.created_ms,
        "timeInForce": order.time_in_force.value,
        "type": order.type.value,
        "updateTime": order.updated_ms,
        "workingType": order.working_type,
        "priceProtect": order.price_protect,
        "priceMatch": order.price_match,
        "selfTradePreventionMode": order.self_trade.value,
        "goodTillDate": order.good_till_ms,
    }


def order_in_history(order: Order, market: Market) -> Json:
    """An order in the answer to allOrders."""
    extra: Json = {
        "pair": market.instrument.pair,
        "cumBase": amount(order.executed, market),
    }
    return order_found(order, market) | extra


def algo_placed(algo: AlgoOrder, market: Market) -> Json:
    """A conditional order in the answer to placing it."""
    ticket = algo.ticket
    return {
        "algoId": algo.algo_id,
        "clientAlgoId": algo.client_order_id,
        "algoType": "CONDITIONAL",
        "orderType": ticket.type.value,
        "symbol": ticket.symbol,
        "side": ticket.side.value,
        "positionSide": ticket.position_side.value,
        "timeInForce": ticket.time_in_force.value,
        "quantity": "0.0" if ticket.quantity is None else amount(ticket.quantity, market),
        "algoStatus": algo.status.value,
        "triggerPrice": price(ticket.trigger_price or ZERO, market),
        "price": price(ticket.price or ZERO, market),
        "icebergQuantity": None,
        "selfTradePreventionMode": ticket.self_trade.value,
        "workingType": ticket.working_type,
        "priceMatch": ticket.price_match,
        "closePosition": ticket.close_position,
        "priceProtect": ticket.price_protect,
        "reduceOnly": algo.reduce_only,
        "activatePrice": _optional(ticket.activate_price, market),
        "callbackRate": "" if ticket.callback_rate is None else plain(ticket.callback_rate),
        "createTime": algo.created_ms,
        "updateTime": algo.updated_ms,
        "triggerTime": algo.triggered_ms,
        "goodTillDate": ticket.good_till_ms,
    }


def algo_found(algo: AlgoOrder, market: Market) -> Json:
    """A conditional order in the answer to a query or a list."""
    order = algo.order
    extra: Json = {
        "actualOrderId": "" if order is None else str(order.order_id),
        "actualPrice": price(ZERO if order is None else order.average_price, market),
        "tpTriggerPrice": "0.000",
        "tpPrice": "0.000",
        "slTriggerPrice": "0.000",
        "slPrice": "0.000",
        "tpOrderType": "",
    }
    if order is not None or algo.status is not AlgoStatus.NEW:
        extra["actualType"] = "" if order is None else order.type.value
        extra["actualQty"] = amount(ZERO if order is None else order.executed, market)
    return algo_placed(algo, market) | extra


def fill_found(fill: Fill, market: Market) -> Json:
    """A fill in the answer to userTrades."""
    quantity = amount(fill.quantity, market)
    return {
        "buyer": fill.side.sign > 0,
        "commission": money(fill.fee),
        "commissionAsset": fill.fee_asset,
        "id": fill.trade_id,
        "maker": fill.maker,
        "orderId": fill.order_id,
        "price": price(fill.price, market),
        "qty": quantity,
        "quoteQty": plain(fill.price * fill.quantity),
        "baseQty": quantity,
        "marginAsset": fill.fee_asset,
        "realizedPnl": money(fill.realized),
        "side": fill.side.value,
        "positionSide": fill.position_side.value,
        "symbol": fill.symbol,
        "pair": market.instrument.pair,
        "time": fill.at_ms,
    }


def position_v3(row: PositionRow, state: PositionState, market: Market, account: Account) -> Json:
    """A row of positionRisk v3: no leverage, no margin type."""
    notional = state.amount * market.mark
    margin = abs(notional) / account.leverage_of(row.symbol)
    isolated = margin if row.symbol in account.isolated else ZERO
    return {
        "symbol": row.symbol,
        "positionSide": row.side.value,
        "positionAmt": amount(state.amount, market),
        "entryPrice": plain(_short(state.entry)),
        "breakEvenPrice": plain(_short(state.entry)),
        "markPrice": money(market.mark),
        "unRealizedProfit": money(state.amount * (market.mark - state.entry)),
        "liquidationPrice": _liquidation_price(row, state, market, account),
        "isolatedMargin": plain(_short(isolated)),
        "notional": money(notional),
        "marginAsset": market.instrument.quote_asset,
        "isolatedWallet": plain(_short(isolated)),
        "initialMargin": money(margin),
        "maintMargin": money(abs(notional) * MAINTENANCE_RATE),
        "positionInitialMargin": money(margin),
        "openOrderInitialMargin": "0",
        "adl": 2 if state.amount else 0,
        "bidNotional": "0",
        "askNotional": "0",
        "updateTime": state.at_ms or row.updated_ms,
    }


def position_v2(row: PositionRow, state: PositionState, market: Market, account: Account) -> Json:
    """A row of positionRisk v2: leverage and margin type, and zero rows as well."""
    notional = state.amount * market.mark
    isolated = row.symbol in account.isolated
    margin = abs(notional) / account.leverage_of(row.symbol) if isolated else ZERO
    return {
        "entryPrice": plain(_short(state.entry)),
        "breakEvenPrice": plain(_short(state.entry)),
        "marginType": "isolated" if isolated else "cross",
        "isAutoAddMargin": "false",
        "isolatedMargin": money(margin),
        "leverage": str(account.leverage_of(row.symbol)),
        "liquidationPrice": _liquidation_price(row, state, market, account),
        "markPrice": money(market.mark),
        "maxNotionalValue": "20000000",
        "positionAmt": amount(state.amount, market),
        "notional": money(notional) if state.amount else "0",
        "isolatedWallet": money(margin),
        "symbol": row.symbol,
        "unRealizedProfit": money(state.amount * (market.mark - state.entry)),
        "positionSide": row.side.value,
        "updateTime": state.at_ms,
    }


def _liquidation_price(
    row: PositionRow, state: PositionState, market: Market, account: Account
) -> str:
    """Isolated margin's price, as an estimate; cross positions show zero here."""
    if not state.amount or row.symbol not in account.isolated:
        return "0"
    distance = 1 / Decimal(account.leverage_of(row.symbol)) - MAINTENANCE_RATE
    sign = 1 if state.amount > 0 else -1
    return price(state.entry * (1 - sign * distance), market)


def _optional(value: Decimal | None, market: Market) -> str:
    return "" if value is None else price(value, market)


def _short(value: Decimal) -> Decimal:
    """At most eight places and no trailing zeros: 0.385 stays 0.385."""
    if not value:
        return ZERO
    short = value.quantize(MONEY).normalize()
    exponent = short.as_tuple().exponent
    return short.quantize(Decimal(1)) if isinstance(exponent, int) and exponent > 0 else short


ALL_SIDES = (PositionSide.BOTH, PositionSide.LONG, PositionSide.SHORT)
