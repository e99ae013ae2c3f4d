"""goflat reset: take the latch off, with a reason."""

import click

from goflat.cli.asked import answered
from goflat.cli.trip import who


@click.command("reset")
@click.option("--account", metavar="NAME", help="Which account. Needed for several.")
@click.option("--reason", required=True, help="Why it may trade again, for the record.")
@click.option("--force", is_flag=True, help="Also where the account is not proven flat.")
@click.option("--code", default="", help="The code of the second factor, where one is configured.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    account: str | None,
    reason: str,
    force: bool,  # noqa: FBT001 - what was typed
    code: str,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Take the latch off, so that bots may trade again. Needs a proven-flat account, or --force.

    Exit codes: 0 done, 1 refused, 2 no guard answers.
    """
    question: dict[str, object] = {"do": "reset", "reason": reason, "force": force}
    question |= {"account": account or "", "by": who(), "code": code}
    raise click.exceptions.Exit(answered(question, as_json=as_json))
