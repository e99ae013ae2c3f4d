"""The list of commands. Each is imported only when it is called, so that none waits for another."""

import importlib

import click

from goflat import __version__

COMMANDS = {
    "init": "goflat.cli.init",
    "flatten": "goflat.cli.flatten",
    "drill": "goflat.cli.drill",
    "check": "goflat.cli.check",
    "run": "goflat.cli.run",
    "audit": "goflat.cli.audit",
    "venue": "goflat.cli.venue",
    "guard": "goflat.cli.guard",
    "status": "goflat.cli.status",
    "trip": "goflat.cli.trip",
    "acknowledge": "goflat.cli.acknowledge",
    "reset": "goflat.cli.reset",
    "bypass": "goflat.cli.bypass",
    "beat": "goflat.cli.beat",
}
"""Name of a command, and the module whose `command` it is."""


class _Commands(click.Group):
    def list_commands(self, ctx: click.Context) -> list[str]:  # noqa: ARG002
        return list(COMMANDS)

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:  # noqa: ARG002
        if cmd_name not in COMMANDS:
            return None
        command = importlib.import_module(COMMANDS[cmd_name]).command
        assert isinstance(command, click.Command)
        return command


@click.group(cls=_Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__, prog_name="goflat", message="%(prog)s %(version)s")
def cli() -> None:
    """Take a futures account flat before a deadline, and tell the truth about it."""
