"""The six settings of a liquidation, checked when they are built."""

import math
from dataclasses import dataclass

from goflat.errors import SettingsError

TIMEOUT_SECONDS = (1.0, 30.0)
MAX_RETRIES = (0, 10)
RETRY_DELAY_SECONDS = (0.1, 5.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class LiquidationConfig:
    """What a liquidation does, and how long it may take. Frozen, and refused if senseless.

    `timeout_seconds` (1 to 30) is the length until the deadline. `max_retries` (0 to 10) counts
    further attempts after a refusal: 0 means one attempt. `retry_delay_seconds` (0.1 to 5) is the
    base of an exponential backoff with jitter that never waits past the deadline.

    Raises:
        SettingsError: a value of the wrong type or out of range, or switches that contradict
            each other. All that is wrong is named at once.
    """

    emergency_liquidation: bool = True
    close_positions: bool = True
    cancel_orders: bool = True
    timeout_seconds: float = 5.0
    max_retries: int = 3
    retry_delay_seconds: float = 0.5

    def __post_init__(self) -> None:
        if wrong := list(self._mistakes()):
            raise SettingsError("; ".join(wrong))

    def _mistakes(self) -> list[str]:
        wrong = [
            *_switch("emergency_liquidation", self.emergency_liquidation),
            *_switch("close_positions", self.close_positions),
            *_switch("cancel_orders", self.cancel_orders),
            *_number("timeout_seconds", self.timeout_seconds, *TIMEOUT_SECONDS),
            *_number("max_retries", self.max_retries, *MAX_RETRIES, whole=True),
            *_number("retry_delay_seconds", self.retry_delay_seconds, *RETRY_DELAY_SECONDS),
        ]
        if self.emergency_liquidation is False and (self.close_positions or self.cancel_orders):
            wrong.append(
                "emergency_liquidation is false, so close_positions and cancel_orders must be "
                "false as well (or turn emergency_liquidation on)"
            )
        return wrong

    @property
    def protects(self) -> bool:
        """Whether a run would close positions and cancel orders: the capital is protected."""
        return self.emergency_liquidation and self.close_positions and self.cancel_orders


def _switch(name: str, value: object) -> list[str]:
    return [] if isinstance(value, bool) else [f"{name} is true or false, was {value!r}"]


def _number(
    name: str, value: object, least: float, most: float, *, whole: bool = False
) -> list[str]:
    kind = "a whole number" if whole else "a number"
    if isinstance(value, bool) or not isinstance(value, int if whole else (int, float)):
        return [f"{name} is {kind} from {least} to {most}, was {value!r}"]
    if not (math.isfinite(value) and least <= value <= most):
        return [f"{name} is from {least} to {most}, was {value!r}"]
    return []
