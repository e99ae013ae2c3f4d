"""What is known of one position on its way to flat, and what we did about it: a value."""

from dataclasses import dataclass
from decimal import Decimal
from typing import TypeAlias

from goflat.core.decision import Decision
from goflat.core.leg.terms import Terms
from goflat.core.pricing import limit_at_band
from goflat.core.sizing import cut
from goflat.core.states import LegState
from goflat.domain.instrument import InstrumentRules, LotLimits
from goflat.domain.order import ClientOrderId, CloseOrder
from goflat.domain.position import LegKey, Position
from goflat.domain.time import LONG_AGO, NEVER, Instant
from goflat.errors import VenueError


@dataclass(frozen=True, slots=True, kw_only=True)
class Round:
    """The closes that set out together, and what their answers said.

    `told` is false once an answer left open how much was executed.
    """

    quantity: Decimal
    executed: Decimal = Decimal(0)
    told: bool = True
    claimed_pnl: Decimal | None = None
    failure: VenueError | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Doubt:
    """A close that went unanswered, and how often it was asked about in vain."""

    order: CloseOrder
    queries: int = 0
    asking: bool = False
    ask_at: Instant = LONG_AGO


@dataclass(frozen=True, slots=True, kw_only=True)
class Leg:
    """One position on its way to flat: what is known of it, and what we did about it.

    `position` is what the last reading that counts showed, None once gone. `fills_leave` is the
    most that can be left by our own fills; a reading that shows more is older than they are.
    """

    key: LegKey
    terms: Terms
    first: Position
    position: Position | None
    seen_began: Instant
    state: LegState = LegState.EXPOSED
    last_act: Instant = LONG_AGO
    not_before: Instant = LONG_AGO
    attempts: int = 0
    refused: int = 0
    silences: int = 0
    unsent: int = 0
    round: Round | None = None
    in_flight: frozenset[ClientOrderId] = frozenset()
    doubts: tuple[Doubt, ...] = ()
    blocked: bool = False
    at_band: bool = False
    largest: Decimal | None = None
    dust: Decimal | None = None
    fills_leave: Decimal | None = None
    filled_ms: int | None = None
    filled_at: Instant | None = None
    reason: str | None = None
    order_ids: tuple[str, ...] = ()
    pnl: Decimal | None = None

    @classmethod
    def found(cls, position: Position, began: Instant, terms: Terms) -> "Leg":
        """A leg for a position that a reading shows for the first time."""
        return cls(
            key=position.key, terms=terms, first=position, position=position, seen_began=began
        )

    @property
    def waits_for_orders(self) -> bool:
        """Whether the venue said that our own orders are in the way, and it still shows."""
        return self.blocked and self.state is LegState.EXPOSED

    @property
    def is_settled(self) -> bool:
        """Whether nothing more is to be done unless a reading says otherwise."""
        return self.state in {LegState.GONE, LegState.STUCK}

    def is_ready(self, now: Instant) -> bool:
        """Whether it would send closes as soon as it may."""
        return self.state is LegState.EXPOSED and not self.blocked and now >= self.not_before

    def pieces(self, rules: InstrumentRules | None) -> int:
        """How many orders it would send now."""
        if self.position is None:
            return 0
        return len(cut(self.position.quantity, self.lot_under(rules), self.largest).pieces)

    def limit_price_under(self, rules: InstrumentRules | None) -> Decimal | None:
        if self.position is None or not self.at_band:
            return None
        side = self.position.side.closes_with
        return limit_at_band(side, self.position.mark_price, rules)

    def lot_under(self, rules: InstrumentRules | None) -> LotLimits | None:
        if rules is None:
            return None
        return rules.market_lot if self.limit_price_under(rules) is None else rules.limit_lot

    @property
    def wakes_at(self) -> Instant:
        """When it wants to be asked again, if no answer comes before."""
        if self.state is LegState.EXPOSED and not self.blocked:
            return self.not_before
        if self.state is LegState.DOUBTFUL:
            return min((d.ask_at for d in self.doubts if not d.asking), default=NEVER)
        return NEVER


LegDecision: TypeAlias = Decision[Leg]
