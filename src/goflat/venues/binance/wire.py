"""One connection to the venue: one request at a time, and its whole answer or none.

HTTP is understood by httptools; what a connection does about an answer is decided here. Bytes that
nobody asked for end it, because they would be taken for the answer to the next request.
"""

import asyncio
import zlib
from typing import NamedTuple, cast

import httptools

HEAD_BYTES_MAX = 64 * 2**10
_GZIP = 16 + zlib.MAX_WBITS


class Reply(NamedTuple):
    """An answer as it came: names of headers in lower case, the body unpacked."""

    status: int
    headers: dict[str, str]
    body: bytes


class BrokenWireError(Exception):
    """No whole answer came. `has_begun`: some of it did."""

    def __init__(self, reason: str, *, has_begun: bool) -> None:
        super().__init__(reason)
        self.reason = reason
        self.has_begun = has_begun


class Wire(asyncio.Protocol):
    """A connection. `is_free` says whether it may carry another request."""

    def __init__(self) -> None:
        self._transport: asyncio.Transport | None = None
        self._loop = asyncio.get_running_loop()
        self._reply: asyncio.Future[Reply] | None = None
        self._reading: _Reading | None = None
        self._limit: asyncio.TimerHandle | None = None
        self.is_free = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        # Not every loop's transports are of asyncio's class.
        self._transport = cast("asyncio.Transport", transport)
        self.is_free = True

    async def ask(self, request: bytes, *, bytes_max: int, seconds_max: float) -> Reply:
        """Send a request and wait for its whole answer. Cancelled, it ends the connection.

        Raises:
            BrokenWireError: the connection ended, or what came was no answer.
            TimeoutError: `seconds_max` went by.
        """
        assert self._transport is not None
        assert self.is_free
        self.is_free = False
        self._reply = self._loop.create_future()
        self._reading = _Reading(bytes_max)
        self._limit = self._loop.call_later(seconds_max, self._late)
        self._transport.write(request)
        try:
            return await self._reply
        except asyncio.CancelledError:
            self.end()
            raise
        finally:
            self._limit.cancel()

    def data_received(self, data: bytes) -> None:
        reading = self._reading
        if reading is None:
            self.end()
            return
        reading.feed(data)
        if reading.fault is not None:
            self._fail(reading.fault)
        elif reading.is_whole:
            self._finish(reading)

    def _finish(self, reading: "_Reading") -> None:
        self._reading = None
        self.is_free = reading.keeps_open
        if not self.is_free:
            self.end()
        if self._reply is not None and not self._reply.done():
            self._reply.set_result(reading.reply())

    def connection_lost(self, exc: Exception | None) -> None:
        reason = "the other side ended it" if exc is None else type(exc).__name__
        self._fail(f"the connection broke: {reason}")

    def _late(self) -> None:
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(TimeoutError())
        self.end()

    def _fail(self, reason: str) -> None:
        has_begun = self._reading is not None and self._reading.has_begun
        if self._reply is not None and not self._reply.done():
            self._reply.set_exception(BrokenWireError(reason, has_begun=has_begun))
        self.end()

    def end(self) -> None:
        """Let go of the connection, with whatever is under way on it."""
        self.is_free = False
        self._reading = None
        if self._transport is not None:
            self._transport.abort()


class _Reading:
    """One answer as it comes in. The names of its methods are those that httptools calls."""

    def __init__(self, bytes_max: int) -> None:
        self.fault: str | None = None
        self.is_whole = False
        self.has_begun = False
        self.keeps_open = False
        self._bytes_max = bytes_max
        self._parser = httptools.HttpResponseParser(self)
        self._head_bytes = 0
        self._has_head = False
        self._status = 0
        self._headers: dict[str, str] = {}
        self._unpacker: zlib._Decompress | None = None
        self._body = bytearray()

    def feed(self, data: bytes) -> None:
        self.has_begun = True
        if not self._has_head:
            self._head_bytes += len(data)
        try:
            self._parser.feed_data(data)
        except httptools.HttpParserError:
            self.fault = self.fault or "the connection broke: what came was no HTTP"
        if not self._has_head and self._head_bytes > HEAD_BYTES_MAX:
            self.fault = "the connection broke: a head without end"

    def reply(self) -> Reply:
        return Reply(self._status, self._headers, bytes(self._body))

    def on_header(self, name: bytes, value: bytes) -> None:
        if self.is_whole:
            return
        self._headers[name.decode("latin-1").lower()] = value.decode("latin-1")

    def on_headers_complete(self) -> None:
        if self.is_whole:
            return
        self._status = self._parser.get_status_code()
        self._has_head = True
        packing = self._headers.get("content-encoding", "identity").strip().lower()
        if packing == "gzip":
            self._unpacker = zlib.decompressobj(_GZIP)
        elif packing != "identity":
            self.fault = "an answer packed in a way that was not asked for"

    def on_body(self, piece: bytes) -> None:
        if self.is_whole or self.fault is not None:
            return
        if self._unpacker is None:
            self._body += piece
        else:
            room = self._bytes_max - len(self._body) + 1
            try:
                self._body += self._unpacker.decompress(piece, room)
            except zlib.error:
                self.fault = "the connection broke: an answer that could not be unpacked"
        if len(self._body) > self._bytes_max:
            self.fault = f"an answer of more than {self._bytes_max} bytes"

    def on_message_complete(self) -> None:
        if self.is_whole:
            return
        if 100 <= self._status < 200:
            self._headers.clear()
            self._has_head = False
            return
        if self._unpacker is not None and not self._unpacker.eof and self._body:
            self.fault = self.fault or "the connection broke: a packed answer without its end"
        self.is_whole = True
        self.keeps_open = bool(self._parser.should_keep_alive())

    def on_message_begin(self) -> None:
        if self.is_whole:
            # A second answer behind the first: this one is taken, the connection is not kept.
            self.keeps_open = False
