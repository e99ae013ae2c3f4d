"""Configuration that has to be refused, tried now: the report says what happened then."""

import math
from collections.abc import Iterator, Mapping

from goflat.core.findings import Severity
from goflat.domain.config import LiquidationConfig
from goflat.drill.scenario import Tick
from goflat.errors import SettingsError
from goflat.validator import ConfigValidator

_WRONG_TYPES: tuple[Mapping[str, object], ...] = (
    {"emergency_liquidation": 1},
    {"timeout_seconds": True},
    {"timeout_seconds": "5"},
    {"max_retries": True},
    {"max_retries": 1.5},
    {"retry_delay_seconds": None},
)
_OUT_OF_RANGE: tuple[Mapping[str, object], ...] = (
    {"timeout_seconds": 0.9},
    {"timeout_seconds": 30.1},
    {"timeout_seconds": math.nan},
    {"timeout_seconds": math.inf},
    {"max_retries": -1},
    {"max_retries": 11},
    {"retry_delay_seconds": 0},
    {"retry_delay_seconds": 5.1},
)
_CONTRADICTIONS: tuple[Mapping[str, object], ...] = (
    {"emergency_liquidation": False},
    {"emergency_liquidation": False, "close_positions": False},
    {"emergency_liquidation": False, "cancel_orders": False},
)
_RISKY: tuple[Mapping[str, bool], ...] = (
    {"emergency_liquidation": False, "close_positions": False, "cancel_orders": False},
    {"close_positions": False},
    {"cancel_orders": False},
)


def probe_configuration() -> Iterator[Tick]:
    """Try what must not pass, and look for the warnings that must come."""
    yield _refused("A value of a wrong type is refused", _WRONG_TYPES)
    yield _refused("A value out of range is refused", _OUT_OF_RANGE)
    yield _refused("Switches that contradict each other are refused", _CONTRADICTIONS)
    warned = sum(_is_warned_of(risky) for risky in _RISKY)
    yield Tick(
        text="A configuration that puts capital at risk is named CRITICAL",
        holds=warned == len(_RISKY),
        evidence=f"{warned} of {len(_RISKY)} tried now",
    )


def _refused(text: str, tried: tuple[Mapping[str, object], ...]) -> Tick:
    passed = [str(dict(settings)) for settings in tried if not _is_refused(settings)]
    evidence = f"{len(tried) - len(passed)} of {len(tried)} tried now"
    return Tick(text=text, holds=not passed, evidence="; ".join([evidence, *passed]))


def _is_refused(settings: Mapping[str, object]) -> bool:
    try:
        LiquidationConfig(**settings)  # type: ignore[arg-type]
    except SettingsError:
        return True
    return False


def _is_warned_of(settings: Mapping[str, bool]) -> bool:
    report = ConfigValidator().validate(LiquidationConfig(**settings))
    return bool(report.of(Severity.CRITICAL))
