"""Limits: weight per address, orders per account, and the ban of who does not listen."""

from collections import defaultdict
from dataclasses import dataclass, field

from goflat.domain.capabilities import Limits
from goflat.venues.simulated.refusals import Refused

MINUTE_MS = 60_000
TEN_SECONDS_MS = 10_000
LONGEST_BAN_SECONDS = 3 * 24 * 3600
REAL_LIMITS = Limits(weight_per_minute=2400, orders_per_ten_seconds=300, orders_per_minute=1200)
NO_POLLING = "Please use the websocket for live updates to avoid polling the API."
NO_BANS = "Please use the websocket for live updates to avoid bans."


@dataclass(slots=True)
class Window:
    """A count that starts anew with every window of the clock."""

    length_ms: int
    number: int = -1
    used: int = 0

    def add(self, count: int, now_ms: int) -> int:
        number = now_ms // self.length_ms
        if number != self.number:
            self.number, self.used = number, 0
        self.used += count
        return self.used

    def left_seconds(self, now_ms: int) -> int:
        """Whole seconds until the next window, at least one."""
        return max(1, -(-(self.length_ms - now_ms % self.length_ms) // 1000))


@dataclass(slots=True)
class Address:
    """What one IP address has used, and whether it is banned."""

    weight: Window = field(default_factory=lambda: Window(MINUTE_MS))
    refusals: Window = field(default_factory=lambda: Window(MINUTE_MS))
    banned_until_ms: int = 0
    bans: int = 0


@dataclass(slots=True)
class OrderCount:
    """How many orders one account has placed."""

    ten_seconds: Window = field(default_factory=lambda: Window(TEN_SECONDS_MS))
    minute: Window = field(default_factory=lambda: Window(MINUTE_MS))


class Meter:
    """Counts what is used and refuses what is too much (429), in the end for long (418)."""

    def __init__(self, limits: Limits, *, ban_after: int, first_ban_seconds: int) -> None:
        self.limits = limits
        self._ban_after = ban_after
        self._first_ban_seconds = first_ban_seconds
        self._addresses: defaultdict[str, Address] = defaultdict(Address)
        self._orders: defaultdict[str, OrderCount] = defaultdict(OrderCount)

    def charge(self, source: str, weight: int, now_ms: int) -> int:
        """Count the weight of a request from one address; what is used in this minute."""
        address = self._addresses[source]
        if now_ms < address.banned_until_ms:
            raise _banned(address, now_ms)
        used = address.weight.add(weight, now_ms)
        if used > self.limits.weight_per_minute:
            raise self._too_much(address, now_ms)
        return used

    def charge_orders(self, account: str, counts: tuple[int, int], now_ms: int) -> tuple[int, int]:
        """Count orders of one account: (per ten seconds, per minute); what is used of both."""
        count = self._orders[account]
        for window, add, most, name in (
            (count.ten_seconds, counts[0], self.limits.orders_per_ten_seconds, "TEN_SECONDS"),
            (count.minute, counts[1], self.limits.orders_per_minute, "MINUTE"),
        ):
            if window.add(0, now_ms) + add > most:
                text = f"Too many new orders; current limit is {most} orders per {name}."
                raise Refused(-1015, text, retry_after_seconds=window.left_seconds(now_ms))
        return self.use_orders(account, counts, now_ms)

    def use_orders(self, account: str, counts: tuple[int, int], now_ms: int) -> tuple[int, int]:
        """Count orders without asking; what is used of both."""
        count = self._orders[account]
        ten = count.ten_seconds.add(counts[0], now_ms)
        return ten, count.minute.add(counts[1], now_ms)

    def use_weight(self, source: str, weight: int, now_ms: int) -> int:
        """Count weight without asking; what is used in this minute."""
        return self._addresses[source].weight.add(weight, now_ms)

    def ban(self, source: str, seconds: float, now_ms: int) -> None:
        """Ban an address, whatever it has done."""
        self._addresses[source].banned_until_ms = now_ms + round(seconds * 1000)

    def _too_much(self, address: Address, now_ms: int) -> Refused:
        if address.refusals.add(1, now_ms) > self._ban_after:
            seconds = min(LONGEST_BAN_SECONDS, self._first_ban_seconds * 2**address.bans)
            address.bans += 1
            address.banned_until_ms = now_ms + seconds * 1000
            return _banned(address, now_ms)
        most = self.limits.weight_per_minute
        return Refused(
            -1003,
            f"Too many requests; current limit is {most} requests per minute. {NO_POLLING}",
            retry_after_seconds=address.weight.left_seconds(now_ms),
        )


def _banned(address: Address, now_ms: int) -> Refused:
    until = address.banned_until_ms
    return Refused(
        -1003,
        f"Way too many requests; IP banned until {until}. {NO_BANS}",
        status=418,
        retry_after_seconds=max(1, -(-(until - now_ms) // 1000)),
    )
