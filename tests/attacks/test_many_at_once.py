"""More to do at once than a process has descriptors for."""

import asyncio

from goflat.domain.secret import Secret
from goflat.venues.binance import requests
from goflat.venues.binance.signing import Credentials
from goflat.venues.binance.transport import WIRES_MAX, HttpTransport


class CountingServer:
    """Answers every request after a moment, and counts who is connected at the same time."""

    def __init__(self) -> None:
        self.now = self.most = self.answered = 0

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.now += 1
        self.most = max(self.most, self.now)
        try:
            while await reader.readuntil(b"\r\n\r\n"):
                await asyncio.sleep(0.01)
                writer.write(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
                self.answered += 1
        except (asyncio.IncompleteReadError, ConnectionError):
            writer.close()
        finally:
            self.now -= 1


async def test_three_hundred_requests_at_once_share_the_connections_that_a_process_may_have() -> (
    None
):
    counting = CountingServer()
    server = await asyncio.start_server(counting.serve, "127.0.0.1", 0, backlog=512)
    port = server.sockets[0].getsockname()[1]
    key = Credentials(api_key=Secret("k" * 20), api_secret=Secret("s" * 20))
    transport = HttpTransport(f"http://127.0.0.1:{port}", key)
    try:
        sent = (transport.send(requests.positions(), at_ms=1) for _ in range(300))
        answers = await asyncio.gather(*sent)
    finally:
        await transport.aclose()
        server.close()
    assert {answer.status for answer in answers} == {200}
    assert counting.answered == 300
    assert counting.most <= WIRES_MAX
