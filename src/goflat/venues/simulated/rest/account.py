"""The account: configuration, limits, income, what a key may do, the stream's key."""

from collections.abc import Mapping

from goflat.venues.simulated import events
from goflat.venues.simulated.call import Call, Endpoint, Security
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.replies import Json, money, plain


def configuration(call: Call) -> Json:
    """GET accountConfig: the modes in one cheap request."""
    account = call.account
    return {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "dualSidePosition": account.hedge,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }


def read_multi_assets(call: Call) -> Json:
    """GET multiAssetsMargin."""
    return {"multiAssetsMargin": call.account.multi_assets}


def change_multi_assets(call: Call) -> Json:
    """POST multiAssetsMargin."""
    wanted = call.params.flag("multiAssetsMargin")
    if wanted is None:
        raise missing("multiAssetsMargin")
    if wanted is call.account.multi_assets:
        raise Refused(-4171)
    call.account.multi_assets = wanted
    call.world.emit(call.account, events.multi_assets_changed(wanted, call.now_ms))
    return {"code": 200, "msg": "success"}


def order_limits(call: Call) -> list[Json]:
    """GET rateLimit/order: the account's own limits."""
    limits = call.meter.limits
    return [
        {
            "rateLimitType": "ORDERS",
            "interval": "SECOND",
            "intervalNum": 10,
            "limit": limits.orders_per_ten_seconds,
        },
        {
            "rateLimitType": "ORDERS",
            "interval": "MINUTE",
            "intervalNum": 1,
            "limit": limits.orders_per_minute,
        },
    ]


def commission(call: Call) -> Json:
    """GET commissionRate."""
    return {
        "symbol": call.market().symbol,
        "makerCommissionRate": plain(call.world.maker_fee),
        "takerCommissionRate": plain(call.world.taker_fee),
        "rpiCommissionRate": "0",
    }


def income(call: Call) -> list[Json]:
    """GET income: realised profit and commission of every fill, oldest first."""
    params = call.params
    kind, symbol = params.text("incomeType"), params.text("symbol")
    since, until = params.integer("startTime"), params.integer("endTime")
    rows: list[Json] = []
    for fill in call.account.fills:
        if symbol not in (None, fill.symbol):
            continue
        if fill.at_ms < (since or 0) or (until is not None and fill.at_ms > until):
            continue
        for name, value in (("REALIZED_PNL", fill.realized), ("COMMISSION", -fill.fee)):
            if value and kind in (None, name):
                rows.append(
                    {
                        "symbol": fill.symbol,
                        "incomeType": name,
                        "income": money(value),
                        "asset": fill.fee_asset,
                        "info": str(fill.trade_id),
                        "time": fill.at_ms,
                        "tranId": fill.trade_id,
                        "tradeId": str(fill.trade_id),
                    }
                )
    return rows[-min(params.integer("limit") or 100, 1000) :]


def trading_status(call: Call) -> Json:
    """GET apiTradingStatus: whether rules lock this account."""
    return {"indicators": {}, "updateTime": call.now_ms}


def fee_burn(_call: Call) -> Json:
    """GET feeBurn: fees are not paid in BNB here."""
    return {"feeBurn": False}


def key_rights(call: Call) -> Json:
    """GET /sapi/v1/account/apiRestrictions: what this key may do."""
    assert call.credential is not None
    return {
        "ipRestrict": call.credential.ip_restricted,
        "createTime": 1698645219000,
        "enableReading": True,
        "enableFutures": call.credential.can_trade,
        "enableWithdrawals": call.credential.can_withdraw,
        "enableInternalTransfer": False,
        "permitsUniversalTransfer": False,
        "enableSpotAndMarginTrading": False,
        "enableVanillaOptions": False,
        "enableMargin": False,
        "enablePortfolioMarginTrading": False,
    }


def nothing(_call: Call) -> list[Json]:
    """Lists of the spot side that clients load at their start: there is no spot side here."""
    return []


def open_listen_key(call: Call) -> Json:
    """POST listenKey."""
    return {"listenKey": call.listen_keys.open(call.account.name, call.now_ms)}


def keep_listen_key(call: Call) -> Json:
    """PUT listenKey."""
    return {"listenKey": call.listen_keys.keep(call.account.name, call.now_ms)}


def close_listen_key(call: Call) -> Json:
    """DELETE listenKey."""
    call.listen_keys.close(call.account.name)
    return {}


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v1/accountConfig"): Endpoint(handler=configuration, weight=5),
    ("GET", "/fapi/v1/multiAssetsMargin"): Endpoint(handler=read_multi_assets, weight=30),
    ("POST", "/fapi/v1/multiAssetsMargin"): Endpoint(handler=change_multi_assets, trades=True),
    ("GET", "/fapi/v1/rateLimit/order"): Endpoint(handler=order_limits),
    ("GET", "/fapi/v1/commissionRate"): Endpoint(handler=commission, weight=20),
    ("GET", "/fapi/v1/income"): Endpoint(handler=income, weight=30),
    ("GET", "/fapi/v1/apiTradingStatus"): Endpoint(handler=trading_status),
    ("GET", "/fapi/v1/feeBurn"): Endpoint(handler=fee_burn),
    ("GET", "/sapi/v1/account/apiRestrictions"): Endpoint(handler=key_rights),
    ("GET", "/sapi/v1/capital/config/getall"): Endpoint(handler=nothing, weight=10),
    ("GET", "/sapi/v1/margin/allPairs"): Endpoint(handler=nothing, security=Security.KEY),
    ("POST", "/fapi/v1/listenKey"): Endpoint(handler=open_listen_key, security=Security.KEY),
    ("PUT", "/fapi/v1/listenKey"): Endpoint(handler=keep_listen_key, security=Security.KEY),
    ("DELETE", "/fapi/v1/listenKey"): Endpoint(handler=close_listen_key, security=Security.KEY),
}
