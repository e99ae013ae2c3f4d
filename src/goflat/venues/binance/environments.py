"""Where Binance lives, and whether money there is real. Data and one pure function: no sockets."""

import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from ipaddress import IPv6Address, ip_address
from types import MappingProxyType
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

HostClass: TypeAlias = Literal["production", "test", "loopback", "unknown"]
"""production: real money. test: the venue's play money. loopback: this machine. unknown: neither
the venue's own host nor this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Environment:
    """The addresses of one environment, without a path that the adapter adds itself.

    `rest_url` carries the futures API, `ws_api_url` requests over a WebSocket, `stream_url` the
    root of the streams, and `sapi_url` the questions about a key's rights. None: there is none,
    or (for `simulated`) it is known only when the venue has been started.
    """

    name: str
    rest_url: str | None = None
    ws_api_url: str | None = None
    stream_url: str | None = None
    sapi_url: str | None = None


ENVIRONMENTS: Mapping[str, Environment] = MappingProxyType(
    {
        environment.name: environment
        for environment in (
            Environment(name="simulated"),
            Environment(
                name="testnet",
                rest_url="https://testnet.binancefuture.com",
                ws_api_url="wss://testnet.binancefuture.com/ws-fapi/v1",
                stream_url="wss://fstream.binancefuture.com",
            ),
            # No WebSocket API host of its own is documented for the demo environment.
            Environment(
                name="demo",
                rest_url="https://demo-fapi.binance.com",
                ws_api_url="wss://testnet.binancefuture.com/ws-fapi/v1",
                stream_url="wss://demo-fstream.binance.com",
            ),
            Environment(
                name="production",
                rest_url="https://fapi.binance.com",
                ws_api_url="wss://ws-fapi.binance.com/ws-fapi/v1",
                stream_url="wss://fstream.binance.com",
                sapi_url="https://api.binance.com",
            ),
        )
    }
)
"""Name of an environment, and its addresses (fact sheet, base URLs)."""

TEST_DOMAINS = ("binancefuture.com", "testnet.binance.vision")
PRODUCTION_DOMAIN = "binance.com"
DEMO_PREFIX = "demo-"

_SCHEMES = frozenset({"http", "https", "ws", "wss"})


def host_class(url: str) -> HostClass:
    """What kind of host a URL names: what may be sent there follows from it.

    Whatever is below the venue's own domain and not known to be a test host is production, so that
    a host nobody has listed yet is treated as real money. A URL that two readers could read as two
    hosts (credentials, backslashes, blanks) is unknown.
    """
    host = _host(url)
    if host is None:
        return "unknown"
    if _is_loopback(host):
        return "loopback"
    if any(_is_below(host, domain) for domain in TEST_DOMAINS):
        return "test"
    if _is_below(host, PRODUCTION_DOMAIN):
        return "test" if host.startswith(DEMO_PREFIX) else "production"
    return "unknown"


def _host(url: str) -> str | None:
    """The host of a URL in its plain spelling; None where there is none, or more than one."""
    if any(character.isspace() or character in "\\@%" or character < " " for character in url):
        return None
    try:
        parts = urlsplit(url)
        host = parts.hostname
        _ = parts.port
    except ValueError:
        return None
    if parts.scheme not in _SCHEMES or not host:
        return None
    # Clients fold look-alikes such as full-width letters before they ask the name service.
    plain = unicodedata.normalize("NFKC", host).replace("。", ".").casefold()
    return plain.removesuffix(".") or None


def _is_loopback(host: str) -> bool:
    if host == "localhost":
        return True
    try:
        address = ip_address(host)
    except ValueError:
        return False
    if isinstance(address, IPv6Address) and address.ipv4_mapped is not None:
        return address.ipv4_mapped.is_loopback
    return address.is_loopback


def _is_below(host: str, domain: str) -> bool:
    return host == domain or host.endswith("." + domain)
