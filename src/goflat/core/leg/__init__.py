"""One position on its way to flat.

`advance(leg, event, now)` takes one thing that happened and returns everything that follows from
it. Three rules carry the safety of it:

1. A close is sized from a reading that began after our last act on the position was answered or
   ran out. Nothing is ever sent from an older one.
2. An answer is a claim. A leg is gone when such a reading shows it gone, and in no other way.
3. Silence is not failure. A close that went unanswered is asked about by its id, and sent again
   only once the id is unknown and the position still shows. A double can only reduce.
"""

from goflat.core.leg.advance import advance
from goflat.core.leg.events import Go, LegEvent, Seen, Unblocked
from goflat.core.leg.known import Leg, LegDecision
from goflat.core.leg.terms import Terms

__all__ = ["Go", "Leg", "LegDecision", "LegEvent", "Seen", "Terms", "Unblocked", "advance"]
