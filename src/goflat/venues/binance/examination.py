"""Four answers of the venue as one set of facts for a preflight. What is missing is said."""

from collections.abc import Awaitable
from typing import TypeVar

from goflat.domain.facts import AccountFacts
from goflat.errors import Refusal, Rejected, VenueError
from goflat.venues.binance.payloads import AccountConfig, KeyRights
from goflat.venues.binance.venue_clock import ClockReading

Answered = TypeVar("Answered")

NO_ADDRESS = "this environment has no address that tells what a key may do"


async def outcome_of(question: Awaitable[Answered]) -> Answered | VenueError:
    """The answer, or the failure as a value."""
    try:
        return await question
    except VenueError as failure:
        return failure


def facts_of(
    *,
    clock: ClockReading | VenueError,
    config: AccountConfig | VenueError,
    instruments: int | VenueError,
    rights: KeyRights | VenueError,
) -> AccountFacts:
    """What was learnt, and a sentence for everything that was not."""
    reading = _known(clock)
    account = _known(config)
    key = _known(rights) or KeyRights()
    return AccountFacts(
        clock_offset_seconds=None if reading is None else reading.offset_seconds,
        round_trip_seconds=None if reading is None else reading.round_trip_seconds,
        key_works=_key_works(config),
        can_trade=_all_of(None if account is None else account.can_trade, key.enable_futures),
        can_withdraw=key.enable_withdrawals,
        ip_restricted=key.ip_restrict,
        position_mode=None if account is None else account.mode,
        instruments=_known(instruments),
        problems=(
            *_problem("clock", clock),
            *_problem("account", config),
            *_problem("instruments", instruments),
            *_problem("rights of the key", rights),
            *_left_out(rights),
        ),
    )


def _known(answer: Answered | VenueError) -> Answered | None:
    return None if isinstance(answer, VenueError) else answer


def _key_works(config: AccountConfig | VenueError) -> bool | None:
    """Whether the venue took the key. None where it said neither yes nor no to it."""
    match config:
        case Rejected(refusal=Refusal.NO_PERMISSION):
            return False
        case VenueError():
            return None
        case _:
            return True


def _all_of(*answers: bool | None) -> bool | None:
    """False as soon as one says no, true if those that spoke say yes, None if none spoke."""
    spoken = [answer for answer in answers if answer is not None]
    return all(spoken) if spoken else None


def _problem(subject: str, answer: object) -> tuple[str, ...]:
    return (f"{subject}: {answer.reason}",) if isinstance(answer, VenueError) else ()


def _left_out(rights: KeyRights | VenueError) -> tuple[str, ...]:
    """The rights that an answer about the key did not name."""
    if isinstance(rights, VenueError):
        return ()
    said = {
        "whether it may trade futures": rights.enable_futures,
        "whether it may withdraw": rights.enable_withdrawals,
        "whether it is bound to addresses": rights.ip_restrict,
    }
    return tuple(f"rights of the key: not said {what}" for what, it in said.items() if it is None)
