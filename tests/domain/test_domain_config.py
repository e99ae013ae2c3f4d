"""The six settings: what is taken, and every wrong value by name."""

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.domain.config import LiquidationConfig
from goflat.errors import SettingsError


def test_the_defaults_protect_and_are_those_of_the_specification() -> None:
    config = LiquidationConfig()

    assert (config.emergency_liquidation, config.close_positions, config.cancel_orders) == (
        True,
        True,
        True,
    )
    assert (config.timeout_seconds, config.max_retries, config.retry_delay_seconds) == (5.0, 3, 0.5)
    assert config.protects


@pytest.mark.parametrize(
    ("name", "least", "most"),
    [("timeout_seconds", 1.0, 30.0), ("max_retries", 0, 10), ("retry_delay_seconds", 0.1, 5.0)],
)
def test_the_ends_of_every_range_belong_to_it(name: str, least: float, most: float) -> None:
    for value in (least, most):
        assert getattr(LiquidationConfig(**{name: value}), name) == value  # type: ignore[arg-type]


WRONG_NUMBERS = [
    math.nan,
    math.inf,
    -math.inf,
    -1,
    10**9,
    -0.5,
    True,
    False,
    None,
    "5",
    b"5",
    [5],
    {"seconds": 5},
    5j,
]
WRONG_SWITCHES = [None, 0, 1, 1.0, "true", "false", [], object()]


@pytest.mark.parametrize("value", WRONG_NUMBERS, ids=repr)
@pytest.mark.parametrize("name", ["timeout_seconds", "max_retries", "retry_delay_seconds"])
def test_every_wrong_number_is_refused_and_named(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name):
        LiquidationConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("timeout_seconds", 0.999),
        ("timeout_seconds", 30.001),
        ("timeout_seconds", 0),
        ("max_retries", 11),
        ("max_retries", 1.0),
        ("max_retries", 2.5),
        ("retry_delay_seconds", 0.099),
        ("retry_delay_seconds", 5.001),
        ("retry_delay_seconds", 0),
    ],
)
def test_a_number_just_outside_is_outside(name: str, value: float) -> None:
    with pytest.raises(SettingsError, match=name):
        LiquidationConfig(**{name: value})  # type: ignore[arg-type]


@pytest.mark.parametrize("value", WRONG_SWITCHES, ids=lambda v: type(v).__name__ + repr(v)[:6])
@pytest.mark.parametrize("name", ["emergency_liquidation", "close_positions", "cancel_orders"])
def test_a_switch_is_true_or_false_and_nothing_that_looks_like_it(name: str, value: object) -> None:
    with pytest.raises(SettingsError, match=name):
        LiquidationConfig(**{name: value})  # type: ignore[arg-type]


SWITCHES = [
    # emergency, close, cancel, taken, protects
    (True, True, True, True, True),
    (True, True, False, True, False),
    (True, False, True, True, False),
    (True, False, False, True, False),
    (False, False, False, True, False),
    (False, True, False, False, None),
    (False, False, True, False, None),
    (False, True, True, False, None),
]


@pytest.mark.parametrize(("emergency", "close", "cancel", "taken", "protects"), SWITCHES)
def test_off_with_something_on_is_a_contradiction_and_refused(
    emergency: bool, close: bool, cancel: bool, taken: bool, protects: bool | None
) -> None:
    def build() -> LiquidationConfig:
        return LiquidationConfig(
            emergency_liquidation=emergency, close_positions=close, cancel_orders=cancel
        )

    if taken:
        assert build().protects is protects
    else:
        with pytest.raises(SettingsError, match="emergency_liquidation is false"):
            build()


def test_all_that_is_wrong_is_named_at_once() -> None:
    with pytest.raises(SettingsError) as caught:
        LiquidationConfig(timeout_seconds=0, max_retries=True, retry_delay_seconds=math.nan)

    for name in ("timeout_seconds", "max_retries", "retry_delay_seconds"):
        assert name in str(caught.value)


@given(timeout=st.floats(1, 30), retries=st.integers(0, 10), delay=st.floats(0.1, 5))
def test_whatever_is_in_range_is_taken_as_it_is(timeout: float, retries: int, delay: float) -> None:
    config = LiquidationConfig(
        timeout_seconds=timeout, max_retries=retries, retry_delay_seconds=delay
    )

    assert (config.timeout_seconds, config.max_retries, config.retry_delay_seconds) == (
        timeout,
        retries,
        delay,
    )
