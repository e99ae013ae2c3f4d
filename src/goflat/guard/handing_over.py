"""A run inside of a bot ended, and something is left: tell the guard, if there is one."""

import logging
import threading
from pathlib import Path

from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState
from goflat.guard.asking import NoGuard, ask
from goflat.guard.state_directory import Unusable

_log = logging.getLogger("goflat")

_UNFINISHED = frozenset({LiquidationState.PARTIAL, LiquidationState.FAILED})
_LEFT = frozenset({LegOutcome.OPEN, LegOutcome.UNPROVEN})
ASK_SECONDS = 3.0


def what_is_left(result: LiquidationResult, account: str) -> dict[str, object] | None:
    """The question to a guard; None: there is nothing that a guard could go on with."""
    if result.state not in _UNFINISHED:
        return None
    legs = [
        [leg.symbol, leg.side.value, format(leg.quantity_left or leg.quantity, "f")]
        for leg in result.legs
        if leg.side is not None and leg.outcome in _LEFT
    ]
    if not legs:
        return None
    return {
        "do": "handover",
        "account": account,
        "run_id": result.correlation_id,
        "legs": legs,
        "reason": f"a run inside of the bot ended {result.state.value}",
    }


def hand_over(
    result: LiquidationResult, account: str = "main", *, directory: Path | None = None
) -> threading.Thread | None:
    """Tell the guard what a run left, on a thread of its own. Never raises, and holds nobody up.

    None: nothing is left. The guard goes on under the same id, with these positions and at most so
    much of each.
    """
    question = what_is_left(result, account)
    if question is None:
        return None

    def tell() -> None:
        try:
            answer = ask(question, directory=directory, seconds=ASK_SECONDS)
        except (NoGuard, Unusable) as error:
            _log.critical("what is left could not be handed to a guard: %s", error)
            return
        if answer.get("ok") is True:
            _log.warning("the guard goes on with what is left of %s", result.correlation_id)
        else:
            _log.critical("the guard did not take what is left: %s", answer.get("text"))

    thread = threading.Thread(target=tell, name="goflat-handover", daemon=True)
    thread.start()
    return thread
