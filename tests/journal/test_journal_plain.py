import json
from collections import OrderedDict
from dataclasses import dataclass
from datetime import UTC, date, datetime, time
from decimal import Decimal
from enum import Enum, StrEnum
from pathlib import Path
from types import MappingProxyType

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goflat.domain.order import CloseOrder
from goflat.domain.position import LegKey, OrderSide, Position, PositionSide
from goflat.domain.secret import Secret
from goflat.errors import Rejected
from goflat.journal.plain import MAX_DEPTH, MAX_ITEMS, MAX_SIZE, MAX_TEXT, plain
from goflat.journal.redaction import HIDDEN


class Word(StrEnum):
    YES = "yes"


class Odd(Enum):
    PAIR = (1, Decimal("2.50"))


@dataclass
class Credentials:
    name: str
    key: Secret


class Rude:
    def __repr__(self) -> str:
        raise RuntimeError("not me")

    __str__ = __repr__


@pytest.mark.parametrize(
    ("value", "expected"),
    [
        (Decimal("0.10"), "0.10"),
        (Decimal("1E-8"), "0.00000001"),
        (Decimal("1E+5"), "100000"),
        (Decimal("1E+999999"), "1E+999999"),
        (Decimal("1E-999999"), "1E-999999"),
        (Decimal("NaN"), "NaN"),
        (Decimal("-Infinity"), "-Infinity"),
        (float("nan"), "nan"),
        (float("inf"), "inf"),
        (0.25, 0.25),
        (True, True),
        (None, None),
        (7, 7),
        (2**63, "9223372036854775808"),
        (-(2**200), str(-(2**200))),
        pytest.param(1 << 100_000, "<integer of 100001 bits>", id="book"),
        (Word.YES, "yes"),
        (OrderSide.SELL, "SELL"),
        (Odd.PAIR, [1, "2.50"]),
        (LegKey("BTCUSDT", PositionSide.LONG), ["BTCUSDT", "LONG"]),
        (frozenset({"one"}), ["one"]),
        (MappingProxyType({"a": 1}), {"a": 1}),
        (OrderedDict(b=2), {"b": 2}),
        (datetime(2026, 11, 22, 9, 46, tzinfo=UTC), "2026-11-22T09:46:00+00:00"),
        (date(2026, 11, 22), "2026-11-22"),
        (time(9, 46), "09:46:00"),
        (Path("a/b"), "a/b"),
        (Rejected("no room", code=-4131), "Rejected: no room"),
        (Secret("hunter2"), HIDDEN),
        (b"bytes", "<builtins.bytes>"),
        (Rude(), "<test_journal_plain.Rude>"),
        (Rude, "<builtins.type>"),
        (float("-inf"), "-inf"),
        ("half a pair \ud800", "half a pair \\ud800"),
    ],
)
def test_each_value_has_one_plain_form(value: object, expected: object) -> None:
    data, _ = plain({"value": value})

    assert data == {"value": expected}


def test_a_value_of_the_domain_is_written_with_its_fields() -> None:
    position = Position(symbol="BTCUSDT", side=PositionSide.LONG, quantity=Decimal("0.5"))
    order = CloseOrder(position=position, quantity=Decimal("0.50"), client_order_id="gf-1")

    data, _ = plain({"order": order})

    assert data["order"]["quantity"] == "0.50"
    assert data["order"]["position"]["side"] == "LONG"


@pytest.mark.parametrize(
    "name",
    ["secret", "api_key", "apiKey", "API-SECRET", "X-MBX-APIKEY", "signature", "listenKey"],
)
def test_what_is_named_like_a_secret_is_never_written(name: str) -> None:
    data, _ = plain({"request": {name: "hunter2"}})

    assert data == {"request": {name: HIDDEN}}


@pytest.mark.parametrize(
    "text",
    [
        "GET /fapi/v3/positionRisk?timestamp=1&signature=hunter2",
        "POST apiKey=hunter2&side=SELL",
        "listenKey=hunter2 expired",
        f"signature=hunter2{'x' * MAX_TEXT}",
    ],
)
def test_a_signed_request_in_a_text_loses_what_signs_it(text: str) -> None:
    data, _ = plain({"reason": text, text: 1})

    assert "hunter2" not in json.dumps(data)
    assert HIDDEN in data["reason"]


def test_a_secret_inside_a_value_is_hidden() -> None:
    data, _ = plain({"credentials": Credentials(name="main", key=Secret("hunter2"))})

    assert data == {"credentials": {"name": "main", "key": HIDDEN}}


def test_two_keys_with_one_name_are_both_kept() -> None:
    data, _ = plain({1: "number", "1": "text", LegKey("A", PositionSide.LONG): "leg"})

    assert data == {"1": "number", "1'": "text", "['A', 'LONG']": "leg"}


def test_what_is_too_long_is_cut_and_says_so() -> None:
    data, _ = plain({"text": "x" * 100_000, "items": list(range(MAX_ITEMS + 5))})

    assert data["text"].endswith("… (cut, 100000 characters)")
    assert len(data["text"]) < MAX_TEXT + 50
    assert data["items"][-1] == "… more, cut"
    assert len(data["items"]) == MAX_ITEMS + 1


def test_too_many_members_are_cut_with_their_number() -> None:
    data, _ = plain({"members": {str(n): n for n in range(MAX_ITEMS + 5)}})

    assert data["members"]["…"] == "5 more, cut"


def test_what_contains_itself_comes_to_an_end() -> None:
    knot: dict[str, object] = {}
    knot["again"] = [knot] * 100

    data, size = plain(knot)

    assert size <= MAX_SIZE + 10_000
    assert json.dumps(data)


def test_depth_has_an_end_in_tables_and_in_lists() -> None:
    deep: object = "bottom"
    for _ in range(MAX_DEPTH + 1):
        deep = {"in": [deep]}

    text = json.dumps(plain({"deep": deep})[0], ensure_ascii=False)

    assert "bottom" not in text
    assert "too deep" in text


def test_a_run_with_five_hundred_legs_is_written_whole() -> None:
    leg = {f"field_{n}": f"value {n}" for n in range(13)}

    data, _ = plain({"legs": [leg] * 500})

    assert data == {"legs": [leg] * 500}


_VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text() | st.decimals(),
    lambda inner: st.lists(inner) | st.dictionaries(st.text() | st.integers(), inner),
    max_leaves=6,
)


@settings(max_examples=50)
@given(st.dictionaries(st.text(max_size=9), _VALUES, max_size=4))
def test_anything_becomes_json(data: dict[str, object]) -> None:
    made, _ = plain(data)

    assert json.loads(json.dumps(made, allow_nan=False)) == made
