"""goflat init: write a commented goflat.toml."""

import os
from pathlib import Path

import click

from goflat.cli.refusal import UNUSABLE
from goflat.errors import printable
from goflat.settings.source import DEFAULT_PATH
from goflat.settings.template import template


@click.command("init")
@click.option(
    "--config",
    "path",
    type=click.Path(path_type=Path),
    default=Path(DEFAULT_PATH),
    show_default=True,
    metavar="FILE",
    help="The file to write.",
)
@click.pass_context
def command(ctx: click.Context, path: Path) -> None:
    """Write a commented goflat.toml to begin with.

    It names the simulated venue and holds no secret. A file that is there already is left alone.
    Exit codes: 0 written, 2 not written.
    """
    try:
        _write_new(path, template())
    except FileExistsError:
        _refuse(ctx, path, "is there already, and was left alone")
    except OSError as error:
        _refuse(ctx, path, f"cannot be written: {error.strerror or error}")
    click.echo(printable(f"Wrote {path}. Next: goflat drill, then your venue and keys in it,"))
    click.echo("then goflat check.")


def _write_new(path: Path, text: str) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_CLOEXEC, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as file:
        file.write(text)


def _refuse(ctx: click.Context, path: Path, why: str) -> None:
    click.echo(printable(f"goflat init: {path} {why}"), err=True)
    ctx.exit(UNUSABLE)
