"""goflat: when the bot stops, however it stops, the account goes flat before a deadline.

Everything a program needs is named here, and imported only when it is used.
"""

from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from goflat.arming import armed
    from goflat.domain.config import LiquidationConfig
    from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
    from goflat.errors import (
        GoflatError,
        NotSent,
        Rejected,
        SettingsError,
        Throttled,
        Unanswered,
        VenueError,
    )
    from goflat.guard.latch_file import is_latched
    from goflat.guard.run.handover import handover
    from goflat.heart import heartbeat
    from goflat.journal import AuditLogger
    from goflat.manager import LiquidationManager
    from goflat.settings import load_settings
    from goflat.validator import ConfigValidator
    from goflat.venues.order_manager import OrderExecutionManager

__version__ = "0.1.0"

_ROOMS = {
    "AuditLogger": "goflat.journal",
    "ConfigValidator": "goflat.validator",
    "GoflatError": "goflat.errors",
    "LegOutcome": "goflat.domain.outcome",
    "LegResult": "goflat.domain.outcome",
    "LiquidationConfig": "goflat.domain.config",
    "LiquidationManager": "goflat.manager",
    "LiquidationResult": "goflat.domain.outcome",
    "LiquidationState": "goflat.domain.outcome",
    "NotSent": "goflat.errors",
    "OrderExecutionManager": "goflat.venues.order_manager",
    "Rejected": "goflat.errors",
    "SettingsError": "goflat.errors",
    "Throttled": "goflat.errors",
    "Unanswered": "goflat.errors",
    "VenueError": "goflat.errors",
    "armed": "goflat.arming",
    "handover": "goflat.guard.run.handover",
    "is_latched": "goflat.guard.latch_file",
    "heartbeat": "goflat.heart",
    "load_settings": "goflat.settings",
}

__all__ = [
    "AuditLogger",
    "ConfigValidator",
    "GoflatError",
    "LegOutcome",
    "LegResult",
    "LiquidationConfig",
    "LiquidationManager",
    "LiquidationResult",
    "LiquidationState",
    "NotSent",
    "OrderExecutionManager",
    "Rejected",
    "SettingsError",
    "Throttled",
    "Unanswered",
    "VenueError",
    "__version__",
    "armed",
    "handover",
    "heartbeat",
    "is_latched",
    "load_settings",
]


def __getattr__(name: str) -> object:
    if name not in _ROOMS:
        raise AttributeError(f"module 'goflat' has no attribute {name!r}")
    return getattr(import_module(_ROOMS[name]), name)
