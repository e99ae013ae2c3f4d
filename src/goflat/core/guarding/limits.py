"""Limits on what an account may lose and how near it may come to the edge. Told what was read."""

from collections import deque
from dataclasses import dataclass, field
from decimal import Decimal

from goflat.domain.position import Position
from goflat.domain.time import Instant

APART_SECONDS = 1.0
"""Two readings that are to confirm each other are at least so far apart."""

AGREE_WITHIN = Decimal("0.01")
"""Account and positions have to say the same profit, within this part of the equity."""

READINGS_MAX = 20_000

_HUNDRED = Decimal(100)
_NOTHING = Decimal(0)


@dataclass(frozen=True, slots=True, kw_only=True)
class Equity:
    """One reading of an account, in its margin asset.

    `wallet` and `unrealized` are what the account says; `of_positions` is the unrealised profit
    that the positions say; `transferred` is the sum of what was moved in and out so far, so that
    nobody's withdrawal looks like a loss.
    """

    wallet: Decimal
    unrealized: Decimal
    of_positions: Decimal
    transferred: Decimal = _NOTHING

    @property
    def total(self) -> Decimal:
        """What the account is worth, without what was moved in and out."""
        return self.wallet + self.unrealized - self.transferred

    @property
    def agrees(self) -> bool:
        """Whether the account and its positions say the same."""
        most = abs(self.wallet + self.unrealized) * AGREE_WITHIN
        return abs(self.unrealized - self.of_positions) <= most


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """What one look came to. `fires` None: it could not be told, and `text` says why."""

    fires: bool | None
    text: str


@dataclass(slots=True, kw_only=True)
class LossLimit:
    """The most that may be lost from the best equity of a window, in percent or as an amount.

    It fires only when two readings, at least a second apart, both show it and both agree in
    themselves.
    """

    window_seconds: float
    percent: float | None = None
    amount: Decimal | None = None
    _readings: deque[tuple[Instant, Decimal]] = field(default_factory=deque)
    _breached_at: Instant | None = None

    def see(self, equity: Equity, now: Instant) -> Finding:
        """Take one reading into account."""
        if not equity.agrees:
            self._breached_at = None
            return Finding(fires=None, text="account and positions do not agree within 1 %")
        best = self._best(equity.total, now)
        lost = best - equity.total
        text = f"lost {lost:f} of {best:f}"
        if not self._is_breached(lost, best):
            self._breached_at = None
            return Finding(fires=False, text=text)
        if self._breached_at is None:
            self._breached_at = now
        return Finding(fires=now - self._breached_at >= APART_SECONDS, text=text)

    def _best(self, total: Decimal, now: Instant) -> Decimal:
        """The best of the window. Readings that a later and better one outdid are forgotten."""
        while self._readings and self._readings[0][0] < now - self.window_seconds:
            self._readings.popleft()
        while self._readings and self._readings[-1][1] <= total:
            self._readings.pop()
        self._readings.append((now, total))
        if len(self._readings) > READINGS_MAX:
            # The second of the oldest goes: the best itself stays.
            del self._readings[1]
        return self._readings[0][1]

    def _is_breached(self, lost: Decimal, best: Decimal) -> bool:
        if self.amount is not None and lost >= self.amount:
            return True
        if self.percent is None or lost <= 0:
            return False
        return best <= 0 or lost * _HUNDRED >= best * Decimal(str(self.percent))


def margin_used(maintenance: Decimal, balance: Decimal, limit_percent: float) -> Finding:
    """How much of the margin balance is needed to keep the positions."""
    if maintenance <= 0:
        return Finding(fires=False, text="no margin is needed")
    if balance <= 0:
        return Finding(fires=True, text="nothing is left of the margin")
    percent = maintenance * _HUNDRED / balance
    text = f"{percent:.1f} % of the margin is needed"
    return Finding(fires=percent >= Decimal(str(limit_percent)), text=text)


def nearest(positions: tuple[Position, ...], limit_percent: float) -> Finding:
    """How near a mark price is to the forced liquidation of its position."""
    known = [
        (distance, position.key)
        for position in positions
        if (distance := position.distance_to_forced_liquidation) is not None
    ]
    if not known:
        return Finding(fires=False, text="no position names its forced liquidation")
    distance, key = min(known)
    percent = distance * _HUNDRED
    text = f"{key} is {percent:.2f} % from its forced liquidation"
    return Finding(fires=percent <= Decimal(str(limit_percent)), text=text)
