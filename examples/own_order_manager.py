"""goflat over an order manager that a program already has, here a synchronous one.

The toy account below stands for your own code. goflat asks it for positions, cancels, closes, and
asks it for positions again: what it returned was a claim, what it shows is the evidence.
"""

import asyncio
from decimal import Decimal

from goflat import LiquidationConfig, LiquidationManager


class MyOrders:
    """The three methods that goflat needs."""

    def __init__(self) -> None:
        self.positions = {"BTCUSDT": Decimal("0.250"), "ETHUSDT": Decimal(-4)}

    def get_all_positions(self, symbols=None):
        return [
            {"symbol": symbol, "positionAmt": str(amount)}
            for symbol, amount in self.positions.items()
            if symbols is None or symbol in symbols
        ]

    def cancel_all_orders(self, symbol):
        return 2

    def execute_market_close(self, symbol, side, quantity, reduce_only=True):
        amount = self.positions[symbol]
        self.positions[symbol] = amount - quantity if side == "SELL" else amount + quantity
        if not self.positions[symbol]:
            del self.positions[symbol]
        return {"success": True}


async def main() -> None:
    config = LiquidationConfig(timeout_seconds=5.0, max_retries=3)
    manager = LiquidationManager(MyOrders(), config)
    result = await manager.execute_liquidation(["BTCUSDT", "ETHUSDT"])
    print(result.state.value, f"closed {result.positions_closed}", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
