"""The only place that knows every class: settings in, running objects out. No decisions."""

import os
from collections.abc import Callable
from functools import partial

from goflat.core.run import Liquidation
from goflat.domain.facts import AccountFacts
from goflat.domain.outcome import LiquidationResult
from goflat.guard.handing_over import hand_over as hand_to_guard
from goflat.journal import AuditLogger
from goflat.journal.absent import AbsentTrail
from goflat.manager import LiquidationManager
from goflat.ports.journal import Audit
from goflat.ports.venue import Venue
from goflat.settings import AccountSettings, Settings, load_settings
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.venue import BinanceVenue


def open_venue(account: AccountSettings) -> BinanceVenue:
    """The venue of an account. Resolves its secrets; connects with the first request.

    Raises:
        SettingsError: a secret that cannot be had, or no address where there has to be one.
    """
    reached = account.refuse_embedded()
    assert reached.rest_url is not None
    return BinanceVenue(
        rest_url=reached.rest_url,
        sapi_url=reached.sapi_url,
        credentials=Credentials(
            api_key=reached.api_key.resolve(), api_secret=reached.api_secret.resolve()
        ),
    )


def open_audit(settings: Settings) -> AuditLogger | None:
    """The audit trail of a configuration. Opening it never fails: it may be degraded."""
    return None if settings.audit_path is None else AuditLogger(settings.audit_path)


def _absent(settings: Settings) -> Audit | None:
    """What stands in for a trail that was asked for with a fault in its table; None: none was."""
    faults = [str(fault) for fault in settings.faults if (fault.key or "").startswith("[audit]")]
    wanted = settings.audit_path is None and faults
    return AbsentTrail(faults[0]) if wanted else None


def manager_from_settings(path: str | os.PathLike[str] | None, account: str) -> LiquidationManager:
    """A manager for one account of a configuration file."""
    settings = load_settings(None if path is None else os.fspath(path))
    venue = open_venue(settings.account(account))
    return manager_over(
        venue, settings, open_audit(settings), hand_over=partial(hand_to_guard, account=account)
    )


def manager_over(
    venue: Venue,
    settings: Settings,
    audit: AuditLogger | None,
    *,
    quiet_seconds: float | None = None,
    watch: Callable[[Liquidation], None] | None = None,
    hand_over: Callable[[LiquidationResult], object] | None = None,
) -> LiquidationManager:
    """A manager with the settings of a configuration, over a venue that is open already."""
    return LiquidationManager(
        venue,
        settings.liquidation,
        _absent(settings) if audit is None else audit,
        quiet_seconds=settings.quiet_seconds if quiet_seconds is None else quiet_seconds,
        watch=watch,
        hand_over=hand_over,
    )


async def examine(account: AccountSettings) -> AccountFacts:
    """Ask the venue of an account what can be known before it matters."""
    venue = open_venue(account)
    try:
        return await venue.examine()
    finally:
        await venue.aclose()
