"""goflat beat: one heartbeat from a shell's loop."""

import click

from goflat.heart import NotGuarded, beat_once


@click.command("beat")
@click.argument("bot")
@click.option("--account", metavar="NAME", default="main", show_default=True, help="Its account.")
@click.option(
    "--progress",
    type=click.IntRange(0),
    help="How far the loop has got; left out, that it got here is the progress.",
)
@click.option("--end", type=int, metavar="CODE", help="Say that the bot ends now with this status.")
@click.option("--handover", is_flag=True, help="With --end: on purpose; its positions may stay.")
def command(
    bot: str,
    account: str,
    progress: int | None,
    end: int | None,
    handover: bool,  # noqa: FBT001 - what was typed
) -> None:
    """Tell the guard that the loop of BOT has come so far. Put it where the loop makes progress.

    Exit codes: 0 the guard took it, 1 no guard did.
    """
    ending: dict[str, object] | None = None
    if end is not None:
        ending = {"code": end, "handover": handover}
    try:
        beat_once(bot, account=account, progress=progress, end=ending)
    except NotGuarded as error:
        click.echo(f"goflat beat: not guarded: {error}", err=True)
        raise click.exceptions.Exit(1) from None
