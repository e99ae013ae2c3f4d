"""What a venue says about a key and its account, asked before it matters."""

from dataclasses import dataclass
from decimal import Decimal

from goflat.domain.position import PositionMode


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountFacts:
    """Answers to the questions of a preflight. None: not learnt, and `problems` says why.

    `clock_offset_seconds` is venue time minus local time, from the best of several round trips.
    """

    clock_offset_seconds: float | None = None
    round_trip_seconds: float | None = None
    key_works: bool | None = None
    can_trade: bool | None = None
    can_withdraw: bool | None = None
    ip_restricted: bool | None = None
    position_mode: PositionMode | None = None
    instruments: int | None = None
    problems: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Balance:
    """What an account is worth, as the venue sums it up, in its margin asset.

    `wallet` is without, `margin` with the unrealised profit; `maintenance` is the part of `margin`
    that is needed to keep the positions.
    """

    wallet: Decimal
    unrealized: Decimal
    margin: Decimal
    maintenance: Decimal
