"""What one request for a list brought back, holes included."""

from dataclasses import dataclass
from typing import Generic, TypeVar

from goflat.domain.instrument import Symbol

Row = TypeVar("Row")


@dataclass(frozen=True, slots=True, kw_only=True)
class Unreadable:
    """A row that came and could not be read. It may hide a position: it never means nothing."""

    reason: str
    symbol: Symbol | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Listing(Generic[Row]):
    """The rows of one list at a venue, each read or named as unreadable."""

    rows: tuple[Row, ...]
    unreadable: tuple[Unreadable, ...] = ()
