"""How it is proven that nothing is left: two looks at the account that agree.

Zero is only true at the instant it is read. A fill that was under way, a bot that nobody stopped
or a replica that lags can all show it wrongly once. So the second look begins quiet time after the
first has ended, and both begin after the last thing that we did was answered or ran out.
"""

from dataclasses import dataclass, replace

from goflat.domain.time import NEVER, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Proof:
    """What has been shown so far. `began` and `ended` are those of the first look that counts.

    `left` names what that look still showed and what was given up. Two looks agree only if it is
    the same: what is gone in the second one alone has been shown gone once.
    """

    quiet_seconds: float
    left: frozenset[str] = frozenset()
    began: Instant | None = None
    ended: Instant | None = None
    is_complete: bool = False

    @property
    def second_look_at(self) -> Instant:
        """From when on a second look would complete the proof."""
        if self.ended is None or self.is_complete:
            return NEVER
        return Instant(self.ended + self.quiet_seconds)

    def unsettled(self) -> "Proof":
        """Something is not at rest: begin again."""
        return self if self.began is None else Proof(quiet_seconds=self.quiet_seconds)

    def shown(self, began: Instant, ended: Instant, left: frozenset[str]) -> "Proof":
        """A whole look, begun after our last act, shows everything at rest."""
        if self.began is None or left != self.left:
            return Proof(quiet_seconds=self.quiet_seconds, left=left, began=began, ended=ended)
        if began < self.second_look_at:
            return self
        return replace(self, is_complete=True)
