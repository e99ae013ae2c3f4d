"""The venue without its sockets: everything that a program does to it, past its API.

Told the time, so that it runs under a virtual clock as well; `venue.SimulatedVenue` puts it on a
port. Every method may be called from any thread.
"""

import threading
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from decimal import Decimal
from typing import Protocol

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from goflat.domain.capabilities import Limits
from goflat.domain.instrument import Symbol
from goflat.domain.secret import Secret
from goflat.venues.simulated import conditional, matching
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.faults import FaultScript, Rule
from goflat.venues.simulated.gateway import Gateway
from goflat.venues.simulated.instruments import Instrument
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.limits import REAL_LIMITS
from goflat.venues.simulated.markets import Level, Market
from goflat.venues.simulated.orders import (
    BY_HAND,
    AlgoOrder,
    Order,
    OrderType,
    Origin,
    PositionSide,
    SelfTrade,
    Side,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.streams import UserStreams
from goflat.venues.simulated.truth import Truth
from goflat.venues.simulated.world import Clock, World

TEST_API_KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
TEST_API_SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"  # noqa: S105
"""Key and secret of the venue's own documentation: known to everybody, good for nothing else."""
DEFAULT_WALLET = Decimal(1_000_000)


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountSetup:
    """An account to begin with. `wallet` is held in each of USDT and USDC."""

    name: str = "main"
    api_key: str = TEST_API_KEY
    api_secret: Secret = field(default_factory=lambda: Secret(TEST_API_SECRET))
    hedge: bool = False
    wallet: Decimal = DEFAULT_WALLET


class Happening(Protocol):
    """Something that the world does while clients are busy."""

    def happen(self, exchange: "Exchange") -> None: ...


class Exchange:
    """One venue in memory: its state, its front door, its streams, and the hands that move it."""

    def __init__(
        self,
        *,
        clock: Clock,
        instruments: Iterable[Instrument],
        accounts: Iterable[AccountSetup] = (AccountSetup(),),
        faults: Iterable[Rule] = (),
        knobs: Knobs | None = None,
        limits: Limits = REAL_LIMITS,
    ) -> None:
        self.world = World(clock=clock, instruments=instruments, knobs=knobs or Knobs())
        self.faults = FaultScript(faults)
        self.gateway = Gateway(self.world, limits=limits, faults=self.faults)
        self.gateway.perform = self.perform
        self.streams = UserStreams(self.world, self.gateway.listen_keys)
        self.truth = Truth(self.gateway)
        self.lock = threading.RLock()
        for setup in accounts:
            self.add_account(setup)

    def at(self, seconds: float, happening: Happening) -> None:
        """Let something happen so many seconds after the venue started."""
        with self.lock:
            at_ms = self.world.started_ms + round(seconds * 1000)
            self.world.agenda.at(at_ms, lambda: happening.happen(self))

    def perform(self, happening: Happening, delay_seconds: float = 0.0) -> None:
        """Let something happen now, or a while from now."""
        with self.lock:
            if delay_seconds > 0:
                self.world.later(delay_seconds, lambda: happening.happen(self))
            else:
                happening.happen(self)

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

    def use_orders(self, account: str, ten_seconds: int, minute: int) -> None:
        """Use up so much of an account's order limits, as another host would."""
        with self.lock:
            now = self.world.clock()
            self.gateway.meter.use_orders(account, (ten_seconds, minute), now)

    def use_weight(self, weight: int, *, source: str = "127.0.0.1") -> None:
        """Use up so much of an address's weight, as another program there would."""
        with self.lock:
            self.gateway.meter.use_weight(source, weight, self.world.clock())

    def ban(self, seconds: float, *, source: str = "127.0.0.1") -> None:
        """Shut an address out for so long (418)."""
        with self.lock:
            self.gateway.meter.ban(source, seconds, self.world.clock())

    # --- markets --------------------------------------------------------------------------------

    def set_mark(
        self, symbol: Symbol, price: Decimal | str, *, last: Decimal | str | None = None
    ) -> None:
        """Move the price: resting orders that it crosses fill, triggers that it meets fire.

        The last price goes with the mark price unless it is given.
        """
        with self.lock:
            market = self.world.market(symbol)
            market.mark = Decimal(price)
            market.last = market.mark if last is None else Decimal(last)
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
        owner, signed = self.world.accounts[account], Decimal(amount)
        holding = PositionSide.LONG if signed > 0 else PositionSide.SHORT
        side = holding if owner.hedge else PositionSide.BOTH
        self.trade_by_force(symbol, signed, side, account=account)

    def trade_by_force(
        self,
        symbol: Symbol,
        amount: Decimal,
        position_side: PositionSide,
        *,
        account: str = "main",
        origin: Origin = BY_HAND,
    ) -> None:
        """Trade a signed amount in one row at the mark price, past every check."""
        with self.lock:
            ticket = Ticket(
                symbol=symbol,
                side=Side.BUY if amount > 0 else Side.SELL,
                type=OrderType.MARKET,
                quantity=abs(amount),
                position_side=position_side,
            )
            owner, price = self.world.accounts[account], self.world.market(symbol).mark
            matching.fill_by_force(self.world, owner, ticket, origin, price)

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
        good_till_ms: int = 0,
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
            good_till_ms=good_till_ms,
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
