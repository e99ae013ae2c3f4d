"""One request on its way through the venue, as a handler sees it."""

from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum
from typing import TypeAlias

from goflat.venues.simulated.account import Account
from goflat.venues.simulated.credentials import Credential
from goflat.venues.simulated.faults import Plan
from goflat.venues.simulated.limits import Meter
from goflat.venues.simulated.listen_keys import ListenKeys
from goflat.venues.simulated.markets import Market
from goflat.venues.simulated.orders import Origin
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.world import World


@dataclass(slots=True, kw_only=True)
class Call:
    """A request that was let in: by whom, with what, and how it is bent by faults."""

    world: World
    params: Params
    plan: Plan
    now_ms: int
    source: str
    via: str
    meter: Meter
    listen_keys: ListenKeys
    credential: Credential | None = None

    @property
    def account(self) -> Account:
        assert self.credential is not None
        return self.world.accounts[self.credential.account]

    @property
    def origin(self) -> Origin:
        assert self.credential is not None
        return Origin(via=self.via, api_key=self.credential.api_key)

    def market(self) -> Market:
        """The market of the parameter `symbol`, which has to be there."""
        return self.world.market(self.params.required("symbol"))

    def optional_market(self) -> Market | None:
        symbol = self.params.text("symbol")
        return None if symbol is None else self.world.market(symbol)


class Security(Enum):
    """What a path asks of a request."""

    NONE = "anybody"
    KEY = "the header with the key"
    SIGNED = "key, timestamp and signature"


Handler: TypeAlias = Callable[[Call], object]
Weight: TypeAlias = int | Callable[[Params], int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Endpoint:
    """One path: who answers it, what it asks and what it costs.

    `orders` is what it counts on the order limits: (per ten seconds, per minute).
    """

    handler: Handler
    security: Security = Security.SIGNED
    weight: Weight = 1
    orders: tuple[int, int] | None = None
    trades: bool = False

    def weight_of(self, params: Params) -> int:
        return self.weight if isinstance(self.weight, int) else self.weight(params)


def by_symbol(with_symbol: int, without: int) -> Callable[[Params], int]:
    """A weight that depends on whether one symbol was asked for."""
    return lambda params: with_symbol if params.text("symbol") else without


def public(handler: Handler, weight: Weight = 1) -> Endpoint:
    """An endpoint that anybody may call, without a key."""
    return Endpoint(handler=handler, security=Security.NONE, weight=weight)
