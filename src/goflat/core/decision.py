"""What follows from one event."""

from dataclasses import dataclass
from enum import Enum
from typing import Generic, TypeVar

from goflat.core.steps import Request
from goflat.domain.time import NEVER, Instant

Subject = TypeVar("Subject")


class Note(Enum):
    """Something decided that a person reading the record wants to see."""

    RETRY = "RETRY"
    GIVEN_UP = "GIVEN_UP"
    GONE = "POSITION_GONE"
    REOPENED = "POSITION_REOPENED"
    STALE_READING = "STALE_READING"
    UNREADABLE = "UNREADABLE"
    BARE = "READING_BARE"
    PROVEN = "PROVEN_FLAT"
    SETTLED = "NOTHING_MORE_TO_DO"
    DEADLINE = "DEADLINE"


@dataclass(frozen=True, slots=True)
class Remark:
    """A note, what it is about, and a sentence for people."""

    note: Note
    about: str
    text: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Decision(Generic[Subject]):
    """What the subject became, what it asks for, and when it wants to be asked again."""

    now_is: Subject
    requests: tuple[Request, ...] = ()
    remarks: tuple[Remark, ...] = ()
    wake_at: Instant = NEVER
