"""What can happen to one leg, besides the answers to what it asked for."""

from dataclasses import dataclass
from typing import TypeAlias

from goflat.core.events import CloseAnswered, Failed, QueryAnswered, Woke
from goflat.domain.instrument import InstrumentRules
from goflat.domain.position import Position
from goflat.domain.time import Instant


@dataclass(frozen=True, slots=True)
class Seen:
    """A reading of the account's positions, as far as it concerns this leg. None: it is gone."""

    position: Position | None
    began: Instant


@dataclass(frozen=True, slots=True)
class Go:
    """The way is clear and the budget has room: close what the last reading showed."""

    rules: InstrumentRules | None


@dataclass(frozen=True, slots=True)
class Unblocked:
    """Our own orders of the instrument were looked for; `found` says whether any were listed."""

    found: bool


LegEvent: TypeAlias = Seen | Go | Unblocked | CloseAnswered | QueryAnswered | Failed | Woke
