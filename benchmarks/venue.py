"""The venue's process: a new simulated venue for each run, and its ledger afterwards.

Driven over standard input. First comes its `Place`. Then a `Work` opens a venue with that work
laid out and answers its address; "begin" starts the stopwatch; "read" answers the `Ledger` and
closes the venue.
"""

import asyncio
import gc
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass

from benchmarks.faults import rules
from benchmarks.lines import say, understand
from benchmarks.place import Place
from benchmarks.stopwatch import Stopwatch
from benchmarks.work import Work, account, lay_out
from goflat.venues.simulated.gateway import Request
from goflat.venues.simulated.venue import SimulatedVenue

BEGIN, READ = "begin", "read"
INSTRUMENTS = Request(method="GET", path="/fapi/v1/exchangeInfo", source="nobody")


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """Where the venue of this run listens."""

    rest_url: str


async def serve() -> None:
    """Serve one run after the other until standard input ends."""
    lines = await _standard_input()
    understand(await lines.readline(), Place).take()
    while line := await lines.readline():
        work = understand(line, Work)
        async with _opened(work) as (venue, stopwatch):
            say(Address(rest_url=venue.rest_url))
            await _judge(lines, stopwatch)


@asynccontextmanager
async def _opened(work: Work) -> AsyncIterator[tuple[SimulatedVenue, Stopwatch]]:
    """A venue with the work laid out. Its garbage is collected before the run and not during."""
    setup = account()
    venue = SimulatedVenue(
        accounts=(setup,),
        instruments=work.instruments,
        faults=rules(work.fault),
        latency_ms=work.round_trip_ms,
    )
    lay_out(venue, work)
    # The list of instruments is encoded when it is first asked for: a real venue has it ready.
    venue.gateway.execute(venue.gateway.receive(INSTRUMENTS))
    gc.collect()
    gc.disable()
    try:
        async with venue:
            yield venue, Stopwatch(venue, setup.name)
    finally:
        gc.enable()


async def _judge(lines: asyncio.StreamReader, stopwatch: Stopwatch) -> None:
    while line := await lines.readline():
        if understand(line, str) == READ:
            say(stopwatch.read())
            return
        stopwatch.begin()
        say(BEGIN)


async def _standard_input() -> asyncio.StreamReader:
    reader = asyncio.StreamReader()
    loop = asyncio.get_running_loop()
    await loop.connect_read_pipe(lambda: asyncio.StreamReaderProtocol(reader), sys.stdin.buffer)
    return reader


def main() -> None:
    """`python -m benchmarks.venue`, on uvloop where it is installed."""
    try:
        # The venue is not what is measured: the less it takes for itself, the better.
        import uvloop  # noqa: PLC0415 - it may be absent
    except ImportError:
        asyncio.run(serve())
    else:
        uvloop.run(serve())


if __name__ == "__main__":
    main()
