"""All that can happen to a run. `began` is the instant at which the request set out."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import TypeAlias

from goflat.core.steps import Step
from goflat.domain.capabilities import Limits, Usage
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import Position
from goflat.domain.time import Instant
from goflat.errors import VenueError


@dataclass(frozen=True, slots=True)
class Started:
    """The trigger was pulled."""


@dataclass(frozen=True, slots=True)
class Woke:
    """The instant came at which the run wanted to be asked again."""


@dataclass(frozen=True, slots=True)
class PositionsRead:
    """The venue listed the positions of the account."""

    listing: Listing[Position]
    began: Instant


@dataclass(frozen=True, slots=True)
class WorkingOrdersRead:
    """The venue listed the regular book."""

    listing: Listing[WorkingOrder]
    began: Instant


@dataclass(frozen=True, slots=True)
class ConditionalOrdersRead:
    """The venue listed the orders that wait for a trigger."""

    listing: Listing[ConditionalOrder]
    began: Instant


@dataclass(frozen=True, slots=True)
class RulesRead:
    """The venue told what it takes."""

    rules: Mapping[Symbol, InstrumentRules]
    limits: Limits | None


@dataclass(frozen=True, slots=True)
class BookCancelled:
    """The venue says that it cancels the orders of an instrument. A claim, not evidence."""

    symbol: Symbol
    book: Book
    count: int | None


@dataclass(frozen=True, slots=True)
class ConditionalCancelled:
    """The venue says that it cancelled one conditional order."""

    order: ConditionalOrder


@dataclass(frozen=True, slots=True)
class CloseAnswered:
    """The venue took a close, and said what became of it so far."""

    order: CloseOrder
    report: OrderReport


@dataclass(frozen=True, slots=True)
class QueryAnswered:
    """The venue said what became of an order of ours; None: it does not know the id."""

    order: CloseOrder
    report: OrderReport | None


@dataclass(frozen=True, slots=True)
class Protected:
    """The venue took a protective stop back."""

    stop: ProtectiveStop


@dataclass(frozen=True, slots=True)
class Failed:
    """A step did not succeed. The failure says what is known."""

    step: Step
    failure: VenueError


@dataclass(frozen=True, slots=True)
class UsageSeen:
    """The venue said how much of its limits has been used."""

    usage: Usage


Event: TypeAlias = (
    Started
    | Woke
    | PositionsRead
    | WorkingOrdersRead
    | ConditionalOrdersRead
    | RulesRead
    | BookCancelled
    | ConditionalCancelled
    | CloseAnswered
    | QueryAnswered
    | Protected
    | Failed
    | UsageSeen
)
