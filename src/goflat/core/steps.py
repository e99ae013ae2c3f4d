"""All that a run may ask of a venue. Nothing here can open a position or enlarge one."""

from dataclasses import dataclass
from typing import TypeAlias

from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, CloseOrder, ConditionalOrder, ProtectiveStop
from goflat.domain.time import Instant


@dataclass(frozen=True, slots=True)
class ReadPositions:
    """Every open position of the account. `elsewhere`: asked at another place of the venue.

    One list may be wrong twice in the same way; two that are kept apart rarely are.
    """

    elsewhere: bool = False


@dataclass(frozen=True, slots=True)
class ReadOrders:
    """Every order of the account in one book."""

    book: Book


@dataclass(frozen=True, slots=True)
class ReadRules:
    """What the venue takes, instrument by instrument."""


@dataclass(frozen=True, slots=True)
class CancelAll:
    """Cancel every order of one instrument in one book."""

    symbol: Symbol
    book: Book


@dataclass(frozen=True, slots=True)
class CancelConditional:
    """Cancel one conditional order, where others of its instrument have to stay."""

    order: ConditionalOrder


@dataclass(frozen=True, slots=True)
class Close:
    """Make one position smaller. The venue is to refuse it after `valid_seconds`."""

    order: CloseOrder
    valid_seconds: float


@dataclass(frozen=True, slots=True)
class Query:
    """Ask what became of a close that went unanswered."""

    order: CloseOrder


@dataclass(frozen=True, slots=True)
class Protect:
    """Put back a stop that only reduces."""

    stop: ProtectiveStop


Read: TypeAlias = ReadPositions | ReadOrders | ReadRules
Act: TypeAlias = CancelAll | CancelConditional | Close | Protect
Step: TypeAlias = Read | Act | Query


@dataclass(frozen=True, slots=True)
class Request:
    """A step, and the instant after which its answer is no longer waited for."""

    step: Step
    answer_by: Instant
