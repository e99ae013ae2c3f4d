"""The parameters of a request, read one by one: what is malformed is refused as the venue does."""

import re
from collections.abc import Mapping
from decimal import Decimal
from enum import StrEnum
from typing import TypeVar
from urllib.parse import parse_qsl

from goflat.venues.simulated.refusals import Refused, missing

DECIMAL = re.compile(r"^([0-9]{1,20})(\.[0-9]{1,20})?$")
CLIENT_ID = re.compile(r"^[\.A-Z\:/a-z0-9_-]{1,36}$")
FIELDS_MOST = 200

Word = TypeVar("Word", bound=StrEnum)


def _pairs(text: str) -> list[tuple[str, str]]:
    return parse_qsl(text, keep_blank_values=True, max_num_fields=FIELDS_MOST)


class Params:
    """Names and texts of one request. An empty text counts as not sent."""

    __slots__ = ("values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self.values = values

    @classmethod
    def read(cls, query: str, body: str) -> "Params":
        """From query string and form body. What is in both counts as the query says."""
        try:
            values = dict(_pairs(body)) if body else {}
            values.update(_pairs(query))
        except ValueError:
            raise Refused(-1101, "Too many parameters sent for this endpoint.") from None
        return cls(values)

    def text(self, name: str) -> str | None:
        return self.values.get(name) or None

    def required(self, name: str) -> str:
        value = self.values.get(name)
        if not value:
            raise missing(name)
        return value

    def decimal(self, name: str) -> Decimal | None:
        """A decimal as the venue takes them: digits and one point, no sign and no exponent."""
        value = self.text(name)
        if value is None:
            return None
        if not DECIMAL.match(value):
            legal = f"legal range is '{DECIMAL.pattern}'."
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'; {legal}")
        return Decimal(value)

    def integer(self, name: str) -> int | None:
        value = self.text(name)
        if value is None:
            return None
        if not (value.isascii() and value.isdigit() and len(value) <= 19):
            legal = "legal range is '^[0-9]{1,20}$'."
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'; {legal}")
        return int(value)

    def flag(self, name: str, *, code: int = -1130) -> bool | None:
        value = self.text(name)
        if value is None:
            return None
        if value.lower() not in ("true", "false"):
            raise Refused(code)
        return value.lower() == "true"

    def word(self, name: str, words: type[Word], code: int) -> Word | None:
        """One of a list of words; any other one is refused with `code`."""
        value = self.text(name)
        if value is None:
            return None
        try:
            return words(value)
        except ValueError:
            raise Refused(code) from None

    def client_id(self, name: str) -> str | None:
        value = self.text(name)
        if value is None:
            return None
        if len(value) > 36:
            raise Refused(-4015, "Client order id length should be less than 36 chars")
        if not CLIENT_ID.match(value):
            legal = f"legal range is '{CLIENT_ID.pattern}'."
            raise Refused(-1100, f"Illegal characters found in parameter '{name}'; {legal}")
        return value
