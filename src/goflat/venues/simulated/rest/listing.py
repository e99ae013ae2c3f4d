"""The list of instruments, with their filters and the venue's limits: exchangeInfo."""

import msgspec

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import LotLimits
from goflat.venues.simulated.call import Call
from goflat.venues.simulated.instruments import Instrument
from goflat.venues.simulated.orders import OrderType
from goflat.venues.simulated.replies import Json, plain
from goflat.venues.simulated.world import World

ONBOARD_MS = 1569398400000


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
