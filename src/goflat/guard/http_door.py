"""Heartbeats over HTTP on this machine, for bots in languages without UNIX sockets at hand.

Anybody on the machine can reach a port, so whoever speaks has to show the token that lies in the
state directory, where only our own user can read it. A browser that was lured here has none.
"""

import contextlib
import hmac
import os
import secrets
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from pathlib import Path

from aiohttp import web

from goflat.core.guarding.events import BotBeat
from goflat.guard.heartbeat import Ward, progress_of
from goflat.guard.state_directory import make_directory
from goflat.guard.wire import LINE_BYTES_MAX, BadMessage, Message, read_message, text_of

TOKEN_FILE = "heartbeat.token"  # noqa: S105 - the name of the file
HOSTS = frozenset({"127.0.0.1", "localhost"})
_CREATE = os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_NOFOLLOW | os.O_CLOEXEC


class HttpDoor:
    """POST /v1/beat, and GET /v1/latched."""

    def __init__(self, wards: Mapping[str, Ward], token: str) -> None:
        self._wards = wards
        self._token = token
        self._nonces: dict[tuple[str, str], str] = {}

    def app(self) -> web.Application:
        app = web.Application(client_max_size=LINE_BYTES_MAX)
        app.add_routes([web.post("/v1/beat", self._beat), web.get("/v1/latched", self._latched)])
        return app

    async def _beat(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        try:
            return web.json_response(self._heard(read_message(await request.read())))
        except BadMessage as error:
            return web.json_response({"refused": str(error)}, status=400)

    async def _latched(self, request: web.Request) -> web.Response:
        if (refused := self._refused(request)) is not None:
            return refused
        ward = self._wards.get(request.query.get("account", "main"))
        # Who asks about an account that is not known here is told what is safe.
        return web.json_response({"latched": ward is None or ward.is_latched})

    def _heard(self, said: Message) -> Message:
        bot, account = text_of(said, "bot"), text_of(said, "account", "main")
        ward = self._wards.get(account)
        if ward is None or ward.hang_seconds_of(bot) is None:
            raise BadMessage("no bot of that name is configured for that account")
        if ward.kept_bots.process_of(bot) is not None:
            raise BadMessage("that bot is watched by its process, and beats over the socket")
        progress, answer = progress_of(said), text_of(said, "answer", "")
        before = self._nonces.get((account, bot), "")
        nonce = self._nonces[account, bot] = secrets.token_hex(16)
        is_answer = bool(before) and hmac.compare_digest(before.encode(), answer.encode())
        if is_answer and progress > 0:
            ward.tell(BotBeat(bot=bot, progress=progress))
        return {
            "challenge": nonce,
            "counted": is_answer,
            "latched": ward.is_latched,
            "hang_seconds": ward.hang_seconds_of(bot),
        }

    def _refused(self, request: web.Request) -> web.Response | None:
        if request.url.host not in HOSTS:
            return web.Response(status=421)
        shown = request.headers.get("Authorization", "").encode()
        if not hmac.compare_digest(shown, f"Bearer {self._token}".encode()):
            return web.Response(status=401)
        return None


def new_token(directory: Path) -> str:
    """A new token in the state directory, for our own user alone."""
    token = secrets.token_urlsafe(32)
    held = make_directory(directory)
    try:
        with os.fdopen(os.open(TOKEN_FILE, _CREATE, 0o600, dir_fd=held), "w") as file:
            file.write(token)
    finally:
        os.close(held)
    return token


@asynccontextmanager
async def served(wards: Mapping[str, Ward], directory: Path, port: int) -> AsyncIterator[None]:
    """Serve on loopback.

    Raises:
        OSError: the port is taken, or the token cannot be kept.
    """
    runner = web.AppRunner(HttpDoor(wards, new_token(directory)).app(), access_log=None)
    await runner.setup()
    try:
        await web.TCPSite(runner, "127.0.0.1", port, shutdown_timeout=1.0).start()
        yield
    finally:
        with contextlib.suppress(OSError):
            await runner.cleanup()
