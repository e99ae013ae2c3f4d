"""The state that everything in the venue shares: time, markets, accounts, ids, what is due."""

import heapq
import itertools
from collections import deque
from collections.abc import Callable, Iterable
from decimal import Decimal

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.instruments import Instrument
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import Fill, Order
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import Json

FILLS_REMEMBERED = 200_000
ORDERS_REMEMBERED = 200_000
DUE_IN_ONE_GO = 10_000
FIRST_ORDER_ID = 8_000_000_001
FIRST_ALGO_ID = 2_000_000_001
FIRST_TRADE_ID = 300_000_001

Clock = Callable[[], int]
"""Where the venue's time comes from: milliseconds since the epoch."""


class Agenda:
    """What is going to happen, and when. Nothing here waits: the owner asks what is due."""

    def __init__(self) -> None:
        self._heap: list[tuple[int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.changed: Callable[[], None] = lambda: None

    def at(self, at_ms: int, action: Callable[[], None]) -> None:
        """Let something happen at a moment; `changed` tells the owner of a timer."""
        heapq.heappush(self._heap, (at_ms, next(self._order), action))
        self.changed()

    @property
    def next_ms(self) -> int | None:
        """When the next thing is due; None where nothing is."""
        return self._heap[0][0] if self._heap else None

    def run(self, now_ms: int) -> None:
        """Let everything happen that is due. What makes itself due again waits for the next go."""
        for _ in range(DUE_IN_ONE_GO):
            if not self._heap or self._heap[0][0] > now_ms:
                return
            heapq.heappop(self._heap)[2]()


class World:
    """One venue's state. It is told the time and does no I/O."""

    def __init__(self, *, clock: Clock, instruments: Iterable[Instrument], knobs: Knobs) -> None:
        self.clock = clock
        self.started_ms = clock()
        self.knobs = knobs
        self.markets: dict[str, Market] = {i.symbol: Market.of(i) for i in instruments}
        self.accounts: dict[str, Account] = {}
        self.agenda = Agenda()
        self.fills: deque[Fill] = deque(maxlen=FILLS_REMEMBERED)
        self.orders: deque[tuple[str, Order]] = deque(maxlen=ORDERS_REMEMBERED)
        self.listing_changes = 0
        self.taker_fee = Decimal("0.0004")
        self.maker_fee = Decimal("0.0002")
        self.hear: Callable[[Account, Json], None] = lambda _account, _event: None
        self.after_fill: list[Callable[[Account, Fill], None]] = []
        self._order_ids = itertools.count(FIRST_ORDER_ID)
        self._algo_ids = itertools.count(FIRST_ALGO_ID)
        self._trade_ids = itertools.count(FIRST_TRADE_ID)

    def market(self, symbol: str) -> Market:
        """The market of a symbol. Refuses a symbol that is not listed (-1121)."""
        found = self.markets.get(symbol)
        if found is None:
            raise Refused(-1121)
        return found

    def emit(self, account: Account, event: Json) -> None:
        """Tell an event to whoever listens to the account's stream."""
        self.hear(account, event)

    def later(self, seconds: float, action: Callable[[], None]) -> None:
        """Let something happen after a while."""
        self.agenda.at(self.clock() + round(seconds * 1000), action)

    def next_order_id(self) -> int:
        return next(self._order_ids)

    def next_algo_id(self) -> int:
        return next(self._algo_ids)

    def next_trade_id(self) -> int:
        return next(self._trade_ids)
