"""Play scenarios, one after the other, and hand what they left behind to the judge."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace

from goflat.domain.config import LiquidationConfig
from goflat.drill.ground import Ground
from goflat.drill.judge import judge
from goflat.drill.notice import Running, Seen, left_running
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
    before, others = measure(), Running.now()
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
    played = replace(played, still_running=await left_running(others))
    return Outcome(
        scenario=scenario,
        ticks=judge(scenario, played),
        played=played,
        seconds=time.monotonic() - started,
        before=before,
        after=measure(),
    )


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
    seen = Seen()
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


async def _act(scenario: Scenario, rig: Rig, seen: Seen) -> None:
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
