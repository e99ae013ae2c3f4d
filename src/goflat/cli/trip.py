"""goflat trip: pull the switch. Imports nothing that takes long."""

import getpass

import click

from goflat.cli.asked import answered


@click.command("trip")
@click.option("--account", metavar="NAME", help='Which account; "*" for all. Needed for several.')
@click.option(
    "--severity",
    type=click.Choice(["halt", "cancel", "reduce", "flatten"]),
    default="flatten",
    show_default=True,
    help="How hard it hits.",
)
@click.option("--reason", default="", help="Why, for the record.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    account: str | None,
    severity: str,
    reason: str,
    as_json: bool,  # noqa: FBT001 - what was typed
) -> None:
    """Have the guard latch the account, freeze its bots and flatten it now.

    Needs no confirmation and is never refused. Exit codes: 0 tripped, 2 no guard answers and
    nothing was done, 3 tripped and the latch is not known to be on the disk yet.
    """
    question: dict[str, object] = {"do": "trip", "severity": severity, "reason": reason}
    question |= {"account": account or "", "by": who()}
    raise click.exceptions.Exit(answered(question, as_json=as_json))


def who() -> str:
    """The name of whoever types, for the record."""
    try:
        return getpass.getuser()
    except (KeyError, OSError):
        return "somebody"
