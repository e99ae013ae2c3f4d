"""The judge: what the venue's ground truth was, and when, told by the venue's own clock."""

import time
from collections.abc import Sequence
from dataclasses import dataclass, replace

from goflat.venues.simulated.gateway import Answer, Incoming, Received, Request
from goflat.venues.simulated.venue import SimulatedVenue

LIMIT_STATUSES = (429, 418)
NS_PER_MS = 1e6
PAUSE_MS = 15
"""Requests of one kind that are further apart belong to two steps."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Ledger:
    """One run as the venue saw it. Times in milliseconds since the first request set out.

    A request sets out half a round trip before the venue receives it. None: not reached while the
    contestant ran. `enlarging_fills` and `limit_answers` (429 and 418) should be zero.
    """

    positions_gone_ms: float | None
    books_clear_ms: float | None
    positions_left: int
    working_left: int
    conditional_left: int
    enlarging_fills: int
    limit_answers: int
    requests: int
    steps: tuple["Step", ...]

    @property
    def is_flat(self) -> bool:
        return not (self.positions_left or self.working_left or self.conditional_left)


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """Requests of one kind that came in without a pause, and when the first and the last did.

    Whole milliseconds since the first request came in.
    """

    request: str
    count: int
    first_ms: int
    last_ms: int

    def and_then(self, request: Received, began_ms: int) -> "Step":
        return replace(self, count=self.count + 1, last_ms=request.at_ms - began_ms)


def steps_of(requests: Sequence[Received]) -> tuple[Step, ...]:
    """What was asked, step by step, in the order in which each step began."""
    steps: dict[tuple[str, int], Step] = {}
    numbers: dict[str, int] = {}
    for request in requests:
        began_ms, name = requests[0].at_ms, f"{request.method} {request.path}"
        at_ms = request.at_ms - began_ms
        number = numbers.setdefault(name, 0)
        step = steps.get((name, number))
        if step is not None and at_ms - step.last_ms >= PAUSE_MS:
            number = numbers[name] = number + 1
            step = None
        fresh = Step(request=name, count=0, first_ms=at_ms, last_ms=at_ms)
        steps[name, number] = (step or fresh).and_then(request, began_ms)
    return tuple(steps.values())


class Moment:
    """When something became true, and has stayed so since."""

    def __init__(self) -> None:
        self.at_ns: int | None = None

    def note(self, *, is_so: bool) -> None:
        if not is_so:
            self.at_ns = None
        elif self.at_ns is None:
            self.at_ns = time.monotonic_ns()


class Stopwatch:
    """Looks at the venue's ground truth after each request that it executes.

    Started by `begin`, after a contestant has warmed up; what came before does not count.
    """

    def __init__(self, venue: SimulatedVenue, account: str) -> None:
        self._venue = venue
        self._name = account
        self._account = venue.world.accounts[account]
        self._began_ns: int | None = None
        self._earlier = 0
        self._gone, self._clear = Moment(), Moment()
        gateway = venue.gateway
        self._receive, self._execute = gateway.receive, gateway.execute
        # The ledger counts in whole milliseconds; this is the one place that looks more closely.
        gateway.receive = self._received  # type: ignore[method-assign]
        gateway.execute = self._executed  # type: ignore[method-assign]

    def begin(self) -> None:
        """The next request is the first that counts."""
        self._began_ns = None
        self._gone, self._clear = Moment(), Moment()
        self._earlier = len(self._venue.truth.requests())

    def read(self) -> Ledger:
        """What has become of it."""
        truth, name = self._venue.truth, self._name
        requests = truth.requests()[self._earlier :]
        return Ledger(
            positions_gone_ms=self._since_first(self._gone),
            books_clear_ms=self._since_first(self._clear),
            positions_left=len(truth.positions(name)),
            working_left=len(truth.working_orders(name)),
            conditional_left=len(truth.conditional_orders(name)),
            enlarging_fills=sum(
                fill.enlarges and fill.origin.via == "rest" for fill in truth.fills(name)
            ),
            limit_answers=sum(request.status in LIMIT_STATUSES for request in requests),
            requests=len(requests),
            steps=steps_of(requests),
        )

    def _received(self, request: Request) -> Incoming:
        if self._began_ns is None:
            half = round(self._venue.latency_seconds * 1e9 / 2)
            self._began_ns = time.monotonic_ns() - half
        return self._receive(request)

    def _executed(self, incoming: Incoming) -> Answer:
        answer = self._execute(incoming)
        account = self._account
        holds = any(row.amount for row in account.rows.values())
        rests = any(account.working.values()) or any(account.waiting.values())
        self._gone.note(is_so=not holds)
        self._clear.note(is_so=not rests)
        return answer

    def _since_first(self, moment: Moment) -> float | None:
        if moment.at_ns is None or self._began_ns is None:
            return None
        return (moment.at_ns - self._began_ns) / NS_PER_MS
