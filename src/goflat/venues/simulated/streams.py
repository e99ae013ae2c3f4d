"""The user data stream, without its sockets: who hears which event, when and how often.

Faults of the stream are rules like those of requests: which events are hit, and whether they are
lost, doubled, late, or overtaken by the next one.
"""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import TypeAlias

import msgspec

from goflat.venues.simulated import events
from goflat.venues.simulated.account import Account
from goflat.venues.simulated.listen_keys import ListenKey, ListenKeys
from goflat.venues.simulated.replies import Json
from goflat.venues.simulated.world import World

Send: TypeAlias = Callable[[bytes, float], None]
"""Takes a text and the seconds to wait before it is sent."""


@dataclass(frozen=True, slots=True, kw_only=True)
class EventMatch:
    """Which events a rule hits. What is None does not matter; seconds are since the start."""

    event: str | None = None
    symbol: str | None = None
    account: str | None = None
    first: int = 1
    count: int | None = None
    after_seconds: float = 0.0
    until_seconds: float | None = None

    def fits(self, event: Json, account: str, seconds: float) -> bool:
        """Whether an event is of this kind, counts aside."""
        return (
            self.event in (None, event["e"])
            and self.account in (None, account)
            and (self.symbol is None or self.symbol in _symbols(event))
            and self.after_seconds <= seconds
            and (self.until_seconds is None or seconds < self.until_seconds)
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Ripple:
    """What happens to an event: sent `copies` times (0: lost), late, or after the next one."""

    copies: int = 1
    delay_seconds: float = 0.0
    overtaken: bool = False


LOST = Ripple(copies=0)
DOUBLED = Ripple(copies=2)
OVERTAKEN = Ripple(overtaken=True)
UNTOUCHED = Ripple()


@dataclass(slots=True)
class StreamRule:
    """A match, what happens, and how often it was met."""

    match: EventMatch
    ripple: Ripple
    seen: int = 0
    hits: int = 0

    def hit_by(self, event: Json, account: str, seconds: float) -> bool:
        """Whether this event is hit. Counts it."""
        if not self.match.fits(event, account, seconds):
            return False
        self.seen += 1
        count = self.match.count
        if self.seen < self.match.first:
            return False
        if count is not None and self.seen >= self.match.first + count:
            return False
        self.hits += 1
        return True


@dataclass(slots=True, kw_only=True)
class Subscription:
    """One connection's interest in one listen key. `only` names events; None is all of them."""

    key: str
    account: str
    send: Send
    hang_up: Callable[[], None]
    only: frozenset[str] | None = None
    wrapped: bool = False
    held: list[bytes] = field(default_factory=list)

    def deliver(self, event: Json, ripple: Ripple) -> None:
        """Send one event, the way the rule has it; what was held back comes after it."""
        if self.only is not None and event["e"] not in self.only:
            return
        text = msgspec.json.encode({"stream": self.key, "data": event} if self.wrapped else event)
        if ripple.overtaken:
            self.held.append(text)
            return
        for _ in range(ripple.copies):
            self.send(text, ripple.delay_seconds)
        late, self.held = self.held, []
        for one in late:
            self.send(one, ripple.delay_seconds)


class UserStreams:
    """All subscriptions of one venue, and the rules of what goes wrong with them."""

    def __init__(self, world: World, keys: ListenKeys) -> None:
        self._world = world
        self._keys = keys
        self._subscriptions: list[Subscription] = []
        self.rules: list[StreamRule] = []
        world.hear = self.hear
        keys.expired = self._key_expired

    def add_rule(self, match: EventMatch, ripple: Ripple) -> StreamRule:
        """Let this happen to events from now on. The rule that comes back counts its hits."""
        rule = StreamRule(match, ripple)
        self.rules.append(rule)
        return rule

    def subscribe(
        self,
        key: str,
        send: Send,
        hang_up: Callable[[], None],
        *,
        only: frozenset[str] | None = None,
        wrapped: bool = False,
    ) -> Subscription | None:
        """Hear the events of a key. None for a key that nobody has: that stream stays silent."""
        account = self._keys.account_of(key, self._world.clock())
        if account is None:
            return None
        made = Subscription(
            key=key, account=account, send=send, hang_up=hang_up, only=only, wrapped=wrapped
        )
        self._subscriptions.append(made)
        self._world.accounts[account].listeners += 1
        return made

    def unsubscribe(self, subscription: Subscription) -> None:
        """Stop hearing. Harmless for one that has stopped already."""
        if subscription in self._subscriptions:
            self._subscriptions.remove(subscription)
            self._world.accounts[subscription.account].listeners -= 1

    def cut(self, account: str) -> None:
        """Close every connection that hears this account."""
        for subscription in tuple(self._subscriptions):
            if subscription.account == account:
                subscription.hang_up()

    def hear(self, account: Account, event: Json) -> None:
        """Pass one event on to everybody who listens to its account."""
        now = self._world.clock()
        event["E"] = now
        ripple, seconds = UNTOUCHED, (now - self._world.started_ms) / 1000
        for rule in self.rules:
            if rule.hit_by(event, account.name, seconds):
                ripple = rule.ripple
        for subscription in tuple(self._subscriptions):
            if subscription.account == account.name:
                subscription.deliver(event, ripple)

    def _key_expired(self, key: ListenKey) -> None:
        """Say so once; after that the connections stay open and hear nothing more."""
        account = self._world.accounts[key.account]
        self.hear(account, events.listen_key_expired(key.key, self._world.clock()))
        for subscription in tuple(self._subscriptions):
            if subscription.key == key.key:
                self.unsubscribe(subscription)


def _symbols(event: Json) -> frozenset[object]:
    """The symbols that an event speaks of."""
    details = event.get("o")
    if isinstance(details, dict):
        return frozenset({details.get("s")})
    changes = event.get("a")
    if isinstance(changes, dict):
        return frozenset(row["s"] for row in changes.get("P", ()))
    return frozenset({event.get("s")})
