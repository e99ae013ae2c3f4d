"""What a run says at its end can be written as JSON, with every digit of the money."""

import json
from decimal import Decimal

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.outcome import (
    LegOutcome,
    LegResult,
    LiquidationResult,
    LiquidationState,
    OutsideScope,
)
from goflat.domain.position import PositionSide

TINY = Decimal("1E-8")
MONEY = st.decimals(allow_nan=False, allow_infinity=False, min_value=-(10**12), max_value=10**12)


def leg(**changes: object) -> LegResult:
    given_: dict[str, object] = {
        "symbol": "BTCUSDT",
        "side": PositionSide.LONG,
        "outcome": LegOutcome.DUST,
        "quantity": Decimal("123456789.123456789"),
        "quantity_left": TINY,
        **changes,
    }
    return LegResult(**given_)  # type: ignore[arg-type]


def test_a_leg_is_plain_text_numbers_and_nothing_else() -> None:
    shown = leg(
        reason="dust", order_ids=("a", "b"), notional_left=Decimal("1E+3"), naked_seconds=0.25
    ).to_dict()

    assert shown == {
        "symbol": "BTCUSDT",
        "side": "LONG",
        "outcome": "dust",
        "quantity": "123456789.123456789",
        "quantity_left": "0.00000001",
        "reason": "dust",
        "order_ids": ["a", "b"],
        "orders_cancelled": 0,
        "orders_left": 0,
        "stops_kept": 0,
        "notional_left": "1000",
        "naked_seconds": 0.25,
    }


def test_what_is_not_known_is_null_and_not_zero() -> None:
    shown = leg(side=None, quantity_left=None).to_dict()

    assert (shown["side"], shown["quantity_left"], shown["notional_left"]) == (None, None, None)
    assert shown["naked_seconds"] is None


def test_a_result_goes_through_json_unchanged() -> None:
    outside = OutsideScope(kind="position", symbol="DOGEUSDT", side="SHORT", quantity=None, id="9")
    result = LiquidationResult(
        state=LiquidationState.PARTIAL,
        positions_closed=1,
        positions_failed=2,
        orders_cancelled=3,
        orders_failed=4,
        total_duration_seconds=1.5,
        error_message="why",
        correlation_id="liq_1",
        realized_pnl=Decimal("-0.00000010"),
        verified=False,
        audit_degraded=True,
        audit_hash="ab",
        outside_scope=(outside,),
        legs=(leg(),),
    )

    shown = json.loads(json.dumps(result.to_dict(), allow_nan=False))

    assert shown == result.to_dict()
    assert shown["state"] == "PARTIAL"
    assert shown["realized_pnl"] == "-0.00000010"
    assert shown["outside_scope"] == [
        {"kind": "position", "symbol": "DOGEUSDT", "side": "SHORT", "quantity": None, "id": "9"}
    ]
    assert len(shown["legs"]) == 1


@pytest.mark.parametrize("state", LiquidationState)
def test_only_completed_is_success(state: LiquidationState) -> None:
    result = LiquidationResult(state=state)

    assert result.is_success() is (state is LiquidationState.COMPLETED)
    assert result.to_dict()["state"] == state.name


@given(quantity=MONEY)
def test_no_amount_is_ever_written_with_an_exponent_or_loses_a_digit(quantity: Decimal) -> None:
    shown = leg(quantity=quantity).to_dict()["quantity"]

    assert isinstance(shown, str)
    assert "e" not in shown.lower()
    assert Decimal(shown) == quantity
