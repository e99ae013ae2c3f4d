"""A bot on asyncio, armed: an exception, SIGTERM or SIGINT in its block flattens the account."""

import asyncio
import sys

import goflat


async def trade() -> None:
    print("trading", flush=True)
    for _ in range(600):
        await asyncio.sleep(0.1)
        if "--crash" in sys.argv:
            raise RuntimeError("the strategy crashed")


async def main() -> None:
    switch = goflat.armed(None, scope="account")
    try:
        async with switch:
            await trade()
    finally:
        print("liquidation:", switch.result and switch.result.state.value, flush=True)


if __name__ == "__main__":
    if "--uvloop" in sys.argv:
        import uvloop

        uvloop.run(main())
    else:
        asyncio.run(main())
