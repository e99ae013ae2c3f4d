"""goflat flatten: take an account flat now, and say what is true afterwards."""

import asyncio
import json
import sys
from collections.abc import Sequence
from contextlib import ExitStack
from dataclasses import dataclass, replace
from shlex import quote
from types import MappingProxyType

import click

from goflat.cli import ask, dry_run, summary
from goflat.cli.check_view import used
from goflat.cli.exits import EXIT_CODES
from goflat.cli.held import held, told
from goflat.cli.live import screen_on
from goflat.cli.refusal import UNUSABLE, JsonCommand, to_dict
from goflat.cli.voice import Voice, print_out
from goflat.compose import manager_over, open_audit, open_venue
from goflat.domain.instrument import Symbol
from goflat.domain.outcome import LiquidationState
from goflat.domain.scope import Everything, Only, Scope
from goflat.errors import Mistake, SettingsError
from goflat.ports.venue import Venue
from goflat.settings import AccountSettings, Settings, load_settings
from goflat.shell.rehearse import RehearsedVenue

NOTHING_SENT = "Nothing was sent."


def refused(mistakes: Sequence[Mistake]) -> dict[str, object]:
    """What --json prints where nothing was sent."""
    return {
        "error": "; ".join(str(mistake) for mistake in mistakes),
        "exit_code": UNUSABLE,
        "mistakes": [to_dict(mistake) for mistake in mistakes],
    }


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed, understood: which account, how much of it, by which settings.

    `command` is how to say it again, without the scope.
    """

    command: str
    scope: Scope
    settings: Settings
    account: AccountSettings
    yes: bool
    dry_run: bool

    @property
    def symbols(self) -> list[Symbol] | None:
        """The scope in the words of the manager."""
        return sorted(self.scope.symbols) if isinstance(self.scope, Only) else None

    @property
    def is_switched_off(self) -> bool:
        """Whether the configuration lets a run do nothing at all."""
        config = self.settings.liquidation
        return not (config.close_positions or config.cancel_orders)

    @property
    def has_to_ask(self) -> bool:
        return not (self.yes or self.dry_run or self.is_switched_off)


@click.command("flatten", cls=JsonCommand, refused=refused)
@click.argument("symbols", nargs=-1, metavar="[SYMBOL]...")
@click.option("--all", "everything", is_flag=True, help="The whole account.")
@click.option(
    "--config", metavar="FILE", help="The configuration; else $GOFLAT_CONFIG, else ./goflat.toml."
)
@click.option("--account", metavar="NAME", help="Which account, where the file has several.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@click.option("--dry-run", is_flag=True, help="Show what would be sent, and send nothing.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def command(  # noqa: PLR0917 - click hands over what was typed, one by one
    ctx: click.Context,
    symbols: tuple[str, ...],
    everything: bool,  # noqa: FBT001 - what was typed
    config: str | None,
    account: str | None,
    yes: bool,  # noqa: FBT001
    dry_run: bool,  # noqa: FBT001
    as_json: bool,  # noqa: FBT001
) -> None:
    """Cancel the orders, close the positions, and look again until the venue shows it flat.

    Name the instruments, or say --all. Exit codes: 0 everything is proven done, 1 nothing is,
    2 the command or the configuration is wrong and nothing was sent, 3 something is left,
    4 switched off by configuration.
    """
    assert isinstance(ctx.command, JsonCommand)
    try:
        wish = _understood(
            symbols, config, account, everything=everything, yes=yes, dry_run=dry_run
        )
        code = _granted(wish, as_json=as_json)
    except SettingsError as error:
        ctx.command.refuse(error.mistakes, as_json=as_json)
        code = UNUSABLE
    except KeyboardInterrupt:
        # Only before the run: from its beginning on, signals are held until all is printed.
        ctx.command.refuse([Mistake(text=f"interrupted. {NOTHING_SENT}")], as_json=as_json)
        code = UNUSABLE
    ctx.exit(code)


# --- what was typed -----------------------------------------------------------------------------


def _understood(
    symbols: tuple[str, ...],
    config: str | None,
    account: str | None,
    *,
    everything: bool,
    yes: bool,
    dry_run: bool,
) -> Wish:
    scope = _scope(symbols, everything=everything)
    if not (yes or dry_run or sys.stdin.isatty()):
        raise SettingsError(f"without a terminal nobody can be asked: say --yes. {NOTHING_SENT}")
    settings = load_settings(config)
    chosen = settings.account(account).refuse_embedded()
    only = replace(settings, accounts=MappingProxyType({chosen.name: chosen}))
    return Wish(
        command=_again(config, account),
        scope=scope,
        settings=only,
        account=chosen,
        yes=yes,
        dry_run=dry_run,
    )


def _again(config: str | None, account: str | None) -> str:
    typed = {"--config": config, "--account": account}
    options = (f" {name} {quote(value)}" for name, value in typed.items() if value is not None)
    return "goflat flatten" + "".join(options)


def _scope(symbols: tuple[str, ...], *, everything: bool) -> Scope:
    """Saying nothing never means everything."""
    if everything and symbols:
        raise SettingsError(f"say --all or name symbols, not both. {NOTHING_SENT}")
    if not everything and not symbols:
        raise SettingsError(f"name symbols, or say --all for the whole account. {NOTHING_SENT}")
    if any(not symbol.strip() for symbol in symbols):
        raise SettingsError(f"a symbol is empty. {NOTHING_SENT}")
    return Everything() if everything else Only(frozenset(symbol.strip() for symbol in symbols))


# --- what is done -------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Ending:
    """What is said at the end: to a script, to a program, to a person."""

    code: int
    document: dict[str, object]
    lines: tuple[str, ...]


def _granted(wish: Wish, *, as_json: bool) -> int:
    """Do it, print how it ended, and say it as an exit code."""
    with ExitStack() as until_printed:
        with Voice(screen_on(sys.stderr, name="flatten")) as voice, told(voice.say):
            _announce(wish, voice)
            if wish.has_to_ask:
                _ask(wish, voice)
            until_printed.enter_context(held(voice.say))
            ending = asyncio.run(_carried_out(wish, voice))
            for line in ending.lines if as_json else ():
                voice.say(line)
        print_out(json.dumps(ending.document) if as_json else "\n".join(ending.lines))
    return ending.code


def _announce(wish: Wish, voice: Voice) -> None:
    """Which configuration, account, environment and hosts; and what is not as it should be."""
    for line in used(wish.settings):
        voice.say(line)
    for warning in wish.settings.warnings:
        voice.say(f"WARNING: {warning}")
    config = wish.settings.liquidation
    for switch in ("close_positions", "cancel_orders"):
        if not (getattr(config, switch) or wish.is_switched_off):
            voice.say(f"CRITICAL: {switch} is off by configuration: capital is at risk")


def _ask(wish: Wish, voice: Voice) -> None:
    """Show what is there and ask once.

    Raises:
        SettingsError: the answer is no, or a symbol is not listed.
    """
    try:
        sight = asyncio.run(_seen(wish, voice))
        voice.drain(ask.LOOK_SECONDS)
        agreed = ask.agrees(ask.question(wish.account, wish.scope, sight))
    except KeyboardInterrupt:
        agreed = False
    if not agreed:
        raise SettingsError(f"not confirmed. {NOTHING_SENT}")


async def _seen(wish: Wish, voice: Voice) -> ask.Sight:
    # A venue of its own: its connections would be stale by the time that somebody has answered.
    venue = open_venue(wish.account)
    try:
        await _know_symbols(venue, wish, voice)
        return await ask.look(venue, wish.scope)
    finally:
        await venue.aclose()


async def _know_symbols(venue: Venue, wish: Wish, voice: Voice) -> None:
    if wish.symbols and (warning := await ask.refuse_unknown(venue, wish.symbols)):
        voice.say(f"WARNING: {warning}")


async def _carried_out(wish: Wish, voice: Voice) -> Ending:
    """The one connection to the venue, from the first question to the last answer."""
    venue = open_venue(wish.account)
    try:
        if not (wish.has_to_ask or wish.is_switched_off):
            await _know_symbols(venue, wish, voice)
        if wish.dry_run and not wish.is_switched_off:
            return await _rehearsed(venue, wish)
        return await _flattened(venue, wish, voice)
    finally:
        await venue.aclose()


async def _flattened(venue: Venue, wish: Wish, voice: Voice) -> Ending:
    audit = open_audit(wish.settings)
    manager = manager_over(venue, wish.settings, audit, watch=voice.show)
    result = await manager.execute_liquidation(wish.symbols)
    for line in summary.outside(result):
        voice.say(line)
    if result.state is LiquidationState.SKIPPED:
        voice.say(summary.HEADLINES[result.state])
    evidence = summary.Evidence(command=wish.command)
    if audit is not None:
        audit.close()
        evidence = replace(evidence, file=audit.path, degraded=audit.degraded)
        for notice in audit.notices:
            voice.say(notice)
    return Ending(
        code=EXIT_CODES[result.state],
        document=result.to_dict(),
        lines=tuple(summary.lines(result, evidence)),
    )


async def _rehearsed(venue: Venue, wish: Wish) -> Ending:
    """The same run over the same venue, which only answers what is read."""
    rehearsed = RehearsedVenue(venue=venue)
    manager = manager_over(rehearsed, wish.settings, None, quiet_seconds=0.0)
    result = await manager.execute_liquidation(wish.symbols)
    return Ending(
        code=dry_run.exit_code(rehearsed),
        document=dry_run.as_dict(rehearsed, result),
        lines=tuple(dry_run.lines(rehearsed, result)),
    )
