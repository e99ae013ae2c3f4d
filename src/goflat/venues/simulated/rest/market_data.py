"""What anybody may ask: time, prices, books, funding. Made from the mark price."""

from collections.abc import Callable, Mapping
from decimal import Decimal
from itertools import islice

from goflat.venues.simulated.call import Call, Endpoint, by_symbol, public
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import Side
from goflat.venues.simulated.replies import Json, amount, money, plain, price
from goflat.venues.simulated.rest.candles import by_length, candles
from goflat.venues.simulated.rest.listing import Listing

FUNDING_MS = 8 * 3600 * 1000
FUNDING_RATE = "0.00010000"


def ping(_call: Call) -> Json:
    """GET ping."""
    return {}


def server_time(call: Call) -> Json:
    """GET time."""
    return {"serverTime": call.now_ms + call.plan.skew_ms}


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


def _each(call: Call, one: Callable[[Market], Json]) -> object:
    market = call.optional_market()
    if market is not None:
        return one(market)
    return [one(market) for market in call.world.markets.values()]


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


def endpoints() -> Mapping[tuple[str, str], Endpoint]:
    """The table of these paths; each venue has its own cached listing.

    There is no spot side here, but clients greet it before they do anything else.
    """
    return {
        ("GET", "/api/v3/ping"): public(ping),
        ("GET", "/api/v3/time"): public(server_time),
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
        ("GET", "/fapi/v1/klines"): public(candles, by_length),
        ("GET", "/fapi/v1/continuousKlines"): public(candles, by_length),
        ("GET", "/fapi/v1/markPriceKlines"): public(candles, by_length),
        ("GET", "/fapi/v1/indexPriceKlines"): public(candles, by_length),
        ("GET", "/fapi/v1/premiumIndexKlines"): public(candles, by_length),
    }
