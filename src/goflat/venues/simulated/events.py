"""The events of the user data stream: one function a shape.

`T` is the time of the matching, `E` the time of the push, which the stream puts in.
"""

from decimal import Decimal

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import (
    ZERO,
    AlgoOrder,
    AlgoStatus,
    Expiry,
    Fill,
    Order,
)
from goflat.venues.simulated.positions import PositionRow
from goflat.venues.simulated.replies import Json, amount, money, plain, price


def order_update(
    order: Order,
    market: Market,
    now_ms: int,
    *,
    execution: str,
    fill: Fill | None = None,
    expiry: Expiry = Expiry.NONE,
) -> Json:
    """ORDER_TRADE_UPDATE. `execution` is NEW, TRADE, CANCELED, EXPIRED, AMENDMENT or CALCULATED."""
    details: Json = {
        "s": order.symbol,
        "c": order.client_order_id,
        "S": order.side.value,
        "o": order.type.value,
        "f": order.time_in_force.value,
        "q": amount(order.quantity, market),
        "p": price(order.price, market),
        "ap": price(order.average_price, market),
        "sp": price(order.stop_price, market),
        "x": execution,
        "X": order.status.value,
        "i": order.order_id,
        "l": "0" if fill is None else amount(fill.quantity, market),
        "z": amount(order.executed, market),
        "L": "0" if fill is None else price(fill.price, market),
        "n": "0" if fill is None else money(fill.fee),
        "N": market.instrument.quote_asset if fill is None else fill.fee_asset,
        "T": now_ms,
        "t": 0 if fill is None else fill.trade_id,
        "b": "0",
        "a": "0",
        "m": fill is not None and fill.maker,
        "R": order.reduce_only,
        "wt": order.working_type,
        "ot": order.original_type.value,
        "ps": order.position_side.value,
        "cp": order.close_position,
        "rp": "0" if fill is None else money(fill.realized),
        "pP": order.price_protect,
        "si": 0,
        "ss": 0,
        "V": order.self_trade.value,
        "pm": order.price_match,
        "gtd": order.good_till_ms,
        "er": expiry.value,
    }
    return {"e": "ORDER_TRADE_UPDATE", "T": now_ms, "E": now_ms, "o": details}


def trade_lite(order: Order, fill: Fill, market: Market) -> Json:
    """TRADE_LITE: the fill alone, earlier than everything else."""
    return {
        "e": "TRADE_LITE",
        "E": fill.at_ms,
        "T": fill.at_ms,
        "s": fill.symbol,
        "q": amount(order.quantity, market),
        "p": price(order.price, market),
        "m": fill.maker,
        "c": order.client_order_id,
        "S": fill.side.value,
        "L": price(fill.price, market),
        "l": amount(fill.quantity, market),
        "t": fill.trade_id,
        "i": order.order_id,
    }


def account_update(
    account: Account, row: PositionRow, market: Market, now_ms: int, *, reason: str = "ORDER"
) -> Json:
    """ACCOUNT_UPDATE after a fill: the wallet and the one row that changed."""
    asset = market.instrument.quote_asset
    return {
        "e": "ACCOUNT_UPDATE",
        "T": now_ms,
        "E": now_ms,
        "a": {
            "m": reason,
            "B": [balance(account, asset)],
            "P": [position(account, row, market)],
        },
    }


def balance(account: Account, asset: str, change: Decimal = ZERO) -> Json:
    """A wallet in ACCOUNT_UPDATE."""
    wallet = money(account.wallets.get(asset, ZERO))
    return {"a": asset, "wb": wallet, "cw": wallet, "bc": plain(change)}


def position(account: Account, row: PositionRow, market: Market) -> Json:
    """A row in ACCOUNT_UPDATE."""
    isolated = row.symbol in account.isolated
    return {
        "s": row.symbol,
        "pa": amount(row.amount, market),
        "ep": money(row.entry),
        "bep": money(row.entry),
        "cr": money(row.realized),
        "up": money(row.unrealized(market.mark)),
        "mt": "isolated" if isolated else "cross",
        "iw": money(account.margin_of(row) if isolated else ZERO),
        "ps": row.side.value,
        "ma": market.instrument.quote_asset,
    }


def algo_update(algo: AlgoOrder, market: Market, now_ms: int) -> Json:
    """ALGO_UPDATE: one step of a conditional order's life."""
    ticket, order = algo.ticket, algo.order
    details: Json = {
        "caid": algo.client_order_id,
        "aid": algo.algo_id,
        "at": "CONDITIONAL",
        "o": ticket.type.value,
        "s": ticket.symbol,
        "S": ticket.side.value,
        "ps": ticket.position_side.value,
        "f": ticket.time_in_force.value,
        "q": "0" if ticket.quantity is None else amount(ticket.quantity, market),
        "X": algo.status.value,
        "ai": "" if order is None else str(order.order_id),
    }
    if algo.status not in (AlgoStatus.NEW, AlgoStatus.TRIGGERING):
        details |= {
            "ap": price(ZERO if order is None else order.average_price, market),
            "aq": amount(ZERO if order is None else order.executed, market),
            "act": "0" if order is None else order.type.value,
        }
    details |= {
        "tp": price(ticket.trigger_price or ZERO, market),
        "p": price(ticket.price or ZERO, market),
        "V": ticket.self_trade.value,
        "wt": ticket.working_type,
        "pm": ticket.price_match,
        "cp": ticket.close_position,
        "pP": ticket.price_protect,
        "R": algo.reduce_only,
        "tt": algo.triggered_ms,
        "gtd": ticket.good_till_ms,
    }
    if algo.reason:
        details["rm"] = algo.reason
    return {"e": "ALGO_UPDATE", "T": now_ms, "E": now_ms, "o": details}


def leverage_changed(symbol: str, leverage: int, now_ms: int) -> Json:
    """ACCOUNT_CONFIG_UPDATE of a symbol's leverage."""
    return {
        "e": "ACCOUNT_CONFIG_UPDATE",
        "E": now_ms,
        "T": now_ms,
        "ac": {"s": symbol, "l": leverage},
    }


def multi_assets_changed(on: bool, now_ms: int) -> Json:  # noqa: FBT001 - the value itself
    """ACCOUNT_CONFIG_UPDATE of the margin mode."""
    return {"e": "ACCOUNT_CONFIG_UPDATE", "E": now_ms, "T": now_ms, "ai": {"j": on}}


def listen_key_expired(key: str, now_ms: int) -> Json:
    """The last event of a stream; the connection stays up, and mute."""
    return {"e": "listenKeyExpired", "E": now_ms, "listenKey": key}
