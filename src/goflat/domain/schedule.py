"""Times of day as a crontab line says them. Told the time: local to the zone that was asked for."""

from dataclasses import dataclass
from datetime import datetime

FIELDS = (("minute", 0, 59), ("hour", 0, 23), ("day", 1, 31), ("month", 1, 12), ("weekday", 0, 7))
LOOK_BACK_MINUTES_MAX = 24 * 60
_ANY = "*"


@dataclass(frozen=True, slots=True, kw_only=True)
class Cron:
    """The minutes at which something is due. Sunday is 0, and 7 as well.

    Where both day and weekday are confined, either is enough, as cron has it.
    """

    text: str
    minutes: frozenset[int]
    hours: frozenset[int]
    days: frozenset[int]
    months: frozenset[int]
    weekdays: frozenset[int]
    either_day: bool

    @classmethod
    def parse(cls, text: str) -> "Cron":
        """Read five fields: numbers, lists, ranges and steps.

        Raises:
            ValueError: it is none, in words that do not repeat it.
        """
        words = text.split()
        if len(words) != len(FIELDS):
            raise ValueError(f"has {len(words)} fields instead of five")
        minutes, hours, days, months, weekdays = (
            _field(word, *field) for word, field in zip(words, FIELDS, strict=True)
        )
        return cls(
            text=" ".join(words),
            minutes=minutes,
            hours=hours,
            days=days,
            months=months,
            weekdays=frozenset(day % 7 for day in weekdays),
            either_day=_ANY not in {words[2][0], words[4][0]},
        )

    def is_due(self, local: datetime) -> bool:
        """Whether that minute is one of them."""
        is_day = local.day in self.days
        is_weekday = local.isoweekday() % 7 in self.weekdays
        return (
            local.minute in self.minutes
            and local.hour in self.hours
            and local.month in self.months
            and ((is_day or is_weekday) if self.either_day else (is_day and is_weekday))
        )

    def was_due(self, after: datetime, now: datetime) -> datetime | None:
        """The newest minute due later than `after` and not later than `now`, a day back at most.

        Both are aware of their zone, so that an hour that comes twice or never is counted as the
        clock on the wall shows it.
        """
        minute = now.replace(second=0, microsecond=0)
        for _ in range(LOOK_BACK_MINUTES_MAX):
            if minute.timestamp() <= after.timestamp():
                return None
            if self.is_due(minute):
                return minute
            earlier = minute.timestamp() - 60
            minute = datetime.fromtimestamp(earlier, tz=now.tzinfo)
        return None


def _field(word: str, name: str, least: int, most: int) -> frozenset[int]:
    found: set[int] = set()
    for part in word.split(","):
        span, _, step = part.partition("/")
        if step and not (step.isascii() and step.isdigit() and int(step) > 0):
            raise ValueError(f"has a step in its {name} that is no number above zero")
        first, last = _span(span, name, least, most, reaches=bool(step))
        found.update(range(first, last + 1, int(step or 1)))
    return frozenset(found)


def _span(span: str, name: str, least: int, most: int, *, reaches: bool) -> tuple[int, int]:
    if span == _ANY:
        return least, most
    first, dash, last = span.partition("-")
    ends = (first, last) if dash else (first, str(most) if reaches else first)
    if not all(end.isascii() and end.isdigit() and len(end) <= 2 for end in ends):
        raise ValueError(f"has a {name} that is no number")
    low, high = int(ends[0]), int(ends[1])
    if not least <= low <= high <= most:
        raise ValueError(f"has a {name} that is not from {least} to {most}")
    return low, high
