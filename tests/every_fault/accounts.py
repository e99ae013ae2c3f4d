"""Limits used up, keys and accounts that may no longer, instruments that do not trade."""

from collections.abc import Iterator

from every_fault.fault import (
    BTC,
    COMPLETED,
    ETH,
    EVERYTHING,
    FAILED,
    PARTIAL,
    Fault,
    cancel,
    close,
    closing,
)
from goflat.venues.simulated import happenings
from goflat.venues.simulated.effects import Say, Then
from goflat.venues.simulated.venue import TEST_API_KEY


def accounts() -> Iterator[Fault]:
    yield Fault(
        name="every order of the account used up",
        happens=lambda venue: venue.perform(happenings.OrdersUsedUp()),
        ends=(COMPLETED, PARTIAL, FAILED),
        left=frozenset({BTC, ETH}),
    )
    yield Fault(
        name="all weight of the address used up",
        happens=lambda venue: venue.perform(happenings.WeightUsedUp()),
        ends=(COMPLETED, FAILED),
        left=EVERYTHING,
    )
    yield Fault(
        name="an address banned for two minutes",
        happens=lambda venue: venue.perform(happenings.AddressBanned()),
        ends=(FAILED,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="an address banned from the first close on",
        rules=((close(), Then(happening=happenings.AddressBanned())),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="an address banned for half a second",
        rules=((close(), Then(happening=happenings.AddressBanned(seconds=0.5))),),
        timeout_seconds=3.0,
    )
    yield Fault(
        name="a key that is revoked before the first close",
        rules=((close(), Then(happening=happenings.KeyRevoked(api_key=TEST_API_KEY))),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    for code, done in ((-4087, True), (-4400, True), (-4192, False), (-4088, False)):
        yield Fault(
            name=f"an account locked with {code}",
            happens=lambda venue, code=code: venue.perform(happenings.AccountLocks(code=code)),
            ends=(COMPLETED,) if done else (PARTIAL,),
            left=frozenset() if done else frozenset({BTC, ETH}),
            timeout_seconds=1.5,
        )
    for status in ("TRADING_HALT", "SETTLING", "CLOSE", "A_WORD_OF_TOMORROW"):
        yield Fault(
            name=f"an instrument in state {status}",
            happens=lambda venue, status=status: venue.set_status(BTC, status),
            ends=(PARTIAL,),
            left=frozenset({BTC}),
            timeout_seconds=1.5,
        )
    yield Fault(
        name="an instrument in state PRE_SETTLE, which lets positions be reduced",
        happens=lambda venue: venue.set_status(BTC, "PRE_SETTLE"),
    )
    yield Fault(
        name="an instrument that trades again after half a second",
        happens=lambda venue: (
            venue.halt(BTC),
            venue.perform(happenings.StatusChanges(symbol=BTC, status="TRADING"), 0.5),
        )[0],
    )
    for code in (-4061, -1106):
        for hedge in (False, True):
            mode = "hedge" if hedge else "one-way"
            yield closing(f"{code} once, {mode}", Say(code=code), hedge=hedge)
    yield Fault(
        name="a countdown of somebody else that cancels every order first",
        rules=((cancel(), Then(happening=happenings.OrdersVanish(symbol=BTC))),),
    )
