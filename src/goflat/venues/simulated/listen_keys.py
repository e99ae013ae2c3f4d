"""The keys that open a user data stream: one an account, good for an hour, renewed on request."""

import hashlib
from collections.abc import Callable
from dataclasses import dataclass

from goflat.venues.simulated.refusals import Refused


@dataclass(slots=True)
class ListenKey:
    """One key and the moment at which it goes dead."""

    key: str
    account: str
    expires_ms: int


class ListenKeys:
    """The keys of one venue, by account. `expired` is called with a key that has gone dead."""

    def __init__(self, *, valid_minutes: int) -> None:
        self._valid_ms = valid_minutes * 60_000
        self._by_account: dict[str, ListenKey] = {}
        self._made = 0
        self.expired: Callable[[ListenKey], None] = lambda _key: None

    def open(self, account: str, now_ms: int) -> str:
        """A new key, or the one in use with its time anew."""
        self.expire_old(now_ms)
        found = self._by_account.get(account)
        if found is None:
            self._made += 1
            text = hashlib.sha256(f"{account}/{self._made}".encode()).hexdigest()
            found = self._by_account[account] = ListenKey(text, account, 0)
        found.expires_ms = now_ms + self._valid_ms
        return found.key

    def keep(self, account: str, now_ms: int) -> str:
        """Give the key in use its time anew. Refuses where there is none (-1125)."""
        self.expire_old(now_ms)
        found = self._by_account.get(account)
        if found is None:
            raise Refused(-1125)
        found.expires_ms = now_ms + self._valid_ms
        return found.key

    def close(self, account: str) -> None:
        """The key goes dead now."""
        found = self._by_account.pop(account, None)
        if found is not None:
            self.expired(found)

    def expire_old(self, now_ms: int) -> None:
        """Let every key go dead whose time is over."""
        for found in tuple(self._by_account.values()):
            if found.expires_ms <= now_ms:
                self.close(found.account)

    def account_of(self, key: str, now_ms: int) -> str | None:
        """Whose key this is; None for one that is unknown or dead."""
        self.expire_old(now_ms)
        for found in self._by_account.values():
            if found.key == key:
                return found.account
        return None
