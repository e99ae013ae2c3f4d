"""HTTP/1.1 with as little as possible between the bytes and the socket.

No client for use: it understands one kind of answer, and takes whatever else for an error.
"""

import asyncio
import hashlib
import hmac
import sys
import time
from urllib.parse import urlencode, urlsplit

from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET

WINDOW_MS = 60_000
"""The longest that the venue allows: requests are signed before the clock starts."""
NOT_KNOWN = sys.maxsize
STATUS = slice(9, 12)
_HEAD_END = b"\r\n\r\n"
_LENGTH = b"content-length: "


class WireError(Exception):
    """The venue's answer was no, or the connection ended."""


class Wire(asyncio.Protocol):
    """One connection, one request at a time."""

    def __init__(self) -> None:
        self._received = bytearray()
        self._length = NOT_KNOWN
        self._answer: asyncio.Future[int] | None = None
        self._transport: asyncio.Transport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport

    def ask(self, request: bytes) -> "asyncio.Future[int]":
        """Send a request. The result is its status, once the whole answer is there."""
        assert self._transport is not None
        self._received.clear()
        self._length = NOT_KNOWN
        self._answer = asyncio.get_running_loop().create_future()
        self._transport.write(request)
        return self._answer

    def data_received(self, data: bytes) -> None:
        self._received += data
        if self._length == NOT_KNOWN:
            self._length = length_of(self._received)
        if self._answer is None or self._answer.done() or len(self._received) < self._length:
            return
        self._answer.set_result(int(self._received[STATUS]))

    def connection_lost(self, exc: Exception | None) -> None:
        if self._answer is not None and not self._answer.done():
            self._answer.set_exception(exc or WireError("the connection ended"))

    def close(self) -> None:
        if self._transport is not None:
            self._transport.close()


def length_of(answer: bytearray) -> int:
    """How long an answer is, head and body, in bytes; NOT_KNOWN while its head is not whole."""
    end = answer.find(_HEAD_END)
    if end < 0:
        return NOT_KNOWN
    head = bytes(answer[:end]).lower() + b"\r"
    start = head.index(_LENGTH) + len(_LENGTH)
    return end + len(_HEAD_END) + int(head[start : head.index(b"\r", start)])


class Wires:
    """Connections to one address; as many as there are requests under way."""

    def __init__(self, rest_url: str) -> None:
        parts = urlsplit(rest_url)
        assert parts.hostname is not None
        assert parts.port is not None
        self._host, self._port = parts.hostname, parts.port
        self._idle: list[Wire] = []
        self._all: list[Wire] = []

    async def warm(self, count: int) -> None:
        """Open so many connections now."""
        self._idle += await asyncio.gather(*(self._connected() for _ in range(count)))

    async def ask(self, request: bytes) -> None:
        """Send a request on a free connection, or a new one. Raises WireError on a no."""
        wire = self._idle.pop() if self._idle else await self._connected()
        status = await wire.ask(request)
        self._idle.append(wire)
        if status != 200:
            raise WireError(f"the venue answered {status}")

    def close(self) -> None:
        for wire in self._all:
            wire.close()

    async def _connected(self) -> Wire:
        loop = asyncio.get_running_loop()
        _, wire = await loop.create_connection(Wire, self._host, self._port)
        self._all.append(wire)
        return wire


def open_request(method: str, path: str) -> bytes:
    """The bytes of a request that needs no signature."""
    head = f"{method} {path} HTTP/1.1\r\nHost: venue\r\nX-MBX-APIKEY: {TEST_API_KEY}\r\n\r\n"
    return head.encode()


def signed_request(method: str, path: str, **params: str) -> bytes:
    """The bytes of a request, signed now."""
    timed = {**params, "recvWindow": WINDOW_MS, "timestamp": time.time_ns() // 1_000_000}
    query = urlencode(timed)
    signature = hmac.new(TEST_API_SECRET.encode(), query.encode(), hashlib.sha256).hexdigest()
    return open_request(method, f"{path}?{query}&signature={signature}")
