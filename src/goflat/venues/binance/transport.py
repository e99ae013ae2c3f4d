"""Requests over HTTP: with `wire` and `names`, all of this venue that touches the network.

It follows no redirect, asks no proxy, keeps no cookie, and reads no more than it was told to. A
read or a cancel whose connection ends before an answer began goes out once more, which harms
nothing. Whatever places an order is a POST, and a POST is never sent twice.
"""

import asyncio
import ipaddress
import ssl
from typing import NamedTuple
from urllib.parse import SplitResult, urlsplit

from goflat import __version__
from goflat.errors import NotSent, SettingsError, Unanswered
from goflat.venues.binance.answers import Answer
from goflat.venues.binance.environments import host_class
from goflat.venues.binance.limits import retry_after_seconds, usage_of
from goflat.venues.binance.names import Names
from goflat.venues.binance.requests import Params, Request
from goflat.venues.binance.signing import Credentials, encoded
from goflat.venues.binance.wire import BrokenWireError, Reply, Wire

CONNECT_SECONDS_MAX = 3.0
"""How long a connection may take, name service and TLS included."""
ANSWER_SECONDS_MAX = 10.0
"""How long a whole request may take, where its caller does not end it sooner."""
CLOSE_SECONDS_MAX = 0.5
WIRES_MAX = 160
"""Connections at once. Whoever comes then waits for one to be free, which takes a round trip and
so less than a new one takes. Many systems give a process 256 descriptors, and many servers have
room for no more than some hundred who knock at the same time."""


class _Address(NamedTuple):
    """Where the venue is, and the part of every request that never changes."""

    host: str
    port: int
    path: str
    tls: ssl.SSLContext | None
    headers: str


class HttpTransport:
    """Signed requests to one address over HTTP/1.1, on connections that are kept.

    Raises:
        SettingsError: the address is no plain http(s) URL, or unencrypted and not this machine.
    """

    def __init__(
        self,
        base_url: str,
        credentials: Credentials,
        *,
        answer_seconds_max: float = ANSWER_SECONDS_MAX,
        connect_seconds_max: float = CONNECT_SECONDS_MAX,
    ) -> None:
        self._address = _address(base_url)
        self._credentials = credentials
        self._answer_seconds_max = answer_seconds_max
        self._connect_seconds_max = connect_seconds_max
        self._wires: set[Wire] = set()
        self._idle: list[Wire] = []
        self._names: Names | None = None
        self._places = asyncio.Semaphore(WIRES_MAX)
        self._loop: asyncio.AbstractEventLoop | None = None
        self._is_closed = False

    async def send(self, request: Request, *, at_ms: int) -> Answer:
        """Send one request, signed for the venue's time `at_ms`, and bring back the answer.

        Raises:
            NotSent: no connection came about, so nothing left.
            Unanswered: the request may have left, and no whole answer came back.
        """
        self._belong_here()
        head = self._head(request, at_ms)
        try:
            reply = await self._ask(request, head)
        except BrokenWireError as error:
            if request.method == "POST" or error.has_begun or self._is_closed:
                raise Unanswered(error.reason) from None
            reply = await self._ask_again(request, head)
        return Answer(
            status=reply.status,
            body=reply.body,
            usage=usage_of(reply.headers),
            retry_after_seconds=retry_after_seconds(reply.headers),
        )

    async def aclose(self) -> None:
        """Let go of every connection. Never raises."""
        self._is_closed = True
        self._drop_all()

    async def _ask_again(self, request: Request, head: bytes) -> Reply:
        try:
            return await self._ask(request, head)
        except BrokenWireError as error:
            raise Unanswered(error.reason) from None

    async def _ask(self, request: Request, head: bytes) -> Reply:
        async with self._places:
            return await self._ask_on_a_wire(request, head)

    async def _ask_on_a_wire(self, request: Request, head: bytes) -> Reply:
        wire = self._free_wire() or await self._connected()
        try:
            reply = await wire.ask(
                head,
                bytes_max=request.answer_bytes_max,
                seconds_max=self._answer_seconds_max,
            )
        except TimeoutError:
            raise Unanswered("no answer in time") from None
        finally:
            if wire.is_free:
                self._idle.append(wire)
            else:
                self._wires.discard(wire)
        return reply

    # Connections

    def _belong_here(self) -> None:
        """Connections belong to one event loop; in another one there are none yet."""
        if self._is_closed:
            raise NotSent("the connections to the venue are closed")
        loop = asyncio.get_running_loop()
        if loop is self._loop:
            return
        if self._loop is not None and not self._loop.is_closed():
            self._drop_all()
        self._loop, self._names, self._places = loop, Names(), asyncio.Semaphore(WIRES_MAX)
        self._wires, self._idle = set(), []

    def _drop_all(self) -> None:
        for wire in tuple(self._wires):
            wire.end()
        self._idle.clear()
        self._wires.clear()

    def _free_wire(self) -> Wire | None:
        while self._idle:
            wire = self._idle.pop()
            if wire.is_free:
                return wire
            self._wires.discard(wire)
        return None

    async def _connected(self) -> Wire:
        """A new connection. The texts of failures name their kind and nothing else."""
        try:
            async with asyncio.timeout(self._connect_seconds_max):
                wire = await self._first_that_connects()
        except ssl.SSLCertVerificationError:
            raise NotSent("no connection to the venue: Certificate not trusted") from None
        except TimeoutError:
            raise NotSent("no connection to the venue: not in time") from None
        except OSError as error:
            said = error.strerror or type(error).__name__
            raise NotSent(f"no connection to the venue: {said}") from None
        if self._is_closed:
            wire.end()
            raise NotSent("the connections to the venue are closed")
        self._wires.add(wire)
        return wire

    async def _first_that_connects(self) -> Wire:
        """Try the addresses of the host in turn; one that hangs leaves time for the next."""
        addresses = await self._addresses()
        share = self._connect_seconds_max / (len(addresses) + 1)
        for address in addresses[:-1]:
            try:
                async with asyncio.timeout(share):
                    return await self._connect(address)
            except (OSError, TimeoutError):
                continue
        return await self._connect(addresses[-1])

    async def _addresses(self) -> list[str]:
        host = self._address.host
        try:
            return [str(ipaddress.ip_address(host))]
        except ValueError:
            assert self._names is not None
            found = await self._names.resolve(host, self._address.port)
        return [entry["host"] for entry in found]

    async def _connect(self, address: str) -> Wire:
        loop = asyncio.get_running_loop()
        tls = self._address.tls
        name = None if tls is None else self._address.host
        _, wire = await loop.create_connection(
            Wire, address, self._address.port, ssl=tls, server_hostname=name
        )
        return wire

    # What leaves

    def _head(self, request: Request, at_ms: int) -> bytes:
        """The bytes of a request. What is sent is, byte for byte, what was signed."""
        headers = self._address.headers
        if request.window_ms is None:
            query = encoded(request.params)
        else:
            query = self._credentials.signed((*request.params, *_window(request.window_ms, at_ms)))
            signed = self._credentials.headers().items()
            headers += "".join(f"{name}: {value}\r\n" for name, value in signed)
        if request.method == "POST":
            headers += "Content-Length: 0\r\n"
        target = f"{self._address.path}{request.path}" + (f"?{query}" if query else "")
        return f"{request.method} {target} HTTP/1.1\r\n{headers}\r\n".encode("ascii")


def _window(window_ms: int, at_ms: int) -> Params:
    return (("recvWindow", str(window_ms)), ("timestamp", str(at_ms)))


def _address(base_url: str) -> _Address:
    """The parts of an address: encrypted, or on this machine. Raises SettingsError."""
    url = _checked(base_url)
    assert url.hostname is not None
    is_open = url.scheme == "http"
    port = url.port or (80 if is_open else 443)
    headers = (
        f"Host: {url.netloc}",
        f"User-Agent: goflat/{__version__}",
        "Accept: application/json",
        "Accept-Encoding: gzip",
        "",
    )
    return _Address(
        host=url.hostname,
        port=port,
        path=url.path.rstrip("/"),
        # Made here and not at the first request: it takes some 30 ms.
        tls=None if is_open else ssl.create_default_context(),
        headers="\r\n".join(headers),
    )


def _checked(base_url: str) -> SplitResult:
    try:
        url = urlsplit(base_url)
        host, _ = url.hostname, url.port
    except ValueError:
        raise SettingsError("a venue's address is a URL with a host in it") from None
    if url.scheme != "https" and not (url.scheme == "http" and host_class(base_url) == "loopback"):
        raise SettingsError("a venue's address begins with https://, or http:// on this machine")
    extras = (url.query, url.fragment, url.username, url.password)
    if not host or any(extras) or not base_url.isascii():
        raise SettingsError("a venue's address has a host, and no query, fragment or user in it")
    return url
