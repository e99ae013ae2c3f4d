"""What the account holds: wallets, totals, and its positions in the compact form."""

from collections.abc import Iterable, Mapping
from decimal import Decimal

from goflat.venues.simulated import replies
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.call import Call, Endpoint
from goflat.venues.simulated.orders import ZERO, PositionSide
from goflat.venues.simulated.positions import PositionRow
from goflat.venues.simulated.replies import ALL_SIDES, Json, money

NOTHING = "0.00000000"


def account_v3(call: Call) -> Json:
    """GET v3 account: balances, and the positions that are open."""
    account = call.account
    lag = call.plan.positions_lag_ms
    held = [row for row in account.rows.values() if row.seen(call.now_ms, lag).amount]
    rows = [_position(call, account, row) for row in held]
    return {**_totals(call, account), "assets": _assets(call, account), "positions": rows}


def account_v2(call: Call) -> Json:
    """GET v2 account: rights and modes as well, and every symbol."""
    account = call.account
    sides = ALL_SIDES if account.hedge else (PositionSide.BOTH,)
    rows = [
        _position(call, account, account.row(symbol, side))
        | _leverage(account, account.row(symbol, side))
        for symbol in call.world.markets
        for side in sides
    ]
    head: Json = {
        "feeTier": 0,
        "canTrade": True,
        "canDeposit": True,
        "canWithdraw": True,
        "updateTime": 0,
        "multiAssetsMargin": account.multi_assets,
        "tradeGroupId": -1,
    }
    return {
        **head,
        **_totals(call, account),
        "assets": _assets(call, account),
        "positions": rows,
    }


def balances(call: Call) -> list[Json]:
    """GET v2 and v3 balance."""
    account = call.account
    return [
        {
            "accountAlias": "SgsR",
            "asset": asset,
            "balance": money(wallet),
            "crossWalletBalance": money(wallet),
            "crossUnPnl": money(_unrealized(call, account, asset)),
            "availableBalance": money(account.available(asset)),
            "maxWithdrawAmount": money(account.available(asset)),
            "marginAvailable": True,
            "updateTime": call.now_ms,
        }
        for asset, wallet in account.wallets.items()
    ]


def _unrealized(call: Call, account: Account, asset: str) -> Decimal:
    rows = _rows_of(call, account, asset)
    return sum((row.unrealized(call.world.markets[row.symbol].mark) for row in rows), ZERO)


def _rows_of(call: Call, account: Account, asset: str) -> Iterable[PositionRow]:
    markets = call.world.markets
    return (
        row for row in account.open_rows() if markets[row.symbol].instrument.quote_asset == asset
    )


def _totals(call: Call, account: Account) -> Json:
    wallet = sum(account.wallets.values(), ZERO)
    margin = sum(account.margin_used.values(), ZERO)
    rows = account.open_rows()
    markets = call.world.markets
    profit = sum((row.unrealized(markets[row.symbol].mark) for row in rows), ZERO)
    kept = sum((abs(row.amount) * markets[row.symbol].mark for row in rows), ZERO)
    free = money(max(ZERO, wallet + profit - margin))
    return {
        "totalInitialMargin": money(margin),
        "totalMaintMargin": money(kept * replies.MAINTENANCE_RATE),
        "totalWalletBalance": money(wallet),
        "totalUnrealizedProfit": money(profit),
        "totalMarginBalance": money(wallet + profit),
        "totalPositionInitialMargin": money(margin),
        "totalOpenOrderInitialMargin": NOTHING,
        "totalCrossWalletBalance": money(wallet),
        "totalCrossUnPnl": money(profit),
        "availableBalance": free,
        "maxWithdrawAmount": free,
    }


def _assets(call: Call, account: Account) -> list[Json]:
    return [_asset(call, account, asset, wallet) for asset, wallet in account.wallets.items()]


def _asset(call: Call, account: Account, asset: str, wallet: Decimal) -> Json:
    profit, margin = _unrealized(call, account, asset), account.margin_used.get(asset, ZERO)
    free = money(account.available(asset))
    return {
        "asset": asset,
        "walletBalance": money(wallet),
        "unrealizedProfit": money(profit),
        "marginBalance": money(wallet + profit),
        "maintMargin": money(margin / 10),
        "initialMargin": money(margin),
        "positionInitialMargin": money(margin),
        "openOrderInitialMargin": NOTHING,
        "crossWalletBalance": money(wallet),
        "crossUnPnl": money(profit),
        "availableBalance": free,
        "maxWithdrawAmount": free,
        "marginAvailable": True,
        "updateTime": call.now_ms,
    }


def _position(call: Call, account: Account, row: PositionRow) -> Json:
    market = call.world.markets[row.symbol]
    state = row.seen(call.now_ms, call.plan.positions_lag_ms)
    notional = state.amount * market.mark
    margin = money(abs(state.amount) * state.entry / account.leverage_of(row.symbol))
    isolated = margin if row.symbol in account.isolated else NOTHING
    return {
        "symbol": row.symbol,
        "positionSide": row.side.value,
        "positionAmt": replies.amount(state.amount, market),
        "unrealizedProfit": money(state.amount * (market.mark - state.entry)),
        "isolatedMargin": isolated,
        "notional": money(notional),
        "isolatedWallet": isolated,
        "initialMargin": margin,
        "maintMargin": money(abs(notional) * replies.MAINTENANCE_RATE),
        "updateTime": state.at_ms,
    }


def _leverage(account: Account, row: PositionRow) -> Json:
    return {
        "positionInitialMargin": money(account.margin_of(row)),
        "openOrderInitialMargin": NOTHING,
        "leverage": str(account.leverage_of(row.symbol)),
        "isolated": row.symbol in account.isolated,
        "entryPrice": money(row.entry),
        "maxNotional": "250000",
        "bidNotional": "0",
        "askNotional": "0",
    }


ENDPOINTS: Mapping[tuple[str, str], Endpoint] = {
    ("GET", "/fapi/v3/account"): Endpoint(handler=account_v3, weight=5),
    ("GET", "/fapi/v2/account"): Endpoint(handler=account_v2, weight=5),
    ("GET", "/fapi/v1/account"): Endpoint(handler=account_v2, weight=5),
    ("GET", "/fapi/v3/balance"): Endpoint(handler=balances, weight=5),
    ("GET", "/fapi/v2/balance"): Endpoint(handler=balances, weight=5),
    ("GET", "/fapi/v1/balance"): Endpoint(handler=balances, weight=5),
}
