"""Settings in, a guard out: the accounts of a configuration, each with its venue opened."""

from collections.abc import Callable
from pathlib import Path

from goflat.compose import open_audit, open_venue
from goflat.core.guarding.second_factor import SecondFactor
from goflat.errors import Mistake, SettingsError
from goflat.guard.account import AccountTerms, GuardedAccount
from goflat.guard.daemon import Guard
from goflat.guard.liquidator import RunTerms
from goflat.guard.notify import Notifier
from goflat.settings import SecretRef, Settings


def open_guard(
    settings: Settings,
    directory: Path,
    *,
    notifier: Notifier | None = None,
    between_effects: Callable[[], None] = lambda: None,
) -> Guard:
    """A guard over every account of a configuration that has a bot or a trigger, else over all.

    Raises:
        SettingsError: a secret that cannot be had, no scope, or a table with a fault.
        Unusable: the state directory is not ours alone.
    """
    guarding = settings.without_faults().guarding
    assert guarding is not None
    audit = open_audit(settings)
    accounts = {
        name: GuardedAccount(
            AccountTerms(
                account=name,
                scope=settings.needed_scope(),
                run=RunTerms(
                    scope=settings.needed_scope(),
                    config=settings.liquidation,
                    quiet_seconds=settings.quiet_seconds,
                ),
                guard=guarding.guard,
                bots=tuple(bot for bot in guarding.bots if bot.account == name),
                triggers=tuple(it for it in guarding.triggers if it.account == name),
                protects=settings.liquidation.protects,
            ),
            open_venue(account),
            audit,
            directory,
            between_effects=between_effects,
        )
        for name, account in settings.accounts.items()
    }
    return Guard(
        accounts,
        directory,
        second_factor=_second_factor(guarding.guard.totp_secret),
        notifier=notifier,
        http_port=guarding.guard.http_port,
    )


def _second_factor(place: SecretRef | None) -> SecondFactor | None:
    if place is None:
        return None
    try:
        return SecondFactor.of(place.resolve())
    except ValueError as error:
        raise SettingsError(Mistake(key="[guard] totp_secret", text=str(error))) from None
