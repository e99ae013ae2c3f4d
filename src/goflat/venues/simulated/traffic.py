"""What goes in and out of the venue, as values: requests, answers, and the memory of them."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from goflat.venues.simulated.call import Endpoint
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.faults import Delivery, Dribble, Plan
from goflat.venues.simulated.params import Params

JSON = "application/json"


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in. `signed_text` of the WebSocket API is made from its parameters."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    source: str = "127.0.0.1"
    via: str = "rest"
    params: Params | None = None
    session: Credential | None = None


@dataclass(slots=True, kw_only=True)
class Received:
    """What the venue remembers of a request, for tests that ask. Signatures are left out."""

    at_ms: int
    via: str
    method: str
    path: str
    params: Mapping[str, str]
    account: str | None
    status: int | None = None
    code: int | None = None
    executed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back, and how."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    after_seconds: float = 0.0
    dribble: Dribble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request that was received and planned, and not executed yet."""

    request: Request
    params: Params
    endpoint: Endpoint | None
    plan: Plan
    record: Received
