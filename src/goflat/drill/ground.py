"""What is so at the venue, whatever anybody says: read past goflat, before a run and after it."""

from collections.abc import Mapping
from dataclasses import dataclass
from decimal import Decimal

from goflat.core.naming import PREFIX
from goflat.domain.instrument import Symbol
from goflat.domain.position import LegKey
from goflat.venues.simulated.venue import SimulatedVenue


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderSeen:
    """An order of either book, open or done, in the venue's words. Times in milliseconds."""

    symbol: Symbol
    client_order_id: str
    side: str
    position_side: str
    type: str
    status: str
    reduces: bool
    quantity: Decimal
    executed: Decimal
    created_ms: int
    updated_ms: int
    is_conditional: bool = False

    @property
    def is_ours(self) -> bool:
        """Whether goflat sent it."""
        return self.client_order_id.startswith(f"{PREFIX}-")

    @property
    def is_open(self) -> bool:
        return self.status in {"NEW", "PARTIALLY_FILLED", "TRIGGERING"}

    @property
    def can_only_reduce(self) -> bool:
        """Whether the venue holds it to reducing: by a flag, or by the side of a hedge position."""
        hedged = {("LONG", "SELL"), ("SHORT", "BUY")}
        return self.reduces or (self.position_side, self.side) in hedged


@dataclass(frozen=True, slots=True, kw_only=True)
class CallSeen:
    """One request as it reached the venue. `at_ms` is the venue's time."""

    at_ms: int
    method: str
    path: str
    params: Mapping[str, str]
    status: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Ground:
    """The account at one moment, and everything that was ordered and done on it until then.

    `enlarging` names fills of goflat's orders that made a position larger or turned it around.
    `calls` is None where nobody but the venue can know them.
    """

    positions: Mapping[LegKey, Decimal]
    orders: tuple[OrderSeen, ...]
    enlarging: tuple[str, ...]
    calls: tuple[CallSeen, ...] | None

    @property
    def working(self) -> tuple[OrderSeen, ...]:
        return tuple(o for o in self.orders if o.is_open and not o.is_conditional)

    @property
    def conditional(self) -> tuple[OrderSeen, ...]:
        return tuple(o for o in self.orders if o.is_open and o.is_conditional)

    @property
    def is_bare(self) -> bool:
        return not (self.positions or self.working or self.conditional)

    @property
    def ours(self) -> tuple[OrderSeen, ...]:
        """Everything that goflat ever ordered here."""
        return tuple(order for order in self.orders if order.is_ours)

    def __str__(self) -> str:
        held = ", ".join(f"{key} {amount:f}" for key, amount in self.positions.items()) or "nothing"
        return (
            f"{held} held, {len(self.working)} working and "
            f"{len(self.conditional)} conditional order(s)"
        )


def truth_of(venue: SimulatedVenue, *, goflat_key: str) -> Ground:
    """The ground truth of the embedded venue."""
    with venue.lock:
        truth = venue.truth
        orders = [
            OrderSeen(
                symbol=order.symbol,
                client_order_id=order.client_order_id,
                side=order.side.value,
                position_side=order.position_side.value,
                type=order.type.value,
                status=order.status.value,
                reduces=order.reduce_only,
                quantity=order.quantity,
                executed=order.executed,
                created_ms=order.created_ms,
                updated_ms=order.updated_ms,
            )
            for order in truth.orders()
        ]
        orders += [
            OrderSeen(
                symbol=algo.symbol,
                client_order_id=algo.client_order_id,
                side=algo.ticket.side.value,
                position_side=algo.ticket.position_side.value,
                type=algo.ticket.type.value,
                status=algo.status.value,
                reduces=algo.reduce_only or algo.ticket.close_position,
                quantity=algo.ticket.quantity or Decimal(0),
                executed=Decimal(0),
                created_ms=algo.created_ms,
                updated_ms=algo.updated_ms,
                is_conditional=True,
            )
            for algo in venue.world.accounts["main"].algos.values()
        ]
        return Ground(
            positions={position.key: position.quantity for position in truth.positions()},
            orders=tuple(orders),
            enlarging=tuple(
                f"{fill.client_order_id}: {fill.before:f} to {fill.after:f}"
                for fill in truth.enlarging_fills(api_key=goflat_key)
            ),
            calls=tuple(
                CallSeen(
                    at_ms=call.at_ms,
                    method=call.method,
                    path=call.path,
                    params=call.params,
                    status=call.status,
                )
                for call in truth.requests()
            ),
        )
