"""Lines of JSON over a socket of this machine: bounded, versioned, and from nobody but our user."""

import asyncio
import contextlib
import json
import os
import socket
import struct
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from goflat.errors import GoflatError
from goflat.guard.state_directory import make_directory

VERSION = 1
LINE_BYTES_MAX = 8192
CONNECTIONS_MAX = 64
ADDRESS_BYTES_MAX = 107
"""What the kernel takes as the address of a UNIX socket."""

Message: TypeAlias = dict[str, object]


class BadMessage(GoflatError):
    """What came is none of our messages, in words that do not repeat it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Peer:
    """Who is at the other end, as the kernel says."""

    pid: int
    uid: int


Talk = Callable[[asyncio.StreamReader, asyncio.StreamWriter, Peer], Awaitable[None]]


def peer_of(connection: socket.socket) -> Peer:
    """Who connected. The kernel noted it then, and nobody can say otherwise."""
    said = connection.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
    pid, uid, _ = struct.unpack("3i", said)
    return Peer(pid=pid, uid=uid)


def read_message(line: bytes) -> Message:
    """One line as a message of our version.

    Raises:
        BadMessage: it is none.
    """
    try:
        said = json.loads(line)
    except (ValueError, RecursionError):
        raise BadMessage("a line that is no JSON") from None
    if not isinstance(said, dict):
        raise BadMessage("a line that is no object")
    if said.get("v") != VERSION:
        raise BadMessage(f"a message of another version than {VERSION}")
    return said


def text_of(message: Mapping[str, object], key: str, default: str | None = None) -> str:
    """A text in a message. Raises BadMessage where there is none."""
    found = message.get(key, default)
    if not isinstance(found, str) or len(found) > 1000:
        raise BadMessage(f"{key} is a text of at most 1000 characters")
    return found


def as_line(message: Mapping[str, object]) -> bytes:
    """A message of our version as one line."""
    return json.dumps({"v": VERSION, **message}).encode() + b"\n"


async def listen(path: Path, talk: Talk) -> asyncio.Server:
    """Listen on a UNIX socket of mode 0600 in a directory that is ours alone.

    Everybody but our own user is turned away by the word of the kernel, and so is who comes while
    `CONNECTIONS_MAX` are here. What a talk raises ends that talk and nothing else.

    Raises:
        Unusable: the directory is not ours alone.
        OSError: the address is too long or cannot be listened on.
    """
    os.close(make_directory(path.parent))
    if len(os.fsencode(path)) > ADDRESS_BYTES_MAX:
        raise OSError(f"{path}: longer than a socket's address may be; set $GOFLAT_STATE_DIR")
    with contextlib.suppress(FileNotFoundError):
        os.unlink(path)  # noqa: PTH108 - once, at the start
    here = 0

    async def meet(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        nonlocal here
        peer = peer_of(writer.get_extra_info("socket"))
        if peer.uid != os.geteuid() or here >= CONNECTIONS_MAX:
            writer.transport.abort()
            return
        here += 1
        try:
            await talk(reader, writer, peer)
        except (BadMessage, OSError, TimeoutError, ValueError, asyncio.IncompleteReadError):
            pass
        finally:
            here -= 1
            writer.transport.abort()

    before = os.umask(0o177)
    try:
        return await asyncio.start_unix_server(meet, path, limit=LINE_BYTES_MAX)
    finally:
        os.umask(before)
