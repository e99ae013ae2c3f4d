"""The latch: once tripped, nothing trades again until somebody says so, with a reason."""

from dataclasses import dataclass

from goflat.core.guarding.severity import Severity


@dataclass(frozen=True, slots=True, kw_only=True)
class Latch:
    """Why an account is latched. `since` is the time of day (UTC, ISO 8601), for people.

    A latch file that is damaged means latched as well, with what is wrong as the reason and no run.
    """

    run_id: str
    severity: Severity
    reason: str
    by: str
    since: str


@dataclass(frozen=True, slots=True, kw_only=True)
class ResetRefused:
    """Why a reset was not done, in words that say what would be accepted."""

    text: str


def may_reset(
    latch: Latch | None, *, reason: str, is_proven_flat: bool, is_running: bool, force: bool
) -> ResetRefused | None:
    """Whether a latch may be taken off. A run is ended first, a position needs `force`."""
    if latch is None:
        return ResetRefused(text="there is nothing to reset: the account is not latched")
    if not reason.strip():
        return ResetRefused(text="a reset needs a reason: --reason TEXT")
    if is_running:
        return ResetRefused(text="the liquidation is still under way; wait for its end")
    if not is_proven_flat and not force:
        return ResetRefused(
            text="the account is not proven flat; flatten it, or insist with --force"
        )
    return None
