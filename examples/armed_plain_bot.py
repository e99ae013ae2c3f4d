"""A bot without an event loop, or one that keeps its loop to itself: armed from outside."""

import sys
import time

import goflat


def trade() -> None:
    print("trading", flush=True)
    for _ in range(600):
        time.sleep(0.1)
        if "--crash" in sys.argv:
            raise RuntimeError("the strategy crashed")
        if "--done" in sys.argv:
            return


if __name__ == "__main__":
    with goflat.armed(None, scope="account"):
        trade()
    print("the day is over: positions stay", flush=True)
