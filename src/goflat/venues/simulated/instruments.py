"""What is traded here: instruments, their filters, and lists of them to start with."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal

from goflat.domain.instrument import LotLimits, PriceBand, Symbol

NEVER_MS = 4133404800000
"""Delivery date of a contract that is never delivered."""
TRADING = "TRADING"


@dataclass(frozen=True, slots=True, kw_only=True)
class Instrument:
    """One contract and its filters, as the venue publishes them.

    Prices and `min_notional` are in the quote asset, quantities in the base asset.
    `market_take_bound` is how far from the mark price a market order may trade, as a part of it.
    `mark` is the price the simulation starts with.
    """

    symbol: Symbol
    base_asset: str
    mark: Decimal
    tick: Decimal
    lot: LotLimits
    market_lot: LotLimits
    quote_asset: str = "USDT"
    min_notional: Decimal = Decimal(5)
    band: PriceBand = field(default=PriceBand(up=Decimal("1.05"), down=Decimal("0.95")))
    market_take_bound: Decimal = Decimal("0.05")
    max_orders: int = 200
    contract_type: str = "PERPETUAL"
    delivery_ms: int = NEVER_MS
    status: str = TRADING
    underlying_type: str = "COIN"
    underlying_subtypes: tuple[str, ...] = ()

    @property
    def pair(self) -> str:
        return self.symbol.split("_", maxsplit=1)[0]

    @property
    def min_price(self) -> Decimal:
        return self.tick

    @property
    def max_price(self) -> Decimal:
        return self.tick * 100_000_000

    @property
    def price_precision(self) -> int:
        return _decimals(self.tick)

    @property
    def quantity_precision(self) -> int:
        return _decimals(self.lot.step)


def standard_instruments() -> tuple[Instrument, ...]:
    """A dozen contracts with the filters of the real ones, odd cases included."""
    thin = PriceBand(up=Decimal("1.02"), down=Decimal("0.98"))
    return (
        _coin("BTCUSDT", "60000", "0.10", "0.001", ("1000", "120"), notional="100"),
        _coin("ETHUSDT", "3000", "0.01", "0.001", ("10000", "2000"), notional="20"),
        _coin("BNBUSDT", "600", "0.01", "0.01", ("100000", "2000")),
        _coin("SOLUSDT", "150", "0.01", "0.01", ("1000000", "80000")),
        _coin("XRPUSDT", "0.5000", "0.0001", "0.1", ("10000000", "2000000")),
        _coin("DOGEUSDT", "0.15000", "0.00001", "1", ("50000000", "30000000")),
        _coin("ADAUSDT", "0.4000", "0.0001", "1", ("2000000", "300000"), bound="0.30"),
        _coin("1000PEPEUSDT", "0.0100000", "0.0000001", "1", ("100000000", "50000000")),
        _coin("BTCUSDC", "60000", "0.1", "0.001", ("1000", "120"), quote="USDC", notional="50"),
        _coin(
            "BTCUSDT_261225",
            "60600",
            "0.1",
            "0.001",
            ("500", "50"),
            contract="CURRENT_QUARTER",
            delivery_ms=1798185600000,
        ),
        _coin(
            "XAUUSDT",
            "2500",
            "0.01",
            "0.001",
            ("10000", "1000"),
            contract="TRADIFI_PERPETUAL",
            bound="0.02",
            band=thin,
            underlying="COMMODITY",
            subtypes=("TradFi",),
        ),
        _coin("测试USDT", "1.2000", "0.0001", "1", ("1000000", "100000")),
    )


def synthetic_instruments(count: int) -> Iterable[Instrument]:
    """`count` more contracts, SIM0001USDT and so on, at prices from 1 to 100."""
    for number in range(1, count + 1):
        price = f"{1 + number % 100}.0000"
        yield _coin(f"SIM{number:04}USDT", price, "0.0001", "0.1", ("10000000", "500000"))


def _coin(
    symbol: Symbol,
    mark: str,
    tick: str,
    step: str,
    most: tuple[str, str],
    *,
    quote: str = "USDT",
    notional: str = "5",
    bound: str = "0.05",
    band: PriceBand | None = None,
    contract: str = "PERPETUAL",
    delivery_ms: int = NEVER_MS,
    underlying: str = "COIN",
    subtypes: tuple[str, ...] = (),
) -> Instrument:
    lot = LotLimits(minimum=Decimal(step), maximum=Decimal(most[0]), step=Decimal(step))
    base = symbol.split("_", maxsplit=1)[0].removesuffix(quote)
    wide = PriceBand(up=Decimal("1.05"), down=Decimal("0.95"))
    return Instrument(
        symbol=symbol,
        base_asset=base,
        quote_asset=quote,
        mark=Decimal(mark),
        tick=Decimal(tick),
        lot=lot,
        market_lot=LotLimits(minimum=lot.minimum, maximum=Decimal(most[1]), step=lot.step),
        min_notional=Decimal(notional),
        market_take_bound=Decimal(bound),
        band=band or wide,
        contract_type=contract,
        delivery_ms=delivery_ms,
        underlying_type=underlying,
        underlying_subtypes=subtypes,
    )


def _decimals(step: Decimal) -> int:
    exponent = step.normalize().as_tuple().exponent
    assert isinstance(exponent, int)
    return max(0, -exponent)
