"""goflat bypass: switch the guard off for a while, with a reason."""

import click

from goflat.cli.asked import answered
from goflat.cli.trip import who


@click.command("bypass")
@click.option("--account", metavar="NAME", help="Which account. Needed for several.")
@click.option("--reason", required=True, help="Why nothing is to trip meanwhile, for the record.")
@click.option(
    "--minutes",
    type=click.FloatRange(0, 480, min_open=True),
    default=15.0,
    show_default=True,
    help="How long; it ends by itself.",
)
@click.option("--code", default="", help="The code of the second factor, where one is configured.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
def command(
    account: str | None,
    reason: str,
    minutes: float,
    code: str,
    as_json: bool,  # noqa: FBT001 - what was typed
) -> None:
    """Let nothing trip by itself for a while. A person can trip it all the same.

    Exit codes: 0 done, 1 refused, 2 no guard answers.
    """
    question: dict[str, object] = {"do": "bypass", "reason": reason, "seconds": minutes * 60}
    question |= {"account": account or "", "by": who(), "code": code}
    raise click.exceptions.Exit(answered(question, as_json=as_json))
