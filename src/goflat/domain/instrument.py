"""What can be held, and the sizes and prices in which a venue takes orders for it."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

Symbol: TypeAlias = str
"""A venue's own name of an instrument, as the venue writes it. Data only: it may be any text."""


@dataclass(frozen=True, slots=True, kw_only=True)
class LotLimits:
    """Quantities that the venue takes in one order, in units of the base asset."""

    minimum: Decimal
    maximum: Decimal
    step: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class PriceBand:
    """How far from the mark price an order may be priced, as factors of the mark price."""

    up: Decimal
    down: Decimal


@dataclass(frozen=True, slots=True, kw_only=True)
class InstrumentRules:
    """What the venue says of one instrument.

    `tick` is the step of prices in the quote asset. `limit_lot` and `market_lot` differ on most
    venues: a market order may be far smaller than a limit order. `status` is the venue's word.
    """

    symbol: Symbol
    status: str
    tick: Decimal
    limit_lot: LotLimits
    market_lot: LotLimits
    band: PriceBand | None = None
