"""The verification report as a value. Each line of it has its source in what was seen."""

import importlib.metadata
import platform
import sys
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path

from goflat import __version__
from goflat.drill.judge import GUARANTEES
from goflat.drill.play import Outcome
from goflat.drill.probes import probe_configuration
from goflat.drill.resources import Resources
from goflat.drill.scenario import Tick
from goflat.journal.verify import Verdict

LIBRARIES = ("aiohttp", "msgspec", "cryptography", "click")
MEMORY_GROWTH_MIB = 64.0
"""More than this between the start and the end of a drill would be a leak."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where the drill was played. `hosts` are empty for the embedded venue."""

    account: str
    environment: str
    hosts: tuple[str, ...] = ()

    @property
    def is_embedded(self) -> bool:
        return not self.hosts


@dataclass(frozen=True, slots=True, kw_only=True)
class Trail:
    """The audit file of a drill, and what its verification said. `file` None: it was not kept."""

    file: Path | None
    last_hash: str | None
    verdict: Verdict

    def tick(self) -> Tick:
        verdict = self.verdict
        found = "; ".join(finding.text for finding in verdict.findings)
        return Tick(
            text="The audit file is intact to its last hash",
            holds=verdict.intact and verdict.records > 0 and verdict.expected is not None,
            evidence=found or f"{verdict.records} record(s), chained and verified",
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """Everything about one drill."""

    place: Place
    started: datetime
    seconds: float
    outcomes: tuple[Outcome, ...]
    before: Resources
    after: Resources
    trail: Trail

    @property
    def passed(self) -> bool:
        """Whether every scenario that was played passed, at least one was, and no tick fails."""
        played = [outcome for outcome in self.outcomes if outcome.skipped is None]
        ticks = (*self.security(), *self.resources())
        return (
            bool(played)
            and all(outcome.passed for outcome in played)
            and all(tick.holds for tick in ticks)
        )

    def counts(self) -> dict[str, int]:
        return {
            "total": len(self.outcomes),
            "passed": sum(outcome.passed for outcome in self.outcomes),
            "failed": sum(outcome.failed for outcome in self.outcomes),
            "skipped": sum(outcome.skipped is not None for outcome in self.outcomes),
        }

    def security(self) -> tuple[Tick, ...]:
        """Configuration, fail-safe guarantees and audit, each from what was seen or tried now."""
        return (*probe_configuration(), *_guarantees(self.outcomes), self.trail.tick())

    def resources(self) -> tuple[Tick, ...]:
        """What the drill used up and did not give back."""
        return tuple(_resource_ticks(self.before, self.after))

    def issues(self) -> Iterator[str]:
        """Everything that was not as it should be, in the order in which it was met."""
        for outcome in self.outcomes:
            name = outcome.scenario.name
            if outcome.problem is not None:
                yield f"{name}: {outcome.problem}"
            yield from (
                f"{name}: {tick.text}: {tick.evidence}" for tick in outcome.ticks if not tick.holds
            )
        for tick in (*self.security(), *self.resources()):
            if not tick.holds:
                yield f"{tick.text}: {tick.evidence}"

    def recommendations(self) -> Iterator[str]:
        """What to do next, from how it went and where."""
        if not self.passed:
            yield "Do not rely on this installation before the issues above are understood."
        if self.counts()["skipped"]:
            yield "Play the scenarios that were skipped on the embedded venue: goflat drill."
        if self.place.is_embedded:
            yield (
                "Play it once more with your own key on the test network: "
                "goflat drill --config testnet.toml."
            )
        yield "Check the configuration of the deployment: goflat check --strict --online."
        yield "Alert on FAILED and PARTIAL, and on runs longer than four fifths of the deadline."
        yield "Repeat the drill after every upgrade and at regular times; keep the reports."

    def environment(self) -> Mapping[str, str]:
        """What it was played with."""
        where = "embedded simulated venue, on a thread of its own, over sockets of this machine"
        if not self.place.is_embedded:
            where = f"{self.place.environment}: {', '.join(self.place.hosts)}"
        return {
            "Venue": where,
            "Account": self.place.account,
            "goflat": __version__,
            "Python": f"{platform.python_version()} ({sys.implementation.name})",
            "System": f"{platform.system()} {platform.release()} {platform.machine()}",
            **{name: importlib.metadata.version(name) for name in LIBRARIES},
        }

    def to_dict(self) -> dict[str, object]:
        """The report, JSON-ready."""
        return {
            "passed": self.passed,
            "exit_code": 0 if self.passed else 1,
            "started": self.started.isoformat(),
            "seconds": round(self.seconds, 3),
            "summary": self.counts(),
            "environment": dict(self.environment()),
            "scenarios": [scenario_dict(outcome) for outcome in self.outcomes],
            "security_and_safety": ticks_dict(self.security()),
            "resources": {
                "before": self.before.to_dict(),
                "after": self.after.to_dict(),
                "validation": ticks_dict(self.resources()),
            },
            "audit": {
                "file": None if self.trail.file is None else str(self.trail.file),
                "last_hash": self.trail.last_hash,
                "records": self.trail.verdict.records,
                "intact": self.trail.verdict.intact,
                "verify": self.verify_command(),
            },
            "issues": list(self.issues()),
            "recommendations": list(self.recommendations()),
            "sign_off": self.sign_off(),
        }

    def verify_command(self) -> str | None:
        """How anybody can check the trail; None where there is none any more."""
        if self.trail.file is None:
            return None
        return f"goflat audit verify {self.trail.file} --expect {self.trail.last_hash}"

    def sign_off(self) -> dict[str, str]:
        return {
            "by": f"goflat {__version__} drill",
            "date": f"{self.started:%Y-%m-%d}",
            "verdict": "PASSED" if self.passed else "NOT PASSED",
            "audit_hash": self.trail.last_hash or "none",
        }


def scenario_dict(outcome: Outcome) -> dict[str, object]:
    """One scenario, JSON-ready."""
    scenario, played = outcome.scenario, outcome.played
    config = scenario.config if played is None else played.config
    return {
        "name": scenario.name,
        "title": scenario.title,
        "status": status(outcome),
        "seconds": round(outcome.seconds, 3),
        "configuration": {**asdict(config), "quiet_seconds": scenario.quiet_seconds},
        "setup": list(scenario.setting.lines()),
        "what_goes_wrong": scenario.in_words,
        "expected": scenario.expected,
        "venue_before": None if played is None else str(played.before),
        "venue_after": None if played is None else str(played.after),
        "results": [] if played is None else [result.to_dict() for result in played.results],
        "audit_events": {} if played is None else events_of(outcome),
        "validation": ticks_dict(outcome.ticks),
        "resources": {
            "before": None if outcome.before is None else outcome.before.to_dict(),
            "after": None if outcome.after is None else outcome.after.to_dict(),
        },
        "problem": outcome.problem,
        "skipped": outcome.skipped,
    }


def status(outcome: Outcome) -> str:
    """PASSED, FAILED or SKIPPED."""
    if outcome.skipped is not None:
        return "SKIPPED"
    return "PASSED" if outcome.passed else "FAILED"


def events_of(outcome: Outcome) -> dict[str, int]:
    """How often each type of event is in the trail of this scenario."""
    played = outcome.played
    return {} if played is None else dict(Counter(event.event_type for event in played.events))


def ticks_dict(ticks: Sequence[Tick]) -> list[dict[str, object]]:
    """Ticks as a report in JSON has them."""
    return [asdict(tick) for tick in ticks]


def _guarantees(outcomes: Sequence[Outcome]) -> Iterator[Tick]:
    """What has to be so in every scenario, over all of them that were played."""
    for text in GUARANTEES:
        ticks = [tick for outcome in outcomes for tick in outcome.ticks if tick.text == text]
        good = sum(tick.holds for tick in ticks)
        if ticks:
            evidence = f"in {good} of {len(ticks)} scenario(s)"
            yield Tick(text=text, holds=good == len(ticks), evidence=evidence)


def _resource_ticks(before: Resources, after: Resources) -> Iterator[Tick]:
    hanging = set(after.threads) - set(before.threads)
    yield Tick(
        text="No thread is left hanging",
        holds=not hanging,
        evidence=", ".join(sorted(hanging))
        or f"{len(before.threads)} before, {len(after.threads)} after",
    )
    if before.descriptors is not None and after.descriptors is not None:
        yield Tick(
            text="Every file descriptor was given back",
            holds=after.descriptors <= before.descriptors,
            evidence=f"{before.descriptors} before, {after.descriptors} after",
        )
    if before.memory_mib is not None and after.memory_mib is not None:
        yield Tick(
            text=f"Memory grew by less than {MEMORY_GROWTH_MIB:g} MiB",
            holds=after.memory_mib - before.memory_mib < MEMORY_GROWTH_MIB,
            evidence=f"{before.memory_mib} MiB before, {after.memory_mib} MiB after",
        )
