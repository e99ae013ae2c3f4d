"""The sockets: one port for REST, WebSocket API, streams and the control API."""

import asyncio
import socket
import struct
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping
from contextlib import asynccontextmanager
from functools import partial
from threading import RLock
from typing import TypeAlias

from aiohttp import web

from goflat.venues.simulated.faults import Delivery, Dribble
from goflat.venues.simulated.gateway import Answer, Gateway, Request
from goflat.venues.simulated.world import World

SHUTDOWN_SECONDS = 0.05
LINGER_NOT = struct.pack("ii", 1, 0)
Door: TypeAlias = Callable[[web.BaseRequest], Awaitable[web.StreamResponse]]


class RestDoor:
    """Turns HTTP requests into requests of the gateway, and its answers into HTTP."""

    def __init__(self, gateway: Gateway, lock: RLock, latency: Callable[[], float]) -> None:
        self._gateway = gateway
        self._lock = lock
        self._latency = latency

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        body = (await request.read()).decode("utf-8", "replace") if request.body_exists else ""
        path, _, query = request.raw_path.partition("?")
        incoming = Request(
            method=request.method,
            path=path,
            query=query,
            body=body,
            api_key=request.headers.get("X-MBX-APIKEY"),
            source=request.remote or "unknown",
        )
        answer = await self.answer(incoming)
        return await _deliver(request, answer)

    async def answer(self, request: Request) -> Answer:
        """The gateway's answer, after latency and whatever delay a fault has put in."""
        half = self._latency() / 2
        await pause(half)
        with self._lock:
            incoming = self._gateway.receive(request)
        await pause(incoming.plan.execute_after_seconds)
        with self._lock:
            answer = self._gateway.execute(incoming)
        await pause(half + answer.after_seconds)
        return answer


async def pause(seconds: float) -> None:
    """Let time pass, and give no turn away where there is none to pass."""
    if seconds > 0:
        await asyncio.sleep(seconds)


async def _deliver(request: web.BaseRequest, answer: Answer) -> web.StreamResponse:
    if answer.delivery in (Delivery.RESET, Delivery.SILENCE):
        hang_up(request, reset=answer.delivery is Delivery.RESET)
        return web.Response()
    if answer.delivery is Delivery.DRIBBLED and answer.dribble is not None:
        return await _dribble(request, answer, answer.dribble)
    return web.Response(
        status=answer.status,
        body=answer.body,
        content_type=answer.content_type,
        headers=answer.headers,
    )


async def _dribble(request: web.BaseRequest, answer: Answer, how: Dribble) -> web.StreamResponse:
    response = web.StreamResponse(status=answer.status, headers=answer.headers)
    response.content_type = answer.content_type
    response.content_length = len(answer.body)
    await response.prepare(request)
    for start in range(0, len(answer.body), how.bytes_at_once):
        await response.write(answer.body[start : start + how.bytes_at_once])
        await asyncio.sleep(how.pause_seconds)
    await response.write_eof()
    return response


def hang_up(request: web.BaseRequest, *, reset: bool) -> None:
    """Close the connection without a word; with a TCP reset where that is wanted."""
    transport = request.transport
    if transport is None:
        return
    connection = transport.get_extra_info("socket")
    if reset and connection is not None:
        connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, LINGER_NOT)
    transport.abort()


def _soon(loop: asyncio.AbstractEventLoop, action: Callable[[], None]) -> None:
    loop.call_soon_threadsafe(action)


@asynccontextmanager
async def agenda_kept(world: World, lock: RLock) -> AsyncIterator[None]:
    """Let what is due happen in time, also when nobody asks anything."""
    loop = asyncio.get_running_loop()
    timer: asyncio.TimerHandle | None = None

    def ring() -> None:
        with lock:
            world.agenda.run(world.clock())
        arm()

    def arm() -> None:
        nonlocal timer
        if timer is not None:
            timer.cancel()
        due = world.agenda.next_ms
        if due is not None:
            timer = loop.call_later(max(0, due - world.clock()) / 1000, ring)

    world.agenda.changed = partial(_soon, loop, arm)
    arm()
    try:
        yield
    finally:
        world.agenda.changed = lambda: None
        if timer is not None:
            timer.cancel()


@asynccontextmanager
async def serving(
    doors: Mapping[str, Door], fallback: Door, *, host: str, port: int
) -> AsyncIterator[tuple[str, int]]:
    """Listen for as long as the block runs. Gives the address and the port it got.

    The first part of a path decides which door is taken.
    """

    async def handle(request: web.BaseRequest) -> web.StreamResponse:
        first = request.raw_path[1:].partition("/")[0].partition("?")[0]
        return await doors.get(first, fallback)(request)

    server = web.Server(handle, access_log=None)
    runner = web.ServerRunner(server, shutdown_timeout=SHUTDOWN_SECONDS)
    await runner.setup()
    try:
        await web.TCPSite(runner, host, port).start()
        address = runner.addresses[0]
        yield address[0], address[1]
    finally:
        await runner.cleanup()
