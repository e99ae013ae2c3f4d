"""The end of a session, or any other time that a crontab line can say."""

from collections.abc import Awaitable, Callable
from datetime import datetime

from goflat.core.guarding.limits import Finding
from goflat.guard.triggers.eyes import Eyes
from goflat.settings.guarding import TriggerSettings


def schedule(said: TriggerSettings, eyes: Eyes) -> Callable[[], Awaitable[Finding]]:  # noqa: ARG001
    """Fires at those minutes, once each, also where the look at one of them came late."""
    assert said.cron is not None
    cron, zone = said.cron, said.time_zone
    last = datetime.now(zone)

    async def look() -> Finding:
        nonlocal last
        now = datetime.now(zone)
        due = cron.was_due(last, now)
        # A clock that was set back does not make a minute come twice.
        last = max(last, now)
        if due is None:
            return Finding(fires=False, text=f"due at {cron.text} ({zone.key})")
        return Finding(fires=True, text=f"it is {due:%Y-%m-%d %H:%M} {zone.key}")

    return look
