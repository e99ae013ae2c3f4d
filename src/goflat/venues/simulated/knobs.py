"""Where nobody citable says what the venue does, it is a setting here.

A client has to survive both answers; the defaults are what is most likely or, where that is open,
what is worse for the client.
"""

from dataclasses import dataclass
from enum import StrEnum

from goflat.venues.simulated.orders import SelfTrade


class Claimed(StrEnum):
    """What a reduce-only market order does where resting ones claim the position already."""

    KNOCK_OUT = "knock-out"
    REFUSE_4118 = "-4118"
    REFUSE_2022 = "-2022"


class Oversize(StrEnum):
    """What happens to a reduce-only market order that is larger than the position."""

    CLIP = "clip"
    REFUSE = "refuse"


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """How this venue behaves where the real one is undocumented, or has changed."""

    claimed_position: Claimed = Claimed.KNOCK_OUT
    oversize_market_close: Oversize = Oversize.CLIP
    hedge_close_needs_min_notional: bool = False
    hedge_tolerates_reduce_only_false: bool = False
    closes_orphaned_stops: bool = False
    """Whether closePosition orders go when their position does."""
    countdown_covers_algo_orders: bool = False
    algo_orders_exempt_from_overload: bool = True
    algo_orders_make_position_rows: bool = False
    algo_cancel_all_when_empty_code: int = 200
    unknown_algo_order_code: int = -2011
    replies_carry_average_price: bool = False
    """The shape of order replies before 2026-06-30: avgPrice and cumQuote are in them."""
    result_still_says_new: bool = False
    """RESULT answers as ACK does: NEW, nothing executed, whatever became of the order."""
    late_orders_refused_after_recv_window: bool = True
    unrouted_stream_speaks: bool = False
    """Whether user data still comes on /ws/<key>, without /private before it: not since 2026-04."""
    unknown_symbol_lists_nothing: bool = False
    """Whether openOrders of a symbol that is not listed is empty instead of -1121."""
    self_trade_default: SelfTrade = SelfTrade.EXPIRE_MAKER
    most_conditional_orders: int = 200
    triggering_seconds: float = 0.0
    """How long a conditional order is neither in the one book nor in the other."""
    ban_after_refusals: int = 20
    """How many 429 of one minute an address may ignore before it is banned (418)."""
    first_ban_seconds: int = 120
    listen_key_minutes: int = 60
