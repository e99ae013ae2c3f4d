"""goflat venue: a simulated futures venue, stand-alone."""

import asyncio
import ipaddress
import signal
from dataclasses import dataclass
from pathlib import Path

import click

from goflat.cli.refusal import UNUSABLE
from goflat.errors import SettingsError, printable
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET, AccountSetup
from goflat.venues.simulated.script import Script, load
from goflat.venues.simulated.venue import SimulatedVenue

LOOPBACK = "127.0.0.1"
SYMBOLS_MOST = 5_000
LATENCY_MOST_MS = 60_000
NOT_LOOPBACK = (
    "goflat venue: CAUTION: listening on {host}, which others may reach. Anybody who knows the "
    "published test key can trade on it; nothing there is real money."
)


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """What was typed."""

    host: str
    port: int
    symbols: int
    latency_ms: float
    hedge: bool
    script: Script


@click.command("venue")
@click.option("--port", type=click.IntRange(0, 65535), default=0, help="0 takes a free one.")
@click.option("--host", default=LOOPBACK, show_default=True, help="Address to listen on.")
@click.option(
    "--symbols",
    type=click.IntRange(0, SYMBOLS_MOST),
    default=0,
    show_default=True,
    help="Synthetic instruments beside the standard ones.",
)
@click.option(
    "--latency-ms",
    type=click.FloatRange(0, LATENCY_MOST_MS),
    default=0.0,
    show_default=True,
    help="Added to every round trip.",
)
@click.option(
    "--faults",
    "faults_file",
    type=click.Path(path_type=Path, dir_okay=False),
    help="A fault script (TOML): what goes wrong, and when.",
)
@click.option("--hedge", is_flag=True, help="The account is in hedge mode.")
def command(  # noqa: PLR0917 - one parameter an option
    port: int,
    host: str,
    symbols: int,
    latency_ms: float,
    faults_file: Path | None,
    hedge: bool,  # noqa: FBT001
) -> None:
    """Run a simulated futures venue until Ctrl-C.

    It speaks Binance's USDS-M futures API: REST, WebSocket API and user data stream. Its addresses,
    a goflat.toml for it and the test key's export lines go to standard output as soon as it
    listens. Nothing is kept when it ends.
    """
    try:
        script = Script() if faults_file is None else load(faults_file)
    except SettingsError as error:
        for mistake in error.mistakes:
            click.echo(f"goflat venue: {mistake}", err=True)
        raise click.exceptions.Exit(UNUSABLE) from None
    asked = Asked(
        host=host, port=port, symbols=symbols, latency_ms=latency_ms, hedge=hedge, script=script
    )
    if not _is_loopback(host):
        click.echo(NOT_LOOPBACK.format(host=printable(host)), err=True)
    try:
        asyncio.run(_run(asked))
    except OSError as error:
        reason = error.strerror or str(error)
        click.echo(f"goflat venue: cannot listen on {printable(host)}:{port}: {reason}", err=True)
        raise click.exceptions.Exit(UNUSABLE) from None


async def _run(asked: Asked) -> None:
    """Listen until somebody says that it is enough."""
    enough = asyncio.Event()
    loop = asyncio.get_running_loop()
    for name in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(name, enough.set)
    venue = SimulatedVenue(
        accounts=(AccountSetup(hedge=asked.hedge),),
        symbols=asked.symbols,
        knobs=asked.script.knobs,
        latency_ms=asked.latency_ms,
        host=asked.host,
        port=asked.port,
    )
    asked.script.stage(venue)
    async with venue:
        click.echo(greeting(venue))
        await enough.wait()
    click.echo("goflat venue: ended.", err=True)


def greeting(venue: SimulatedVenue) -> str:
    """What is printed once the venue listens: addresses, a configuration, the key's exports."""
    return f"""\
# The simulated venue listens. Ctrl-C ends it.
#   REST           {venue.rest_url}
#   WebSocket API  {venue.ws_api_url}
#   streams        {venue.stream_url}
#   control        {venue.control_url}
#
# goflat.toml:
[venue]
name = "binance-usdm"
environment = "simulated"
api_key = "env:BINANCE_API_KEY"
api_secret = "env:BINANCE_API_SECRET"
rest_url = "{venue.rest_url}"
ws_api_url = "{venue.ws_api_url}"
stream_url = "{venue.stream_url}"
#
# The published test key:
#   export BINANCE_API_KEY={TEST_API_KEY}
#   export BINANCE_API_SECRET={TEST_API_SECRET}
"""


def _is_loopback(host: str) -> bool:
    try:
        return host == "localhost" or ipaddress.ip_address(host).is_loopback
    except ValueError:
        return False
