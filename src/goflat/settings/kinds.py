"""From a value of the file to a value of ours: one reader for each kind of setting.

A reader never repeats a text of the file, which may be a secret in the wrong place.
"""

import math
import os
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from urllib.parse import urlsplit
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from goflat.domain.schedule import Cron
from goflat.domain.scope import Everything, Only, Scope
from goflat.settings.declaration import Kind, Setting
from goflat.settings.secret_ref import SecretPlace, SecretRef, secret_place_mistake
from goflat.settings.spelling import did_you_mean

MOST_SYMBOLS = 1000
LONGEST_SYMBOL = 64
LONGEST_TEXT = 4096

_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_AMOUNT = re.compile(r"[0-9]{1,18}(\.[0-9]{1,18})?")
_CALLABLE = re.compile(r"[A-Za-z_][\w.]{0,199}:[A-Za-z_]\w{0,99}", re.ASCII)
_UNIT = re.compile(r"[A-Za-z0-9:_.@\\-]{1,240}\.(service|scope)")


class Unreadable(Exception):
    """Why a value is none of its kind, in words that do not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a value was found: what relative paths start from, and the key for messages."""

    directory: Path
    key: str


def read_value(setting: Setting, value: object, place: Place) -> object:
    """The value of a setting, checked.

    Raises:
        Unreadable: it is of another kind, out of range, or makes no sense.
    """
    return _READERS[setting.kind](setting, value, place)


def described(value: object) -> str:
    """What a value is, as far as it can be said aloud: numbers and switches, never texts."""
    match value:
        case bool():
            return "true" if value else "false"
        case float():
            return f"{value:g}"
        case int() if abs(value) < 10**15:
            return str(value)
        case _:
            return _WORDS.get(type(value).__name__, "something else")


_WORDS = {
    "NoneType": "nothing",
    "int": "a far larger number",
    "str": "text",
    "list": "a list",
    "dict": "a table",
    "date": "a date",
    "time": "a time",
    "datetime": "a date",
}


def _unlike(setting: Setting, value: object, hint: str = "") -> Unreadable:
    return Unreadable(f"must be {setting.expected}, was {described(value)}{hint}")


def _switch(setting: Setting, value: object, place: Place) -> object:  # noqa: ARG001
    if isinstance(value, bool):
        return value
    quoted = isinstance(value, str) and value.casefold() in {"true", "false"}
    raise _unlike(setting, value, " (write it without quotes)" if quoted else "")


def _number(setting: Setting, value: object, place: Place) -> object:  # noqa: ARG001
    whole = setting.kind is Kind.COUNT
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        hint = " (write it without quotes)" if _is_quoted_number(value) else ""
        raise _unlike(setting, value, hint)
    least, most = setting.least, setting.most
    assert least is not None
    assert most is not None
    if not (least <= value <= most):  # not-a-number is in no range
        raise _unlike(setting, value)
    return value if whole else float(value)


def _is_quoted_number(value: object) -> bool:
    if not isinstance(value, str):
        return False
    try:
        return math.isfinite(float(value))
    except ValueError:
        return False


def _text(setting: Setting, value: object) -> str:
    if not isinstance(value, str):
        raise _unlike(setting, value)
    if not value.strip():
        raise Unreadable(f"must be {setting.expected}, was empty")
    if len(value) > LONGEST_TEXT:
        raise Unreadable(f"must be {setting.expected}, was a text of {len(value)} characters")
    return value


def _choice(setting: Setting, value: object, place: Place) -> object:  # noqa: ARG001
    text = _text(setting, value)
    if text not in setting.choices:
        raise _unlike(setting, value, did_you_mean(text, setting.choices))
    return text


def _name(setting: Setting, value: object, place: Place) -> object:  # noqa: ARG001
    if not _NAME.fullmatch(text := _text(setting, value)):
        raise Unreadable(f"must be {setting.expected}, at most 32, was something else")
    return text


def _url(setting: Setting, value: object, place: Place) -> object:  # noqa: ARG001
    """An address of scheme, host, port and path; anything more could be read in two ways."""
    text = _text(setting, value)
    if not (text.isascii() and text.isprintable()) or set(text) & set(" \\@%?#\"'<>"):
        raise Unreadable(
            f"must be {setting.expected}, without blanks, credentials, question or fragment"
        )
    if not _is_address(text, setting.schemes):
        raise Unreadable(f"must be {setting.expected}, was something else")
    return text.rstrip("/")


def _is_address(text: str, schemes: tuple[str, ...]) -> bool:
    try:
        parts = urlsplit(text)
        return parts.scheme in schemes and bool(parts.hostname) and parts.port != 0
    except ValueError:
        return False


def _secret(setting: Setting, value: object, place: Place) -> object:
    if not isinstance(value, str):
        raise _unlike(setting, value)
    if mistake := secret_place_mistake(value):
        raise Unreadable(f"must be {setting.expected}; {mistake}")
    kind, _, name = value.partition(":")
    if kind == SecretPlace.FILE:
        name = str(_absolute(name, place))
    return SecretRef(place=SecretPlace(kind), name=name, key=place.key)


def _path(setting: Setting, value: object, place: Place) -> object:
    text = _text(setting, value)
    if not text.isprintable() or text.endswith("/"):
        raise Unreadable(f"must be {setting.expected}, was something else")
    return _absolute(text, place)


def _absolute(text: str, place: Place) -> Path:
    """Relative paths start at the configuration, so that it means the same from everywhere."""
    return Path(os.path.abspath(place.directory / os.path.expanduser(text)))  # noqa: PTH100, PTH111


def _scope(setting: Setting, value: object, place: Place) -> Scope:  # noqa: ARG001
    if value == "account":
        return Everything()
    if isinstance(value, str):
        hint = did_you_mean(value, ["account"]) or "; one symbol is a list as well"
        raise _unlike(setting, value, hint)
    if not isinstance(value, list):
        raise _unlike(setting, value)
    return Only(frozenset(_symbols(setting, value)))


def _symbols(setting: Setting, value: list[object]) -> list[str]:
    if not 0 < len(value) <= MOST_SYMBOLS:
        raise Unreadable(
            f"must be {setting.expected} of 1 to {MOST_SYMBOLS}, was one of {len(value)}"
        )
    symbols = [symbol for symbol in value if isinstance(symbol, str) and _is_symbol(symbol)]
    if len(symbols) < len(value):
        raise Unreadable(f"must be {setting.expected}, and something in the list is no symbol")
    if len(set(symbols)) < len(symbols):
        raise Unreadable(f"must be {setting.expected}, and names one of them twice")
    if any(symbol.casefold() == "account" for symbol in symbols):
        raise Unreadable(
            'must be "account" by itself, or a list of symbols; a list has no "account"'
        )
    return symbols


def _is_symbol(text: str) -> bool:
    """A venue may name an instrument in any script, but never with blanks or control characters."""
    return 0 < len(text) <= LONGEST_SYMBOL and text.isprintable() and " " not in text


def _amount(setting: Setting, value: object, place: Place) -> Decimal:  # noqa: ARG001
    """Money is text of digits: a TOML float has lost some of them before it gets here."""
    text = str(value) if type(value) is int else value
    if not isinstance(text, str) or not _AMOUNT.fullmatch(text) or not Decimal(text) > 0:
        raise _unlike(setting, value)
    return Decimal(text)


def _cron(setting: Setting, value: object, place: Place) -> Cron:  # noqa: ARG001
    try:
        return Cron.parse(_text(setting, value))
    except ValueError as error:
        raise Unreadable(f"must be {setting.expected}; it {error}") from None


def _zone(setting: Setting, value: object, place: Place) -> ZoneInfo:  # noqa: ARG001
    try:
        return ZoneInfo(_text(setting, value))
    except (ValueError, OSError, ZoneInfoNotFoundError):
        raise Unreadable(f"must be {setting.expected} that this machine knows") from None


def _callable(setting: Setting, value: object, place: Place) -> str:  # noqa: ARG001
    if not _CALLABLE.fullmatch(text := _text(setting, value)):
        raise _unlike(setting, value)
    return text


def _unit(setting: Setting, value: object, place: Place) -> str:  # noqa: ARG001
    if not _UNIT.fullmatch(text := _text(setting, value)):
        raise _unlike(setting, value)
    return text


_READERS: Mapping[Kind, Callable[[Setting, object, Place], object]] = MappingProxyType(
    {
        Kind.SWITCH: _switch,
        Kind.SECONDS: _number,
        Kind.COUNT: _number,
        Kind.CHOICE: _choice,
        Kind.NAME: _name,
        Kind.URL: _url,
        Kind.SECRET: _secret,
        Kind.PATH: _path,
        Kind.SCOPE: _scope,
        Kind.PERCENT: _number,
        Kind.AMOUNT: _amount,
        Kind.CRON: _cron,
        Kind.ZONE: _zone,
        Kind.CALLABLE: _callable,
        Kind.UNIT: _unit,
    }
)
