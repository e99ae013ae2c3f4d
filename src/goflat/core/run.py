"""What is known of a run: a value, and the working copy in which one event is folded into it."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, replace
from typing import NamedTuple

from goflat.core import leg as legs
from goflat.core import sweep as sweeps
from goflat.core.decision import Decision, Remark
from goflat.core.leg import Leg, LegEvent, Terms
from goflat.core.looks import Look, Part
from goflat.core.pacing import Budget, Cost
from goflat.core.proof import Proof
from goflat.core.states import SweepState
from goflat.core.steps import CancelAll, CancelConditional, Close, Protect, Request, Step
from goflat.core.sweep import Sweep, SweepEvent
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.order import Book, ProtectiveStop, VenueOrderId
from goflat.domain.outcome import OutsideScope
from goflat.domain.position import LegKey, PositionSide
from goflat.domain.scope import Scope
from goflat.domain.time import LONG_AGO, NEVER, Instant

_SIDES = tuple(PositionSide)

PATIENCE_SECONDS = 0.5
"""How long a close waits for a list or a cancel that does not come."""


class SweepKey(NamedTuple):
    """An instrument and a book."""

    symbol: Symbol
    book: Book


@dataclass(frozen=True, slots=True, kw_only=True)
class Restore:
    """A protective stop that goes back, and how that stands."""

    stop: ProtectiveStop
    leg: LegKey
    in_flight: bool = False
    attempts: int = 0
    done_at: Instant | None = None
    reason: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Naked:
    """When a position stood without a stop that we had to take away. `until` None: still."""

    since: Instant
    until: Instant | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Rules:
    """What the venue told of its instruments, and how often it did not."""

    known: Mapping[Symbol, InstrumentRules] | None = None
    in_flight: bool = False
    failures: int = 0
    reason: str | None = None

    def of(self, symbol: Symbol) -> InstrumentRules | None:
        return None if self.known is None else self.known.get(symbol)


@dataclass(frozen=True, slots=True, kw_only=True)
class Liquidation:
    """One account on its way to flat, as far as we know.

    `last_act` is the instant at which the newest of our acts was answered or ran out; a reading
    counts only if it began after it. `alarm` is never later than the first moment at which
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
    legs: Mapping[LegKey, Leg]
    sweeps: Mapping[SweepKey, Sweep]
    looks: Mapping[Part, Look]
    rules: Rules = Rules()
    outside: Mapping[Part, tuple[OutsideScope, ...]]
    restores: Mapping[VenueOrderId, Restore]
    naked: Mapping[LegKey, Naked]
    last_act: Instant = LONG_AGO
    acts_in_flight: int = 0
    look_again_at: Instant = NEVER
    stale_readings: int = 0
    alarm: Instant = LONG_AGO
    is_over: bool = False

    @property
    def patience_at(self) -> Instant:
        """From when on a close no longer waits for lists that do not come."""
        return Instant(self.started + PATIENCE_SECONDS)

    @property
    def parts(self) -> tuple[Part, ...]:
        """The lists that this venue can give."""
        can = self.capabilities
        listed = {
            Part.POSITIONS: True,
            Part.WORKING: can.lists_working_orders,
            Part.CONDITIONAL: can.lists_conditional_orders,
        }
        return tuple(part for part, is_given in listed.items() if is_given)

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
    def is_at_rest(self) -> bool:
        """Whether nothing is under way, and nothing is to be done unless a reading says so."""
        return (
            self.acts_in_flight == 0
            and not any(restore.in_flight for restore in self.restores.values())
            and (not self.config.close_positions or all(x.is_settled for x in self.legs.values()))
            and (not self.config.cancel_orders or all(map(self._is_swept, self.sweeps.values())))
        )

    def _is_swept(self, sweep: Sweep) -> bool:
        if sweep.is_done:
            return True
        return Part.of(sweep.book) not in self.parts and sweep.state is SweepState.ACKNOWLEDGED


class Draft:
    """The working copy of a run for the length of one event.

    Everything that follows from the event gathers here: what changed, which instruments it
    touched, what is asked for, what is worth recording.
    """

    def __init__(self, run: Liquidation, now: Instant) -> None:
        self.run = run
        self.now = now
        self.legs = dict(run.legs)
        self.sweeps = dict(run.sweeps)
        self.looks = dict(run.looks)
        self.restores = dict(run.restores)
        self.naked = dict(run.naked)
        self.budget = run.budget
        self.alarm = run.alarm if run.alarm > now else NEVER
        self.touched: set[Symbol] = set()
        self.requests: list[Request] = []
        self.remarks: list[Remark] = []

    def change(self, **changes: object) -> None:
        """Change what the run knows besides legs, sweeps, looks and restores."""
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]

    def touch_all(self) -> None:
        self.touched.update(key.symbol for key in self.legs)
        self.touched.update(key.symbol for key in self.sweeps)
        self.alarm = NEVER

    def wake(self, at: Instant) -> None:
        """Ask to be asked again at that instant, if not before."""
        self.alarm = min(self.alarm, at)

    def tell_leg(self, key: LegKey, event: LegEvent) -> Leg:
        decision = legs.advance(self.legs[key], event, self.now)
        self.legs[key] = decision.now_is
        self._take(key.symbol, decision.requests, decision.remarks)
        return decision.now_is

    def tell_sweep(self, key: SweepKey, event: SweepEvent) -> Sweep:
        decision = sweeps.advance(self.sweeps[key], event, self.now)
        self.sweeps[key] = decision.now_is
        self._take(key.symbol, decision.requests, decision.remarks)
        return decision.now_is

    def _take(
        self, symbol: Symbol, requests: tuple[Request, ...], remarks: tuple[Remark, ...]
    ) -> None:
        self.touched.add(symbol)
        self.remarks.extend(remarks)
        self.send(requests)

    def send(self, requests: Iterable[Request]) -> None:
        """Ask the venue. Whoever calls has asked the budget before."""
        requests = tuple(requests)
        if not requests:
            return
        self.requests.extend(requests)
        cost = sum((self.budget.cost_of(request.step) for request in requests), Cost())
        self.budget = self.budget.spend(cost, self.now)
        acts = sum(1 for request in requests if is_act(request.step))
        if acts:
            self.change(acts_in_flight=self.run.acts_in_flight + acts)

    def has_room_for(self, step: Step) -> bool:
        """Whether the budget lets this go now; if not, wakes when it will."""
        return self.has_room(self.budget.cost_of(step))

    def has_room(self, cost: Cost) -> bool:
        opens_at = self.budget.opens_at(cost, self.now)
        if opens_at <= self.now:
            return True
        self.wake(opens_at)
        return False

    def sweep_of(self, symbol: Symbol, book: Book) -> SweepKey:
        """The sweep of a book, made where there is none yet."""
        key = SweepKey(symbol, book)
        if key not in self.sweeps:
            self.sweeps[key] = Sweep(symbol=symbol, book=book, terms=self.run.terms)
        return key

    def legs_of(self, symbol: Symbol) -> list[Leg]:
        return [leg for side in _SIDES if (leg := self.legs.get(LegKey(symbol, side)))]

    def finish(self) -> Decision[Liquidation]:
        run = replace(
            self.run,
            legs=self.legs,
            sweeps=self.sweeps,
            looks=self.looks,
            restores=self.restores,
            naked=self.naked,
            budget=self.budget,
            alarm=self.alarm,
        )
        return Decision(
            now_is=run,
            requests=tuple(self.requests),
            remarks=tuple(self.remarks),
            wake_at=self.alarm,
        )


def is_act(step: Step) -> bool:
    """Whether a step changes something at the venue."""
    return isinstance(step, Close | CancelAll | CancelConditional | Protect)
