"""What an address says: 200 is there, 204 and 404 are not, and anything else says nothing."""

from collections.abc import Awaitable, Callable

import aiohttp

from goflat.core.guarding.limits import Finding
from goflat.guard.triggers.eyes import Eyes, NotReadable
from goflat.settings.guarding import TriggerSettings

ANSWER_SECONDS = 5.0
_STATES = {200: True, 204: False, 404: False}


def url(said: TriggerSettings, eyes: Eyes) -> Callable[[], Awaitable[Finding]]:  # noqa: ARG001
    """Fires when the address says that it is there, or when it says that it is not."""
    assert said.url is not None
    address, when = said.url, said.fires_when

    async def look() -> Finding:
        try:
            status = await _status(address)
        except (TimeoutError, aiohttp.ClientError, OSError) as error:
            raise NotReadable(f"no answer: {type(error).__name__}") from None
        if status not in _STATES:
            raise NotReadable(f"status {status} says neither yes nor no")
        state = "there" if _STATES[status] else "not there"
        return Finding(fires=_STATES[status] is (when == "present"), text=f"it says: {state}")

    return look


async def _status(address: str) -> int:
    timeout = aiohttp.ClientTimeout(total=ANSWER_SECONDS)
    async with (
        aiohttp.ClientSession(timeout=timeout, trust_env=False) as session,
        session.get(address, allow_redirects=False) as response,
    ):
        return response.status
