"""goflat status: is the switch armed, and if not, why."""

import json
from collections.abc import Iterator
from typing import Any

import click

from goflat.errors import GoflatError
from goflat.guard.asking import ask


@click.command("status")
@click.option("--account", metavar="NAME", help="Only this account.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(account: str | None, as_json: bool) -> None:  # noqa: FBT001 - what was typed
    """Say whether the guard is armed and why, account by account and trigger by trigger.

    Exit codes: 0 every account is armed; 1 one is not, or no guard answers.
    """
    try:
        answer = ask({"do": "status"}, seconds=5.0)
        accounts = _chosen(answer.get("accounts"), account)
    except GoflatError as error:
        accounts = {}
        click.echo(f"goflat status: NOT ARMED: {error}", err=True)
        answer = {"ok": False, "text": str(error)}
    armed = bool(accounts) and all(one["armed"] for one in accounts.values())
    if as_json:
        click.echo(json.dumps({**answer, "accounts": accounts, "armed": armed}))
    else:
        for line in (line for name, one in accounts.items() for line in _lines(name, one)):
            click.echo(line)
    raise click.exceptions.Exit(0 if armed else 1)


def _chosen(accounts: object, name: str | None) -> dict[str, Any]:
    if not isinstance(accounts, dict):
        raise GoflatError("the guard said nothing that is understood")
    if name is None:
        return accounts
    if name not in accounts:
        raise GoflatError(f"the guard has no account of that name, only {', '.join(accounts)}")
    return {name: accounts[name]}


def _lines(name: str, one: dict[str, Any]) -> Iterator[str]:
    yield f"{name}: {'ARMED' if one['armed'] else 'NOT ARMED'} ({one['meaning']})"
    for why in () if one["armed"] else one["why_not_armed"]:
        yield f"  because {why}"
    for bot, it in one["bots"].items():
        seen = "seen" if it["seen"] else "not seen"
        pid = "" if it["pid"] is None else f", process {it['pid']}"
        hang = "death and hang" if it["hang_armed"] else "death only: it has sent no progress yet"
        yield f"  bot {bot}: {seen}{pid}; watched for {hang}"
    for trigger, it in one["triggers"].items():
        armed = "armed" if it["armed"] else "NOT ARMED"
        yield f"  trigger {trigger}: {armed}; {it['text']} ({_ago(it['age_seconds'])})"
    proofs = one["proofs"]
    yield f"  account read {_ago(proofs['read_age_seconds'])}"
    yield f"  every close built and signed {_ago(proofs['rehearsed_age_seconds'])}"
    yield f"  key, clock and rules examined {_ago(proofs['examined_age_seconds'])}"


def _ago(seconds: float | None) -> str:
    return "never" if seconds is None else f"{seconds:.0f} s ago"
