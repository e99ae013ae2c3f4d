"""One run: a fresh venue, a fresh client process, one contestant, and what both of them saw."""

import asyncio
import subprocess
import sys
import tempfile
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Self, TypeVar

import msgspec

from benchmarks.contestants import CONTESTANTS
from benchmarks.lines import Claim, Scene, understand
from benchmarks.place import Places
from benchmarks.stopwatch import Ledger
from benchmarks.venue import BEGIN, READ, Address
from benchmarks.work import Work

HERE = Path(__file__).resolve().parent
ANSWER_SECONDS = 60.0
SLOW_SECONDS_PER_POSITION = 0.5
END_SECONDS = 5.0
LINE_BYTES_MOST = 2**20
ERROR_TEXT_MOST = 2_000
GO = "go"

Value = TypeVar("Value")


class RaceError(Exception):
    """A process of the benchmark itself failed: no figure comes from such a run."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Run:
    """One contestant at one work in one round."""

    contestant: str
    work: Work
    round: int
    claim: Claim
    ledger: Ledger

    @property
    def is_false(self) -> bool:
        """Whether the contestant said something else than what was so."""
        return self.claim.says_flat is not self.ledger.is_flat


class Process:
    """A child of this package that is spoken to in lines, on its standard streams."""

    def __init__(self, child: asyncio.subprocess.Process, name: str, errors: Path) -> None:
        assert child.stdin is not None
        assert child.stdout is not None
        self._child, self._name, self._errors = child, name, errors
        self._input, self._output = child.stdin, child.stdout

    @classmethod
    @asynccontextmanager
    async def started(cls, module: str) -> AsyncIterator[Self]:
        """`python -m` this module, for as long as the block runs."""
        with tempfile.TemporaryDirectory(prefix="goflat-bench-") as scratch:
            errors = Path(scratch) / "errors.txt"
            with errors.open("wb") as sink:
                child = await asyncio.create_subprocess_exec(
                    sys.executable,
                    "-m",
                    module,
                    stdin=subprocess.PIPE,
                    stdout=subprocess.PIPE,
                    stderr=sink,
                    cwd=HERE.parent,
                    limit=LINE_BYTES_MOST,
                )
            process = cls(child, module, errors)
            try:
                yield process
            finally:
                await process._end()

    async def tell(self, value: object) -> None:
        self._input.write(msgspec.json.encode(value) + b"\n")
        await self._input.drain()

    async def hear(self, kind: type[Value], seconds: float = ANSWER_SECONDS) -> Value:
        """What it says next. Raises RaceError where it says nothing in time, or ends."""
        try:
            async with asyncio.timeout(seconds):
                line = await self._output.readline()
        except TimeoutError:
            raise RaceError(f"{self._name} said nothing for {seconds:.0f} s") from None
        if not line:
            raise RaceError(f"{self._name} ended early: {self._last_words()}")
        return understand(line, kind)

    def _last_words(self) -> str:
        return self._errors.read_text(errors="replace")[-ERROR_TEXT_MOST:].strip()

    async def _end(self) -> None:
        """Close its input, and end it if it does not go by itself."""
        self._input.close()
        try:
            async with asyncio.timeout(END_SECONDS):
                await self._child.wait()
        except TimeoutError:
            self._child.kill()
            await self._child.wait()


class Track:
    """Runs one contestant at a time against one venue process."""

    def __init__(self, venue: Process, places: Places) -> None:
        self._venue, self._places = venue, places

    @classmethod
    @asynccontextmanager
    async def opened(cls, *, is_realtime: bool = False) -> AsyncIterator[Self]:
        """`is_realtime`: both processes go ahead of everything else on their cores."""
        places = Places.here(is_realtime=is_realtime)
        async with Process.started("benchmarks.venue") as venue:
            await venue.tell(places.venue)
            yield cls(venue, places)

    async def run(
        self, contestant: str, work: Work, number: int = 1, profile: str | None = None
    ) -> Run:
        """One run. Raises RaceError where the benchmark itself failed."""
        venue = self._venue
        await venue.tell(work)
        address = await venue.hear(Address)
        with tempfile.TemporaryDirectory(prefix="goflat-bench-") as scratch:
            async with Process.started("benchmarks.client") as client:
                scene = Scene(
                    contestant=contestant,
                    rest_url=address.rest_url,
                    work=work,
                    scratch=scratch,
                    place=self._places.client,
                    profile=profile,
                )
                claim, ledger = await self._judged(client, scene)
        return Run(contestant=contestant, work=work, round=number, claim=claim, ledger=ledger)

    async def _judged(self, client: Process, scene: Scene) -> tuple[Claim, Ledger]:
        await client.tell(scene)
        await client.hear(str)
        await self._venue.tell(BEGIN)
        await self._venue.hear(str)
        await client.tell(GO)
        claim = await client.hear(Claim, ANSWER_SECONDS + patience_seconds(scene))
        await self._venue.tell(READ)
        ledger = await self._venue.hear(Ledger)
        await client.tell(GO)
        return claim, ledger


def patience_seconds(scene: Scene) -> float:
    """How much longer a contestant may take that goes through its positions one by one."""
    is_slow = CONTESTANTS[scene.contestant].is_slow
    return scene.work.positions * SLOW_SECONDS_PER_POSITION if is_slow else 0.0
