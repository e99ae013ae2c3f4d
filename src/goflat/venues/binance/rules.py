"""What Binance says of its instruments, read when it is asked for. Pure.

The list holds about a thousand instruments and is wanted in the first milliseconds, so one pass
finds the names and leaves everything else of a row as it came.
"""

from collections.abc import Iterator, Mapping
from decimal import Decimal
from typing import TypeVar

import msgspec

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import InstrumentRules, LotLimits, PriceBand, Symbol
from goflat.errors import Unanswered
from goflat.venues.binance.limits import LimitRow, limits_of
from goflat.venues.binance.rows import UNREADABLE, number

RowT = TypeVar("RowT", bound=msgspec.Struct)

_NOTHING = msgspec.Raw(b"[]")


class _Instrument(msgspec.Struct, frozen=True):
    symbol: str
    status: str = ""
    filters: msgspec.Raw = _NOTHING


class _Rules(msgspec.Struct, rename="camel"):
    symbols: list[_Instrument]
    rate_limits: msgspec.Raw = _NOTHING


class _DamagedRules(msgspec.Struct, rename="camel"):
    symbols: list[msgspec.Raw]
    rate_limits: msgspec.Raw = _NOTHING


class _Filter(msgspec.Struct, rename="camel"):
    filter_type: str
    min_qty: str | None = None
    max_qty: str | None = None
    step_size: str | None = None
    tick_size: str | None = None
    multiplier_up: str | None = None
    multiplier_down: str | None = None


_RULES = msgspec.json.Decoder(_Rules)
_DAMAGED_RULES = msgspec.json.Decoder(_DamagedRules)
_INSTRUMENT = msgspec.json.Decoder(_Instrument)
_FILTERS = msgspec.json.Decoder(list[_Filter])
_RAW_ROWS = msgspec.json.Decoder(list[msgspec.Raw])
_LIMIT = msgspec.json.Decoder(LimitRow)


class InstrumentTable(Mapping[Symbol, InstrumentRules]):
    """The instruments that the venue lists; the rules of one are read when it is asked for.

    An instrument whose rules are damaged is listed (`in`, iteration, length), and has no rules:
    `get` answers None for it and indexing raises KeyError, as for one that is not listed.
    """

    def __init__(self, rows: Mapping[Symbol, _Instrument]) -> None:
        self._rows = rows
        self._read: dict[Symbol, InstrumentRules] = {}

    def __getitem__(self, symbol: Symbol) -> InstrumentRules:
        if symbol not in self._read:
            try:
                self._read[symbol] = _rules(self._rows[symbol])
            except UNREADABLE:
                raise KeyError(symbol) from None
        return self._read[symbol]

    def __contains__(self, symbol: object) -> bool:
        return symbol in self._rows

    def __iter__(self) -> Iterator[Symbol]:
        return iter(self._rows)

    def __len__(self) -> int:
        return len(self._rows)


def rules(body: bytes) -> tuple[InstrumentTable, Limits | None]:
    """The instruments and the limits of an exchangeInfo answer.

    Raises:
        Unanswered: it is not that answer, or names no instrument at all.
    """
    try:
        found = _RULES.decode(body)
        rows, limits = found.symbols, found.rate_limits
    except UNREADABLE:
        rows, limits = _what_can_be_read(body)
    if not rows:
        raise Unanswered("the venue's rules name no instrument")
    return InstrumentTable({row.symbol: row for row in rows}), _limits(limits)


def _what_can_be_read(body: bytes) -> tuple[list[_Instrument], msgspec.Raw]:
    try:
        found = _DAMAGED_RULES.decode(body)
    except UNREADABLE:
        raise Unanswered("the venue's rules cannot be read") from None
    return list(_each(found.symbols, _INSTRUMENT)), found.rate_limits


def _limits(raw: msgspec.Raw) -> Limits | None:
    try:
        rows = _RAW_ROWS.decode(raw)
    except UNREADABLE:
        return None
    return limits_of(list(_each(rows, _LIMIT)))


def _each(rows: list[msgspec.Raw], decoder: msgspec.json.Decoder[RowT]) -> Iterator[RowT]:
    for row in rows:
        try:
            yield decoder.decode(row)
        except UNREADABLE:
            continue


def _rules(row: _Instrument) -> InstrumentRules:
    """The rules of one instrument. Raises ValueError where they cannot be meant."""
    filters = {found.filter_type: found for found in _FILTERS.decode(row.filters)}
    prices = filters.get("PRICE_FILTER")
    lots = [filters[kind] for kind in ("LOT_SIZE", "MARKET_LOT_SIZE") if kind in filters]
    if prices is None or not lots:
        raise ValueError("no prices or no lots")
    return InstrumentRules(
        symbol=row.symbol,
        status=row.status,
        tick=_above_zero(prices.tick_size, "tickSize"),
        limit_lot=_lot(lots[0]),
        market_lot=_lot(lots[-1]),
        band=_band(filters.get("PERCENT_PRICE")),
    )


def _lot(row: _Filter) -> LotLimits:
    return LotLimits(
        minimum=_above_zero(row.min_qty, "minQty"),
        maximum=_above_zero(row.max_qty, "maxQty"),
        step=_above_zero(row.step_size, "stepSize"),
    )


def _band(row: _Filter | None) -> PriceBand | None:
    """None where the venue names no band that can be read: the lots are worth more than it is."""
    if row is None:
        return None
    try:
        return PriceBand(
            up=_above_zero(row.multiplier_up, "multiplierUp"),
            down=_above_zero(row.multiplier_down, "multiplierDown"),
        )
    except ValueError:
        return None


def _above_zero(text: str | None, name: str) -> Decimal:
    value = number(text or "", name)
    if value <= 0:
        raise ValueError(f"{name} is not above zero")
    return value
