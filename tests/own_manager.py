"""A person's own order manager, with an account in memory: what goflat has to live with."""

import asyncio
import threading
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from decimal import Decimal
from typing import Any


@dataclass(kw_only=True)
class Desk:
    """Synchronous methods over an account in memory. `odd` replaces what a method does.

    Amounts are signed and keyed by symbol and position side; `orders` counts working orders.
    """

    amounts: dict[tuple[str, str], Decimal] = field(default_factory=dict)
    orders: dict[str, int] = field(default_factory=dict)
    calls: list[tuple[Any, ...]] = field(default_factory=list)
    odd: dict[str, Callable[..., Any]] = field(default_factory=dict)
    running: int = 0
    most_at_once: int = 0
    seconds: float = 0.0
    lock: threading.Lock = field(default_factory=threading.Lock)

    @classmethod
    def holding(cls, *symbols: str, orders: int = 0) -> "Desk":
        """One long position of 2 in each, and so many orders."""
        return cls(
            amounts={(symbol, "BOTH"): Decimal(2) for symbol in symbols},
            orders=dict.fromkeys(symbols, orders),
        )

    def called(self, name: str) -> list[tuple[Any, ...]]:
        return [call[1:] for call in self.calls if call[0] == name]

    @property
    def is_flat(self) -> bool:
        return not any(self.amounts.values()) and not any(self.orders.values())

    def _do(self, name: str, work: Callable[..., Any], *args: Any) -> Any:
        with self.lock:
            self.calls.append((name, *args))
            self.running += 1
            self.most_at_once = max(self.most_at_once, self.running)
        try:
            time.sleep(self.seconds)
            return self.odd.get(name, work)(*args)
        finally:
            with self.lock:
                self.running -= 1

    def get_all_positions(self, symbols: Sequence[str] | None) -> Any:
        return self._do("get_all_positions", self.rows, symbols)

    def rows(self, symbols: Sequence[str] | None = None) -> list[dict[str, Any]]:
        return [
            {"symbol": symbol, "positionAmt": str(amount), "positionSide": side}
            for (symbol, side), amount in self.amounts.items()
            if symbols is None or symbol in symbols
        ]

    def cancel_all_orders(self, symbol: str) -> Any:
        return self._do("cancel_all_orders", self.cancel, symbol)

    def cancel(self, symbol: str) -> int:
        return self.orders.pop(symbol, 0)

    def execute_market_close(
        self,
        symbol: str,
        side: str,
        quantity: Decimal,
        reduce_only: bool = True,
        position_side: str = "BOTH",
    ) -> Any:
        return self._do(
            "execute_market_close",
            self.close,
            symbol,
            side,
            quantity,
            reduce_only,
            position_side,
        )

    def close(
        self, symbol: str, side: str, quantity: Decimal, reduce_only: bool, position_side: str
    ) -> dict[str, Any]:
        held = self.amounts.get((symbol, position_side), Decimal(0))
        reduces = held < 0 if side == "BUY" else held > 0
        if not reduces or not reduce_only:
            return {"success": False, "error_message": "ReduceOnly Order is rejected."}
        change = min(quantity, abs(held))
        self.amounts[(symbol, position_side)] = held + (change if side == "BUY" else -change)
        return {"success": True, "order_id": f"{symbol}-1", "realized_pnl": "1.5"}


class AsyncDesk(Desk):
    """The same account behind coroutines."""

    async def get_all_positions(self, symbols: Sequence[str] | None) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().get_all_positions(symbols)

    async def cancel_all_orders(self, symbol: str) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().cancel_all_orders(symbol)

    async def execute_market_close(self, *args: Any, **named: Any) -> Any:  # type: ignore[override]
        await asyncio.sleep(0)
        return super().execute_market_close(*args, **named)


class AwaitableDesk(Desk):
    """Plain methods that return something to be awaited."""

    def get_all_positions(self, symbols: Sequence[str] | None) -> Any:
        return self._later(super().get_all_positions(symbols))

    def cancel_all_orders(self, symbol: str) -> Any:
        return self._later(super().cancel_all_orders(symbol))

    async def _later(self, answer: Any) -> Any:
        return answer


class ListingDesk(Desk):
    """One that can list its working orders, too."""

    def get_open_orders(self, symbols: Sequence[str] | None) -> Any:
        return self._do("get_open_orders", self.listed, symbols)

    def listed(self, symbols: Sequence[str] | None = None) -> list[dict[str, Any]]:
        return [
            {"symbol": symbol, "orderId": f"{symbol}-{n}", "side": "BUY", "origQty": "1"}
            for symbol, count in self.orders.items()
            for n in range(count)
            if symbols is None or symbol in symbols
        ]


class OldDesk(Desk):
    """One from before hedge mode: its close takes no position side."""

    def execute_market_close(  # type: ignore[override]
        self, symbol: str, side: str, quantity: Decimal, reduce_only: bool = True
    ) -> Any:
        return super().execute_market_close(symbol, side, quantity, reduce_only)
