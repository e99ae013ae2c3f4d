"""Requests over HTTP: with `names`, all of this venue that touches the network.

What aiohttp would do by itself is decided here. It follows no redirect, asks no proxy, keeps no
cookie, reads no more than it was told to, and takes nothing that was not asked for. One thing it
does remains: it sends a GET or DELETE once more when a kept connection turns out to be closed,
which is harmless for reads and cancels. Whatever places an order is a POST, and a POST is never
sent twice.
"""

import asyncio
import contextlib
from collections.abc import Mapping

import aiohttp
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.tracing import Trace
from yarl import URL

from goflat import __version__
from goflat.errors import NotSent, SettingsError, Unanswered
from goflat.venues.binance.answers import Answer
from goflat.venues.binance.environments import host_class
from goflat.venues.binance.limits import retry_after_seconds, usage_of
from goflat.venues.binance.names import Names
from goflat.venues.binance.requests import Params, Request
from goflat.venues.binance.signing import Credentials, encoded

CONNECT_SECONDS_MAX = 3.0
"""How long a connection may take, name service and TLS included."""
ANSWER_SECONDS_MAX = 10.0
"""How long a whole request may take, where its caller does not end it sooner."""
CLOSE_SECONDS_MAX = 0.5
NAME_SECONDS = 300
"""How long an address that the name service gave is used again."""

_NEVER_LEFT = (
    aiohttp.ClientConnectorError,
    aiohttp.ConnectionTimeoutError,
    aiohttp.ServerFingerprintMismatch,
    aiohttp.InvalidURL,
)


class _Connections(aiohttp.TCPConnector):
    """Kept connections, and none on which something came that nobody had asked for.

    aiohttp takes such bytes for the answer to the next request, which would then be an answer from
    before it was asked.
    """

    async def _get(self, key: ConnectionKey, traces: list[Trace]) -> Connection | None:
        while (kept := await super()._get(key, traces)) is not None:
            if kept.protocol is not None and not kept.protocol.should_close:
                return kept
            kept.close()
        return None


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
        self._base_url = _checked(base_url)
        self._credentials = credentials
        self._timeout = aiohttp.ClientTimeout(total=answer_seconds_max, connect=connect_seconds_max)
        self._session: aiohttp.ClientSession | None = None
        self._is_closed = False

    async def send(self, request: Request, *, at_ms: int) -> Answer:
        """Send one request, signed for the venue's time `at_ms`, and bring back the answer.

        Raises:
            NotSent: no connection came about, so nothing left.
            Unanswered: the request may have left, and no whole answer came back.
        """
        session = self._opened()
        url, headers = self._addressed(request, at_ms)
        try:
            return await _exchange(session, request, url, headers)
        # The texts of these exceptions hold the signed URL, so only their names go on.
        except _NEVER_LEFT as error:
            raise NotSent(f"no connection to the venue: {_name_of(error)}") from None
        except TimeoutError as error:
            raise Unanswered(f"no answer in time: {_name_of(error)}") from None
        except (aiohttp.ClientError, OSError) as error:
            raise Unanswered(f"the connection broke: {_name_of(error)}") from None

    async def aclose(self) -> None:
        """Let go of every connection. Never raises, and takes no more than half a second."""
        self._is_closed = True
        session, self._session = self._session, None
        if session is not None:
            with contextlib.suppress(TimeoutError, OSError, aiohttp.ClientError):
                async with asyncio.timeout(CLOSE_SECONDS_MAX):
                    await session.close()

    def _opened(self) -> aiohttp.ClientSession:
        """The session, made at the first request, because it belongs to the running loop."""
        if self._is_closed:
            raise NotSent("the connections to the venue are closed")
        if self._session is None:
            self._session = aiohttp.ClientSession(
                connector=_Connections(limit=0, resolver=Names(), ttl_dns_cache=NAME_SECONDS),
                cookie_jar=aiohttp.DummyCookieJar(),
                headers={
                    "User-Agent": f"goflat/{__version__}",
                    "Accept": "application/json",
                    "Accept-Encoding": "gzip",
                },
                timeout=self._timeout,
                trust_env=False,
            )
        return self._session

    def _addressed(self, request: Request, at_ms: int) -> tuple[URL, Mapping[str, str]]:
        address = f"{self._base_url}{request.path}"
        if request.window_ms is None:
            query, headers = encoded(request.params), {}
        else:
            params = (*request.params, *_window(request.window_ms, at_ms))
            query, headers = self._credentials.signed(params), self._credentials.headers()
        # Already encoded: what is sent must be, byte for byte, what was signed.
        return URL(f"{address}?{query}" if query else address, encoded=True), headers


async def _exchange(
    session: aiohttp.ClientSession, request: Request, url: URL, headers: Mapping[str, str]
) -> Answer:
    async with session.request(
        request.method, url, headers=headers, allow_redirects=False
    ) as response:
        body = await _body(response, request.answer_bytes_max)
        return Answer(
            status=response.status,
            body=body,
            usage=usage_of(response.headers),
            retry_after_seconds=retry_after_seconds(response.headers),
        )


async def _body(response: aiohttp.ClientResponse, bytes_max: int) -> bytes:
    """The whole body, unpacked piece by piece, and no further than it may be long."""
    pieces: list[bytes] = []
    size = 0
    async for piece in response.content.iter_any():
        size += len(piece)
        if size > bytes_max:
            response.close()
            raise Unanswered(f"an answer of more than {bytes_max} bytes")
        pieces.append(piece)
    return b"".join(pieces)


def _window(window_ms: int, at_ms: int) -> Params:
    return (("recvWindow", str(window_ms)), ("timestamp", str(at_ms)))


def _checked(base_url: str) -> str:
    """An address without its last slash: encrypted, or on this machine. Raises SettingsError."""
    try:
        url = URL(base_url)
    except ValueError:
        raise SettingsError("a venue's address is a URL with a host in it") from None
    if url.scheme != "https" and not (url.scheme == "http" and host_class(base_url) == "loopback"):
        raise SettingsError("a venue's address begins with https://, or http:// on this machine")
    if not url.host or url.query_string or url.fragment or url.user or url.password:
        raise SettingsError("a venue's address has a host, and no query, fragment or user in it")
    return str(url).rstrip("/")


def _name_of(error: BaseException) -> str:
    """What kind of failure it was, without anything that could carry a secret."""
    cause = getattr(error, "os_error", error)
    reason = getattr(cause, "strerror", None)
    name = type(error).__name__
    return f"{name} ({reason})" if isinstance(reason, str) and reason else name
