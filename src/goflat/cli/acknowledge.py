"""goflat acknowledge: a person takes over what a run could not close."""

import click

from goflat.cli.asked import answered
from goflat.cli.trip import who


@click.command("acknowledge")
@click.option("--account", metavar="NAME", help="Which account. Needed for several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(account: str | None, as_json: bool) -> None:  # noqa: FBT001 - what was typed
    """Take over what is left: the guard sends nothing more, and the latch stays.

    Exit codes: 0 done, 1 refused, 2 no guard answers.
    """
    question: dict[str, object] = {"do": "acknowledge", "account": account or "", "by": who()}
    raise click.exceptions.Exit(answered(question, as_json=as_json))
