"""What one `goflat run` is about."""

from collections.abc import Mapping
from dataclasses import dataclass

from goflat.guard.run.emergency import RUNS_MAX
from goflat.settings import OnExit

FENCE_SECONDS_MAX = 5.0
"""What freezing, ending and closing may take beside the runs and the wait between them."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Plan:
    """What to run, and by which rules. Lengths in seconds."""

    argv: tuple[str, ...]
    environment: Mapping[str, str]
    on_exit: OnExit
    kill_grace_seconds: float
    recv_window_seconds: float
    timeout_seconds: float
    armed_sentence: str

    @property
    def answer_seconds(self) -> float:
        """How long a liquidator may take from the order to its last word."""
        return RUNS_MAX * self.timeout_seconds + self.recv_window_seconds + FENCE_SECONDS_MAX
