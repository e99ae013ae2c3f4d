"""What anybody may ask: time, instruments, prices, candles. Made from the mark price."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice
from typing import TypeAlias

import msgspec

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import LotLimits
from goflat.venues.simulated.call import Call, Endpoint, by_symbol, public
from goflat.venues.simulated.instruments import Instrument
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import OrderType, Side
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import Json, amount, money, plain, price
from goflat.venues.simulated.world import World

ONBOARD_MS = 1569398400000
FUNDING_MS = 8 * 3600 * 1000
FUNDING_RATE = "0.00010000"
CANDLES_MOST = 1500
INTERVALS_MS: Mapping[str, int] = {
    "1m": 60_000,
    "3m": 180_000,
    "5m": 300_000,
    "15m": 900_000,
    "30m": 1_800_000,
    "1h": 3_600_000,
    "2h": 7_200_000,
    "4h": 14_400_000,
    "6h": 21_600_000,
    "8h": 28_800_000,
    "12h": 43_200_000,
    "1d": 86_400_000,
    "3d": 259_200_000,
    "1w": 604_800_000,
    "1M": 2_592_000_000,
}
WAVE = (0, 3, 5, 6, 5, 3, 0, -3, -5, -6, -5, -3)
"""How far a candle closes from the mark, in ticks of ten: a price that goes up and down."""
Candle: TypeAlias = list[object]


def ping(_call: Call) -> Json:
    """GET ping."""
    return {}


def server_time(call: Call) -> Json:
    """GET time."""
    return {"serverTime": call.now_ms + call.plan.skew_ms}


class Listing:
    """exchangeInfo, encoded once and again only when the list of instruments has changed."""

    def __init__(self) -> None:
        self._encoded = msgspec.Raw(b"")
        self._change = -1

    def __call__(self, call: Call) -> msgspec.Raw:
        """GET exchangeInfo."""
        if self._change != call.world.listing_changes:
            listing = exchange_info(call.world, call.meter.limits)
            self._encoded = msgspec.Raw(msgspec.json.encode(listing))
            self._change = call.world.listing_changes
        return self._encoded


def exchange_info(world: World, limits: Limits) -> Json:
    """Every instrument with its filters, and the limits."""
    instruments = [market.instrument for market in world.markets.values()]
    assets = dict.fromkeys(instrument.quote_asset for instrument in instruments)
    return {
        "timezone": "UTC",
        "serverTime": world.clock(),
        "futuresType": "U_MARGINED",
        "rateLimits": [
            _limit("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute),
            _limit("ORDERS", "MINUTE", 1, limits.orders_per_minute),
            _limit("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds),
        ],
        "exchangeFilters": [],
        "assets": [
            {"asset": asset, "marginAvailable": True, "autoAssetExchange": "0"} for asset in assets
        ],
        "symbols": [_symbol(instrument) for instrument in instruments],
    }


def depth(call: Call) -> Json:
    """GET depth."""
    market, limit = call.market(), call.params.integer("limit") or 500
    return {
        "lastUpdateId": call.now_ms,
        "E": call.now_ms,
        "T": call.now_ms,
        "bids": [_level(level, market) for level in islice(market.offers(Side.SELL), limit)],
        "asks": [_level(level, market) for level in islice(market.offers(Side.BUY), limit)],
    }


def book_ticker(call: Call) -> object:
    """GET ticker/bookTicker."""
    return _each(call, lambda market: _book_ticker(market, call.now_ms))


def price_ticker(call: Call) -> object:
    """GET ticker/price."""
    return _each(
        call,
        lambda market: {
            "symbol": market.symbol,
            "price": price(market.last, market),
            "time": call.now_ms,
        },
    )


def day_ticker(call: Call) -> object:
    """GET ticker/24hr."""
    return _each(call, lambda market: _day_ticker(market, call.now_ms))


def premium_index(call: Call) -> object:
    """GET premiumIndex: mark price and funding."""
    return _each(call, lambda market: _premium(market, call.now_ms))


def funding_rates(call: Call) -> list[Json]:
    """GET fundingRate: every eight hours the same."""
    market = call.optional_market() or next(iter(call.world.markets.values()))
    limit = min(call.params.integer("limit") or 100, 1000)
    until = call.params.integer("endTime") or call.now_ms
    since = call.params.integer("startTime") or 0
    last = until // FUNDING_MS * FUNDING_MS
    times = [last - back * FUNDING_MS for back in range(limit)]
    return [
        {
            "symbol": market.symbol,
            "fundingTime": time,
            "fundingRate": FUNDING_RATE,
            "markPrice": money(market.mark),
        }
        for time in reversed(times)
        if time >= since
    ]


def funding_info(_call: Call) -> list[Json]:
    """GET fundingInfo: nothing out of the ordinary."""
    return []


def open_interest(call: Call) -> Json:
    """GET openInterest."""
    market = call.market()
    return {"openInterest": "10000.000", "symbol": market.symbol, "time": call.now_ms}


def trades(call: Call) -> list[Json]:
    """GET trades: the last price, once a second."""
    market, limit = call.market(), min(call.params.integer("limit") or 500, 1000)
    quantity = market.instrument.lot.minimum
    return [
        {
            "id": call.now_ms // 1000 - back,
            "price": price(market.last, market),
            "qty": amount(quantity, market),
            "quoteQty": plain(quantity * market.last),
            "time": call.now_ms - back * 1000,
            "isBuyerMaker": back % 2 == 0,
        }
        for back in reversed(range(limit))
    ]


def aggregate_trades(call: Call) -> list[Json]:
    """GET aggTrades."""
    return [
        {
            "a": row["id"],
            "p": row["price"],
            "q": row["qty"],
            "f": row["id"],
            "l": row["id"],
            "T": row["time"],
            "m": row["isBuyerMaker"],
        }
        for row in trades(call)
    ]


def candles(call: Call) -> list[Candle]:
    """GET klines and its relatives: a wave around the mark price, the same for every question."""
    symbol = call.params.text("symbol") or call.params.required("pair")
    market, interval = call.world.market(symbol), call.params.required("interval")
    length = INTERVALS_MS.get(interval)
    if length is None:
        raise Refused(-1120, "Invalid interval.")
    limit = min(call.params.integer("limit") or 500, CANDLES_MOST)
    until = min(call.params.integer("endTime") or call.now_ms, call.now_ms)
    since = call.params.integer("startTime")
    last = until // length
    first = last - limit + 1 if since is None else -(-since // length)
    return [
        candle(market, number, length) for number in range(first, min(last, first + limit - 1) + 1)
    ]


def candle(market: Market, number: int, length_ms: int) -> Candle:
    """One candle; `number` counts candles of this length since 1970."""
    tick = market.instrument.tick
    opened = market.mark + 10 * tick * WAVE[(number - 1) % len(WAVE)]
    closed = market.mark + 10 * tick * WAVE[number % len(WAVE)]
    volume, start = Decimal(1000), number * length_ms
    return [
        start,
        price(opened, market),
        price(max(opened, closed) + tick, market),
        price(min(opened, closed) - tick, market),
        price(closed, market),
        amount(volume, market),
        start + length_ms - 1,
        plain(volume * market.mark),
        100,
        amount(volume / 2, market),
        plain(volume / 2 * market.mark),
        "0",
    ]


# --- parts --------------------------------------------------------------------------------------


def _each(call: Call, one: Callable[[Market], Json]) -> object:
    market = call.optional_market()
    if market is not None:
        return one(market)
    return [one(market) for market in call.world.markets.values()]


def _limit(kind: str, interval: str, number: int, most: int) -> Json:
    return {"rateLimitType": kind, "interval": interval, "intervalNum": number, "limit": most}


def _symbol(instrument: Instrument) -> Json:
    return {
        "symbol": instrument.symbol,
        "pair": instrument.pair,
        "contractType": instrument.contract_type,
        "deliveryDate": instrument.delivery_ms,
        "onboardDate": ONBOARD_MS,
        "status": instrument.status,
        "maintMarginPercent": "2.5000",
        "requiredMarginPercent": "5.0000",
        "baseAsset": instrument.base_asset,
        "quoteAsset": instrument.quote_asset,
        "marginAsset": instrument.quote_asset,
        "pricePrecision": instrument.price_precision,
        "quantityPrecision": instrument.quantity_precision,
        "baseAssetPrecision": 8,
        "quotePrecision": 8,
        "underlyingType": instrument.underlying_type,
        "underlyingSubType": list(instrument.underlying_subtypes),
        "settlePlan": 0,
        "triggerProtect": "0.0500",
        "liquidationFee": "0.012500",
        "marketTakeBound": plain(instrument.market_take_bound),
        "maxMoveOrderLimit": 10000,
        "filters": _filters(instrument),
        "orderTypes": [kind.value for kind in OrderType],
        "timeInForce": ["GTC", "IOC", "FOK", "GTX", "GTD"],
        "permissionSets": ["GRID", "COPY"],
    }


def _filters(instrument: Instrument) -> list[Json]:
    band = instrument.band
    return [
        {
            "filterType": "PRICE_FILTER",
            "minPrice": plain(instrument.min_price),
            "maxPrice": plain(instrument.max_price),
            "tickSize": plain(instrument.tick),
        },
        {"filterType": "LOT_SIZE", **_lot(instrument.lot)},
        {"filterType": "MARKET_LOT_SIZE", **_lot(instrument.market_lot)},
        {"filterType": "MAX_NUM_ORDERS", "limit": instrument.max_orders},
        {"filterType": "MIN_NOTIONAL", "notional": plain(instrument.min_notional)},
        {
            "filterType": "PERCENT_PRICE",
            "multiplierUp": format(band.up, ".4f"),
            "multiplierDown": format(band.down, ".4f"),
            "multiplierDecimal": "4",
        },
        {"filterType": "POSITION_RISK_CONTROL", "positionControlSide": "NONE"},
    ]


def _lot(lot: LotLimits) -> dict[str, str]:
    return {
        "minQty": plain(lot.minimum),
        "maxQty": plain(lot.maximum),
        "stepSize": plain(lot.step),
    }


def _level(level: Level, market: Market) -> list[str]:
    return [price(level.price, market), amount(level.quantity, market)]


def _book_ticker(market: Market, now_ms: int) -> Json:
    bid, ask = next(market.offers(Side.SELL), None), next(market.offers(Side.BUY), None)
    nothing = Level(Decimal(0), Decimal(0))
    return {
        "symbol": market.symbol,
        "bidPrice": price((bid or nothing).price, market),
        "bidQty": amount((bid or nothing).quantity, market),
        "askPrice": price((ask or nothing).price, market),
        "askQty": amount((ask or nothing).quantity, market),
        "time": now_ms,
        "lastUpdateId": now_ms,
    }


def _day_ticker(market: Market, now_ms: int) -> Json:
    last, volume = price(market.last, market), Decimal(1_000_000)
    return {
        "symbol": market.symbol,
        "priceChange": price(Decimal(0), market),
        "priceChangePercent": "0.000",
        "weightedAvgPrice": last,
        "lastPrice": last,
        "lastQty": amount(market.instrument.lot.minimum, market),
        "openPrice": last,
        "highPrice": price(market.last * Decimal("1.01"), market),
        "lowPrice": price(market.last * Decimal("0.99"), market),
        "volume": amount(volume, market),
        "quoteVolume": plain(volume * market.last),
        "openTime": now_ms - 86_400_000,
        "closeTime": now_ms,
        "firstId": 1,
        "lastId": 1000,
        "count": 1000,
    }


def _premium(market: Market, now_ms: int) -> Json:
    mark = money(market.mark)
    return {
        "symbol": market.symbol,
        "markPrice": mark,
        "indexPrice": mark,
        "estimatedSettlePrice": mark,
        "lastFundingRate": FUNDING_RATE,
        "interestRate": FUNDING_RATE,
        "nextFundingTime": (now_ms // FUNDING_MS + 1) * FUNDING_MS,
        "time": now_ms,
    }


def _by_limit(params: Params) -> int:
    limit = params.integer("limit") or 500
    return next(
        weight for most, weight in ((99, 1), (499, 2), (1000, 5), (10**6, 10)) if limit <= most
    )


def endpoints() -> Mapping[tuple[str, str], Endpoint]:
    """The table of these paths; each venue has its own cached listing."""
    return {
        ("GET", "/fapi/v1/ping"): public(ping),
        ("GET", "/fapi/v1/time"): public(server_time),
        ("GET", "/fapi/v1/exchangeInfo"): public(Listing()),
        ("GET", "/fapi/v1/depth"): public(depth, 20),
        ("GET", "/fapi/v1/ticker/bookTicker"): public(book_ticker, by_symbol(2, 5)),
        ("GET", "/fapi/v1/ticker/price"): public(price_ticker, by_symbol(1, 2)),
        ("GET", "/fapi/v2/ticker/price"): public(price_ticker, by_symbol(1, 2)),
        ("GET", "/fapi/v1/ticker/24hr"): public(day_ticker, by_symbol(1, 40)),
        ("GET", "/fapi/v1/premiumIndex"): public(premium_index),
        ("GET", "/fapi/v1/fundingRate"): public(funding_rates),
        ("GET", "/fapi/v1/fundingInfo"): public(funding_info),
        ("GET", "/fapi/v1/openInterest"): public(open_interest),
        ("GET", "/fapi/v1/trades"): public(trades, 5),
        ("GET", "/fapi/v1/historicalTrades"): public(trades, 20),
        ("GET", "/fapi/v1/aggTrades"): public(aggregate_trades, 20),
        ("GET", "/fapi/v1/klines"): public(candles, _by_limit),
        ("GET", "/fapi/v1/continuousKlines"): public(candles, _by_limit),
        ("GET", "/fapi/v1/markPriceKlines"): public(candles, _by_limit),
        ("GET", "/fapi/v1/indexPriceKlines"): public(candles, _by_limit),
        ("GET", "/fapi/v1/premiumIndexKlines"): public(candles, _by_limit),
    }
