"""A ccxt script beside the guard, in two lines more than without it."""

import os
import time

import ccxt

import goflat


def main() -> None:
    exchange = ccxt.binanceusdm(
        {"apiKey": os.environ["BOT_KEY"], "secret": os.environ["BOT_SECRET"]}
    )
    if url := os.environ.get("BOT_REST_URL"):
        for name in ("fapiPublic", "fapiPrivate", "fapiPublicV2", "fapiPrivateV2", "fapiPrivateV3"):
            exchange.urls["api"][name] = f"{url}/fapi/v{name[-1] if name[-2] == 'V' else 1}"
    with goflat.heartbeat("maker") as beat:
        while not beat.is_latched:
            beat()
            exchange.fapiPublicGetPing()
            time.sleep(0.2)


if __name__ == "__main__":
    main()
