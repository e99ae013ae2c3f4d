"""What one fault is, and the requests that faults hit."""

from collections.abc import Callable
from dataclasses import dataclass, field

from goflat.domain.outcome import LiquidationState
from goflat.venues.simulated.effects import Effect, Outcome
from goflat.venues.simulated.faults import Match
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.venue import SimulatedVenue

BTC, ETH, SOL = "BTCUSDT", "ETHUSDT", "SOLUSDT"
EVERYTHING = frozenset({BTC, ETH, SOL})
ORDER, POSITIONS, TIME = "/fapi/v1/order", "/fapi/v3/positionRisk", "/fapi/v1/time"
WORKING, WAITING = "/fapi/v1/openOrders", "/fapi/v1/openAlgoOrders"
CANCEL_WORKING, CANCEL_WAITING = "/fapi/v1/allOpenOrders", "/fapi/v1/algoOpenOrders"
DONE, NOT_DONE = Outcome.EXECUTED, Outcome.NOT_EXECUTED
COMPLETED, PARTIAL = LiquidationState.COMPLETED, LiquidationState.PARTIAL
FAILED = LiquidationState.FAILED
FOR_EVER = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Fault:
    """One thing that goes wrong.

    `ends` are the states in which a run may honestly end, `left` the instruments that are named
    then as not flat. `rules` hit requests, `happens` moves the venue before the run begins.
    `closes` is how many closes of BTCUSDT the venue may take, None where that does not matter.
    `reopens`: what is open at the end may have been opened after its stop had rightly gone.
    `not_yet` says why goflat does not stand this one so far.
    """

    name: str
    rules: tuple[tuple[Match, Effect], ...] = ()
    happens: Callable[[SimulatedVenue], None] = lambda _venue: None
    ends: tuple[LiquidationState, ...] = (COMPLETED,)
    left: frozenset[str] = frozenset()
    hedge: bool = False
    knobs: Knobs = field(default_factory=Knobs)
    timeout_seconds: float = 2.0
    quiet_seconds: float = 0.1
    latency_ms: float = 5.0
    closes: int | None = None
    reopens: bool = False
    not_yet: str = ""


def close(count: int | None = 1) -> Match:
    """The first closes of BTCUSDT, so many of them; None: every one."""
    return Match(method="POST", path=ORDER, symbol=BTC, count=count)


def read(path: str, count: int | None = 1) -> Match:
    """The first readings of a list, so many of them; None: every one."""
    return Match(method="GET", path=path, count=count)


def cancel(path: str = CANCEL_WORKING, count: int | None = 1) -> Match:
    """The first cancels in one book of BTCUSDT, so many of them; None: every one."""
    return Match(method="DELETE", path=path, symbol=BTC, count=count)


def closing(name: str, effect: Effect, count: int | None = 1, **more: object) -> Fault:
    """A fault that hits closes of BTCUSDT."""
    return Fault(name=name, rules=((close(count), effect),), **more)  # type: ignore[arg-type]


def refused_for_good(name: str, effect: Effect, *, hedge: bool = False) -> Fault:
    """A close that is refused each time: what is left is named."""
    left = frozenset({BTC})
    return closing(name, effect, None, ends=(PARTIAL,), left=left, timeout_seconds=1.5, hedge=hedge)
