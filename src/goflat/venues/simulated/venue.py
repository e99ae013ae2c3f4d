"""The simulated venue as one object: start it, drive it, look at its ground truth."""

import asyncio
import ipaddress
import threading
import time
from collections.abc import Iterable, Iterator
from concurrent.futures import Future
from contextlib import AsyncExitStack, contextmanager
from types import TracebackType
from typing import Self

from goflat.domain.capabilities import Limits
from goflat.venues.simulated.control import ControlDoor
from goflat.venues.simulated.exchange import (
    TEST_API_KEY,
    TEST_API_SECRET,
    AccountSetup,
    Exchange,
)
from goflat.venues.simulated.faults import Rule
from goflat.venues.simulated.instruments import (
    Instrument,
    standard_instruments,
    synthetic_instruments,
)
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.limits import REAL_LIMITS
from goflat.venues.simulated.server import Door, RestDoor, agenda_kept, serving
from goflat.venues.simulated.sockets import ApiDoor, StreamDoor
from goflat.venues.simulated.trader import Trader
from goflat.venues.simulated.world import Clock

__all__ = ["TEST_API_KEY", "TEST_API_SECRET", "AccountSetup", "SimulatedVenue", "venue_clock"]

START_SECONDS_MOST = 10.0


def venue_clock() -> Clock:
    """Milliseconds since the epoch that never jump: read once, then counted monotonically."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: (time.monotonic_ns() + offset) // 1_000_000


class SimulatedVenue(Exchange):
    """A whole venue in one process, over real sockets.

    `async with SimulatedVenue() as venue:` listens on a free port of loopback. Everything that
    drives it (prices, positions, faults) is a plain method and may be called from any thread.
    `latency_ms` is added to every round trip. `symbols` asks for that many synthetic instruments
    beside the standard ones.
    """

    def __init__(
        self,
        *,
        accounts: Iterable[AccountSetup] = (AccountSetup(),),
        instruments: Iterable[Instrument] | None = None,
        symbols: int = 0,
        faults: Iterable[Rule] = (),
        knobs: Knobs | None = None,
        limits: Limits = REAL_LIMITS,
        latency_ms: float = 0.0,
        host: str = "127.0.0.1",
        port: int = 0,
        clock: Clock | None = None,
    ) -> None:
        listed = standard_instruments() if instruments is None else tuple(instruments)
        super().__init__(
            clock=clock or venue_clock(),
            instruments=(*listed, *synthetic_instruments(symbols)),
            accounts=accounts,
            faults=faults,
            knobs=knobs,
            limits=limits,
        )
        self.host, self.port = host, port
        self.latency_seconds = latency_ms / 1000
        self._stack = AsyncExitStack()

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to listen."""
        await self._stack.enter_async_context(agenda_kept(self.world, self.lock))
        rest = RestDoor(self.gateway, self.lock, lambda: self.latency_seconds)
        api, stream = ApiDoor(self, rest.answer), StreamDoor(self)
        doors: dict[str, Door] = {
            "control": ControlDoor(self),
            "ws-fapi": api,
            "ws": stream,
            "stream": stream,
            "private": stream,
            "public": stream,
            "market": stream,
        }
        self.host, self.port = await self._stack.enter_async_context(
            serving(doors, rest, host=self.host, port=self.port)
        )

    async def stop(self) -> None:
        """Close every connection and stop listening."""
        await self._stack.aclose()

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        await self.stop()

    @contextmanager
    def in_thread(self) -> Iterator[Self]:
        """Run the venue on a thread of its own, for programs that block."""
        started: Future[None] = Future()
        done = threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._run(started, done)), name="venue", daemon=True
        )
        thread.start()
        try:
            started.result(START_SECONDS_MOST)
            yield self
        finally:
            done.set()
            thread.join(START_SECONDS_MOST)

    async def _run(self, started: Future[None], done: threading.Event) -> None:
        try:
            await self.start()
        except OSError as error:
            started.set_exception(error)
            return
        started.set_result(None)
        await asyncio.to_thread(done.wait)
        await self.stop()

    def trader(self, setup: AccountSetup | None = None) -> Trader:
        """A client of one account, to open positions and orders over the API."""
        account = setup or AccountSetup()
        return Trader(self.rest_url, account.api_key, account.api_secret)

    # --- addresses ------------------------------------------------------------------------------

    @property
    def rest_url(self) -> str:
        return f"http://{self._authority}"

    @property
    def ws_api_url(self) -> str:
        return f"ws://{self._authority}/ws-fapi/v1"

    @property
    def stream_url(self) -> str:
        """Root of the streams: /private/ws and the rest come after it."""
        return f"ws://{self._authority}"

    @property
    def control_url(self) -> str:
        return f"http://{self._authority}/control"

    @property
    def _authority(self) -> str:
        address = ipaddress.ip_address(self.host)
        if address.is_unspecified:
            return f"127.0.0.1:{self.port}"
        return f"[{self.host}]:{self.port}" if address.version == 6 else f"{self.host}:{self.port}"
