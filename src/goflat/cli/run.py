"""goflat run: put it before the command of a bot, and the account goes flat when the bot ends."""

import os
import sys
from dataclasses import replace
from functools import partial
from types import MappingProxyType

import click

from goflat.cli.check_view import used
from goflat.cli.refusal import UNUSABLE
from goflat.domain.scope import Only
from goflat.errors import SettingsError
from goflat.guard.run.command import found
from goflat.guard.run.endings import NOT_FOUND
from goflat.guard.run.environment import MARK, command_environment, new_mark
from goflat.guard.run.handover import HandoverEar
from goflat.guard.run.kernel import hide_from_others
from goflat.guard.run.life import live
from goflat.guard.run.lifeline import Lifeline, born
from goflat.guard.run.plan import Plan
from goflat.guard.run.saying import Saying
from goflat.guard.run.shelter import look_around
from goflat.guard.run.supervisor import Supervisor
from goflat.guard.state_directory import Unusable, state_directory
from goflat.settings import AccountSettings, Settings, load_settings

_NESTED = (
    "this is inside of another goflat run, whose fence would stop the liquidator of this one; "
    "let one command start both, or run them beside each other"
)


@click.command("run", context_settings={"allow_interspersed_args": False})
@click.option(
    "--config", metavar="FILE", help="The configuration; else $GOFLAT_CONFIG, else ./goflat.toml."
)
@click.option("--account", metavar="NAME", help="Which account, where the file has several.")
@click.argument("argv", nargs=-1, required=True, type=click.UNPROCESSED, metavar="-- COMMAND...")
@click.pass_context
def command(
    ctx: click.Context, config: str | None, account: str | None, argv: tuple[str, ...]
) -> None:
    """Run a command, and flatten the account when it ends, however it ends.

    The exit code is the command's own (128 + N when signal N ended it), unless something is left:
    121 nothing is proven done, 123 a part is. 2: the configuration is wrong or the venue refuses,
    127 there is no such command, 126 it cannot be executed; then nothing was started.
    """
    say = Saying(_standard_error())
    try:
        settings, chosen = _understood(config, account)
    except SettingsError as error:
        for mistake in error.mistakes:
            say(f"run: {mistake}")
        say("nothing was started")
        ctx.exit(UNUSABLE)
    if not found(argv, os.environ):
        say(f"{argv[0]}: no such command; nothing was started")
        ctx.exit(NOT_FOUND)
    ctx.exit(_watched(argv, settings, chosen, say))


def _standard_error() -> int | None:
    try:
        return None if sys.stderr is None else sys.stderr.fileno()
    except (OSError, ValueError):
        return None


def _understood(config: str | None, account: str | None) -> tuple[Settings, AccountSettings]:
    """The configuration and the account. Everything in it counts: there is time to be careful.

    Raises:
        SettingsError: a mistake anywhere, no scope, or a run inside of a run.
    """
    if MARK in os.environ:
        raise SettingsError(_NESTED)
    settings = load_settings(config).without_faults()
    settings.needed_scope()
    return settings, settings.account(account).refuse_embedded()


def _watched(
    argv: tuple[str, ...], settings: Settings, account: AccountSettings, say: Saying
) -> int:
    """Run it, with a liquidator beside it."""
    _announce(settings, account, say)
    hide_from_others()
    mark = new_mark()
    ear = HandoverEar() if settings.run.on_exit == "handover" else None
    plan = Plan(
        argv=argv,
        environment=command_environment(
            os.environ,
            settings,
            mark=mark,
            handover=None if ear is None else ear.writer,
            state_directory=_state_directory(),
        ),
        on_exit=settings.run.on_exit,
        kill_grace_seconds=settings.run.kill_grace_seconds,
        recv_window_seconds=settings.run.recv_window_seconds,
        timeout_seconds=settings.liquidation.timeout_seconds,
        armed_sentence=_armed_sentence(settings, account),
    )

    def next_liquidator(is_first: bool) -> Lifeline:  # noqa: FBT001 - asked for by the supervisor
        return born(
            partial(live, settings=settings, account=account, mark=mark, say=say, is_first=is_first)
        )

    return Supervisor(plan, born=next_liquidator, ear=ear, say=say).run()


def _announce(settings: Settings, account: AccountSettings, say: Saying) -> None:
    """Which configuration, account and hosts; what this outlives; what is not as it should be."""
    for line in used(replace(settings, accounts=MappingProxyType({account.name: account}))):
        say(line)
    say(look_around(os.getpid()).sentence)
    for warning in settings.warnings:
        say(f"WARNING: {warning}")
    for switch in ("close_positions", "cancel_orders"):
        if not getattr(settings.liquidation, switch):
            say(f"CRITICAL: {switch} is off by configuration: capital is at risk")


def _armed_sentence(settings: Settings, account: AccountSettings) -> str:
    scope = settings.needed_scope()
    what = ", ".join(sorted(scope.symbols)) if isinstance(scope, Only) else "the whole account"
    when = _WHEN[settings.run.on_exit]
    return (
        f"armed: {what} of {account.name} is flattened when the command ends{when}; only its end "
        "is watched, since it sends no heartbeats"
    )


_WHEN = {
    "always": "",
    "nonzero": " with another exit code than 0",
    "handover": " without a hand-over",
}


def _state_directory() -> str | None:
    try:
        return str(state_directory())
    except Unusable:
        return None
