"""Candles: a wave around the mark price, the same for everybody who asks."""

from collections.abc import Mapping
from decimal import Decimal
from typing import TypeAlias

from goflat.venues.simulated.call import Call
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import amount, plain, price

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


def by_length(params: Params) -> int:
    """The weight of a question for candles: by how many are asked for."""
    limit = params.integer("limit") or 500
    return next(
        weight for most, weight in ((99, 1), (499, 2), (1000, 5), (10**6, 10)) if limit <= most
    )
