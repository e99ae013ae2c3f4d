"""The venue port, kept for one account at Binance USDⓈ-M Futures."""

import asyncio
import contextlib
import time
from collections.abc import Callable, Mapping
from decimal import Decimal

from goflat.domain.capabilities import Capabilities, Limits, Usage
from goflat.domain.facts import AccountFacts, Balance
from goflat.domain.instrument import InstrumentRules, Symbol
from goflat.domain.listing import Listing
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.position import Position, PositionMode
from goflat.errors import NotSent, Rejected, Throttled, VenueError
from goflat.venues.binance import failures, parse, requests, rules
from goflat.venues.binance.answers import Transport
from goflat.venues.binance.capabilities import CARD
from goflat.venues.binance.examination import NO_ADDRESS, facts_of, outcome_of
from goflat.venues.binance.limits import newer
from goflat.venues.binance.payloads import AccountConfig, KeyRights
from goflat.venues.binance.requests import Request
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.transport import CLOSE_SECONDS_MAX, HttpTransport
from goflat.venues.binance.venue_clock import ClockReading, VenueClock, reading_of

SYNC_ROUNDS = 3
RESYNC_SECONDS_MAX = 2.0
"""How long a request that came with a wrong time waits for the right one."""


class BinanceVenue:
    """One account at Binance USDⓈ-M Futures, over REST.

    `rest_url` carries everything but the question what the key may do, which goes to `sapi_url`
    where the environment has one. `wall_clock` gives seconds since the epoch, for signatures only;
    `monotonic` measures round trips. Nothing is opened before the first request.

    Every method fails in the four ways of `goflat.errors` and in no other. Deadlines are the
    caller's: cancelling a call ends it and leaves nothing behind.

    Raises:
        SettingsError: an address or a credential that cannot be used.
    """

    def __init__(
        self,
        *,
        rest_url: str,
        credentials: Credentials,
        sapi_url: str | None = None,
        wall_clock: Callable[[], float] = time.time,
        monotonic: Callable[[], float] = time.monotonic,
    ) -> None:
        self._transport: Transport = HttpTransport(rest_url, credentials)
        self._rights_transport: Transport | None = (
            None if sapi_url is None else HttpTransport(sapi_url, credentials)
        )
        self._hide = credentials.hide
        self._sign = credentials.signed
        self._clock = VenueClock(wall_clock)
        self._monotonic = monotonic
        self._usage = Usage()
        self._syncing: asyncio.Task[None] | None = None

    @property
    def capabilities(self) -> Capabilities:
        return CARD

    @property
    def usage(self) -> Usage:
        """What the venue last said of its limits, in the headers of its answers."""
        return self._usage

    # Looking

    async def read_positions(self) -> Listing[Position]:
        """Every open position of the account."""
        return parse.positions(await self._ask(requests.positions()))

    async def read_positions_elsewhere(self) -> Listing[Position]:
        """The same from another endpoint, for a second opinion. Without mark prices."""
        return parse.positions_of_account(await self._ask(requests.account()))

    async def read_balance(self) -> Balance:
        """What the account is worth, as the venue sums it up."""
        return parse.balance(await self._ask(requests.account()))

    async def read_transfers(self, since_seconds: float) -> Decimal:
        """The sum of what was moved in (above zero) and out since then, a time of day."""
        return parse.transfers(await self._ask(requests.transfers(int(since_seconds * 1000))))

    async def read_working_orders(self) -> Listing[WorkingOrder]:
        """Every order in the regular book, of every instrument."""
        return parse.working_orders(await self._ask(requests.working_orders()))

    async def read_conditional_orders(self) -> Listing[ConditionalOrder]:
        """Every order of the algo service that waits for its trigger."""
        return parse.conditional_orders(await self._ask(requests.conditional_orders()))

    async def read_rules(self) -> tuple[Mapping[Symbol, InstrumentRules], Limits | None]:
        """What the venue says of its instruments and of its limits. Needs no signature."""
        return rules.rules(await self._ask(requests.rules()))

    async def read_mode(self) -> PositionMode:
        """How the account keeps its positions."""
        return (await self._account_config()).mode

    def rehearse(self, order: CloseOrder, *, valid_seconds: float) -> None:
        """Build and sign that order as if it were sent, and send nothing.

        Raises:
            NotSent: it could not be built.
        """
        request = requests.close(order, valid_seconds=valid_seconds)
        self._sign((*request.params, ("timestamp", str(self._clock.now_ms()))))

    async def query(self, order: CloseOrder) -> OrderReport | None:
        """What became of an order of ours, by its client order id. None: the id is unknown.

        Right after an order was placed the venue may not know its id yet.
        """
        try:
            body = await self._ask(requests.query(order))
        except Rejected as no:
            if no.code == failures.NO_SUCH_ORDER:
                return None
            raise
        return parse.queried(body, order)

    # Acting

    async def cancel_all(self, symbol: Symbol, book: Book) -> int | None:
        """Cancel every order of one instrument in one book. The venue does not say how many.

        Its yes is a claim: orders go one by one after it, and may still be filled.
        """
        await self._cancel(requests.cancel_all(symbol, book))
        return None

    async def cancel_conditional(self, order: ConditionalOrder) -> None:
        """Cancel one conditional order. One that is gone already counts as cancelled."""
        await self._cancel(requests.cancel_conditional(order))

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        """Send one order that can only reduce. The venue refuses it after `valid_seconds`."""
        body = await self._ask(requests.close(order, valid_seconds=valid_seconds))
        return parse.placed(body, order)

    async def protect(self, stop: ProtectiveStop) -> None:
        """Put a conditional order that only reduces back on the venue."""
        parse.algo_placed(await self._ask(requests.protect(stop)), stop)

    # Time

    async def sync_clock(self, *, rounds: int = SYNC_ROUNDS) -> ClockReading:
        """Measure the venue's clock by the best of several round trips, one after another.

        One that fails is left out, and after a throttle no further one is tried.

        Raises:
            VenueError: not one of them came back.
        """
        assert rounds > 0
        readings: list[ClockReading] = []
        failure: VenueError | None = None
        for _ in range(rounds):
            try:
                readings.append(await self._clock_reading())
            except VenueError as error:
                failure = error
                if isinstance(error, Throttled):
                    break
        if failure is not None and not readings:
            raise failure
        return self._clock.learn(readings)

    # Before it matters, and after

    async def examine(self) -> AccountFacts:
        """What a preflight wants to know of key and account. Failures become its problems."""
        clock, config, listed, rights = await asyncio.gather(
            outcome_of(self.sync_clock()),
            outcome_of(self._account_config()),
            outcome_of(self.read_rules()),
            outcome_of(self._key_rights()),
        )
        instruments = listed if isinstance(listed, VenueError) else len(listed[0])
        return facts_of(clock=clock, config=config, instruments=instruments, rights=rights)

    async def aclose(self) -> None:
        """Let go of every connection. Never raises."""
        if self._syncing is not None:
            self._syncing.cancel()
            await asyncio.wait({self._syncing}, timeout=CLOSE_SECONDS_MAX)
        await self._transport.aclose()
        if self._rights_transport is not None:
            await self._rights_transport.aclose()

    async def _account_config(self) -> AccountConfig:
        return parse.account_config(await self._ask(requests.account_config()))

    async def _key_rights(self) -> KeyRights:
        if self._rights_transport is None:
            raise NotSent(NO_ADDRESS)
        return parse.key_rights(await self._attempt(self._rights_transport, requests.key_rights()))

    async def _cancel(self, request: Request) -> None:
        """Send a cancel. That there is nothing to cancel is what was wanted."""
        try:
            parse.acknowledged(await self._ask(request))
        except Rejected as no:
            if no.code not in failures.GONE_ALREADY:
                raise

    async def _ask(self, request: Request) -> bytes:
        """The body of a good answer, or the failure that the answer was.

        One refusal is answered here: a wrong time was noticed before anything was executed, so the
        clock is measured again and the request goes once more.
        """
        generation = self._clock.generation
        if request.window_ms is not None and self._syncing is None:
            self._syncing = asyncio.create_task(self._learn_the_time())
        try:
            return await self._attempt(self._transport, request)
        except Rejected as no:
            if no.code != failures.INVALID_TIMESTAMP or not await self._has_learnt(generation):
                raise
        return await self._attempt(self._transport, request)

    async def _attempt(self, transport: Transport, request: Request) -> bytes:
        answer = await transport.send(request, at_ms=self._clock.now_ms())
        self._usage = newer(self._usage, answer.usage)
        failure = failures.failure_of(answer, now_ms=self._clock.now_ms(), hide=self._hide)
        if failure is not None:
            raise failure
        return answer.body

    async def _has_learnt(self, generation: int) -> bool:
        """Whether the venue's time has been learnt since then; measures it, once for all askers."""
        if self._clock.generation == generation:
            if self._syncing is None or self._syncing.done():
                self._syncing = asyncio.create_task(self._learn_the_time())
            await asyncio.wait({self._syncing}, timeout=RESYNC_SECONDS_MAX)
        return self._clock.generation != generation

    async def _learn_the_time(self) -> None:
        # A failure is no loss here: the clock stays as it was, and its generation says so.
        with contextlib.suppress(VenueError):
            await self.sync_clock()

    async def _clock_reading(self) -> ClockReading:
        wall_before, started = self._clock.wall_seconds(), self._monotonic()
        body = await self._attempt(self._transport, requests.server_time())
        return reading_of(
            wall_before=wall_before,
            round_trip_seconds=self._monotonic() - started,
            server_ms=parse.server_time_ms(body),
        )
