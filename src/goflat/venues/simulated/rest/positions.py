"""Positions and how they are kept: rows, modes, leverage, margin."""

from collections.abc import Iterable, Mapping

import msgspec

from goflat.venues.simulated import events, replies
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import PositionSide
from goflat.venues.simulated.positions import PositionRow, PositionState
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.replies import ALL_SIDES, Json

SUCCESS: Json = {"code": 200, "msg": "success"}
MOST_LEVERAGE = 125
BRACKETS = (
    (125, 0, 50_000, "0.004"),
    (100, 50_000, 600_000, "0.005"),
    (50, 600_000, 3_000_000, "0.01"),
)


def risk_v3(call: Call) -> list[Json]:
    """GET v3 positionRisk: only symbols with a position or an open order."""
    account, market = call.account, call.optional_market()
    symbols = _symbols_in_use(call) if market is None else [market.symbol]
    return [
        replies.position_v3(row, state, call.world.market(symbol), account)
        for symbol in symbols
        for row, state in _states(call, account, symbol)
    ]


def risk_v2(call: Call) -> list[Json]:
    """GET v2 positionRisk: every symbol, zero rows as well."""
    account, market = call.account, call.optional_market()
    markets = call.world.markets.values() if market is None else [market]
    return [
        replies.position_v2(row, state, place, account)
        for place in markets
        for row, state in _states(call, account, place.symbol)
    ]


def read_mode(call: Call) -> Json:
    """GET positionSide/dual: true is hedge mode."""
    return {"dualSidePosition": call.account.hedge}


def change_mode(call: Call) -> Json:
    """POST positionSide/dual: refused while anything is open."""
    wanted = call.params.flag("dualSidePosition")
    if wanted is None:
        raise missing("dualSidePosition")
    account = call.account
    if wanted is account.hedge:
        raise Refused(-4059)
    if account.working_orders() or account.waiting_orders():
        raise Refused(-4067)
    if account.open_rows():
        raise Refused(-4068)
    account.hedge = wanted
    return SUCCESS


def change_leverage(call: Call) -> Json:
    """POST leverage."""
    market, leverage = call.market(), call.params.integer("leverage")
    if leverage is None:
        raise missing("leverage")
    if not 1 <= leverage <= MOST_LEVERAGE:
        raise Refused(-4028)
    call.account.change_leverage(market.symbol, leverage, market.instrument.quote_asset)
    call.world.emit(call.account, events.leverage_changed(market.symbol, leverage, call.now_ms))
    return {"leverage": leverage, "maxNotionalValue": "1000000", "symbol": market.symbol}


def change_margin_type(call: Call) -> Json:
    """POST marginType: ISOLATED or CROSSED."""
    symbol, kind = call.market().symbol, call.params.required("marginType")
    if kind not in ("ISOLATED", "CROSSED"):
        raise Refused(-1130, "Data sent for parameter 'marginType' is not valid.")
    isolated = kind == "ISOLATED"
    if isolated is (symbol in call.account.isolated):
        raise Refused(-4046)
    if isolated:
        call.account.isolated.add(symbol)
    else:
        call.account.isolated.discard(symbol)
    return SUCCESS


def change_margin(call: Call) -> Json:
    """POST positionMargin: acknowledged; margin of single positions is not kept here."""
    amount, kind = call.params.decimal("amount"), call.params.integer("type")
    if amount is None or kind is None:
        raise missing("amount" if amount is None else "type")
    return {**SUCCESS, "amount": msgspec.Raw(replies.plain(amount).encode()), "type": kind}


def symbol_config(call: Call) -> list[Json]:
    """GET symbolConfig: margin type and leverage."""
    market = call.optional_market()
    markets = call.world.markets.values() if market is None else [market]
    return [_symbol_config(call.account, place) for place in markets]


def leverage_brackets(call: Call) -> object:
    """GET leverageBracket: the same steps for every symbol here."""
    market = call.optional_market()
    markets = call.world.markets.values() if market is None else [market]
    return [
        {"symbol": place.symbol, "notionalCoef": 1, "brackets": _brackets()} for place in markets
    ]


def adl_quantile(call: Call) -> list[Json]:
    """GET adlQuantile: nobody is near the head of the queue."""
    rows = call.account.open_rows()
    market = call.optional_market()
    return [
        {"symbol": row.symbol, "adlQuantile": {row.side.value: 1}}
        for row in rows
        if market is None or row.symbol == market.symbol
    ]


def _states(
    call: Call, account: Account, symbol: str
) -> Iterable[tuple[PositionRow, PositionState]]:
    """The rows of one symbol: those of the position mode, and whatever else is open."""
    for side in ALL_SIDES:
        row = account.row(symbol, side)
        state = row.seen(call.now_ms, call.plan.positions_lag_ms)
        if account.hedge or side is PositionSide.BOTH or state.amount:
            yield row, state


def _symbols_in_use(call: Call) -> list[str]:
    """Symbols with a position, now or at the lagging moment, or with an open order."""
    account, lag = call.account, call.plan.positions_lag_ms
    rows = account.rows.values()
    seen = dict.fromkeys(row.symbol for row in rows if row.seen(call.now_ms, lag).amount)
    seen |= dict.fromkeys(symbol for symbol, book in account.working.items() if book)
    if call.world.knobs.algo_orders_make_position_rows:
        seen |= dict.fromkeys(symbol for symbol, book in account.waiting.items() if book)
    return list(seen)


def _symbol_config(account: Account, market: Market) -> Json:
    isolated = market.symbol in account.isolated
    return {
        "symbol": market.symbol,
        "marginType": "ISOLATED" if isolated else "CROSSED",
        "isAutoAddMargin": False,
        "leverage": account.leverage_of(market.symbol),
        "maxNotionalValue": "1000000",
    }


def _brackets() -> list[Json]:
    return [
        {
            "bracket": number,
            "initialLeverage": leverage,
            "notionalCap": cap,
            "notionalFloor": floor,
            "maintMarginRatio": msgspec.Raw(ratio.encode()),
            "cum": 0,
        }
        for number, (leverage, floor, cap, ratio) in enumerate(BRACKETS, start=1)
    ]


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v3/positionRisk"): Endpoint(handler=risk_v3, weight=5),
    ("GET", "/fapi/v2/positionRisk"): Endpoint(handler=risk_v2, weight=5),
    ("GET", "/fapi/v1/positionRisk"): Endpoint(handler=risk_v2, weight=5),
    ("GET", "/fapi/v1/positionSide/dual"): Endpoint(handler=read_mode, weight=30),
    ("POST", "/fapi/v1/positionSide/dual"): Endpoint(handler=change_mode, trades=True),
    ("POST", "/fapi/v1/leverage"): Endpoint(handler=change_leverage, trades=True),
    ("POST", "/fapi/v1/marginType"): Endpoint(handler=change_margin_type, trades=True),
    ("POST", "/fapi/v1/positionMargin"): Endpoint(handler=change_margin, trades=True),
    ("GET", "/fapi/v1/symbolConfig"): Endpoint(handler=symbol_config, weight=5),
    ("GET", "/fapi/v1/leverageBracket"): Endpoint(handler=leverage_brackets),
    ("GET", "/fapi/v1/adlQuantile"): Endpoint(handler=adl_quantile, weight=5),
}
