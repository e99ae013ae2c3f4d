"""Over real sockets, with a server that misbehaves in one way at a time."""

import asyncio
import datetime as dt
import gzip
import ssl
import zlib
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias

import pytest
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from goflat.domain.capabilities import Usage
from goflat.domain.secret import Secret
from goflat.errors import NotSent, SettingsError, Unanswered, VenueError
from goflat.venues.binance import requests
from goflat.venues.binance.requests import Request
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.transport import HttpTransport

KEY = "canary-key-5f3a9c"
SECRET = "canary-secret-77b1e0"
AT_MS = 1591702613943
READ = requests.positions()
OPEN_READ = requests.server_time()
CANCEL = Request(method="DELETE", path="/fapi/v1/allOpenOrders", weight=1)
ORDER = Request(method="POST", path="/fapi/v1/order", weight=0, params=(("symbol", "测试USDT"),))

Talk: TypeAlias = Callable[[asyncio.StreamReader, asyncio.StreamWriter], Awaitable[None]]


class Peer:
    """A server of one behaviour. Keeps the head of every request that reached it."""

    def __init__(self, talk: Callable[["Peer"], Talk]) -> None:
        self.heads: list[bytes] = []
        self.left: list[asyncio.Event] = []
        self.reached = asyncio.Event()
        self.url = ""
        self._talk = talk(self)

    async def head(self, reader: asyncio.StreamReader) -> bytes:
        head = await reader.readuntil(b"\r\n\r\n")
        self.heads.append(head)
        self.reached.set()
        return head

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        gone = asyncio.Event()
        self.left.append(gone)
        try:
            await self._talk(reader, writer)
        except (ConnectionError, asyncio.IncompleteReadError):
            pass
        finally:
            gone.set()
            writer.close()


@asynccontextmanager
async def listening(
    talk: Callable[[Peer], Talk], *, tls: ssl.SSLContext | None = None
) -> AsyncIterator[Peer]:
    peer = Peer(talk)
    server = await asyncio.start_server(peer.serve, "127.0.0.1", 0, ssl=tls)
    port = server.sockets[0].getsockname()[1]
    peer.url = f"{'https' if tls else 'http'}://127.0.0.1:{port}"
    try:
        yield peer
    finally:
        server.close()


@asynccontextmanager
async def transport_to(
    url: str, *, answer_seconds_max: float = 2.0, connect_seconds_max: float = 1.0
) -> AsyncIterator[HttpTransport]:
    made = HttpTransport(
        url,
        Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)),
        answer_seconds_max=answer_seconds_max,
        connect_seconds_max=connect_seconds_max,
    )
    try:
        yield made
    finally:
        await made.aclose()


def http(status: str = "200 OK", body: bytes = b"[]", *headers: str) -> bytes:
    lines = (f"HTTP/1.1 {status}", f"Content-Length: {len(body)}", *headers, "", "")
    return "\r\n".join(lines).encode() + body


def answering(*answers: bytes) -> Callable[[Peer], Talk]:
    """Answers one request after another on each connection, then keeps it open."""

    def of(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for answer in answers:
                await peer.head(reader)
                writer.write(answer)
            await reader.read()

        return talk

    return of


def dropping(answered: int) -> Callable[[Peer], Talk]:
    """Answers so many requests on each connection, and closes it when the next one has come."""

    def of(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            for _ in range(answered):
                await peer.head(reader)
                writer.write(http())
            await peer.head(reader)

        return talk

    return of


def saying(raw: bytes) -> Callable[[Peer], Talk]:
    """Says this after one request, and closes."""

    def of(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await peer.head(reader)
            writer.write(raw)
            await writer.drain()

        return talk

    return of


def mute(peer: Peer) -> Talk:
    async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
        await peer.head(reader)
        await reader.read()

    return talk


# What leaves


async def test_a_signed_request_is_sent_byte_for_byte_as_it_was_signed() -> None:
    async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
        await transport.send(ORDER, at_ms=AT_MS)

    line, *headers = peer.heads[0].decode().split("\r\n")
    query = f"symbol=%E6%B5%8B%E8%AF%95USDT&recvWindow=5000&timestamp={AT_MS}"
    signature = Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)).sign(query)
    assert line == f"POST /fapi/v1/order?{query}&signature={signature} HTTP/1.1"
    assert f"X-MBX-APIKEY: {KEY}" in headers
    assert "Content-Length: 0" in headers


async def test_an_open_question_carries_neither_key_nor_signature() -> None:
    async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
        await transport.send(OPEN_READ, at_ms=AT_MS)

    assert peer.heads[0].startswith(b"GET /fapi/v1/time HTTP/1.1\r\n")
    assert b"APIKEY" not in peer.heads[0].upper()
    assert KEY.encode() not in peer.heads[0]


async def test_no_proxy_is_asked_whatever_the_environment_says(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    for name in ("http_proxy", "HTTP_PROXY", "ALL_PROXY", "all_proxy"):
        monkeypatch.setenv(name, "http://127.0.0.1:1")
    async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
        assert (await transport.send(READ, at_ms=AT_MS)).status == 200


async def test_cookies_are_not_kept() -> None:
    answer = http("200 OK", b"[]", "Set-Cookie: a=b")
    async with listening(answering(answer, answer)) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        await transport.send(READ, at_ms=AT_MS)

    assert b"cookie" not in peer.heads[1].lower()


async def test_a_connection_is_used_again() -> None:
    async with listening(answering(http(), http())) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        await transport.send(ORDER, at_ms=AT_MS)

        assert (len(peer.heads), len(peer.left)) == (2, 1)


async def test_many_requests_at_once_wait_for_none_of_the_others() -> None:
    async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
        answers = await asyncio.gather(*(transport.send(READ, at_ms=AT_MS) for _ in range(50)))

        assert {answer.status for answer in answers} == {200}
        assert len(peer.left) == 50


# What comes back


async def test_an_answer_brings_its_status_its_body_and_the_venues_word_on_limits() -> None:
    headers = (
        "x-mbx-used-weight-1m: 37",
        "X-MBX-ORDER-COUNT-10S: 3",
        "X-MBX-ORDER-COUNT-1M: twelve",
        "Retry-After: 17",
    )
    async with (
        listening(answering(http("429 Too Many Requests", b"{}", *headers))) as peer,
        transport_to(peer.url) as transport,
    ):
        answer = await transport.send(READ, at_ms=AT_MS)

    assert (answer.status, answer.body, answer.retry_after_seconds) == (429, b"{}", 17.0)
    assert answer.usage == Usage(weight_per_minute=37, orders_per_ten_seconds=3)


async def test_a_packed_answer_is_unpacked() -> None:
    packed = http("200 OK", gzip.compress(b"[1]"), "Content-Encoding: gzip")
    async with listening(answering(packed)) as peer, transport_to(peer.url) as transport:
        assert (await transport.send(READ, at_ms=AT_MS)).body == b"[1]"

    assert b"Accept-Encoding: gzip\r\n" in peer.heads[0]


@pytest.mark.parametrize("status", ["301 Moved", "302 Found", "307 Again", "308 There"])
async def test_a_redirect_is_not_followed(status: str) -> None:
    async with listening(answering(http())) as elsewhere:
        answer = http(status, b"", f"Location: {elsewhere.url}/")
        async with listening(answering(answer)) as peer, transport_to(peer.url) as transport:
            assert (await transport.send(READ, at_ms=AT_MS)).status == int(status[:3])

        assert elsewhere.heads == []


# Nothing left


async def refused_url() -> str:
    server = await asyncio.start_server(lambda _r, _w: None, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    server.close()
    await server.wait_closed()
    return f"http://127.0.0.1:{port}"


async def test_a_refused_connection_means_that_nothing_was_sent() -> None:
    async with transport_to(await refused_url()) as transport:
        with pytest.raises(NotSent, match="no connection"):
            await transport.send(ORDER, at_ms=AT_MS)


async def test_a_handshake_that_never_ends_means_that_nothing_was_sent() -> None:
    def silent(_: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, _: asyncio.StreamWriter) -> None:
            await reader.read()

        return talk

    async with listening(silent) as peer:
        url = peer.url.replace("http:", "https:")
        async with transport_to(url, connect_seconds_max=0.1) as transport:
            with pytest.raises(NotSent):
                await transport.send(ORDER, at_ms=AT_MS)


async def test_a_certificate_that_nobody_vouches_for_means_that_nothing_was_sent(
    tmp_path: Path,
) -> None:
    async with (
        listening(answering(http()), tls=self_signed(tmp_path)) as peer,
        transport_to(peer.url) as transport,
    ):
        with pytest.raises(NotSent, match="Certificate"):
            await transport.send(ORDER, at_ms=AT_MS)

        assert peer.heads == []


async def test_a_name_that_does_not_exist_means_that_nothing_was_sent() -> None:
    async with transport_to("https://no-such-host.invalid") as transport:
        with pytest.raises(NotSent):
            await transport.send(ORDER, at_ms=AT_MS)


def self_signed(directory: Path) -> ssl.SSLContext:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "127.0.0.1")])
    start = dt.datetime.now(dt.UTC) - dt.timedelta(days=1)
    certificate = (
        x509.CertificateBuilder(name, name, key.public_key(), x509.random_serial_number())
        .not_valid_before(start)
        .not_valid_after(start + dt.timedelta(days=2))
        .sign(key, hashes.SHA256())
    )
    pem = directory / "server.pem"
    pem.write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
        + certificate.public_bytes(serialization.Encoding.PEM)
    )
    context = ssl.create_default_context(ssl.Purpose.CLIENT_AUTH)
    context.load_cert_chain(pem)
    return context


# It left, and nothing that we understand came back


BROKEN_ANSWERS = {
    "nothing": b"",
    "half a head": b"HTTP/1.1 200 OK\r\nContent-Le",
    "half a body": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n[",
    "half a chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\n[",
    "no HTTP": b"SSH-2.0-OpenSSH_9.2\r\n\r\n",
    "a head without end": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 100_000,
    "a bad length": b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\n",
    "bad packing": http("200 OK", b"not packed at all", "Content-Encoding: gzip"),
}


@pytest.mark.parametrize("answer", BROKEN_ANSWERS.values(), ids=BROKEN_ANSWERS)
async def test_a_broken_answer_to_an_order_leaves_open_what_happened(answer: bytes) -> None:
    async with listening(saying(answer)) as peer, transport_to(peer.url) as transport:
        with pytest.raises(Unanswered) as open_end:
            await transport.send(ORDER, at_ms=AT_MS)

        assert len(peer.heads) == 1
        assert "signature" not in str(open_end.value)


async def test_a_reset_connection_leaves_open_what_happened() -> None:
    def resetting(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await peer.head(reader)
            writer.transport.abort()

        return talk

    async with listening(resetting) as peer, transport_to(peer.url) as transport:
        with pytest.raises(Unanswered, match="broke"):
            await transport.send(ORDER, at_ms=AT_MS)

        assert len(peer.heads) == 1


async def test_silence_leaves_open_what_happened() -> None:
    async with (
        listening(mute) as peer,
        transport_to(peer.url, answer_seconds_max=0.1) as transport,
    ):
        with pytest.raises(Unanswered, match="in time"):
            await transport.send(ORDER, at_ms=AT_MS)


def _endless(peer: Peer) -> Talk:
    async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await peer.head(reader)
        writer.write(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
        while True:
            writer.write(b"10000\r\n" + b" " * 0x10000 + b"\r\n")
            await writer.drain()

    return talk


def _bomb() -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    packed = b"".join(packer.compress(b" " * 2**20) for _ in range(64)) + packer.flush()
    assert len(packed) < 2**17
    return http("200 OK", packed, "Content-Encoding: gzip")


@pytest.mark.parametrize(
    "talk",
    [
        _endless,
        answering(http("200 OK", b" " * 200_000)),
        answering(_bomb()),
    ],
    ids=["chunks without end", "a long body", "a packed bomb"],
)
async def test_an_answer_is_read_no_further_than_it_may_be_long(
    talk: Callable[[Peer], Talk],
) -> None:
    short = Request(method="GET", path="/", weight=1, answer_bytes_max=100_000)
    async with listening(talk) as peer, transport_to(peer.url) as transport:
        with pytest.raises(Unanswered, match="100000 bytes"):
            await transport.send(short, at_ms=AT_MS)
        # The connection went with it, so the server is rid of us as well.
        await asyncio.wait_for(peer.left[0].wait(), 1)


# A kept connection that was dropped


async def test_an_order_on_a_dropped_connection_is_never_sent_twice() -> None:
    async with listening(dropping(1)) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        with pytest.raises(Unanswered):
            await transport.send(ORDER, at_ms=AT_MS)

        assert [head[:4] for head in peer.heads] == [b"GET ", b"POST"]


@pytest.mark.parametrize("request_", [READ, CANCEL], ids=["read", "cancel"])
async def test_a_read_or_a_cancel_on_a_dropped_connection_goes_once_more_and_no_more(
    request_: Request,
) -> None:
    async with listening(dropping(1)) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        assert (await transport.send(request_, at_ms=AT_MS)).status == 200
        assert len(peer.heads) == 3

    async with listening(dropping(0)) as peer, transport_to(peer.url) as transport:
        with pytest.raises(Unanswered):
            await transport.send(request_, at_ms=AT_MS)
        assert len(peer.heads) == 2


async def test_an_answer_that_nobody_asked_for_is_not_taken_for_the_next_one() -> None:
    said = asyncio.Event()

    def eager(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            await peer.head(reader)
            writer.write(http("200 OK", b"[1]"))
            await said.wait()
            writer.write(http("200 OK", b"[]"))
            await writer.drain()
            await reader.read()

        return talk

    async with listening(eager) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        said.set()
        await asyncio.sleep(0.02)

        assert (await transport.send(READ, at_ms=AT_MS)).body == b"[1]"
        assert len(peer.left) == 2


# The caller ends it


async def test_a_cancelled_request_leaves_nothing_behind() -> None:
    async with listening(mute) as peer, transport_to(peer.url) as transport:
        before = asyncio.all_tasks()
        sending = asyncio.create_task(transport.send(ORDER, at_ms=AT_MS))
        await peer.reached.wait()
        sending.cancel()
        with pytest.raises(asyncio.CancelledError):
            await sending

        await asyncio.wait_for(peer.left[0].wait(), 1)
        await asyncio.sleep(0)
        ours = {task for task in asyncio.all_tasks() - before if "Peer" not in repr(task)}
        assert ours == set()


async def test_a_cancelled_request_spoils_no_other() -> None:
    def slow_body_first(peer: Peer) -> Talk:
        async def talk(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
            head = await peer.head(reader)
            if b"/fapi/v1/order" in head:
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n[")
                await reader.read()
            writer.write(http("200 OK", b"[2]"))
            await reader.read()

        return talk

    async with listening(slow_body_first) as peer, transport_to(peer.url) as transport:
        sending = asyncio.create_task(transport.send(ORDER, at_ms=AT_MS))
        await peer.reached.wait()
        await asyncio.sleep(0.01)
        sending.cancel()
        answer = await transport.send(READ, at_ms=AT_MS)

        assert answer.body == b"[2]"
        assert sending.cancelled()


# Closing, and addresses


async def test_closing_twice_is_as_good_as_once_and_then_nothing_is_sent() -> None:
    async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
        await transport.send(READ, at_ms=AT_MS)
        await transport.aclose()
        await transport.aclose()
        with pytest.raises(NotSent, match="closed"):
            await transport.send(READ, at_ms=AT_MS)

        assert len(peer.heads) == 1


async def test_closing_ends_what_is_under_way_in_one_of_the_four_ways() -> None:
    async with listening(mute) as peer, transport_to(peer.url) as transport:
        sending = asyncio.create_task(transport.send(ORDER, at_ms=AT_MS))
        await peer.reached.wait()
        await transport.aclose()

        with pytest.raises(VenueError):
            await asyncio.wait_for(sending, 1)


@pytest.mark.parametrize(
    "url",
    [
        "http://fapi.binance.com",
        "http://10.0.0.1",
        "ws://127.0.0.1",
        "fapi.binance.com",
        "https://user:word@fapi.binance.com",
        "https://fapi.binance.com?x=1",
        "https://fapi.binance.com#x",
        "https://[::1",
        "https://",
        "https://fapi.binance.com:port",
        "",
    ],
)
def test_an_address_that_is_open_or_not_plain_is_refused(url: str) -> None:
    with pytest.raises(SettingsError):
        HttpTransport(url, Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET)))


async def test_an_address_may_be_a_name() -> None:
    async with listening(answering(http())) as peer:
        url = peer.url.replace("127.0.0.1", "localhost")
        async with transport_to(url) as transport:
            assert (await transport.send(OPEN_READ, at_ms=AT_MS)).status == 200


async def test_an_address_may_have_a_path_of_its_own() -> None:
    async with listening(answering(http())) as peer, transport_to(peer.url + "/x/") as transport:
        await transport.send(OPEN_READ, at_ms=AT_MS)

    assert peer.heads[0].startswith(b"GET /x/fapi/v1/time ")


async def test_no_failure_gives_away_key_secret_or_signature() -> None:
    urls = [await refused_url()]
    said: list[str] = []
    for answer in BROKEN_ANSWERS.values():
        async with listening(saying(answer)) as peer, transport_to(peer.url) as transport:
            with pytest.raises(VenueError) as failure:
                await transport.send(ORDER, at_ms=AT_MS)
            said.append(repr(failure.value))
    for url in urls:
        async with transport_to(url) as transport:
            with pytest.raises(VenueError) as failure:
                await transport.send(ORDER, at_ms=AT_MS)
            said.append(repr(failure.value))
            assert failure.value.__suppress_context__

    for text in said:
        assert "canary" not in text
        assert "timestamp" not in text


def test_uvloop_carries_requests_as_well() -> None:
    uvloop = pytest.importorskip("uvloop")

    async def main() -> int:
        async with listening(answering(http())) as peer, transport_to(peer.url) as transport:
            return (await transport.send(READ, at_ms=AT_MS)).status

    assert uvloop.run(main()) == 200


def test_a_transport_outlives_the_loop_in_which_it_was_used_first() -> None:
    made = HttpTransport(
        "http://127.0.0.1:1", Credentials(api_key=Secret(KEY), api_secret=Secret(SECRET))
    )

    async def refused() -> None:
        with pytest.raises(NotSent, match="no connection"):
            await made.send(READ, at_ms=AT_MS)

    asyncio.run(refused())
    asyncio.run(refused())
