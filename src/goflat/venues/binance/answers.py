"""What a transport brings back, and what it has to be: REST today, others may stand beside it."""

from dataclasses import dataclass, field
from typing import Protocol

from goflat.domain.capabilities import Usage
from goflat.venues.binance.requests import Request


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """One answer of the venue, not yet understood.

    `status` is the HTTP status, or the same number from another transport. `retry_after_seconds`
    is the venue's own word, where it gave one.
    """

    status: int
    body: bytes
    usage: Usage = field(default_factory=Usage)
    retry_after_seconds: float | None = None


class Transport(Protocol):
    """Carries one request to the venue and one answer back."""

    async def send(self, request: Request, *, at_ms: int) -> Answer:
        """Send a request once, signed for the venue's time `at_ms`, and bring back the answer.

        Raises:
            NotSent: no byte of the request left.
            Unanswered: it may have left, and no whole answer came back.
        """
        ...

    async def aclose(self) -> None:
        """Let go of every connection. Never raises."""
        ...
