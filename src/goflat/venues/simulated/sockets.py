"""The WebSocket doors: the request API, and the streams."""

import asyncio
from collections.abc import Awaitable, Callable
from contextlib import suppress
from functools import partial
from typing import TypeAlias
from urllib.parse import parse_qsl, unquote

import msgspec
from aiohttp import WSMsgType, web

from goflat.venues.simulated.exchange import Exchange
from goflat.venues.simulated.faults import Delivery
from goflat.venues.simulated.gateway import Answer, Request
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.server import hang_up
from goflat.venues.simulated.streams import Subscription
from goflat.venues.simulated.ws_api import HANDSHAKE_WEIGHT, ApiSession, Asked, refusal

PING_SECONDS = 180.0
WAITING_MOST = 10_000
ASKED_AT_ONCE_MOST = 1_000
Answering: TypeAlias = Callable[[Request], Awaitable[Answer]]
NOTHING_ASKED = Asked(id=None, method="", params={}, shows_limits=False)


class ApiDoor:
    """The WebSocket API: answers come in the order in which they are ready."""

    def __init__(self, exchange: Exchange, answering: Answering) -> None:
        self._exchange = exchange
        self._answering = answering

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        try:
            session = self._session(request)
        except Refused as refused:
            return web.json_response(refused.body(), status=refused.status)
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        at_work: set[asyncio.Task[None]] = set()
        try:
            async for message in socket:
                if message.type is not WSMsgType.TEXT or len(at_work) >= ASKED_AT_ONCE_MOST:
                    break
                task = asyncio.create_task(self._serve(request, socket, session, message.data))
                at_work.add(task)
                task.add_done_callback(at_work.discard)
        finally:
            # What has been asked goes on: the venue acts whether or not anybody waits for it.
            await asyncio.gather(*at_work, return_exceptions=True)
        return socket

    def _session(self, request: web.BaseRequest) -> ApiSession:
        world, gateway = self._exchange.world, self._exchange.gateway
        source, now = request.remote or "unknown", world.clock()
        gateway.meter.charge(source, HANDSHAKE_WEIGHT, now)
        shows = request.query.get("returnRateLimits", "true") != "false"
        return ApiSession(gateway, source, shows_limits=shows, connected_ms=now)

    async def _serve(
        self,
        request: web.BaseRequest,
        socket: web.WebSocketResponse,
        session: ApiSession,
        text: str,
    ) -> None:
        asked = NOTHING_ASKED
        try:
            asked = session.read(text)
            with self._exchange.lock:
                done = session.control(asked, self._exchange.world.clock())
            answer = done or await self._answering(session.request(asked))
        except Refused as refused:
            answer = refusal(refused)
        if answer.delivery is Delivery.RESET:
            hang_up(request, reset=True)
        if answer.delivery in (Delivery.RESET, Delivery.SILENCE):
            return
        with suppress(ConnectionError):
            await socket.send_str(session.reply(asked, answer).decode("utf-8", "replace"))


class StreamDoor:
    """The streams: every path opens, and only a living listen key is ever heard."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        socket = web.WebSocketResponse(heartbeat=PING_SECONDS)
        await socket.prepare(request)
        outbox: asyncio.Queue[bytes] = asyncio.Queue(WAITING_MOST)
        loop = asyncio.get_running_loop()
        listener = _Listener(self._exchange, outbox, loop, lambda: hang_up(request, reset=False))
        listener.open(request.raw_path)
        writer = asyncio.create_task(_write(socket, outbox))
        try:
            async for message in socket:
                if message.type is WSMsgType.TEXT:
                    await socket.send_str(listener.told(message.data))
        finally:
            listener.close()
            writer.cancel()
            with suppress(asyncio.CancelledError, ConnectionError):
                await writer
        return socket


class _Listener:
    """One connection's subscriptions."""

    def __init__(
        self,
        exchange: Exchange,
        outbox: asyncio.Queue[bytes],
        loop: asyncio.AbstractEventLoop,
        hang_up: Callable[[], None],
    ) -> None:
        self._exchange = exchange
        self._outbox = outbox
        self._loop = loop
        self._hang_up = hang_up
        self._subscriptions: list[Subscription] = []
        self._wrapped = False

    def open(self, raw_path: str) -> None:
        """Subscribe to what the path names: keys after /ws/, or in `listenKey` and `streams`."""
        path, _, query = raw_path.partition("?")
        parts = [unquote(part) for part in path.split("/") if part]
        asked = parse_qsl(query)
        routed = bool(parts) and parts[0] == "private"
        self._wrapped = "stream" in parts
        if not routed and not self._exchange.world.knobs.unrouted_stream_speaks:
            return
        names = [text for name, text in asked if name == "events"]
        only = frozenset("/".join(names).split("/")) if names else None
        keys = parts[parts.index("ws") + 1 :] if "ws" in parts else []
        for name, text in asked:
            if name in ("listenKey", "streams"):
                keys += text.split("/")
        self._subscribe(keys, only)

    def told(self, text: str) -> str:
        """Answer SUBSCRIBE and its relatives. What is not understood changes nothing."""
        try:
            message = msgspec.json.decode(text, type=dict[str, object])
        except msgspec.DecodeError:
            return '{"error":{"code":2,"msg":"Invalid request: not a JSON object"}}'
        names = message.get("params")
        keys = [str(name) for name in names] if isinstance(names, list) else []
        result: object = None
        match message.get("method"):
            case "SUBSCRIBE":
                self._subscribe(keys, None)
            case "UNSUBSCRIBE":
                self._unsubscribe(keys)
            case "LIST_SUBSCRIPTIONS":
                result = [subscription.key for subscription in self._subscriptions]
            case _:
                pass
        return msgspec.json.encode({"result": result, "id": message.get("id")}).decode()

    def close(self) -> None:
        """Stop hearing anything."""
        self._unsubscribe([subscription.key for subscription in self._subscriptions])

    def _unsubscribe(self, keys: list[str]) -> None:
        with self._exchange.lock:
            for subscription in [one for one in self._subscriptions if one.key in keys]:
                self._exchange.streams.unsubscribe(subscription)
                self._subscriptions.remove(subscription)

    def _subscribe(self, keys: list[str], only: frozenset[str] | None) -> None:
        with self._exchange.lock:
            for key in keys:
                made = self._exchange.streams.subscribe(
                    key.partition("@")[0],
                    self._send,
                    lambda: self._soon(self._hang_up),
                    only=only,
                    wrapped=self._wrapped,
                )
                if made is not None:
                    self._subscriptions.append(made)

    def _send(self, text: bytes, delay_seconds: float) -> None:
        """Called from whatever thread moved the venue; the socket lives on its own loop."""
        if delay_seconds > 0:
            later = partial(self._loop.call_later, delay_seconds, self._put, text)
            self._loop.call_soon_threadsafe(later)
        else:
            self._loop.call_soon_threadsafe(self._put, text)

    def _soon(self, action: Callable[[], None]) -> None:
        self._loop.call_soon_threadsafe(action)

    def _put(self, text: bytes) -> None:
        # A client that does not read loses events, as it does at the real venue.
        with suppress(asyncio.QueueFull):
            self._outbox.put_nowait(text)


async def _write(socket: web.WebSocketResponse, outbox: asyncio.Queue[bytes]) -> None:
    while not socket.closed:
        text = await outbox.get()
        await socket.send_str(text.decode())
