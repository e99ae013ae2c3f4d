"""What can happen to one request: effects, and the plan that several of them make together.

A plan says whether and when the request is executed, what becomes of its answer, and how the
engine is bent while it works.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from decimal import Decimal
from enum import Enum
from typing import TYPE_CHECKING, TypeAlias

if TYPE_CHECKING:
    from goflat.venues.simulated.exchange import Happening


class Outcome(Enum):
    """Whether a request that gets no proper answer was executed."""

    EXECUTED = "executed"
    NOT_EXECUTED = "not executed"


class Shape(Enum):
    """How a body is spoilt."""

    HTML = "html"
    EMPTY = "empty"
    CUT = "cut"
    HUGE = "huge"
    NULLS = "nulls"
    NAN = "nan"
    NO_FIELDS = "no-fields"
    NO_ROWS = "no-rows"
    NOT_A_LIST = "not-a-list"


class Delivery(Enum):
    """How an answer reaches the client, if at all."""

    WHOLE = "whole"
    DRIBBLED = "dribbled"
    RESET = "reset"
    SILENCE = "silence"


@dataclass(frozen=True, slots=True, kw_only=True)
class Say:
    """An answer with a code of the venue's choice, whatever the truth is."""

    code: int
    text: str | None = None
    status: int | None = None
    outcome: Outcome = Outcome.NOT_EXECUTED
    retry_after_seconds: int | None = None
    spares_reducing: bool = False

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, say=self, executed=_both(plan, self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """An answer that is not of this API: HTML, a redirect, a firewall's page."""

    status: int
    body: bytes
    content_type: str = "text/html"
    headers: Mapping[str, str] = field(default_factory=dict)
    outcome: Outcome = Outcome.NOT_EXECUTED

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, raw=self, executed=_both(plan, self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Reset:
    """The connection is reset."""

    outcome: Outcome = Outcome.NOT_EXECUTED

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, delivery=Delivery.RESET, executed=_both(plan, self.outcome))


@dataclass(frozen=True, slots=True, kw_only=True)
class Hang:
    """Nothing is said for so long; then the connection is closed without an answer."""

    seconds: float
    outcome: Outcome = Outcome.NOT_EXECUTED

    def bend(self, plan: "Plan") -> "Plan":
        return replace(
            plan,
            delivery=Delivery.SILENCE,
            answer_after_seconds=plan.answer_after_seconds + self.seconds,
            executed=_both(plan, self.outcome),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Delay:
    """Executed late, answered late, or both. The answer waits for the execution."""

    execute_seconds: float = 0.0
    answer_seconds: float = 0.0

    def bend(self, plan: "Plan") -> "Plan":
        return replace(
            plan,
            execute_after_seconds=plan.execute_after_seconds + self.execute_seconds,
            answer_after_seconds=plan.answer_after_seconds + self.answer_seconds,
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class ExecuteLate:
    """The answer goes at once, and the venue acts only so much later.

    The answer says that nothing is known (408, -1007), unless another rule has something to say.
    """

    seconds: float

    def bend(self, plan: "Plan") -> "Plan":
        say = plan.say or Say(code=-1007, outcome=Outcome.EXECUTED)
        return replace(plan, executed=True, detached_seconds=self.seconds, say=say)


@dataclass(frozen=True, slots=True, kw_only=True)
class Spoil:
    """The real answer, spoilt.

    `fields` names the ones that become null, NaN or go missing, none meaning all; `row_symbol`
    the symbol whose rows are hit, None meaning every row.
    """

    shape: Shape
    fields: tuple[str, ...] = ()
    row_symbol: str | None = None
    size_bytes: int = 64 * 1024 * 1024

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, spoil=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Dribble:
    """The answer comes in drops: so many bytes, then a pause."""

    bytes_at_once: int = 8
    pause_seconds: float = 0.5

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, delivery=Delivery.DRIBBLED, dribble=self)


@dataclass(frozen=True, slots=True, kw_only=True)
class Skew:
    """The server's clock is off, for these requests."""

    seconds: float

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, skew_ms=plan.skew_ms + round(self.seconds * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class LookupLag:
    """Orders younger than this are not found and not listed."""

    seconds: float

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, lookup_lag_ms=round(self.seconds * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class StalePositions:
    """Positions as they were so long ago."""

    seconds: float

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, positions_lag_ms=round(self.seconds * 1000))


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLeaves:
    """A cancel-all is acknowledged, and so many orders stay. None: all of them."""

    orders: int | None = None

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, cancel_leaves=10**9 if self.orders is None else self.orders)


@dataclass(frozen=True, slots=True, kw_only=True)
class CancelLate:
    """A cancel is acknowledged at once and carried out later."""

    seconds: float

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, cancel_after_seconds=self.seconds)


@dataclass(frozen=True, slots=True, kw_only=True)
class FillFirst:
    """Orders that are about to be cancelled are filled first: this part of what remains."""

    part: Decimal = Decimal(1)

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, fills_before_cancel=self.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class BookRunsOut:
    """A market order finds only this part of its quantity, and expires. 0: nothing at all."""

    part: Decimal = Decimal(0)

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, fill_part=self.part)


@dataclass(frozen=True, slots=True, kw_only=True)
class Then:
    """Something happens in the world when the request comes in, or a while after."""

    happening: "Happening"
    delay_seconds: float = 0.0

    def bend(self, plan: "Plan") -> "Plan":
        return replace(plan, happenings=(*plan.happenings, self))


Effect: TypeAlias = (
    Say
    | Raw
    | Reset
    | Hang
    | Delay
    | ExecuteLate
    | Spoil
    | Dribble
    | Skew
    | LookupLag
    | StalePositions
    | CancelLeaves
    | CancelLate
    | FillFirst
    | BookRunsOut
    | Then
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What happens to one request, all rules together."""

    executed: bool = True
    execute_after_seconds: float = 0.0
    detached_seconds: float | None = None
    answer_after_seconds: float = 0.0
    say: Say | None = None
    raw: Raw | None = None
    spoil: Spoil | None = None
    delivery: Delivery = Delivery.WHOLE
    dribble: Dribble | None = None
    skew_ms: int = 0
    lookup_lag_ms: int = 0
    positions_lag_ms: int = 0
    cancel_leaves: int = 0
    cancel_after_seconds: float = 0.0
    fills_before_cancel: Decimal | None = None
    fill_part: Decimal | None = None
    happenings: tuple[Then, ...] = ()


NOTHING = Plan()


def _both(plan: Plan, outcome: Outcome) -> bool:
    return plan.executed and outcome is Outcome.EXECUTED
