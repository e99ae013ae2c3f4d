"""The venue port over a person's own order manager: how rows and answers are read."""

import asyncio
import threading
from collections.abc import Mapping
from decimal import Decimal
from typing import Any

import pytest

from goflat.domain.config import LiquidationConfig
from goflat.domain.order import Book, CloseOrder, ConditionalOrder, OrderStatus, ProtectiveStop
from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState
from goflat.domain.position import OrderSide, PositionMode, PositionSide
from goflat.domain.scope import Everything, Only
from goflat.errors import NotSent, Refusal, Rejected, VenueError
from goflat.manager import LiquidationManager
from goflat.testing.virtual_time import run_virtual
from goflat.venues.off_loop import OffLoop
from goflat.venues.order_manager import OrderManagerVenue, is_order_manager

FAST = LiquidationConfig(timeout_seconds=1.0, max_retries=0, retry_delay_seconds=0.1)
Row = Mapping[str, Any]


def row(symbol: str = "BTCUSDT", amount: object = "0.5", **more: object) -> dict[str, object]:
    return {"symbol": symbol, "positionAmt": amount, **more}


class Broker:
    """An order manager in memory, asynchronous, that keeps to the protocol."""

    def __init__(self, *rows: Row, orders: Mapping[str, int] | None = None) -> None:
        self.rows = list(rows)
        self.orders = dict(orders or {})
        self.calls: list[tuple[object, ...]] = []

    async def get_all_positions(self, symbols: object) -> object:
        self.calls.append(("positions", symbols))
        return list(self.rows)

    async def cancel_all_orders(self, symbol: str) -> object:
        self.calls.append(("cancel", symbol))
        return self.orders.pop(symbol, 0)

    async def execute_market_close(
        self,
        symbol: str,
        side: str,
        quantity: Decimal,
        reduce_only: bool = True,
        position_side: str | None = None,
    ) -> object:
        self.calls.append(("close", symbol, side, quantity, reduce_only, position_side))
        self.rows = [r for r in self.rows if not self._is_it(r, symbol, position_side)]
        return {"success": True, "order_id": 7, "realized_pnl": "1.5"}

    @staticmethod
    def _is_it(each: Row, symbol: str, position_side: str | None) -> bool:
        side = each.get("positionSide", "BOTH")
        return each.get("symbol") == symbol and (position_side or "BOTH") == side

    @property
    def closes(self) -> list[tuple[object, ...]]:
        return [call[1:] for call in self.calls if call[0] == "close"]


class SyncBroker:
    """The same, synchronous."""

    def __init__(self, *rows: Row, orders: Mapping[str, int] | None = None) -> None:
        self.inner = Broker(*rows, orders=orders)
        self.threads: set[int] = set()

    def _run(self, work: Any) -> object:
        self.threads.add(threading.get_ident())
        try:
            work.send(None)
        except StopIteration as done:
            return done.value
        raise AssertionError("it does not wait")

    def get_all_positions(self, symbols: object) -> object:
        return self._run(self.inner.get_all_positions(symbols))

    def cancel_all_orders(self, symbol: str) -> object:
        return self._run(self.inner.cancel_all_orders(symbol))

    def execute_market_close(
        self, symbol: str, side: str, quantity: Decimal, reduce_only: bool = True, **more: Any
    ) -> object:
        return self._run(
            self.inner.execute_market_close(symbol, side, quantity, reduce_only, **more)
        )


def flatten(
    broker: Any,
    symbols: Any = None,
    config: LiquidationConfig = FAST,
    quiet_seconds: float = 0.05,
    **more: Any,
) -> LiquidationResult:
    """In real time, as threads are."""
    manager = LiquidationManager(broker, config, quiet_seconds=quiet_seconds, **more)
    return asyncio.run(manager.execute_liquidation(symbols))


def flatten_virtually(
    broker: Any, symbols: Any = None, config: LiquidationConfig = FAST, **more: Any
) -> LiquidationResult:
    """In virtual time, where everything waits on the loop."""
    return run_virtual(LiquidationManager(broker, config, **more).execute_liquidation(symbols))


def venue(broker: Any, scope: Any = None) -> OrderManagerVenue:
    return OrderManagerVenue(broker, scope or Everything(), calls=OffLoop(8))


def failure_of(work: Any) -> VenueError:
    """What a verb raises."""

    async def run() -> VenueError:
        try:
            await work
        except VenueError as failure:
            return failure
        raise AssertionError("it did not fail")

    return asyncio.run(run())


# --- what rows may look like --------------------------------------------------------------------

READ = [
    (row(amount="0.5"), (PositionSide.LONG, "0.5", PositionMode.ONE_WAY)),
    (row(amount="-0.5"), (PositionSide.SHORT, "0.5", PositionMode.ONE_WAY)),
    (row(amount=0.00001), (PositionSide.LONG, "0.00001", PositionMode.ONE_WAY)),
    (row(amount=-3), (PositionSide.SHORT, "3", PositionMode.ONE_WAY)),
    (row(amount=Decimal("1E-7")), (PositionSide.LONG, "1E-7", PositionMode.ONE_WAY)),
    (row(amount=" 2 "), (PositionSide.LONG, "2", PositionMode.ONE_WAY)),
    (row(amount="2", positionSide="BOTH"), (PositionSide.LONG, "2", PositionMode.ONE_WAY)),
    (row(amount="2", positionSide="LONG"), (PositionSide.LONG, "2", PositionMode.HEDGE)),
    (row(amount="-2", positionSide="SHORT"), (PositionSide.SHORT, "2", PositionMode.HEDGE)),
    (row(amount="2", positionSide="SHORT"), (PositionSide.SHORT, "2", PositionMode.HEDGE)),
]


@pytest.mark.parametrize(("given", "expected"), READ)
def test_a_row_is_read(given: Row, expected: tuple[PositionSide, str, PositionMode]) -> None:
    listing = asyncio.run(venue(Broker(given)).read_positions())

    (held,) = listing.rows
    assert (held.side, held.quantity, held.mode) == (expected[0], Decimal(expected[1]), expected[2])
    assert listing.unreadable == ()


@pytest.mark.parametrize("amount", ["0", 0, 0.0, "0.000", "-0", Decimal(0)])
def test_a_row_of_nothing_is_no_position(amount: object) -> None:
    listing = asyncio.run(venue(Broker(row(amount=amount))).read_positions())

    assert listing.rows == ()
    assert listing.unreadable == ()


class Unspeakable:
    """Not even its text can be had."""

    def __str__(self) -> str:
        raise RuntimeError("no text")

    __repr__ = __str__


GARBAGE = [
    None,
    "BTCUSDT",
    7,
    [],
    {},
    {"symbol": None, "positionAmt": "1"},
    {"symbol": "", "positionAmt": "1"},
    {"symbol": 7, "positionAmt": "1"},
    {"positionAmt": "1"},
    {"symbol": "BTCUSDT"},
    *(
        row(amount=amount)
        for amount in (
            None,
            "",
            "much",
            "NaN",
            "Infinity",
            float("nan"),
            float("inf"),
            True,
            [],
            {},
            b"1",
            "1e9999999",
            "1,5",
            object(),
            Unspeakable(),
        )
    ),
    *(row(positionSide=side) for side in ("long", "NONE", None, [], {}, 7, True)),
]


@pytest.mark.parametrize("garbage", GARBAGE, ids=lambda v: type(v).__name__)
def test_a_row_that_cannot_be_read_is_a_hole_and_never_nothing(garbage: Any) -> None:
    listing = asyncio.run(venue(Broker(garbage, row("ETHUSDT"))).read_positions())

    assert [held.symbol for held in listing.rows] == ["ETHUSDT"]
    assert len(listing.unreadable) == 1
    named = garbage.get("symbol") if isinstance(garbage, dict) else None
    assert listing.unreadable[0].symbol == (named if named == "BTCUSDT" else None)


@pytest.mark.parametrize(
    ("garbage", "state"), [(row(amount="much"), "PARTIAL"), (None, "FAILED"), ({}, "FAILED")]
)
def test_beside_a_hole_the_others_are_closed_and_nothing_is_called_flat(
    garbage: Any, state: str
) -> None:
    """A hole without a name may hide every position, so that nothing is proven beside it."""
    broker = Broker(row("ETHUSDT"), garbage)

    result = flatten_virtually(broker)

    assert ("ETHUSDT", "SELL", Decimal("0.5"), True, None) in broker.closes
    assert result.state.value == state
    assert not result.verified


def test_two_rows_for_one_position_are_a_hole() -> None:
    listing = asyncio.run(venue(Broker(row(), row(amount="1"))).read_positions())

    assert len(listing.rows) == 1
    assert listing.unreadable[0].reason == "two rows for BTCUSDT LONG"


def test_prices_beside_the_amount_are_read_where_they_make_sense() -> None:
    given = row(markPrice="100", entryPrice="x", liquidationPrice=0)

    (held,) = asyncio.run(venue(Broker(given)).read_positions()).rows

    assert (held.mark_price, held.entry_price, held.liquidation_price) == (Decimal(100), None, None)


def test_open_orders_are_read_row_by_row() -> None:
    class Listing(Broker):
        async def get_open_orders(self, symbols: object) -> object:
            return [
                {
                    "symbol": "BTCUSDT",
                    "orderId": 5,
                    "side": "sell",
                    "origQty": "2",
                    "type": "LIMIT",
                },
                {"symbol": "BTCUSDT", "clientOrderId": "mine", "reduceOnly": True},
                {"symbol": "BTCUSDT"},
                {"symbol": "BTCUSDT", "orderId": 6, "origQty": "NaN"},
            ]

    listing = asyncio.run(venue(Listing()).read_working_orders())

    first, second = listing.rows
    assert (first.order_id, first.side, first.quantity) == ("5", OrderSide.SELL, Decimal(2))
    assert (second.order_id, second.client_order_id) == ("mine", "mine")
    assert second.reduce_only
    assert len(listing.unreadable) == 2


# --- what answers may look like -----------------------------------------------------------------


def close_order(broker: Any, quantity: str = "0.5") -> CloseOrder:
    (held,) = asyncio.run(venue(broker).read_positions()).rows
    return CloseOrder(position=held, quantity=Decimal(quantity), client_order_id="gf-1")


def answering(answer: object) -> Broker:
    class Answering(Broker):
        async def execute_market_close(self, *args: Any, **named: Any) -> object:
            self.calls.append(("close", *args))
            if isinstance(answer, BaseException):
                raise answer
            return answer

    return Answering(row())


@pytest.mark.parametrize(
    "answer",
    [None, True, "ok", 7, [], {}, {"status": "FILLED"}, ValueError("lost"), SystemExit(1)],
    ids=repr,
)
def test_an_answer_that_says_nothing_is_one_attempt_and_the_reading_decides(answer: Any) -> None:
    broker = answering(answer)

    result = flatten_virtually(broker)

    assert len(broker.closes) == 1
    assert result.state is LiquidationState.FAILED
    assert result.legs[0].outcome is LegOutcome.OPEN
    assert result.legs[0].quantity_left == Decimal("0.5")


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        ({"success": False, "error_message": "margin"}, "margin"),
        ({"success": False, "error": "margin"}, "margin"),
        ({"success": False, "msg": "margin"}, "margin"),
        ({"success": None}, "it gave no reason"),
        ({"success": 0, "reason": ""}, "it gave no reason"),
        ({"success": False, "error": "x&signature=abcdef&y"}, "signature=…&y"),
        ({"success": False, "error": "red\x1b[31m\u202etext"}, "red [31m text"),
        ({"success": False, "error": "a" * 5000}, "a" * 200),
        ({"success": False, "error": Unspeakable()}, "Unspeakable"),
    ],
)
def test_a_refusal_says_why_in_one_clean_line(answer: Mapping[str, object], said: str) -> None:
    broker = answering(answer)

    failure = failure_of(venue(broker).close(close_order(broker), valid_seconds=1.0))

    assert isinstance(failure, Rejected)
    assert failure.reason.endswith(said)
    assert "\n" not in failure.reason


def test_success_is_a_claim_that_says_nothing_of_how_much() -> None:
    broker = answering({"success": True, "orderId": 5, "realized_pnl": "x"})

    report = asyncio.run(venue(broker).close(close_order(broker), valid_seconds=1.0))

    assert (report.status, report.executed) == (OrderStatus.UNKNOWN, None)
    assert (report.order_id, report.realized_pnl) == ("5", None)


# --- calls -----------------------------------------------------------------------------------


def test_serial_means_one_call_at_a_time_also_after_one_that_hung() -> None:
    class Watching(SyncBroker):
        def __init__(self, *rows: Row) -> None:
            super().__init__(*rows)
            self.running = self.most = 0
            self.lock = threading.Lock()
            self.until = threading.Event()

        def _run(self, work: Any) -> object:
            with self.lock:
                self.running += 1
                self.most = max(self.most, self.running)
            if work.__name__ == "execute_market_close":
                self.until.wait(10.0)
            answer = super()._run(work)
            with self.lock:
                self.running -= 1
            return answer

    broker = Watching(row(), row("ETHUSDT"), row("SOLUSDT"))
    manager = LiquidationManager(broker, FAST, serial=True, quiet_seconds=0.05)

    first = asyncio.run(manager.execute_liquidation())
    threading.Timer(0.1, broker.until.set).start()
    second = asyncio.run(manager.execute_liquidation())

    assert first.state is LiquidationState.FAILED
    assert second.state is LiquidationState.COMPLETED
    assert broker.most == 1


def test_a_call_that_was_cancelled_from_inside_is_an_answer_that_did_not_come() -> None:
    class Torn(Broker):
        torn = 0

        async def execute_market_close(self, *args: Any, **named: Any) -> object:
            if not self.torn:
                self.torn = 1
                raise asyncio.CancelledError
            return await super().execute_market_close(*args, **named)

    broker = Torn(row())

    result = flatten_virtually(broker, config=LiquidationConfig(retry_delay_seconds=0.1))

    assert result.state is LiquidationState.COMPLETED
    assert len(broker.closes) == 1


# --- what it cannot do --------------------------------------------------------------------------


def test_what_an_order_manager_cannot_do_was_never_sent() -> None:
    broker = Broker(row())
    port = venue(broker, Only(frozenset({"BTCUSDT"})))
    found = ConditionalOrder(
        symbol="BTCUSDT",
        order_id="s",
        client_order_id="c",
        side=OrderSide.SELL,
        type="STOP_MARKET",
        quantity=None,
        trigger_price=None,
        close_position=True,
    )
    order = close_order(broker)
    for work in (
        port.read_conditional_orders(),
        port.read_rules(),
        port.cancel_all("BTCUSDT", Book.CONDITIONAL),
        port.cancel_conditional(found),
        port.query(order),
        port.protect(ProtectiveStop(order=found, client_order_id="p")),
    ):
        assert isinstance(failure_of(work), NotSent)
    asyncio.run(port.aclose())


def test_a_hedge_refusal_is_for_good() -> None:
    class OneWay(Broker):
        async def execute_market_close(  # type: ignore[override]
            self, symbol: str, side: str, quantity: Decimal, reduce_only: bool = True
        ) -> object:
            raise AssertionError("nothing may be sent")

    broker = OneWay(row(positionSide="LONG"))

    failure = failure_of(venue(broker).close(close_order(broker), valid_seconds=1.0))

    assert isinstance(failure, Rejected)
    assert failure.refusal is Refusal.NO_PERMISSION


def test_what_counts_as_an_order_manager() -> None:
    assert is_order_manager(Broker())
    assert not is_order_manager(object())
    assert not is_order_manager(type("Half", (), {"get_all_positions": print})())


# --- profit -------------------------------------------------------------------------------------


def test_a_claimed_profit_is_believed_with_the_reading_that_shows_the_position_gone() -> None:
    assert flatten_virtually(Broker(row(), row("ETHUSDT", "-3"))).realized_pnl == Decimal(3)


def test_a_claimed_profit_of_a_close_that_closed_nothing_is_not() -> None:
    broker = answering({"success": True, "realized_pnl": "-100"})

    result = flatten_virtually(broker, config=LiquidationConfig(max_retries=0))

    assert result.positions_closed == 0
    assert result.realized_pnl is None
