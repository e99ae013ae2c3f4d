"""Which addresses an account may have: no test reaches real money, and no real key goes elsewhere.

The class of an address comes from its host and from nothing else: not from the name of the
environment, and not from what anybody says about it.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from types import MappingProxyType
from urllib.parse import urlsplit

from goflat.settings.schema import EnvironmentName
from goflat.venues.binance.environments import ENVIRONMENTS, HostClass, host_class

TRADING = ("rest_url", "ws_api_url", "stream_url")
"""The three addresses that must be of one class."""

ADDRESSES = (*TRADING, "sapi_url")

_ALLOWED: Mapping[EnvironmentName, frozenset[HostClass]] = MappingProxyType(
    {
        "simulated": frozenset({"loopback"}),
        "testnet": frozenset({"loopback", "test"}),
        "demo": frozenset({"loopback", "test"}),
        "production": frozenset({"production"}),
    }
)

_PLACES: Mapping[HostClass, str] = MappingProxyType(
    {
        "production": "a production host",
        "test": "a host of the test network",
        "loopback": "this machine",
        "unknown": "a host that is neither the venue's own nor this machine",
    }
)

_WANTED: Mapping[EnvironmentName, str] = MappingProxyType(
    {
        "simulated": 'environment = "simulated" takes addresses of this machine only',
        "testnet": 'environment = "testnet" takes the test network or this machine only',
        "demo": 'environment = "demo" takes the test network or this machine only',
        "production": 'environment = "production" takes the venue\'s own production hosts only',
    }
)


@dataclass(frozen=True, slots=True, kw_only=True)
class AddressMistake:
    """An address that does not fit: the key that has to be changed, and why."""

    key: str
    text: str


def completed(
    environment: EnvironmentName, given: Mapping[str, str | None]
) -> dict[str, str | None]:
    """Every address of an account: what was given, else the environment's own.

    Where a given one points to this machine, the others are left out instead of being filled in:
    one account is never half here and half at the venue.
    """
    own = ENVIRONMENTS[environment]
    is_local = any(host_class(url) == "loopback" for key in TRADING if (url := given.get(key)))
    return {key: given.get(key) or (None if is_local else getattr(own, key)) for key in ADDRESSES}


def address_mistakes(
    environment: EnvironmentName, addresses: Mapping[str, str | None]
) -> list[AddressMistake]:
    """Everything that is wrong with the addresses of one account: each one, then all together."""
    known = {key: url for key in ADDRESSES if (url := addresses.get(key))}
    alone = [
        AddressMistake(key=key, text=text)
        for key, url in known.items()
        if (text := _alone(environment, url))
    ]
    return alone or list(_together(environment, known))


def _alone(environment: EnvironmentName, url: str) -> str | None:
    where = host_class(url)
    if where not in _ALLOWED[environment]:
        return f"is {_PLACES[where]}; {_WANTED[environment]}"
    if where != "loopback" and urlsplit(url).scheme in {"http", "ws"}:
        return "is not encrypted; http and ws go to this machine only"
    return None


def _together(environment: EnvironmentName, known: Mapping[str, str]) -> Iterator[AddressMistake]:
    classes = {key: host_class(url) for key, url in known.items() if key in TRADING}
    if len(set(classes.values())) > 1:
        told = ", ".join(f"{key} is {_PLACES[where]}" for key, where in classes.items())
        yield AddressMistake(
            key=next(iter(classes)), text=f"all three must go to one place; {told}"
        )
    if known and environment == "simulated" and "rest_url" not in known:
        yield AddressMistake(
            key="rest_url", text="is needed where another address of a simulated venue is given"
        )


def host(url: str) -> str:
    """The host and port of an address, for people."""
    return urlsplit(url).netloc
