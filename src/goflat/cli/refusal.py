"""Saying that a command cannot be used as it was typed, or with the configuration as it is.

Nothing was sent. The words go to standard error; with --json, one object goes to standard output.
"""

import json
from collections.abc import Callable, Sequence
from typing import Any, TypeAlias

import click

from goflat.errors import Mistake, printable

UNUSABLE = 2
"""The exit code of a command line or a configuration that is wrong."""

Refused: TypeAlias = Callable[[Sequence[Mistake]], dict[str, object]]
"""What a command prints with --json when it cannot be used."""


class JsonCommand(click.Command):
    """A command whose --json holds on every exit, also where its arguments are wrong."""

    def __init__(self, *args: Any, refused: Refused, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._refused = refused

    def make_context(
        self,
        info_name: str | None,
        args: list[str],
        parent: click.Context | None = None,
        **extra: Any,
    ) -> click.Context:
        typed = list(args)
        try:
            return super().make_context(info_name, args, parent, **extra)
        except click.UsageError as error:
            if "--json" not in typed:
                raise
            mistake = Mistake(text=error.format_message())
        self.refuse([mistake], as_json=True)
        raise click.exceptions.Exit(UNUSABLE)

    def refuse(self, mistakes: Sequence[Mistake], *, as_json: bool) -> None:
        """Print what is wrong. The caller ends with UNUSABLE."""
        for mistake in mistakes:
            click.echo(f"goflat {self.name}: {mistake}", err=True)
        if as_json:
            click.echo(json.dumps(self._refused(mistakes)))


def to_dict(mistake: Mistake) -> dict[str, object]:
    """A mistake, JSON-ready."""
    return {
        "file": mistake.file,
        "line": mistake.line,
        "key": mistake.key,
        "text": printable(mistake.text),
    }
