"""Two things that go wrong with one close out of ten, for those who want to see that as well."""

from collections.abc import Mapping
from types import MappingProxyType

from goflat.venues.simulated.faults import Effect, Hang, Match, Outcome, Rule, Say

HANGS_SECONDS = 10.0

EFFECTS: Mapping[str, Effect] = MappingProxyType(
    {
        "lost": Say(code=-1000, status=503, outcome=Outcome.EXECUTED),
        "hang": Hang(seconds=HANGS_SECONDS, outcome=Outcome.NOT_EXECUTED),
    }
)
"""lost: the answer is lost after the execution (503). hang: never executed, and silent."""


def rules(fault: str | None) -> tuple[Rule, ...]:
    """The fault of that name, upon the first close order that comes in."""
    if fault is None:
        return ()
    match = Match(method="POST", path="/fapi/v1/order", count=1)
    return (Rule(match, EFFECTS[fault], name=fault),)
