"""The name service, kept from holding anything up.

A lookup runs on a thread of its own that nobody has to wait for: not the caller, whose time is
bounded elsewhere, not the loop when it ends, and not the program when it exits. What a name meant
last time is remembered, and used when the name service is slow or gone. A remembered address that
is wrong does no harm, because the certificate behind it is checked like any other.
"""

import asyncio
import contextlib
import socket
import threading
from collections.abc import Callable
from typing import Any, TypeAlias

from aiohttp.abc import AbstractResolver, ResolveResult

REMEMBERED_AFTER_SECONDS = 0.5
"""How long a name that is known already may take to be asked again."""

Found: TypeAlias = list[ResolveResult]
Question: TypeAlias = tuple[str, int, int]
Lookup: TypeAlias = Callable[..., list[tuple[Any, ...]]]


class Names(AbstractResolver):
    """Addresses by name. One lookup of a name is under way at a time. Belongs to one loop."""

    def __init__(
        self,
        lookup: Lookup = socket.getaddrinfo,
        *,
        remembered_after_seconds: float = REMEMBERED_AFTER_SECONDS,
    ) -> None:
        self._lookup = lookup
        self._remembered_after_seconds = remembered_after_seconds
        self._known: dict[Question, Found] = {}
        self._asking: dict[Question, asyncio.Future[Found | OSError]] = {}

    async def resolve(
        self, host: str, port: int = 0, family: socket.AddressFamily = socket.AF_UNSPEC
    ) -> Found:
        """The addresses of a host, the remembered ones where the name service fails.

        Raises:
            OSError: the name service says that there is none, and none is remembered.
        """
        question = (host, port, int(family))
        known = self._known.get(question)
        asking = self._asking.get(question) or self._ask(question)
        await asyncio.wait({asking}, timeout=self._remembered_after_seconds if known else None)
        found = asking.result() if asking.done() else None
        if isinstance(found, list):
            return found
        if known:
            return known
        raise found or OSError("the name service did not answer")

    async def close(self) -> None:
        """Nothing is held that would have to be let go."""

    def _ask(self, question: Question) -> asyncio.Future[Found | OSError]:
        loop = asyncio.get_running_loop()
        asking: asyncio.Future[Found | OSError] = loop.create_future()

        def settle(found: Found | OSError) -> None:
            self._asking.pop(question, None)
            if isinstance(found, list):
                self._known[question] = found
            asking.set_result(found)

        def look() -> None:
            found = self._look_up(question)
            with contextlib.suppress(RuntimeError):  # the loop has ended meanwhile
                loop.call_soon_threadsafe(settle, found)

        try:
            threading.Thread(target=look, name=f"name of {question[0]}", daemon=True).start()
        except RuntimeError as error:
            raise OSError(f"no thread for the name service: {error}") from None
        self._asking[question] = asking
        return asking

    def _look_up(self, question: Question) -> Found | OSError:
        host, port, family = question
        try:
            rows = self._lookup(
                host, port, type=socket.SOCK_STREAM, family=family, flags=socket.AI_ADDRCONFIG
            )
        except OSError as error:
            return error
        except UnicodeError:
            return OSError("a host name that cannot be asked for")
        found = [_result(host, row) for row in rows]
        return found or OSError("the name service knows no address")


def _result(host: str, row: tuple[Any, ...]) -> ResolveResult:
    family, _, proto, _, address = row
    return ResolveResult(
        hostname=host,
        host=address[0],
        port=address[1],
        family=family,
        proto=proto,
        flags=socket.AI_NUMERICHOST | socket.AI_NUMERICSERV,
    )
