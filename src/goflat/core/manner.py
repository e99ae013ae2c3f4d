"""How a run that a guard begins differs from one that a program begins for itself."""

from dataclasses import dataclass

from goflat.domain.instrument import Symbol
from goflat.domain.position import LegKey, PositionSide
from goflat.domain.time import LONG_AGO, Instant


@dataclass(frozen=True, slots=True, kw_only=True)
class Manner:
    """The defaults are those of an ordinary run.

    `tag` goes into every client order id in place of the one that the run's id gives, so that the
    second run of an id cannot take the first one's orders for its own. `proves_after`: only looks
    that began then or later prove anything, because until then the venue may take orders that
    somebody sent before he was stopped. `keeps_stops` false: protective orders are cancelled also
    where their position stays. `mine` are the only positions that this run may lay bare; None: all.
    """

    tag: str | None = None
    proves_after: Instant = LONG_AGO
    keeps_stops: bool = True
    mine: frozenset[LegKey] | None = None

    def others_in(self, symbol: Symbol) -> frozenset[PositionSide]:
        """The sides of an instrument whose positions are not ours, and keep what protects them."""
        if self.mine is None:
            return frozenset()
        return frozenset(side for side in PositionSide if LegKey(symbol, side) not in self.mine)


ORDINARY = Manner()
