"""Who takes part: each name, what it stands for, and where its code is.

A contestant is imported in its own process only, so that none carries another one's libraries.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType, ModuleType
from typing import Protocol

from benchmarks.lines import Claim, Scene

COLD_FLOOR, IDEAL_FLOOR = "floor-cold", "floor-ideal"
GOFLAT, GOFLAT_UVLOOP = "goflat", "goflat-uvloop"


class Runner(Protocol):
    """One contestant in its process."""

    async def prepare(self, scene: Scene) -> None:
        """What a program has done long before the emergency. Nobody times it."""
        ...

    async def run(self) -> Claim:
        """Take the account flat. Timed."""
        ...

    async def close(self) -> None:
        """Let go of everything. Not timed."""
        ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Entrant:
    """A contestant on paper. `factory` is a callable of `module` that takes no arguments.

    `is_slow`: its own throttle makes it take about a quarter of a second for each position, so it
    runs once where others run often. `is_extra`: runs only when it is asked for by name.
    """

    title: str
    module: str
    factory: str
    is_on_uvloop: bool = False
    is_slow: bool = False
    is_extra: bool = False

    def enter(self, module: ModuleType) -> Runner:
        runner: Runner = getattr(module, self.factory)()
        return runner


CONTESTANTS: Mapping[str, Entrant] = MappingProxyType(
    {
        GOFLAT: Entrant(
            title="goflat, cold",
            module="benchmarks.contestants.goflat_manager",
            factory="Goflat",
        ),
        GOFLAT_UVLOOP: Entrant(
            title="goflat, cold, on uvloop",
            module="benchmarks.contestants.goflat_manager",
            factory="Goflat",
            is_on_uvloop=True,
        ),
        "goflat-unaudited": Entrant(
            title="goflat, cold, without its audit trail",
            module="benchmarks.contestants.goflat_manager",
            factory="GoflatUnaudited",
            is_extra=True,
        ),
        "ccxt-loop": Entrant(
            title="ccxt, a loop (the usual script)",
            module="benchmarks.contestants.ccxt_scripts",
            factory="Loop",
            is_slow=True,
        ),
        "ccxt-gathered": Entrant(
            title="ccxt, gathered",
            module="benchmarks.contestants.ccxt_scripts",
            factory="Gathered",
            is_slow=True,
        ),
        "ccxt-unthrottled": Entrant(
            title="ccxt, gathered, throttle off",
            module="benchmarks.contestants.ccxt_scripts",
            factory="Unthrottled",
        ),
        "python-binance": Entrant(
            title="python-binance, gathered",
            module="benchmarks.contestants.python_binance_script",
            factory="Gathered",
        ),
        COLD_FLOOR: Entrant(
            title="floor: bare sockets, cold, goflat's steps",
            module="benchmarks.contestants.floors",
            factory="ColdFloor",
        ),
        IDEAL_FLOOR: Entrant(
            title="floor: bare sockets, warm, one round trip",
            module="benchmarks.contestants.floors",
            factory="IdealFloor",
        ),
    }
)
"""In the order in which they are shown."""
