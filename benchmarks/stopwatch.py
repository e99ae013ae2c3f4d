"""The judge: what the venue's ground truth was, and when, told by the venue's own clock."""

import time
from dataclasses import dataclass

from goflat.venues.simulated.gateway import Answer, Incoming, Request
from goflat.venues.simulated.venue import SimulatedVenue

LIMIT_STATUSES = (429, 418)
NS_PER_MS = 1e6


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

    @property
    def is_flat(self) -> bool:
        return not (self.positions_left or self.working_left or self.conditional_left)


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
