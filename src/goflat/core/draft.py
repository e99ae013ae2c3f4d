"""The working copy of a run, for the length of one event.

Everything that follows from the event gathers here: what changed, which instruments it touched,
what is asked for and what is worth recording. `finish` makes a value of it again.
"""

from collections.abc import Iterable
from typing import Any

from goflat.core import leg as legs
from goflat.core import sweep as sweeps
from goflat.core.decision import Decision, Remark
from goflat.core.evolve import replace
from goflat.core.holding import Holding
from goflat.core.leg import Leg, LegEvent
from goflat.core.pacing import Cost
from goflat.core.run import Liquidation
from goflat.core.steps import CancelAll, CancelConditional, Close, Protect, Request, Step
from goflat.core.sweep import Sweep, SweepEvent
from goflat.domain.instrument import Symbol
from goflat.domain.order import Book
from goflat.domain.position import LegKey
from goflat.domain.time import NEVER, Instant

PATIENCE_FACTOR = 2.0
"""How much longer than the slowest list an answer is waited for."""


def is_act(step: Step) -> bool:
    """Whether a step changes something at the venue."""
    return isinstance(step, Close | CancelAll | CancelConditional | Protect)


class Draft:
    """A run being changed. Never outlives the event."""

    def __init__(self, run: Liquidation, now: Instant) -> None:
        self.run = run
        self.now = now
        self.holdings = dict(run.holdings)
        self.looks = dict(run.looks)
        self.budget = run.budget
        self.spending = Cost()
        self.last_act = run.last_act
        self.acts_in_flight = run.acts_in_flight
        self.alarm = run.alarm
        self.touched: set[Symbol] = set()
        self.requests: list[Request] = []
        self.remarks: list[Remark] = []
        if run.alarm <= now:
            # What was due is due, also where another event came before the alarm.
            self.touch_all()

    def change(self, **changes: object) -> None:
        """Change what the run knows besides holdings, looks and budget."""
        self.run = replace(self.run, **changes)  # type: ignore[arg-type]

    def touch_all(self) -> None:
        """Something changed that may matter to every instrument: plan all of them anew."""
        self.touched.update(self.holdings)
        self.alarm = NEVER

    def touch_unsettled(self) -> None:
        """A reading came: plan anew where it may matter, which is where something is open."""
        self.touched.update(
            symbol for symbol, holding in self.holdings.items() if not holding.is_settled
        )

    def wake(self, at: Instant) -> None:
        """Ask to be asked again at that instant, if not before."""
        self.alarm = min(self.alarm, at)

    def holding(self, symbol: Symbol) -> Holding:
        """What is held in an instrument; nothing yet, where it is new."""
        known = self.holdings.get(symbol)
        return Holding.of(symbol, self.run.terms) if known is None else known

    def put(self, holding: Holding) -> None:
        self.holdings[holding.symbol] = holding
        self.touched.add(holding.symbol)

    def tell_leg(self, key: LegKey, event: LegEvent) -> Leg:
        """Let one leg take an event. It has to be there: only what we found is acted on."""
        holding = self.holdings[key.symbol]
        leg = holding.leg(key.side)
        assert leg is not None
        decision = legs.advance(leg, event, self.now)
        self.holdings[key.symbol] = holding.with_leg(decision.now_is)
        if not (leg.is_settled and decision.now_is.state is leg.state):
            self.touched.add(key.symbol)
        self._take(decision.requests, decision.remarks)
        return decision.now_is

    def tell_sweep(self, symbol: Symbol, book: Book, event: SweepEvent) -> Sweep:
        """Let the orders of one book take an event."""
        holding = self.holding(symbol)
        sweep = holding.sweep(book)
        decision = sweeps.advance(sweep, event, self.now)
        self.holdings[symbol] = holding.with_sweep(decision.now_is)
        after = decision.now_is
        is_as_before = sweep.is_done and after.state is sweep.state and after.orders == sweep.orders
        if not is_as_before or self.holdings[symbol].owes_stops:
            self.touched.add(symbol)
        self._take(decision.requests, decision.remarks)
        return decision.now_is

    def _take(self, requests: tuple[Request, ...], remarks: tuple[Remark, ...]) -> None:
        self.remarks.extend(remarks)
        if requests:
            self.send(requests)

    def send(self, requests: Iterable[Request]) -> None:
        """Ask the venue. Whoever calls has asked the budget before."""
        requests = tuple(self._patiently(request) for request in requests)
        self.requests.extend(requests)
        self.spending = sum(
            (self.budget.cost_of(request.step) for request in requests), self.spending
        )
        self.acts_in_flight += sum(1 for request in requests if is_act(request.step))

    def _patiently(self, request: Request) -> Request:
        """A request that waits for its answer at least twice as long as a list has just taken.

        Giving up on a slow venue earlier makes silences of its answers, each to be asked about.
        """
        slowest = max(look.took_seconds for look in self.looks.values())
        least = self.run.terms.deadline.cap(self.now, PATIENCE_FACTOR * slowest)
        return request if request.answer_by >= least else Request(request.step, least)

    def acted(self) -> None:
        """One of our acts was answered, or ran out: readings begun before this do not count."""
        self.last_act = self.now
        self.acts_in_flight -= 1

    def has_room_for(self, step: Step) -> bool:
        """Whether the budget lets this go now; if not, wakes when it will."""
        return self.has_room(self.budget.cost_of(step))

    def has_room(self, cost: Cost) -> bool:
        opens_at = self.budget.opens_at(cost, self.now, beside=self.spending)
        if opens_at <= self.now:
            return True
        self.wake(opens_at)
        return False

    def settle(self) -> Liquidation:
        """The run as it stands in this draft."""
        self.run = replace(self.run, **self._drafted())
        return self.run

    def _drafted(self) -> dict[str, Any]:
        return {
            "holdings": self.holdings,
            "looks": self.looks,
            "last_act": self.last_act,
            "acts_in_flight": self.acts_in_flight,
        }

    def finish(self) -> Decision[Liquidation]:
        budget = self.budget.spend(self.spending, self.now)
        return Decision(
            now_is=replace(self.run, **self._drafted(), budget=budget, alarm=self.alarm),
            requests=tuple(self.requests),
            remarks=tuple(self.remarks),
            wake_at=self.now if self.run.backlog else self.alarm,
        )
