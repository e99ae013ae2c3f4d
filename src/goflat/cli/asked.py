"""Put a question to the guard, and say its answer to people and to --json."""

import json

import click

from goflat.errors import GoflatError
from goflat.guard.asking import NoGuard, ask

REFUSED, NO_GUARD, NOT_DURABLE = 1, 2, 3

BY_HAND = (
    "No guard took this. To flatten now by hand: goflat flatten --all --yes "
    "(and cut the bot off first)."
)


def answered(question: dict[str, object], *, as_json: bool) -> int:
    """Ask, print, and say it as an exit code.

    0 done, 1 refused, 2 no guard answers, 3 done and not known to survive a crash.
    """
    try:
        answer = ask(question)
    except (NoGuard, GoflatError) as error:
        click.echo(f"goflat: {error}", err=True)
        click.echo(f"goflat: {BY_HAND}", err=True)
        if as_json:
            click.echo(json.dumps({"ok": False, "text": str(error)}))
        return NO_GUARD
    if as_json:
        click.echo(json.dumps(answer))
    else:
        for line in _lines(answer):
            click.echo(line)
    return _code(answer)


def _code(answer: dict[str, object]) -> int:
    if answer.get("ok") is not True:
        return REFUSED
    accounts = answer.get("accounts")
    told = accounts.values() if isinstance(accounts, dict) else ()
    return 0 if all(one.get("durable") is not False for one in told) else NOT_DURABLE


def _lines(answer: dict[str, object]) -> list[str]:
    accounts = answer.get("accounts")
    if not isinstance(accounts, dict):
        return [f"refused: {answer.get('text')}"]
    return [
        f"{name}: {'' if one.get('ok') else 'refused: '}{one.get('text')}"
        for name, one in accounts.items()
    ]
