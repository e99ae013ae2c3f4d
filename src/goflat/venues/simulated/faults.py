"""Which requests are hit, and by what: a rule is a `Match` and an effect.

Everything that a fault script in Python needs can be imported from here.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from goflat.venues.simulated.effects import (
    NOTHING,
    BookRunsOut,
    CancelLate,
    CancelLeaves,
    Delay,
    Delivery,
    Dribble,
    Effect,
    ExecuteLate,
    FillFirst,
    Hang,
    LookupLag,
    Outcome,
    Plan,
    Raw,
    Reset,
    Say,
    Shape,
    Skew,
    Spoil,
    StalePositions,
    Then,
)

__all__ = [
    "BookRunsOut",
    "CancelLate",
    "CancelLeaves",
    "Delay",
    "Delivery",
    "Dribble",
    "Effect",
    "ExecuteLate",
    "FaultScript",
    "FillFirst",
    "Hang",
    "LookupLag",
    "Match",
    "Outcome",
    "Plan",
    "Raw",
    "Reset",
    "Rule",
    "Say",
    "Shape",
    "Skew",
    "Spoil",
    "StalePositions",
    "Then",
    "Where",
]


@dataclass(frozen=True, slots=True, kw_only=True)
class Match:
    """Which requests a rule hits. What is None or empty does not matter.

    `path` is the REST path; a WebSocket API request counts as its REST twin. `first` is the first
    matching request that is hit, counted from 1, `count` how many are. Seconds are since the venue
    started. `parameters` have to be in the request, each with this value.
    """

    method: str | None = None
    path: str | None = None
    symbol: str | None = None
    account: str | None = None
    via: str | None = None
    parameters: Mapping[str, str] = field(default_factory=dict)
    first: int = 1
    count: int | None = None
    after_seconds: float = 0.0
    until_seconds: float | None = None

    def fits(self, method: str, path: str, params: Mapping[str, str], where: "Where") -> bool:
        """Whether a request is of this kind, counts aside."""
        return (
            (self.path is None or self.path == path)
            and (self.method is None or self.method == method)
            and (self.symbol is None or self.symbol == params.get("symbol"))
            and (self.account is None or self.account == where.account)
            and (self.via is None or self.via == where.via)
            and self.after_seconds <= where.seconds
            and (self.until_seconds is None or where.seconds < self.until_seconds)
            and all(params.get(name) == value for name, value in self.parameters.items())
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Where:
    """When, by whom and by which door a request came in."""

    seconds: float
    account: str | None
    via: str


@dataclass(slots=True)
class Rule:
    """A match, an effect, and how often it was met."""

    match: Match
    effect: Effect
    name: str = ""
    seen: int = 0
    hits: int = 0

    def hit_by(self, method: str, path: str, params: Mapping[str, str], where: Where) -> bool:
        """Whether this request is hit. Counts it."""
        if not self.match.fits(method, path, params, where):
            return False
        self.seen += 1
        last = None if self.match.count is None else self.match.first + self.match.count
        if self.seen < self.match.first or (last is not None and self.seen >= last):
            return False
        self.hits += 1
        return True


class FaultScript:
    """The rules of one venue, in the order in which they were given."""

    def __init__(self, rules: Iterable[Rule] = ()) -> None:
        self.rules = list(rules)

    def add(self, match: Match, effect: Effect, *, name: str = "") -> Rule:
        """Let this go wrong from now on. The rule that comes back counts its hits."""
        rule = Rule(match, effect, name)
        self.rules.append(rule)
        return rule

    def clear(self) -> None:
        """Let everything go right from now on."""
        self.rules.clear()

    def plan(self, method: str, path: str, params: Mapping[str, str], where: Where) -> Plan:
        """What happens to this request."""
        plan = NOTHING
        for rule in self.rules:
            if rule.hit_by(method, path, params, where):
                plan = rule.effect.bend(plan)
        return plan
