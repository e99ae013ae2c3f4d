"""Heartbeats: a bot says how far its own loop has got, in answer to a challenge of ours.

One line of JSON each, over a UNIX socket that only our own user can reach. The bot says hello; from
then on every challenge carries a number that cannot be guessed, and counts once. What comes
unasked, too often or in another form ends the connection: a doubt lets the pulse run down.
"""

import asyncio
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from goflat.core.guarding.events import BotBeat, GuardEvent
from goflat.guard.kept_bots import KeptBots
from goflat.guard.processes import NotWatchable, read_process
from goflat.guard.wire import BadMessage, Message, Peer, as_line, read_message, text_of

CHALLENGE_SECONDS = (0.05, 5.0)
"""Least and most time between two challenges. Otherwise a twelfth of the bot's own limit."""

ODD_MAX = 20
"""So many messages that nobody asked for, and the connection ends."""

ANCESTORS_MAX = 64
SEND_SECONDS = 1.0
PROGRESS_MAX = 2**63


class Ward(Protocol):
    """One account, as far as heartbeats are concerned."""

    @property
    def is_latched(self) -> bool: ...

    @property
    def kept_bots(self) -> KeptBots: ...

    def hang_seconds_of(self, bot: str) -> float | None:
        """How long that bot may make no progress; None: there is no such bot."""
        ...

    def tell(self, event: GuardEvent) -> bool: ...


@dataclass(slots=True, kw_only=True)
class _Talk:
    """One connection: which bot of which account, and the challenge that is open."""

    bot: str
    ward: Ward
    peer: Peer
    nonce: str = ""
    odd: int = 0


class HeartbeatDoor:
    """Takes heartbeats for every account of the guard."""

    def __init__(self, wards: Mapping[str, Ward]) -> None:
        self.wards = wards

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        """One connection, from its hello to its end."""
        async with asyncio.timeout(SEND_SECONDS):
            hello = read_message(await reader.readuntil())
        try:
            talk = self._met(hello, peer)
        except (BadMessage, NotWatchable) as error:
            await _send(writer, {"refused": str(error)})
            return
        hang_seconds = talk.ward.hang_seconds_of(talk.bot)
        assert hang_seconds is not None
        pause = min(max(hang_seconds / 12, CHALLENGE_SECONDS[0]), CHALLENGE_SECONDS[1])
        listening = asyncio.ensure_future(self._listen(reader, talk))
        try:
            while not listening.done():
                if not talk.nonce:
                    talk.nonce = secrets.token_hex(16)
                    asked = {"challenge": talk.nonce, "latched": talk.ward.is_latched}
                    await _send(writer, asked | {"hang_seconds": hang_seconds})
                await asyncio.wait({listening}, timeout=pause)
            listening.result()
        finally:
            listening.cancel()

    def _met(self, hello: Message, peer: Peer) -> _Talk:
        """Who says hello. Where a bot is watched by its process, nobody else speaks for it."""
        bot, account = text_of(hello, "hello"), text_of(hello, "account", "main")
        ward = self.wards.get(account)
        if ward is None or ward.hang_seconds_of(bot) is None:
            raise BadMessage("no bot of that name is configured for that account")
        watched = ward.kept_bots.process_of(bot)
        if watched is not None and not descends(peer.pid, watched.pid):
            raise BadMessage("that bot is watched as another process, and this is none of it")
        if hello.get("watch", True) is True and watched is None:
            ward.kept_bots.attach(bot, peer.pid)
        return _Talk(bot=bot, ward=ward, peer=peer)

    async def _listen(self, reader: asyncio.StreamReader, talk: _Talk) -> None:
        while talk.odd < ODD_MAX:
            said = read_message(await reader.readuntil())
            if "end" in said:
                self._part(said, talk)
                return
            self._hear(said, talk)

    def _hear(self, said: Message, talk: _Talk) -> None:
        progress = progress_of(said)
        if not talk.nonce or said.get("answer") != talk.nonce:
            talk.odd += 1
            return
        talk.nonce = ""
        if progress > 0:
            talk.ward.tell(BotBeat(bot=talk.bot, progress=progress))

    def _part(self, said: Message, talk: _Talk) -> None:
        end = said["end"]
        if not isinstance(end, dict):
            raise BadMessage("end is an object")
        code = end.get("code")
        talk.ward.kept_bots.parts(
            talk.bot,
            code if type(code) is int else None,
            handed_over=end.get("handover") is True,
        )


def progress_of(said: Message) -> int:
    """How far a bot's loop has got. Raises BadMessage where that is no count."""
    progress = said.get("progress")
    if type(progress) is not int or not 0 <= progress < PROGRESS_MAX:
        raise BadMessage("progress is a whole number that is not below zero")
    return progress


def descends(pid: int, ancestor: int) -> bool:
    """Whether a process is another one, or a child of it, or a child's."""
    for _ in range(ANCESTORS_MAX):
        if pid == ancestor:
            return True
        found = read_process(pid) if pid > 1 else None
        if found is None:
            return False
        pid = found.parent
    return False


async def _send(writer: asyncio.StreamWriter, message: Message) -> None:
    """Send one line. Whoever does not read what he is sent is left."""
    writer.write(as_line(message))
    async with asyncio.timeout(SEND_SECONDS):
        await writer.drain()
