"""Every fault that the simulated venue has, each with how goflat's run has to end under it.

The account at the start: BTCUSDT long 0.5 with a resting entry, a resting reduce-only order and a
stop; ETHUSDT short 3 with a waiting entry; SOLUSDT with one resting order and no position.
"""

from every_fault.accounts import accounts
from every_fault.books import both_books
from every_fault.closes import a_no, in_hedge_mode, less_than_asked, no_meaning, sizes
from every_fault.fault import BTC, COMPLETED, ETH, SOL, Fault
from every_fault.readings import readings

__all__ = ["BTC", "COMPLETED", "ETH", "EVERY_FAULT", "SOL", "Fault"]

EVERY_FAULT = (
    *no_meaning(),
    *a_no(),
    *less_than_asked(),
    *sizes(),
    *in_hedge_mode(),
    *both_books(),
    *readings(),
    *accounts(),
)
