"""A guarded account to decide about: events in, what followed from them out, told the time."""

from collections.abc import Iterable
from dataclasses import dataclass, field
from decimal import Decimal
from typing import TypeVar

from goflat.core.guarding.advance import advance
from goflat.core.guarding.effects import Alert, Effect, StartRun
from goflat.core.guarding.events import (
    BotBeat,
    BotSeen,
    GuardEvent,
    Readiness,
    RunEnded,
    Ticked,
    TripAsked,
)
from goflat.core.guarding.evidence import Standing, Trigger
from goflat.core.guarding.post import Bot, OnExit, Post, PostTerms, Stamp
from goflat.core.guarding.pulse import Pulse
from goflat.core.guarding.severity import Severity
from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.domain.position import LegKey, Position, PositionSide
from goflat.domain.time import Instant

LONG = LegKey("BTCUSDT", PositionSide.LONG)
OTHER = LegKey("ETHUSDT", PositionSide.SHORT)
Kind = TypeVar("Kind")


def holding(key: LegKey = LONG, quantity: str = "1") -> Position:
    return Position(symbol=key.symbol, side=key.side, quantity=Decimal(quantity))


def ended(
    state: LiquidationState = LiquidationState.COMPLETED,
    left: str = "0",
    outcome: LegOutcome | None = None,
    **more: object,
) -> RunEnded:
    """A run that acted on one position."""
    legs = ()
    if outcome is not None:
        legs = (
            LegResult(
                symbol=LONG.symbol,
                side=LONG.side,
                outcome=outcome,
                quantity=Decimal(1),
                quantity_left=Decimal(left),
            ),
        )
    result = LiquidationResult(
        state=state, legs=legs, verified=state is LiquidationState.COMPLETED, **more
    )  # type: ignore[arg-type]
    return RunEnded(result=result, left={LONG: Decimal(left)})


def trip(severity: Severity = Severity.FLATTEN, reason: str = "a test") -> TripAsked:
    return TripAsked(by="somebody", reason=reason, severity=severity)


@dataclass
class Guarded:
    """One account, its time, and everything that was ever asked for."""

    post: Post
    now: float = 0.0
    effects: list[Effect] = field(default_factory=list)
    wake_at: float = 0.0
    count: int = 0

    def tell(self, *events: GuardEvent, after: float = 0.0) -> list[Effect]:
        """Let events happen, one after another; what followed from them."""
        self.now += after
        followed: list[Effect] = []
        for event in events:
            self.count += 1
            stamp = Stamp(run_id=f"liq_{self.count}", utc="2026-01-01T00:00:00+00:00")
            decision = advance(self.post, event, Instant(self.now), stamp)
            self.post, self.wake_at = decision.now_is, decision.wake_at
            followed += decision.effects
        self.effects += followed
        return followed

    def tick(self, after: float = 0.0) -> list[Effect]:
        return self.tell(Ticked(), after=after)

    def until(self, at: float) -> list[Effect]:
        """Let time go by, waking it exactly when it wants to be."""
        followed: list[Effect] = []
        while self.wake_at <= at:
            self.now = max(self.now, self.wake_at)
            before = self.wake_at, self.post
            followed += self.tick()
            assert (self.wake_at, self.post) != before, "it wakes for nothing"
        self.now = at
        return followed + self.tick()

    @property
    def state(self) -> str:
        return self.post.state.name

    @property
    def runs(self) -> list[StartRun]:
        return of(StartRun, self.effects)

    @property
    def alerts(self) -> list[str]:
        return [alert.text for alert in of(Alert, self.effects)]


def of(kind: type[Kind], effects: Iterable[object]) -> list[Kind]:
    return [effect for effect in effects if isinstance(effect, kind)]


def guarded(
    *,
    hang_seconds: float = 3.0,
    on_exit: OnExit = OnExit.ALWAYS,
    bots: tuple[str, ...] = ("maker",),
    triggers: tuple[Trigger, ...] = (),
    **terms: object,
) -> Guarded:
    """An account whose bots have not been seen yet."""
    return Guarded(
        Post(
            terms=PostTerms(account="main", **terms),  # type: ignore[arg-type]
            bots={
                name: Bot(name=name, pulse=Pulse(hang_seconds=hang_seconds), on_exit=on_exit)
                for name in bots
            },
            standings={trigger.name: Standing(trigger=trigger) for trigger in triggers},
        )
    )


def armed(*, beaten: bool = False, **kind: object) -> Guarded:
    """An account that is armed; `beaten`: its bots have sent progress."""
    it = guarded(**kind)  # type: ignore[arg-type]
    it.tell(Readiness(missing=()))
    for name in it.post.bots:
        it.tell(BotSeen(bot=name))
        if beaten:
            it.tell(BotBeat(bot=name, progress=1))
    assert it.state == "ARMED"
    return it
