"""Play scenarios, one after the other, and hand what they left behind to the judge."""

import asyncio
import logging
import threading
import time
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from contextlib import asynccontextmanager, contextmanager
from dataclasses import dataclass, field, replace

from goflat.domain.config import LiquidationConfig
from goflat.drill.ground import Ground
from goflat.drill.judge import judge
from goflat.drill.opening import SetUpFailed
from goflat.drill.resources import Resources, measure
from goflat.drill.scenario import Played, Rig, Scenario, Tick
from goflat.drill.stage import Setup, Stage
from goflat.errors import SettingsError
from goflat.journal import AuditLogger
from goflat.journal.reader import read_lines
from goflat.journal.record import Record
from goflat.manager import LiquidationManager

FLUSH_SECONDS = 2.0
PULSE_SECONDS = 0.01
GRACE_STEPS = 50
"""How often tasks and threads of a run are looked for after it, until they have ended."""

INTERRUPT = "SIGINT heard"
"""What a run logs when it swallows a Ctrl-C. The drill itself is not that urgent."""

CLEAN_UP = LiquidationConfig(timeout_seconds=15.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """How one scenario ended. `problem`: it could not be played; `skipped`: why it was not."""

    scenario: Scenario
    ticks: tuple[Tick, ...] = ()
    played: Played | None = None
    problem: str | None = None
    skipped: str | None = None
    seconds: float = 0.0
    before: Resources | None = None
    after: Resources | None = None

    @property
    def passed(self) -> bool:
        return self.problem is None and bool(self.ticks) and all(tick.holds for tick in self.ticks)

    @property
    def failed(self) -> bool:
        return self.skipped is None and not self.passed


Tell = Callable[[Outcome], None]


async def play_all(
    scenarios: Sequence[Scenario],
    setup: Setup,
    audit: AuditLogger,
    *,
    begin: Callable[[Scenario], None],
    tell: Tell,
) -> None:
    """Play each, and tell how it ended as soon as it has.

    Raises:
        SettingsError: an account that is not ours has something open where the drill would open.
        KeyboardInterrupt: somebody pressed Ctrl-C in the middle of a run, which finished first.
    """
    for scenario in scenarios:
        begin(scenario)
        outcome = await _one(scenario, setup, audit)
        tell(outcome)
        if outcome.played is not None and any(INTERRUPT in line for line in outcome.played.log):
            raise KeyboardInterrupt


async def _one(scenario: Scenario, setup: Setup, audit: AuditLogger) -> Outcome:
    before, others = measure(), _Running.now()
    started = time.monotonic()
    try:
        async with setup() as stage:
            if (reason := stage.why_not(scenario)) is not None:
                return Outcome(scenario=scenario, skipped=reason)
            await stage.wait_for_room()
            started = time.monotonic()
            played = await _on_stage(scenario, stage, audit)
    except SetUpFailed as error:
        seconds = time.monotonic() - started
        return Outcome(scenario=scenario, problem=str(error), seconds=seconds, before=before)
    played = replace(played, still_running=await _left_running(others))
    return Outcome(
        scenario=scenario,
        ticks=judge(scenario, played),
        played=played,
        seconds=time.monotonic() - started,
        before=before,
        after=measure(),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class _Running:
    """What runs in this process at one moment."""

    tasks: frozenset[asyncio.Task[object]]
    threads: frozenset[threading.Thread]

    @classmethod
    def now(cls) -> "_Running":
        return cls(tasks=frozenset(asyncio.all_tasks()), threads=frozenset(threading.enumerate()))


async def _left_running(before: _Running) -> tuple[str, ...]:
    """Tasks and threads that have not ended although the connections are closed."""
    left: tuple[str, ...] = ()
    for _ in range(GRACE_STEPS):
        now = _Running.now()
        tasks = (str(task.get_coro()) for task in now.tasks - before.tasks)
        threads = (thread.name for thread in now.threads - before.threads)
        left = (*tasks, *threads)
        if not left:
            break
        await asyncio.sleep(PULSE_SECONDS)
    return left


async def _on_stage(scenario: Scenario, stage: Stage, audit: AuditLogger) -> Played:
    if stage.simulated is not None:
        return await _play(scenario, stage, audit)
    found = await stage.ground(scenario)
    if not found.is_bare:
        raise SettingsError(
            f"the account has something where the drill would open: {found}. "
            "Close it, or use another account. Nothing was opened."
        )
    try:
        return await _play(scenario, stage, audit)
    finally:
        await _clean_up(scenario, stage, audit)


async def _play(scenario: Scenario, stage: Stage, audit: AuditLogger) -> Played:
    await stage.opener.open(scenario.setting)
    if scenario.trouble is not None and stage.simulated is not None:
        scenario.trouble(stage.simulated)
    before = await stage.ground(scenario)
    rig = Rig(
        venue=stage.venue,
        audit=audit,
        config=stage.config(scenario),
        quiet_seconds=stage.quiet_seconds(scenario),
        symbols=stage.scope(scenario),
        simulated=stage.simulated,
    )
    seen = _Seen()
    started = time.monotonic()
    with seen.log():
        async with seen.pulse():
            await _act(scenario, rig, seen)
    seconds = time.monotonic() - started
    events = await _events(rig, audit)
    return Played(
        before=before,
        after=await stage.ground(scenario),
        results=tuple(rig.results),
        states=tuple(rig.states),
        events=events,
        leaks=stage.leaks([*seen.lines, *(str(event.data) for event in events)]),
        log=tuple(seen.lines),
        config=rig.config,
        seconds=seconds,
        pause_seconds=seen.longest_pause,
        error=seen.error,
    )


async def _act(scenario: Scenario, rig: Rig, seen: "_Seen") -> None:
    try:
        await scenario.drama(rig)
    except Exception as error:  # noqa: BLE001 - that nothing comes out here is what is tested
        seen.error = f"{type(error).__name__}: {error}"


async def _clean_up(scenario: Scenario, stage: Stage, audit: AuditLogger) -> None:
    """Leave nothing behind on an account that is not ours.

    Raises:
        SetUpFailed: something is still there.
    """
    found = await stage.ground(scenario)
    if found.is_bare:
        return
    manager = LiquidationManager(stage.venue, CLEAN_UP, audit)
    await manager.execute_liquidation(list(scenario.setting.symbols))
    left: Ground = await stage.ground(scenario)
    if not left.is_bare:
        raise SetUpFailed(f"THE DRILL LEFT SOMETHING ON THE ACCOUNT: {left}")


async def _events(rig: Rig, audit: AuditLogger) -> tuple[Record, ...]:
    """What the trail says of these runs, read back from the file."""
    await audit.flush(FLUSH_SECONDS)
    ids = {result.correlation_id for result in rig.results}
    try:
        lines = [line.parsed for line in read_lines(audit.path)]
    except OSError:
        return ()
    return tuple(p.record for p in lines if p is not None and p.record.correlation_id in ids)


@dataclass(kw_only=True)
class _Seen:
    """What is noticed around a run: log lines, pauses of the event loop, an exception."""

    lines: list[str] = field(default_factory=list)
    longest_pause: float = 0.0
    error: str | None = None

    @contextmanager
    def log(self) -> Iterator[None]:
        """Keep what goflat logs, and show it to nobody else."""
        log, handler = logging.getLogger("goflat"), _Listener(self.lines)
        propagates, log.propagate = log.propagate, False
        log.addHandler(handler)
        try:
            yield
        finally:
            log.removeHandler(handler)
            log.propagate = propagates

    @asynccontextmanager
    async def pulse(self) -> AsyncIterator[None]:
        """Wake up again and again, and note how late that was."""
        beating = asyncio.create_task(self._beat())
        try:
            yield
        finally:
            beating.cancel()

    async def _beat(self) -> None:
        while True:
            slept = time.monotonic()
            await asyncio.sleep(PULSE_SECONDS)
            late = time.monotonic() - slept - PULSE_SECONDS
            self.longest_pause = max(self.longest_pause, late)


class _Listener(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__(logging.WARNING)
        self._lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        said = record.getMessage().removeprefix(f"{record.levelname}: ")
        self._lines.append(f"{record.levelname}: {said}")
