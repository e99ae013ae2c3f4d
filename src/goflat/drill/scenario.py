"""One scenario as data: what is on the account, what goes wrong, what has to be so afterwards."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import TypeAlias

from goflat.domain.config import LiquidationConfig
from goflat.domain.instrument import Symbol
from goflat.domain.outcome import LiquidationResult, LiquidationState
from goflat.domain.position import LegKey
from goflat.drill.ground import Ground
from goflat.drill.setting import Setting
from goflat.journal import AuditLogger
from goflat.journal.record import Record
from goflat.manager import LiquidationManager
from goflat.ports.venue import Venue
from goflat.venues.simulated.venue import SimulatedVenue

QUIET_SECONDS = 0.3
"""How long the second proving reading waits in the drill. Shorter than in an emergency (1 s)."""

QUICK = LiquidationConfig(retry_delay_seconds=0.1)


@dataclass(frozen=True, slots=True, kw_only=True)
class Tick:
    """One thing that had to be so, whether it was, and what shows it."""

    text: str
    holds: bool
    evidence: str


@dataclass(kw_only=True)
class Rig:
    """What a scenario acts with, and what it notes.

    `symbols` is the scope of its runs; None is the whole account. `states` are those of the
    manager, with the moment at which each was seen.
    """

    venue: Venue
    audit: AuditLogger
    config: LiquidationConfig
    quiet_seconds: float
    symbols: list[Symbol] | None
    simulated: SimulatedVenue | None = None
    results: list[LiquidationResult] = field(default_factory=list)
    states: list[tuple[str, LiquidationState]] = field(default_factory=list)

    def manager(self, *, audit: AuditLogger | None = None) -> LiquidationManager:
        """One that notes its states. `audit`: another trail than the drill's own."""
        manager = LiquidationManager(
            self.venue,
            self.config,
            audit or self.audit,
            quiet_seconds=self.quiet_seconds,
            watch=lambda _run: self._note("during", manager),
        )
        return manager

    async def flatten(self, manager: LiquidationManager) -> LiquidationResult:
        """One run, with its result noted."""
        self._note("before", manager)
        result = await manager.execute_liquidation(self.symbols)
        self._note("after", manager)
        self.results.append(result)
        return result

    def _note(self, when: str, manager: LiquidationManager) -> None:
        seen = (when, manager.state)
        if seen not in self.states:
            self.states.append(seen)


@dataclass(frozen=True, slots=True, kw_only=True)
class Played:
    """What one scenario left behind: the venue before and after, and everything that was said.

    `log` holds the critical lines, `pause_seconds` the longest time for which the caller's event
    loop stood still, `still_running` the tasks that had not ended afterwards.
    """

    before: Ground
    after: Ground
    results: tuple[LiquidationResult, ...]
    states: tuple[tuple[str, LiquidationState], ...]
    events: tuple[Record, ...]
    log: tuple[str, ...]
    config: LiquidationConfig
    seconds: float
    pause_seconds: float
    leaks: tuple[str, ...] = ()
    still_running: tuple[str, ...] = ()
    error: str | None = None

    @property
    def result(self) -> LiquidationResult:
        """The first run's."""
        return self.results[0]

    def events_of(self, event_type: str) -> list[Record]:
        return [record for record in self.events if record.event_type == event_type]


Check: TypeAlias = Callable[[Played], Tick]
Drama: TypeAlias = Callable[[Rig], Awaitable[None]]
Trouble: TypeAlias = Callable[[SimulatedVenue], None]


async def flatten_once(rig: Rig) -> None:
    """What most scenarios do."""
    await rig.flatten(rig.manager())


@dataclass(frozen=True, slots=True, kw_only=True)
class Scenario:
    """One scenario.

    `states` are the ends of its runs, in order, and `leaves` the positions that have to be there
    afterwards. `trouble` goes into the venue when everything is open, and `in_words` says what it
    is. `only_embedded` says why it cannot be played elsewhere although nothing goes wrong.
    """

    name: str
    title: str
    shows: str
    setting: Setting
    expected: str
    checks: tuple[Check, ...]
    states: tuple[LiquidationState, ...] = (LiquidationState.COMPLETED,)
    leaves: frozenset[LegKey] = frozenset()
    config: LiquidationConfig = QUICK
    drama: Drama = flatten_once
    trouble: Trouble | None = None
    in_words: str = "nothing goes wrong"
    only_embedded: str | None = None
    quiet_seconds: float = QUIET_SECONDS

    @property
    def why_not_elsewhere(self) -> str | None:
        """Why it cannot be played on a venue that is not ours; None if it can."""
        if self.trouble is not None:
            return f"needs a venue that does this on command: {self.in_words}"
        return self.only_embedded
