"""What the venue's limits leave room for, and how long to wait after a no.

A limit is kept as a sliding window over our own requests, plus what the venue's headers say that
others on the same key or address have used. A window that slides is never wrong about a venue
that counts by the minute, wherever its minute begins.
"""

import hashlib
from dataclasses import dataclass, field
from typing import assert_never

from goflat.core.evolve import replace
from goflat.core.steps import (
    CancelAll,
    CancelConditional,
    Close,
    Protect,
    Query,
    ReadOrders,
    ReadPositions,
    ReadRules,
    Step,
)
from goflat.domain.capabilities import Costs, Limits, Usage
from goflat.domain.time import LONG_AGO, Instant

GRAIN_SECONDS = 0.1
"""Requests closer together than this are counted as one entry of the window."""

UNSAID_RETRY_SECONDS = 1.0
"""How long we wait where the venue throttles without saying for how long."""

Spent = tuple[tuple[Instant, int], ...]


@dataclass(frozen=True, slots=True, kw_only=True)
class Window:
    """One limit: at most `limit` in any `seconds`."""

    limit: int
    seconds: float
    spent: Spent = ()
    grain_began: Instant = LONG_AGO
    others: int = 0
    others_seen: Instant = LONG_AGO

    def _ours(self, now: Instant) -> int:
        return sum(cost for at, cost in self.spent if at + self.seconds > now)

    def _others(self, now: Instant) -> int:
        return self.others if self.others_seen + self.seconds > now else 0

    def room(self, now: Instant) -> int:
        return self.limit - self._ours(now) - self._others(now)

    def opens_at(self, cost: int, now: Instant) -> Instant:
        """The first instant at which `cost` fits."""
        missing = cost - self.room(now)
        if missing <= 0:
            return now
        leaving = [(Instant(at + self.seconds), spent) for at, spent in self.spent]
        if others := self._others(now):
            leaving.append((Instant(self.others_seen + self.seconds), others))
        for at, freed in sorted(leaving):
            if at <= now:
                continue
            missing -= freed
            if missing <= 0:
                return at
        return Instant(now + self.seconds)

    def spend(self, cost: int, now: Instant) -> "Window":
        if not cost:
            return self
        kept = self.spent
        if kept and kept[0][0] + self.seconds <= now:
            kept = tuple(entry for entry in kept if entry[0] + self.seconds > now)
        if kept and now - self.grain_began < GRAIN_SECONDS:
            # Counted from the later instant: an entry may leave too late, never too soon.
            return replace(self, spent=(*kept[:-1], (now, kept[-1][1] + cost)))
        return replace(self, spent=(*kept, (now, cost)), grain_began=now)

    def observe(self, used: int | None, now: Instant) -> "Window":
        """Take the venue's word for what has been used; what is not ours is others'."""
        if used is None:
            return self
        others = max(0, used - self._ours(now))
        if others == self._others(now):
            return self
        return replace(self, others=others, others_seen=now)


@dataclass(frozen=True, slots=True)
class Cost:
    """What a step takes: weight, and places on the order limits."""

    weight: int = 0
    orders: int = 0

    def __add__(self, other: "Cost") -> "Cost":
        return Cost(self.weight + other.weight, self.orders + other.orders)


NOTHING = Cost()


def cost_of(step: Step, costs: Costs) -> Cost:
    """What a step takes at a venue with this price list."""
    match step:
        case ReadPositions():
            return Cost(weight=costs.read_positions)
        case ReadOrders():
            return Cost(weight=costs.read_orders)
        case ReadRules():
            return Cost(weight=costs.read_rules)
        case CancelAll() | CancelConditional():
            return Cost(weight=costs.cancel)
        case Query():
            return Cost(weight=costs.query)
        case Close() | Protect():
            return Cost(orders=1)
        case _:
            assert_never(step)


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """What may be sent now. Without known limits everything may, until the venue says no."""

    costs: Costs = field(default_factory=Costs)
    weight: Window | None = None
    orders: tuple[Window, ...] = ()
    shut_until: Instant = LONG_AGO
    orders_shut_until: Instant = LONG_AGO

    @classmethod
    def of(cls, limits: Limits | None, costs: Costs) -> "Budget":
        if limits is None:
            return cls(costs=costs)
        return cls(
            costs=costs,
            weight=Window(limit=limits.weight_per_minute, seconds=60.0),
            orders=(
                Window(limit=limits.orders_per_ten_seconds, seconds=10.0),
                Window(limit=limits.orders_per_minute, seconds=60.0),
            ),
        )

    def with_limits(self, limits: Limits) -> "Budget":
        """The venue's own figures, in place of those we started with; what was spent stays."""
        ten, minute = limits.orders_per_ten_seconds, limits.orders_per_minute
        orders = tuple(
            replace(window, limit=limit)
            for window, limit in zip(self.orders, (ten, minute), strict=False)
        )
        weight = self.weight and replace(self.weight, limit=limits.weight_per_minute)
        return replace(self, weight=weight, orders=orders)

    def cost_of(self, step: Step) -> Cost:
        return cost_of(step, self.costs)

    def opens_at(self, cost: Cost, now: Instant, beside: Cost = NOTHING) -> Instant:
        """The first instant at which there is room for `cost`, `beside` what sets out now anyway.

        What alone is more than a limit goes when nothing else is in its window.
        """
        instants = [now, self.shut_until]
        if cost.orders:
            instants.append(self.orders_shut_until)
            instants += [
                w.opens_at(min(cost.orders, w.limit) + beside.orders, now) for w in self.orders
            ]
        if (weight := self.weight) is not None and cost.weight:
            instants.append(weight.opens_at(min(cost.weight, weight.limit) + beside.weight, now))
        return max(instants)

    def spend(self, cost: Cost, now: Instant) -> "Budget":
        if not (cost.weight or cost.orders):
            return self
        return replace(
            self,
            weight=self.weight and self.weight.spend(cost.weight, now),
            orders=tuple(window.spend(cost.orders, now) for window in self.orders),
        )

    def observe(self, usage: Usage, now: Instant) -> "Budget":
        said = (usage.orders_per_ten_seconds, usage.orders_per_minute)
        return replace(
            self,
            weight=self.weight and self.weight.observe(usage.weight_per_minute, now),
            orders=tuple(
                window.observe(used, now) for window, used in zip(self.orders, said, strict=False)
            ),
        )

    def throttled(
        self, now: Instant, retry_after_seconds: float | None, *, orders_only: bool
    ) -> "Budget":
        """The venue said: not now. Nothing of that kind is sent until the time it named."""
        until = Instant(now + throttle_seconds(retry_after_seconds))
        if orders_only:
            return replace(self, orders_shut_until=max(self.orders_shut_until, until))
        return replace(self, shut_until=max(self.shut_until, until))


def throttle_seconds(said: float | None) -> float:
    """How long to wait after a throttle. A venue that names no time, or none at all, named none.

    Zero would be tried at once, refused at once and tried again, until the address is banned.
    """
    return said or UNSAID_RETRY_SECONDS


def backoff_seconds(base: float, refusals: int, seed: str) -> float:
    """How long to wait before the next attempt: base, doubled with each refusal, plus jitter.

    The jitter (up to a tenth) is drawn from `seed`, so that a replayed run waits the same.
    """
    exponent = min(max(refusals - 1, 0), 10)
    digest = hashlib.sha256(f"{seed}/{refusals}".encode()).digest()
    part = int.from_bytes(digest[:4], "big") / 2**32
    return float(base * 2**exponent * (1 + part / 10))
