"""Every exception of goflat, named by what we know afterwards.

When the next action depends on a failure, the useful question is neither whose fault it was nor
what broke, but what is true now: did the request leave us, and may it have been executed?
"""

from dataclasses import dataclass
from enum import Enum


class Refusal(Enum):
    """Why an order was refused, as far as it changes what we do next.

    Which code of a venue means which of these is a table of its adapter.
    """

    PLAIN = "refused"
    ORDERS_IN_THE_WAY = "nothing to reduce, or our own orders claim the position"
    PRICE_BAND = "the price band has no room for a market order"
    TOO_LARGE = "more than the venue takes in one order"
    TOO_SMALL = "less than the venue takes in one order"
    WRONG_MODE = "position mode and order do not fit"
    DUPLICATE_ID = "the venue has this client order id already"
    NOT_TRADING = "the instrument cannot be traded now"
    NO_PERMISSION = "this key or account may not do it"


class GoflatError(Exception):
    """Whatever goflat raises on purpose."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Mistake:
    """One thing that is wrong in a configuration: what was expected, and where to mend it.

    `text` never repeats a text value of the file, which may be a secret. `line` counts from 1;
    None where no line can be named.
    """

    text: str
    key: str | None = None
    file: str | None = None
    line: int | None = None

    def __str__(self) -> str:
        place = ":".join(str(part) for part in (self.file, self.line) if part is not None)
        return printable(": ".join(part for part in (place, self.key, self.text) if part))


class SettingsError(GoflatError, ValueError, TypeError):
    """The configuration or the command is wrong. Nothing was sent.

    A wrong type and a wrong value are one kind of mistake here, so it can be caught as either.
    `mistakes` holds all that was found at once; its `str` has one line for each.
    """

    def __init__(self, *mistakes: Mistake | str) -> None:
        self.mistakes = tuple(
            mistake if isinstance(mistake, Mistake) else Mistake(text=mistake)
            for mistake in mistakes
        )
        super().__init__("\n".join(str(mistake) for mistake in self.mistakes))


def printable(text: str) -> str:
    """A text without control and format characters, which could redraw what a terminal shows."""
    return "".join(character for character in text if character.isprintable())


class VenueError(GoflatError):
    """A step at a venue did not succeed. Raised only as one of the four names below.

    Failures are values as well: they travel in events and in the journal, and two failures that say
    the same are equal, so that a replayed run compares equal to the run.
    """

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def _key(self) -> tuple[object, ...]:
        return (type(self), self.reason)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, VenueError) and self._key() == other._key()

    def __hash__(self) -> int:
        return hash(self._key())

    def __repr__(self) -> str:
        return f"{type(self).__name__}({self.reason!r})"


class NotSent(VenueError):
    """The request never left us. Sending it again is safe."""


class Rejected(VenueError):
    """The venue answered no, and executed nothing.

    `code` is the venue's own number for it, if it gave one. `refusal` is what the no means for
    the next attempt, in our words.
    """

    def __init__(
        self, reason: str, *, refusal: Refusal = Refusal.PLAIN, code: int | None = None
    ) -> None:
        super().__init__(reason)
        self.refusal = refusal
        self.code = code

    def _key(self) -> tuple[object, ...]:
        return (type(self), self.reason, self.refusal, self.code)


class Throttled(VenueError):
    """A no that time turns into a yes. Nothing was executed.

    `retry_after_seconds` is the venue's own word where it gave one. `orders_only` is true when the
    limit that was hit counts new orders, so that cancels and reads may go on.
    """

    def __init__(
        self, reason: str, *, retry_after_seconds: float | None, orders_only: bool = False
    ) -> None:
        super().__init__(reason)
        self.retry_after_seconds = retry_after_seconds
        self.orders_only = orders_only

    def _key(self) -> tuple[object, ...]:
        return (type(self), self.reason, self.retry_after_seconds, self.orders_only)


class Unanswered(VenueError):
    """The request left, and no answer that we understand came back.

    The venue may have acted. Look, then decide.
    """
