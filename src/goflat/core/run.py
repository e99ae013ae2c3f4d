"""What is known of a run, as a value."""

from collections.abc import Mapping
from dataclasses import dataclass

from goflat.core.evolve import replace
from goflat.core.holding import Holding
from goflat.core.leg import Leg, Terms
from goflat.core.looks import Look, Part
from goflat.core.pacing import Budget
from goflat.core.proof import Proof
from goflat.core.states import LegState, SweepState
from goflat.core.sweep import Sweep
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.outcome import OutsideScope
from goflat.domain.scope import Scope
from goflat.domain.time import LONG_AGO, Instant

PATIENCE_SECONDS = 0.5
"""How long a close waits for a list or a cancel that does not come."""

FIRST_RULES_WAIT_SECONDS = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the venue told of its instruments, and how often it did not."""

    known: Mapping[Symbol, InstrumentRules] | None = None
    in_flight: bool = False
    failures: int = 0
    not_before: Instant = LONG_AGO
    reason: str | None = None

    def failed(self, now: Instant, reason: str) -> "Rules":
        """They did not come; they are asked for again a little later each time."""
        wait = FIRST_RULES_WAIT_SECONDS * 2**self.failures
        return replace(
            self,
            in_flight=False,
            failures=self.failures + 1,
            not_before=Instant(now + wait),
            reason=reason,
        )

    def of(self, symbol: Symbol) -> InstrumentRules | None:
        return None if self.known is None else self.known.get(symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One account on its way to flat, as far as we know.

    `last_act` is the instant at which the newest of our acts was answered or ran out; a reading
    counts only if it began after it. `backlog` are instruments that are to be planned in the next
    turn. `alarm` is never later than the first moment at which
    something is due. `is_over` ends the run: everything is settled and proven, or the deadline has
    come.
    """

    correlation_id: str
    scope: Scope
    config: LiquidationConfig
    capabilities: Capabilities
    terms: Terms
    started: Instant
    proof: Proof
    budget: Budget
    holdings: Mapping[Symbol, Holding]
    looks: Mapping[Part, Look]
    outside: Mapping[Part, tuple[OutsideScope, ...]]
    parts: tuple[Part, ...]
    rules: Rules = Rules()
    last_act: Instant = LONG_AGO
    acts_in_flight: int = 0
    backlog: frozenset[Symbol] = frozenset()
    alarm: Instant = LONG_AGO
    is_over: bool = False

    @property
    def legs(self) -> tuple[Leg, ...]:
        """Every position of the run, by instrument."""
        return tuple(leg for holding in self.holdings.values() for leg in holding.legs)

    @property
    def patience_at(self) -> Instant:
        """From when on a close no longer waits for lists that do not come."""
        return Instant(self.started + PATIENCE_SECONDS)

    @property
    def puts_stops_back(self) -> bool:
        """Whether a stop that we took from a position goes back if the position stays."""
        return self.config.close_positions and self.terms.manner.keeps_stops

    @property
    def last_restore_at(self) -> Instant:
        """From when on a stop goes back whatever is still under way: half of the last look."""
        deadline = self.terms.deadline.at
        return Instant(deadline - (deadline - self.terms.last_look_at) / 2)

    @property
    def look_began(self) -> Instant:
        """When the newest whole look at the account began."""
        return min(self.looks[part].read_began for part in self.parts)

    @property
    def look_ended(self) -> Instant:
        return max(self.looks[part].read_ended for part in self.parts)

    @property
    def has_holes(self) -> bool:
        """Whether rows of the newest look could not be read."""
        return any(self.looks[part].holes for part in self.parts)

    @property
    def left(self) -> frozenset[str]:
        """Names of what the newest readings still show of what was asked for."""
        config = self.config
        legs = [str(leg.key) for leg in self.legs if leg.state is not LegState.GONE]
        orders = [
            order.order_id
            for holding in self.holdings.values()
            for sweep in holding.sweeps
            for order in sweep.to_go
        ]
        return frozenset(legs * config.close_positions + orders * config.cancel_orders)

    @property
    def is_at_rest(self) -> bool:
        """Whether nothing is under way, and nothing is to be done unless a reading says so."""
        return self.acts_in_flight == 0 and all(map(self._rests, self.holdings.values()))

    def _rests(self, holding: Holding) -> bool:
        if self.config.close_positions and not all(leg.is_settled for leg in holding.legs):
            return False
        if self.puts_stops_back and holding.owes_stops:
            return False
        return not self.config.cancel_orders or all(map(self._is_swept, holding.sweeps))

    def _is_swept(self, sweep: Sweep) -> bool:
        if sweep.is_done:
            return True
        return Part.of(sweep.book) not in self.parts and sweep.state is SweepState.ACKNOWLEDGED


def parts_of(capabilities: Capabilities) -> tuple[Part, ...]:
    """The lists that a venue can give."""
    given = {
        Part.POSITIONS: True,
        Part.WORKING: capabilities.lists_working_orders,
        Part.CONDITIONAL: capabilities.lists_conditional_orders,
    }
    return tuple(part for part, is_given in given.items() if is_given)
