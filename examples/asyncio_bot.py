"""A bot on asyncio that flattens its account in its own shutdown path.

Three lines are goflat's: the manager, the call, and what is done with the result. Ctrl-C ends the
bot; the shutdown goes on whatever the liquidation came to.
"""

import asyncio

from goflat import LiquidationManager


async def trade() -> None:
    """Stands for a strategy: looks alive, and never ends by itself."""
    print("trading", flush=True)
    while True:
        await asyncio.sleep(0.1)


async def main() -> None:
    manager = LiquidationManager.from_settings()
    try:
        await trade()
    finally:
        result = await manager.execute_liquidation()
        print(f"liquidation: {result.state.value}, verified: {result.verified}", flush=True)
        await manager.aclose()
        print("shutdown complete", flush=True)


if __name__ == "__main__":
    asyncio.run(main())
