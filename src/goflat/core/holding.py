"""What an account holds in one instrument: positions on their way to flat, and orders in two books.

Cancels belong to the instrument, closes to the position. What ties them together is here: which
protective stops have to stay, which of them we took away, and which have to go back.
"""

from dataclasses import dataclass
from decimal import Decimal

from goflat.core.evolve import replace
from goflat.core.leg import Leg, Terms
from goflat.core.states import LegState
from goflat.core.sweep import Sweep
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book, ConditionalOrder, ProtectiveStop
from goflat.domain.position import PositionSide
from goflat.domain.time import Instant

BOTH_SIDES = frozenset(PositionSide)
RESTORE_ATTEMPTS = 3
_FAR = Decimal(1000)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A protective stop that goes back, and how that stands.

    `doubted_at` is when an attempt went unanswered: it may stand, and a list begun after it tells.
    """

    stop: ProtectiveStop
    side: PositionSide
    in_flight: bool = False
    attempts: int = 0
    done_at: Instant | None = None
    doubted_at: Instant | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Naked:
    """When a position stood without a stop that we had to take away. `until` None: still."""

    side: PositionSide
    since: Instant
    until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Holding:
    """One instrument of the account, as far as we know."""

    symbol: Symbol
    working: Sweep
    conditional: Sweep
    legs: tuple[Leg, ...] = ()
    restores: tuple[Restore, ...] = ()
    naked: tuple[Naked, ...] = ()

    @classmethod
    def of(cls, symbol: Symbol, terms: Terms) -> "Holding":
        return cls(
            symbol=symbol,
            working=Sweep(symbol=symbol, book=Book.WORKING, terms=terms),
            conditional=Sweep(symbol=symbol, book=Book.CONDITIONAL, terms=terms),
        )

    @property
    def sweeps(self) -> tuple[Sweep, Sweep]:
        return (self.working, self.conditional)

    def sweep(self, book: Book) -> Sweep:
        return self.working if book is Book.WORKING else self.conditional

    def leg(self, side: PositionSide) -> Leg | None:
        for leg in self.legs:
            if leg.key.side is side:
                return leg
        return None

    def with_leg(self, leg: Leg) -> "Holding":
        others = [known for known in self.legs if known.key.side is not leg.key.side]
        return replace(self, legs=(*others, leg))

    def with_sweep(self, sweep: Sweep) -> "Holding":
        if sweep.book is Book.WORKING:
            return replace(self, working=sweep)
        return replace(self, conditional=sweep)

    @property
    def is_settled(self) -> bool:
        """Whether nothing is to be done here unless something new comes to light."""
        return (
            self.working.is_done
            and self.conditional.is_done
            and all(leg.is_settled for leg in self.legs)
            and not self.owes_stops
        )

    @property
    def risk(self) -> tuple[Decimal, Decimal]:
        """Sorts the riskiest first: nearest to forced liquidation, then the largest notional."""
        positions = [leg.position for leg in self.legs if leg.position is not None]
        if not positions:
            return (2 * _FAR, _NOTHING)
        distances = [p.distance_to_forced_liquidation for p in positions]
        nearest = min(_FAR if distance is None else distance for distance in distances)
        return (nearest, -sum((p.notional or _NOTHING for p in positions), _NOTHING))

    # --- protect until closed -------------------------------------------------------------------

    @property
    def exposed_sides(self) -> frozenset[PositionSide]:
        """Sides whose protective orders have to stay: they show, and the venue lets us close."""
        return frozenset(
            leg.key.side for leg in self.legs if leg.state is not LegState.GONE and not leg.blocked
        )

    @property
    def open_sides(self) -> frozenset[PositionSide]:
        """Sides that still show, as far as we know."""
        return frozenset(leg.key.side for leg in self.legs if leg.state is not LegState.GONE)

    def bared(self, now: Instant) -> "Holding":
        """Remember which positions lose a stop by the cancels that are about to set out."""
        known = {naked.side for naked in self.naked}
        losing = [
            Naked(side=leg.key.side, since=now)
            for leg in self.legs
            if leg.state is not LegState.GONE
            and leg.key.side not in known
            and any(
                isinstance(order, ConditionalOrder) and order.protects(leg.key.side)
                for order in self.conditional.to_go
            )
        ]
        return replace(self, naked=(*self.naked, *losing)) if losing else self

    def covered(self, side: PositionSide, now: Instant) -> "Holding":
        """A position is gone, or its stop is back: it is naked no longer."""
        naked = tuple(
            replace(n, until=now) if n.side is side and n.until is None else n for n in self.naked
        )
        return self if naked == self.naked else replace(self, naked=naked)

    def missing_stops(self, side: PositionSide) -> tuple[ConditionalOrder, ...]:
        """Protective orders that we took from a position, and that no list since has shown."""
        shown = self.conditional.shown
        return tuple(
            order
            for order in self.conditional.taken
            if order.protects(side) and order.order_id not in shown
        )

    def is_back(self, restore: Restore) -> bool:
        """Whether a stop was put back, and no list since has been without it."""
        sweep = self.conditional
        if restore.done_at is None or not sweep.is_shown or sweep.listed_began < restore.done_at:
            return restore.done_at is not None
        name = restore.stop.client_order_id
        return any(order.client_order_id == name for order in sweep.orders)

    def has_ended(self, restore: Restore) -> bool:
        """Whether a stop is back, or given up."""
        is_given_up = restore.attempts >= RESTORE_ATTEMPTS and not restore.in_flight
        return is_given_up or self.is_back(restore)

    @property
    def owes_stops(self) -> bool:
        """Whether a stop of a position that stays open has still to go back."""
        stuck = [leg.key.side for leg in self.legs if leg.state is LegState.STUCK]
        restores = [self.restore_of(order) for side in stuck for order in self.missing_stops(side)]
        return not all(restore is not None and self.has_ended(restore) for restore in restores)

    def restore_of(self, order: ConditionalOrder) -> Restore | None:
        for restore in self.restores:
            if restore.stop.order.order_id == order.order_id:
                return restore
        return None

    def with_restore(self, restore: Restore) -> "Holding":
        order_id = restore.stop.order.order_id
        others = [r for r in self.restores if r.stop.order.order_id != order_id]
        return replace(self, restores=(*others, restore))
