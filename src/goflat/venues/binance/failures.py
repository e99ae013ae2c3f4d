"""Binance's refusals, silences and throttles, by what we know afterwards. Tables, and pure.

The rule of the table (fact sheet, error codes): a code decides before a status; only a status of
the 5xx family is decided by its text, because there the same status means both "surely not" and
"perhaps". Whatever is not listed may have been executed.
"""

import re
from collections.abc import Callable, Mapping
from types import MappingProxyType

import msgspec

from goflat.errors import Refusal, Rejected, Throttled, Unanswered, VenueError
from goflat.venues.binance.answers import Answer
from goflat.venues.binance.limits import BAN_SECONDS_MAX

INVALID_TIMESTAMP = -1021
NO_SUCH_ORDER = -2013
CANCEL_REJECTED = -2011
GONE_ALREADY = frozenset({CANCEL_REJECTED, NO_SUCH_ORDER})
"""Codes with which a cancel says that there is nothing of that kind any more."""

UNDECIDED = frozenset({-1000, -1001, -1006, -1007, -1010, -2012, -4083})
"""Codes that leave open whether something was done, whatever the status."""

ORDERS_ONLY_BY_CODE: Mapping[int, bool] = MappingProxyType(
    {-1003: False, -1015: True, -1016: False}
)
"""Codes of a no that time turns into a yes; true where cancels and reads may go on."""

OVERLOADED = -1008
"""Thrown out before the matching engine: nothing executed. Orders that reduce are exempt."""

SURELY_NOT_TEXT = "Service Unavailable."
"""The one text of a 503 that means: not forwarded, nothing executed."""

REFUSALS: Mapping[int, Refusal] = MappingProxyType(
    {
        code: refusal
        for refusal, codes in {
            Refusal.ORDERS_IN_THE_WAY: (-2022, -2024, -4118),
            Refusal.PRICE_BAND: (-4016, -4024, -4131),
            Refusal.TOO_LARGE: (-4005,),
            Refusal.TOO_SMALL: (-4003, -4004, -4164),
            Refusal.WRONG_MODE: (-4060, -4061, -4062),
            Refusal.DUPLICATE_ID: (-4116,),
            Refusal.NOT_TRADING: (-1121, -1122, -2016, -4104, -4140, -4141, -4144),
            Refusal.NO_PERMISSION: (
                *(-1002, -1005, -1011, -1022, -1099, -2014, -2015, -2017),
                *(-4056, -4057, -4088, -4109, -4192, -4402, -4403, -4411),
            ),
        }.items()
        for code in codes
    }
)
"""What a code means for the next attempt. Every other negative code is a plain refusal."""

_ABOUT_A_PARAMETER = frozenset({-1102, -1106})
_MODE_PARAMETERS = ("reduceonly", "positionside")
_BANNED_UNTIL_MS = re.compile(r"until (\d{12,14})\b")
_ERROR_BYTES_MAX = 64 * 2**10
_REASON_LENGTH_MAX = 200


class _Error(msgspec.Struct):
    code: int | str | None = None
    msg: object = None


_ERROR = msgspec.json.Decoder(_Error)


def failure_of(
    answer: Answer, *, now_ms: int, hide: Callable[[str], str] = str
) -> VenueError | None:
    """The failure that an answer is; None for one that has to be read.

    `now_ms` is the venue's time, for a ban that names its end. `hide` takes our own key and
    signature out of the venue's text.
    """
    code, text = _code_and_text(answer)
    if 200 <= answer.status < 300 and code is None:
        return None
    reason = _reason(answer, code, hide(text))
    if answer.status >= 500:
        return _of_a_server_error(code, text, reason)
    if code is not None and answer.status != 408:
        return _of_a_code(answer, code, text, reason, now_ms)
    return _of_a_status(answer, reason)


def _of_a_server_error(code: int | None, text: str, reason: str) -> VenueError:
    if code == OVERLOADED or text == SURELY_NOT_TEXT:
        # A no, and not a limit of ours: whoever sends again counts it as a further attempt.
        return Rejected(reason, code=code)
    return Unanswered(reason)


def _of_a_code(
    answer: Answer, code: int, text: str, reason: str, now_ms: int
) -> Rejected | Throttled | Unanswered:
    if code in UNDECIDED:
        return Unanswered(reason)
    if code in ORDERS_ONLY_BY_CODE or answer.status in (418, 429):
        return Throttled(
            reason,
            retry_after_seconds=_wait_seconds(answer, text, now_ms),
            orders_only=ORDERS_ONLY_BY_CODE.get(code, False),
        )
    return Rejected(reason, refusal=_refusal(code, text), code=code)


def _of_a_status(answer: Answer, reason: str) -> VenueError:
    """What a status says alone, without a code that could be read."""
    match answer.status:
        case 401:
            return Rejected(reason, refusal=Refusal.NO_PERMISSION)
        case 404:
            return Rejected(reason)
        # 403 is the venue's firewall: nothing passed it, and it opens again by itself.
        case 403 | 418 | 429:
            return Throttled(reason, retry_after_seconds=answer.retry_after_seconds)
        case _:
            return Unanswered(reason)


def _refusal(code: int, text: str) -> Refusal:
    if code in _ABOUT_A_PARAMETER and any(name in text.lower() for name in _MODE_PARAMETERS):
        return Refusal.WRONG_MODE
    return REFUSALS.get(code, Refusal.PLAIN)


def _wait_seconds(answer: Answer, text: str, now_ms: int) -> float | None:
    if answer.retry_after_seconds is not None:
        return answer.retry_after_seconds
    if until := _BANNED_UNTIL_MS.search(text):
        return min(BAN_SECONDS_MAX, max(0.0, (int(until[1]) - now_ms) / 1000))
    return None


def _code_and_text(answer: Answer) -> tuple[int | None, str]:
    """The negative code of an error body and its text; the body itself where it is plain text.

    Some answers that are no errors carry a code as well: 200, also as a text.
    """
    if len(answer.body) > _ERROR_BYTES_MAX or answer.body[:1] == b"[":
        return None, ""
    try:
        error = _ERROR.decode(answer.body)
        code = None if error.code is None else int(error.code)
    except (ValueError, RecursionError):
        return None, _short_text(answer.body)
    said = error.msg if isinstance(error.msg, str) else ""
    return (code if code is not None and code < 0 else None), said


def _short_text(body: bytes) -> str:
    """A body of one plain line. Longer ones are pages, and of no use in a reason."""
    if len(body) > _REASON_LENGTH_MAX:
        return "<"
    return body.decode("utf-8", "replace").strip()


def _reason(answer: Answer, code: int | None, text: str) -> str:
    """One short line for people. The venue's words in it are data: printable, and not many."""
    said = "".join(character for character in text if character.isprintable())
    if said.startswith("<"):
        said = "a page instead of an answer"
    if 300 <= answer.status < 400:
        said = "a redirect, which is not followed"
    parts = (f"HTTP {answer.status}", "" if code is None else f"code {code}", said)
    return ": ".join(part for part in parts if part)[:_REASON_LENGTH_MAX]
