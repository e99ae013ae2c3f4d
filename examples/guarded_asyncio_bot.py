"""A bot beside the guard: it beats where its strategy makes progress, and asks the latch first.

The guard runs as a process of its own (`goflat guard`), with `[[bot]] name = "maker"`.
"""

import asyncio

import goflat


async def trade_once() -> None:
    """Where your strategy would be."""
    await asyncio.sleep(0.05)


async def main() -> None:
    if goflat.is_latched():
        raise SystemExit("latched: look at `goflat status`, then `goflat reset --reason ...`")
    async with goflat.heartbeat("maker") as beat:
        while not beat.is_latched:
            beat()
            await trade_once()


if __name__ == "__main__":
    asyncio.run(main())
