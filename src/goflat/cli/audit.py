"""goflat audit: whether an audit file is as it was written, and what it tells."""

import json
import re
import stat
from collections.abc import Iterable
from pathlib import Path

import click

from goflat.cli import audit_view
from goflat.cli.refusal import UNUSABLE, JsonCommand
from goflat.errors import Mistake
from goflat.journal.reader import read_lines
from goflat.journal.verify import Verification, verify

_FILE = click.argument("file", type=click.Path(path_type=Path))
_JSON = click.option(
    "--json", "as_json", is_flag=True, help="Print one JSON object and nothing else."
)


@click.group("audit")
def command() -> None:
    """Look at an audit file: is it as it was written, and what happened.

    Exit codes: 0 good, 1 not, 2 the file or the command cannot be used.
    """


@command.command("verify", cls=JsonCommand, refused=audit_view.refused)
@_FILE
@click.option("--expect", metavar="HASH", help="A hash that has to be in the file.")
@_JSON
@click.pass_context
def verify_command(
    ctx: click.Context,
    file: Path,
    expect: str | None,
    as_json: bool,  # noqa: FBT001 - what was typed
) -> None:
    """Check that no line of FILE was edited, removed, added or moved, and that every run ended.

    A cut end shows only with --expect: the audit_hash of a result or of a drill's report.
    """
    try:
        verdict = verify(read_lines(_readable(file)), expect=_hash(expect))
    except (OSError, ValueError) as error:
        _command(ctx).refuse([_mistake(file, error)], as_json=as_json)
        ctx.exit(UNUSABLE)
    if as_json:
        click.echo(json.dumps(audit_view.as_dict(file, verdict)))
    else:
        click.echo("\n".join(audit_view.lines(file, verdict)))
    ctx.exit(0 if verdict.intact else 1)


@command.command("show", cls=JsonCommand, refused=audit_view.refused)
@_FILE
@click.option("--run", metavar="ID", help="Only the events of this correlation id.")
@_JSON
@click.pass_context
def show_command(
    ctx: click.Context,
    file: Path,
    run: str | None,
    as_json: bool,  # noqa: FBT001 - what was typed
) -> None:
    """Tell what FILE says, one line an event, with the time since the start of its run."""
    view = audit_view.JsonView(run) if as_json else audit_view.TextView(run)
    check = Verification()
    try:
        for line in read_lines(_readable(file)):
            check.see(line)
            _print(view.see(line))
    except (OSError, ValueError) as error:
        mistake = _mistake(file, error)
        _command(ctx).refuse([mistake], as_json=False)
        _print(view.end(audit_view.refused([mistake])))
        ctx.exit(UNUSABLE)
    verdict = check.end()
    _print(view.end(audit_view.as_dict(file, verdict)))
    if not verdict.intact:
        click.echo("The file is not as it was written: see goflat audit verify.", err=True)
    if run is not None and not view.found:
        click.echo(f"The file has no event of {run!a}.", err=True)
    ctx.exit(0 if verdict.intact and (view.found or run is None) else 1)


def _print(texts: Iterable[str]) -> None:
    for text in texts:
        click.echo(text)


def _readable(file: Path) -> Path:
    """The file, if it is one that ends: a directory or a device is none.

    Raises:
        OSError: there is no such file, or it may not be read.
        ValueError: it is something else.
    """
    mode = file.stat().st_mode
    if not (stat.S_ISREG(mode) or stat.S_ISFIFO(mode)):
        raise ValueError("is not a file")
    return file


def _hash(text: str | None) -> str | None:
    if text is not None and not re.fullmatch(r"[0-9a-fA-F]{64}", text):
        raise ValueError("--expect takes a hash: 64 digits and letters from a to f")
    return None if text is None else text.lower()


def _mistake(file: Path, error: OSError | ValueError) -> Mistake:
    text = error.strerror if isinstance(error, OSError) and error.strerror else str(error)
    return Mistake(text=text, file=str(file))


def _command(ctx: click.Context) -> JsonCommand:
    assert isinstance(ctx.command, JsonCommand)
    return ctx.command
