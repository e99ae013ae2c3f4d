import copy
import json
import time
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import InstrumentRules, LotLimits, PriceBand
from goflat.errors import Unanswered
from goflat.venues.binance.rules import rules

Info = dict[str, Any]


@pytest.fixture
def info(payload: Callable[[str], bytes]) -> Info:
    found: Info = json.loads(payload("exchange_info.json"))
    return found


def instrument(info: Info, symbol: str, **changed: Any) -> Info:
    made: Info = copy.deepcopy(info["symbols"][0])
    return made | {"symbol": symbol} | changed


def without_filter(info: Info, kind: str) -> list[Info]:
    return [row for row in info["symbols"][0]["filters"] if row["filterType"] != kind]


def with_filter(info: Info, kind: str, **changed: Any) -> list[Info]:
    return [
        row | changed if row["filterType"] == kind else row for row in info["symbols"][0]["filters"]
    ]


def body(info: Info, *more: object) -> bytes:
    return json.dumps(info | {"symbols": [*info["symbols"], *more]}).encode()


def test_the_recorded_instrument_has_a_smaller_lot_for_market_orders(
    payload: Callable[[str], bytes],
) -> None:
    table, limits = rules(payload("exchange_info.json"))

    step = Decimal("0.001")
    assert table["BTCUSDT"] == InstrumentRules(
        symbol="BTCUSDT",
        status="TRADING",
        tick=Decimal("0.10"),
        limit_lot=LotLimits(minimum=step, maximum=Decimal(1000), step=step),
        market_lot=LotLimits(minimum=step, maximum=Decimal(120), step=step),
        band=PriceBand(up=Decimal("1.0500"), down=Decimal("0.9500")),
    )
    assert limits == Limits(
        weight_per_minute=2400, orders_per_ten_seconds=300, orders_per_minute=1200
    )


def test_what_the_venue_does_not_list_is_not_there(info: Info) -> None:
    table, _ = rules(body(info))

    assert table.get("DOGEUSDT") is None
    assert "DOGEUSDT" not in table
    assert list(table) == ["BTCUSDT"]
    assert len(table) == 1


DAMAGED: list[Callable[[Info], Any]] = [
    lambda info: instrument(info, "BADUSDT", filters=None),
    lambda info: instrument(info, "BADUSDT", filters=[]),
    lambda info: instrument(info, "BADUSDT", filters=[7]),
    lambda info: instrument(info, "BADUSDT", filters=without_filter(info, "PRICE_FILTER")),
    lambda info: instrument(info, "BADUSDT", filters=with_filter(info, "LOT_SIZE", stepSize="0")),
    lambda info: instrument(info, "BADUSDT", filters=with_filter(info, "LOT_SIZE", stepSize=None)),
    lambda info: instrument(info, "BADUSDT", filters=with_filter(info, "LOT_SIZE", maxQty="NaN")),
    lambda info: instrument(
        info, "BADUSDT", filters=with_filter(info, "PRICE_FILTER", tickSize="0")
    ),
    lambda info: instrument(info, "BADUSDT", filters={"LOT_SIZE": 1}),
]


@pytest.mark.parametrize("damaged", DAMAGED)
def test_an_instrument_with_damaged_rules_is_listed_has_none_and_hurts_no_other(
    info: Info, damaged: Callable[[Info], Any]
) -> None:
    table, limits = rules(body(info, damaged(info), instrument(info, "ETHUSDT")))

    assert "BADUSDT" in table
    assert table.get("BADUSDT") is None
    assert table["ETHUSDT"].tick == table["BTCUSDT"].tick == Decimal("0.10")
    assert limits is not None


@pytest.mark.parametrize("row", [None, 7, [], {}, {"symbol": None}, {"symbol": 1, "status": "X"}])
def test_a_row_without_even_a_name_hurts_no_other(info: Info, row: object) -> None:
    table, limits = rules(body(info, row))

    assert list(table) == ["BTCUSDT"]
    assert table["BTCUSDT"].status == "TRADING"
    assert limits is not None


def test_an_unknown_status_is_the_venues_word(info: Info) -> None:
    table, _ = rules(body(info, instrument(info, "X", status="TRADING_HALT")))

    assert table["X"].status == "TRADING_HALT"


@pytest.mark.parametrize("missing", ["LOT_SIZE", "MARKET_LOT_SIZE"])
def test_one_kind_of_lot_stands_for_both_where_only_one_is_named(info: Info, missing: str) -> None:
    table, _ = rules(body(info, instrument(info, "X", filters=without_filter(info, missing))))

    assert table["X"].limit_lot == table["X"].market_lot


@pytest.mark.parametrize("up", [None, "0", "?"])
def test_a_band_that_cannot_be_read_costs_only_the_band(info: Info, up: object) -> None:
    bent = with_filter(info, "PERCENT_PRICE", multiplierUp=up)

    table, _ = rules(body(info, instrument(info, "X", filters=bent)))

    assert table["X"].band is None
    assert table["X"].market_lot.maximum == 120


def test_an_instrument_without_a_band_has_none(info: Info) -> None:
    table, _ = rules(
        body(info, instrument(info, "X", filters=without_filter(info, "PERCENT_PRICE")))
    )

    assert table["X"].band is None


@pytest.mark.parametrize(
    ("said", "expected"),
    [
        (
            [("REQUEST_WEIGHT", "MINUTE", 1, 6000)],
            Limits(weight_per_minute=6000, orders_per_ten_seconds=300, orders_per_minute=1200),
        ),
        (
            [("ORDERS", "SECOND", 10, 100), ("ORDERS", "DAY", 1, 9), ("NEW", "MINUTE", 1, 1)],
            Limits(weight_per_minute=2400, orders_per_ten_seconds=100, orders_per_minute=1200),
        ),
        ([("ORDERS", "SECOND", 10, 0)], None),
        ([], None),
    ],
)
def test_limits_come_from_the_venue_and_the_rest_from_the_card(
    info: Info, said: list[tuple[str, str, int, int]], expected: Limits | None
) -> None:
    names = ("rateLimitType", "interval", "intervalNum", "limit")
    info["rateLimits"] = [dict(zip(names, row, strict=True)) for row in said]

    assert rules(body(info))[1] == expected


@pytest.mark.parametrize("bad", [None, 7, "x", [None, 7, {"rateLimitType": "ORDERS"}]])
def test_limits_that_cannot_be_read_cost_only_the_limits(info: Info, bad: object) -> None:
    table, limits = rules(body(info | {"rateLimits": bad}))

    assert limits is None
    assert table["BTCUSDT"].status == "TRADING"


@pytest.mark.parametrize(
    "answer", [b"", b"[]", b"{}", b'{"symbols":{}}', b'{"symbols":[]}', b"<html>", b"\xff"]
)
def test_an_answer_that_names_no_instrument_is_no_answer(answer: bytes) -> None:
    with pytest.raises(Unanswered):
        rules(answer)


def test_a_thousand_instruments_cost_a_few_milliseconds_and_one_asked_for_little(
    info: Info,
) -> None:
    answer = body(info, *(instrument(info, f"S{number}USDT") for number in range(1000)))

    started = time.process_time()
    table, _ = rules(answer)
    table["S500USDT"]
    took = time.process_time() - started

    assert len(table) == 1001
    # Measured 3 ms; the bound is for a busy machine.
    assert took < 0.05
