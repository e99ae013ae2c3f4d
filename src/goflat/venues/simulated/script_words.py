"""The words of a fault script: names of faults, of what happens to events, of happenings."""

from collections.abc import Callable, Mapping

from goflat.venues.simulated import faults, happenings, trouble
from goflat.venues.simulated.exchange import Happening
from goflat.venues.simulated.faults import Effect
from goflat.venues.simulated.streams import DOUBLED, LOST, OVERTAKEN, Ripple

FAULTS: Mapping[str, Callable[..., Effect]] = {
    "unknown-outcome": trouble.unknown_outcome,
    "unavailable": trouble.unavailable,
    "overloaded": trouble.overloaded,
    "internal-error": trouble.internal_error,
    "backend-timeout": trouble.backend_timeout,
    "throttled": trouble.throttled,
    "too-many-orders": trouble.too_many_orders,
    "banned": trouble.banned,
    "price-band": trouble.price_band,
    "html": trouble.html,
    "body": trouble.body,
    "forbidden": trouble.forbidden,
    "redirect": trouble.redirect,
    "huge": trouble.huge,
    "broken-json": trouble.broken_json,
    "say": faults.Say,
    "reset": faults.Reset,
    "hang": faults.Hang,
    "delay": faults.Delay,
    "execute-late": faults.ExecuteLate,
    "spoil": faults.Spoil,
    "dribble": faults.Dribble,
    "skew": faults.Skew,
    "lookup-lag": faults.LookupLag,
    "stale-positions": faults.StalePositions,
    "cancel-leaves": faults.CancelLeaves,
    "cancel-late": faults.CancelLate,
    "fill-first": faults.FillFirst,
    "book-runs-out": faults.BookRunsOut,
}
"""What can go wrong with a request."""


def late(delay_seconds: float) -> Ripple:
    """An event that comes so much later."""
    return Ripple(delay_seconds=delay_seconds)


RIPPLES: Mapping[str, Callable[..., Ripple]] = {
    "lost": lambda: LOST,
    "doubled": lambda: DOUBLED,
    "overtaken": lambda: OVERTAKEN,
    "late": late,
}
"""What can happen to an event of the user data stream."""

HAPPENINGS: Mapping[str, Callable[..., Happening]] = {
    "mark-moves": happenings.MarkMoves,
    "liquidity-changes": happenings.LiquidityChanges,
    "status-changes": happenings.StatusChanges,
    "position-opens": happenings.PositionOpens,
    "order-rests": happenings.OrderRests,
    "reopens": happenings.Reopens,
    "forced-liquidation": happenings.ForcedLiquidation,
    "triggers-fire": happenings.TriggersFire,
    "resting-fill": happenings.RestingFill,
    "orders-vanish": happenings.OrdersVanish,
    "listen-key-expires": happenings.ListenKeyExpires,
    "account-locks": happenings.AccountLocks,
    "key-revoked": happenings.KeyRevoked,
    "mode-changes": happenings.ModeChanges,
    "orders-used-up": happenings.OrdersUsedUp,
    "weight-used-up": happenings.WeightUsedUp,
    "address-banned": happenings.AddressBanned,
    "streams-cut": happenings.StreamsCut,
}
"""What the world can do meanwhile."""
