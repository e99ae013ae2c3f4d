"""The simulated venue as one object: start it, drive it, look at its ground truth."""

import asyncio
import threading
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, field, replace
from decimal import Decimal
from types import TracebackType
from typing import Self

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import Symbol
from goflat.domain.secret import Secret
from goflat.venues.simulated import conditional, matching
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.faults import FaultScript, Rule
from goflat.venues.simulated.gateway import Gateway
from goflat.venues.simulated.instruments import (
    Instrument,
    standard_instruments,
    synthetic_instruments,
)
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.limits import REAL_LIMITS
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import (
    BY_HAND,
    AlgoOrder,
    Order,
    OrderType,
    PositionSide,
    SelfTrade,
    Side,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.server import RestDoor, agenda_kept, serving
from goflat.venues.simulated.truth import Truth
from goflat.venues.simulated.world import Clock, World

TEST_API_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
TEST_API_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # noqa: S105
"""Key and secret of the venue's own documentation: known to everybody, good for nothing else."""
START_SECONDS_MOST = 10.0
DEFAULT_WALLET = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSetup:
    """An account to begin with. `wallet` is held in each of USDT and USDC."""

    name: str = "main"
    api_key: str = TEST_API_KEY
    api_secret: Secret = field(default_factory=lambda: Secret(TEST_API_SECRET))
    hedge: bool = False
    wallet: Decimal = DEFAULT_WALLET


def venue_clock() -> Clock:
    """Milliseconds since the epoch that never jump: read once, then counted monotonically."""
    offset = time.time_ns() - time.monotonic_ns()
    return lambda: (time.monotonic_ns() + offset) // 1_000_000


class SimulatedVenue:
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
        self.world = World(
            clock=clock or venue_clock(),
            instruments=(*listed, *synthetic_instruments(symbols)),
            knobs=knobs or Knobs(),
        )
        self.faults = FaultScript(faults)
        self.gateway = Gateway(self.world, limits=limits, faults=self.faults)
        self.truth = Truth(self.gateway)
        self.lock = threading.RLock()
        self.host, self.port = host, port
        self._rest = RestDoor(self.gateway, self.lock, latency_seconds=latency_ms / 1000)
        self._stack = AsyncExitStack()
        for setup in accounts:
            self.add_account(setup)

    # --- life -----------------------------------------------------------------------------------

    async def start(self) -> None:
        """Begin to listen."""
        await self._stack.enter_async_context(agenda_kept(self.world, self.lock))
        self.host, self.port = await self._stack.enter_async_context(
            serving({}, self._rest, host=self.host, port=self.port)
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
        ready, done = threading.Event(), threading.Event()
        thread = threading.Thread(
            target=lambda: asyncio.run(self._run(ready.set, done)), name="venue", daemon=True
        )
        thread.start()
        try:
            if not ready.wait(START_SECONDS_MOST):
                raise TimeoutError("the simulated venue did not start")
            yield self
        finally:
            done.set()
            thread.join(START_SECONDS_MOST)

    async def _run(self, ready: Callable[[], None], done: threading.Event) -> None:
        async with self:
            ready()
            await asyncio.to_thread(done.wait)

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
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    # --- accounts -------------------------------------------------------------------------------

    def add_account(self, setup: AccountSetup) -> None:
        """One more account, with an HMAC key."""
        with self.lock:
            account = Account(setup.name, hedge=setup.hedge)
            account.wallets = {"USDT": setup.wallet, "USDC": setup.wallet}
            self.world.accounts[setup.name] = account
            self.add_key(
                Credential(
                    api_key=setup.api_key,
                    account=setup.name,
                    secret=setup.api_secret.reveal().encode(),
                )
            )

    def add_key(self, credential: Credential) -> None:
        """One more key of an account."""
        with self.lock:
            self.gateway.credentials[credential.api_key] = credential

    def add_public_key(self, api_key: str, public_key: bytes, *, account: str = "main") -> None:
        """One more key of an account: Ed25519, by the 32 bytes of its public half."""
        key = Ed25519PublicKey.from_public_bytes(public_key)
        self.add_key(Credential(api_key=api_key, account=account, public_key=key))

    def revoke_key(self, api_key: str) -> None:
        """From now on nobody knows this key."""
        with self.lock:
            self.gateway.credentials.pop(api_key, None)

    def set_hedge(self, hedge: bool, *, account: str = "main") -> None:  # noqa: FBT001
        """Set the position mode, past every check."""
        with self.lock:
            self.world.accounts[account].hedge = hedge

    def lock_account(self, code: int | None, *, account: str = "main") -> None:
        """Refuse this account's orders with a code (-4192, -4087 ...); None lets them in again."""
        with self.lock:
            self.world.accounts[account].lock_code = code

    # --- markets --------------------------------------------------------------------------------

    def set_mark(self, symbol: Symbol, price: Decimal | str) -> None:
        """Move the price: resting orders that it crosses fill, triggers that it meets fire."""
        with self.lock:
            market = self.world.market(symbol)
            market.mark = market.last = Decimal(price)
            conditional.watch(self.world, market)
            matching.sweep(self.world, market)

    def set_status(self, symbol: Symbol, status: str) -> None:
        """Give an instrument another state; anything but TRADING halts it in one way or another."""
        with self.lock:
            market = self.world.market(symbol)
            market.instrument = replace(market.instrument, status=status)
            self.world.listing_changes += 1

    def halt(self, symbol: Symbol) -> None:
        """Stop trading in an instrument."""
        self.set_status(symbol, "TRADING_HALT")

    def list_instrument(self, instrument: Instrument) -> None:
        """One more instrument, or another version of one."""
        with self.lock:
            self.world.markets[instrument.symbol] = Market.of(instrument)
            self.world.listing_changes += 1

    def set_book(
        self,
        symbol: Symbol,
        *,
        bids: Iterable[tuple[str, str]] | None = None,
        asks: Iterable[tuple[str, str]] | None = None,
    ) -> None:
        """Give an instrument a book of its own, price and quantity, best first. Fills use it up."""
        with self.lock:
            books = self.world.market(symbol).books
            for taker, levels in ((Side.SELL, bids), (Side.BUY, asks)):
                if levels is not None:
                    books[taker] = [Level(Decimal(p), Decimal(q)) for p, q in levels]

    def set_liquidity(self, symbol: Symbol, per_level: Decimal | str) -> None:
        """How much the self-refilling book holds on each of its levels."""
        with self.lock:
            self.world.market(symbol).level_quantity = Decimal(per_level)

    # --- positions and orders, past the API -----------------------------------------------------

    def open_position(
        self, symbol: Symbol, amount: Decimal | str, *, account: str = "main"
    ) -> None:
        """Trade a signed amount at the mark price, past every check: above zero buys.

        In hedge mode an amount above zero goes into the LONG row, one below into the SHORT row.
        """
        with self.lock:
            owner, quantity = self.world.accounts[account], Decimal(amount)
            side = Side.BUY if quantity > 0 else Side.SELL
            holding = PositionSide.LONG if quantity > 0 else PositionSide.SHORT
            ticket = Ticket(
                symbol=symbol,
                side=side,
                type=OrderType.MARKET,
                quantity=abs(quantity),
                position_side=holding if owner.hedge else PositionSide.BOTH,
            )
            price = self.world.market(symbol).mark
            matching.fill_by_force(self.world, owner, ticket, BY_HAND, price)

    def rest_order(
        self,
        symbol: Symbol,
        side: str,
        quantity: Decimal | str,
        price: Decimal | str,
        *,
        position_side: str = "BOTH",
        reduce_only: bool | None = None,
        client_order_id: str | None = None,
        account: str = "main",
    ) -> Order:
        """Place a limit order that rests, with the checks of the API."""
        ticket = Ticket(
            symbol=symbol,
            side=Side(side),
            type=OrderType.LIMIT,
            quantity=Decimal(quantity),
            price=Decimal(price),
            position_side=PositionSide(position_side),
            reduce_only=reduce_only,
            client_order_id=client_order_id,
            self_trade=SelfTrade.EXPIRE_MAKER,
        )
        with self.lock:
            return matching.place(self.world, self.world.accounts[account], ticket, BY_HAND)

    def wait_order(
        self,
        symbol: Symbol,
        side: str,
        trigger_price: Decimal | str,
        *,
        type: str = "STOP_MARKET",  # noqa: A002 - the venue's own word
        quantity: Decimal | str | None = None,
        position_side: str = "BOTH",
        reduce_only: bool | None = None,
        close_position: bool = False,
        client_order_id: str | None = None,
        time_in_force: str = "GTC",
        account: str = "main",
    ) -> AlgoOrder:
        """Place a conditional order, with the checks of the API."""
        ticket = Ticket(
            symbol=symbol,
            side=Side(side),
            type=OrderType(type),
            quantity=None if quantity is None else Decimal(quantity),
            position_side=PositionSide(position_side),
            reduce_only=reduce_only,
            close_position=close_position,
            client_order_id=client_order_id,
            trigger_price=Decimal(trigger_price),
            time_in_force=TimeInForce(time_in_force),
        )
        with self.lock:
            return conditional.place(self.world, self.world.accounts[account], ticket, BY_HAND)
