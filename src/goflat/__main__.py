"""python -m goflat, and the `goflat` command."""

import sys


def main() -> None:
    """Run the command line. Refuses to start where Python was told to drop assertions."""
    if not __debug__:
        sys.exit("goflat does not run under python -O: its assertions are part of its safety")
    from goflat.cli.main import cli  # noqa: PLC0415 - after the check above

    cli(prog_name="goflat")


if __name__ == "__main__":
    main()
