"""goflat check: whether a configuration works and may be deployed, before it matters."""

import asyncio
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import replace
from types import MappingProxyType
from typing import TypeAlias

import click

from goflat.cli import check_view
from goflat.cli.refusal import UNUSABLE, JsonCommand
from goflat.core.findings import Deployment
from goflat.domain.facts import AccountFacts
from goflat.errors import SettingsError, VenueError
from goflat.settings import AccountSettings, Settings, load_settings
from goflat.validator import ConfigValidator

ASK_SECONDS = 30.0
"""How long one account may take to answer all that `--online` asks."""

Examine: TypeAlias = Callable[[AccountSettings], Awaitable[AccountFacts]]
"""Asks a venue about a key and its account, and sends nothing that changes anything."""


@click.command("check", cls=JsonCommand, refused=check_view.refused)
@click.option(
    "--config", metavar="FILE", help="The configuration; else $GOFLAT_CONFIG, else ./goflat.toml."
)
@click.option("--account", metavar="NAME", help="Check this account only.")
@click.option(
    "--env",
    type=click.Choice(["testnet", "production"]),
    help="What it is judged for; else what its accounts are.",
)
@click.option("--strict", is_flag=True, help="Let warnings count as well.")
@click.option("--online", is_flag=True, help="Ask the venue, too. Changes nothing there.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def command(  # noqa: PLR0917 - click hands over what was typed, one by one
    ctx: click.Context,
    config: str | None,
    account: str | None,
    env: Deployment | None,
    strict: bool,  # noqa: FBT001 - what was typed
    online: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Say whether the configuration works and may be deployed.

    Exit codes: 0 ready, 1 not ready, 2 the command or the configuration cannot be used.
    """
    try:
        settings = _settings(config, account)
        _announce(settings)
        answers = asyncio.run(ask(settings, _examine())) if online else {}
    except SettingsError as error:
        assert isinstance(ctx.command, JsonCommand)
        ctx.command.refuse(error.mistakes, as_json=as_json)
        ctx.exit(UNUSABLE)
    readiness = ConfigValidator().check_deployment_readiness(
        settings, env or _meant(settings), strict=strict, answers=answers
    )
    if as_json:
        click.echo(json.dumps(check_view.as_dict(readiness, settings, answers)))
    else:
        click.echo("\n".join(check_view.lines(readiness, answers)))
    ctx.exit(0 if readiness.is_ready else 1)


def _settings(config: str | None, account: str | None) -> Settings:
    """The settings, without a fault anywhere, cut to the one account that was named."""
    settings = load_settings(config).without_faults()
    if account is None:
        return settings
    chosen = settings.account(account)
    return replace(settings, accounts=MappingProxyType({chosen.name: chosen}))


def _announce(settings: Settings) -> None:
    for line in check_view.used(settings):
        click.echo(f"goflat check: {line}", err=True)


def _meant(settings: Settings) -> Deployment:
    """Real money is judged as production, whatever stands beside it."""
    environments = {account.environment for account in settings.accounts.values()}
    return "production" if "production" in environments else "testnet"


async def ask(settings: Settings, examine: Examine) -> Mapping[str, AccountFacts]:
    """What the venues say, all accounts at once. A failure is an answer that was not learnt.

    Raises:
        SettingsError: an account has no venue that could be asked.
    """
    accounts = [account.refuse_embedded() for account in settings.accounts.values()]
    facts = await asyncio.gather(*(_ask_one(account, examine) for account in accounts))
    return {account.name: answer for account, answer in zip(accounts, facts, strict=True)}


async def _ask_one(account: AccountSettings, examine: Examine) -> AccountFacts:
    try:
        async with asyncio.timeout(ASK_SECONDS):
            return await examine(account)
    except TimeoutError:
        return AccountFacts(problems=(f"no answer within {ASK_SECONDS:g} seconds",))
    except (SettingsError, VenueError) as error:
        return AccountFacts(problems=(str(error),))


def _examine() -> Examine:
    """The real thing. Imported only here: an offline check waits for no adapter."""
    from goflat.compose import examine  # noqa: PLC0415

    return examine
