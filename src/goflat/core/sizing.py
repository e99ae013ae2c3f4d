"""Cut a position into orders that the venue takes, and name what it cannot take."""

from dataclasses import dataclass
from decimal import Decimal

from goflat.domain.instrument import LotLimits

PIECES_AT_ONCE = 10
"""Closes of one position that set out together; what is left follows after the next reading."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Cut:
    """Quantities to send, and the part that no order can take."""

    pieces: tuple[Decimal, ...]
    dust: Decimal


def floor_to(quantity: Decimal, step: Decimal) -> Decimal:
    """The largest multiple of `step` that is not above `quantity`; a step of zero is no step."""
    return quantity if step <= 0 else quantity // step * step


def cut(quantity: Decimal, lot: LotLimits | None, largest: Decimal | None = None) -> Cut:
    """Split `quantity` into pieces within `lot`, none above `largest` either.

    Without rules the whole quantity is one piece: the venue decides. If that was too large, its
    parts have no more digits than the whole, which the venue itself has written. Minimum notional
    is no reason to hold a close back, because venues exempt orders that only reduce.
    """
    if lot is None:
        digit = Decimal(1).scaleb(int(quantity.as_tuple().exponent))
        piece = floor_to(largest or quantity, digit) or digit
        return Cut(pieces=_pieces(quantity, piece), dust=Decimal(0))
    sendable = floor_to(quantity, lot.step)
    dust = quantity - sendable
    if sendable <= 0 or sendable < lot.minimum:
        return Cut(pieces=(), dust=quantity)
    most = lot.maximum if lot.maximum > 0 else sendable
    piece = floor_to(min(most, largest or most), lot.step) or max(lot.step, lot.minimum)
    pieces = _pieces(sendable, max(piece, lot.minimum))
    if len(pieces) > 1 and pieces[-1] < lot.minimum:
        pieces, crumb = _share_crumb(pieces, lot.minimum)
        dust += crumb
    return Cut(pieces=pieces, dust=dust)


def _pieces(quantity: Decimal, piece: Decimal) -> tuple[Decimal, ...]:
    whole = min(int(quantity // piece), PIECES_AT_ONCE)
    rest = quantity - piece * whole
    last = (rest,) if rest > 0 and whole < PIECES_AT_ONCE else ()
    return (piece,) * whole + last


def _share_crumb(
    pieces: tuple[Decimal, ...], minimum: Decimal
) -> tuple[tuple[Decimal, ...], Decimal]:
    """A last crumb below the minimum would be refused alone: take the rest from its neighbour."""
    *front, neighbour, crumb = pieces
    shared = neighbour + crumb - minimum
    if shared < minimum:
        return (*front, neighbour), crumb
    return (*front, shared, minimum), Decimal(0)
