"""Keys and signatures: HMAC-SHA256 and Ed25519, and the time window of a signed request."""

import base64
import binascii
import hashlib
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from cryptography.exceptions import InvalidSignature
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from goflat.venues.simulated.refusals import Refused, missing

EARLY_MS = 1000
WINDOW_MS = 5000
WINDOW_MOST_MS = 60_000
AHEAD = "Timestamp for this request was 1000ms ahead of the server's time."


@dataclass(frozen=True, slots=True, kw_only=True)
class Credential:
    """One API key of an account: with a shared secret, or with an Ed25519 public key."""

    api_key: str
    account: str
    secret: bytes | None = None
    public_key: Ed25519PublicKey | None = None
    can_trade: bool = True
    can_withdraw: bool = False
    ip_restricted: bool = True

    def check(self, payload: bytes, signature: str) -> None:
        """Refuse a signature that is not of this key and this payload (-1022)."""
        valid = (
            _hmac_matches(self.secret, payload, signature)
            if self.secret is not None
            else _ed25519_matches(self.public_key, payload, signature)
        )
        if not valid:
            raise Refused(-1022)

    def __repr__(self) -> str:
        return f"Credential(account={self.account!r})"


def _hmac_matches(secret: bytes, payload: bytes, signature: str) -> bool:
    expected = hmac.digest(secret, payload, hashlib.sha256).hex()
    return hmac.compare_digest(expected.encode(), signature.lower().encode())


def _ed25519_matches(key: Ed25519PublicKey | None, payload: bytes, signature: str) -> bool:
    if key is None:
        return False
    try:
        key.verify(base64.b64decode(signature, validate=True), payload)
    except (InvalidSignature, binascii.Error, ValueError):
        return False
    return True


def split_signature(text: str) -> tuple[str, str | None]:
    """A query string or form body without its signature, and the signature, decoded."""
    head, mark, tail = text.rpartition("signature=")
    if not mark or (head and not head.endswith("&")):
        return text, None
    value, _, rest = tail.partition("&")
    return head.rstrip("&") + (f"&{rest}" if rest else ""), unquote(value)


def rest_payload(query: str, body: str) -> tuple[bytes, str]:
    """What a REST request signs: the query and the body, directly one after the other."""
    query, in_query = split_signature(query)
    body, in_body = split_signature(body)
    signature = in_query or in_body
    if signature is None:
        raise missing("signature")
    return (query + body).encode(), signature


def socket_payload(params: Mapping[str, str]) -> bytes:
    """What a WebSocket API request signs: its parameters sorted by name, as plain text."""
    pairs = sorted((k, v) for k, v in params.items() if k != "signature")
    return "&".join(f"{name}={value}" for name, value in pairs).encode()


def check_window(timestamp_ms: int | None, window_ms: int | None, server_ms: int) -> None:
    """Refuse a request from outside its time window (-1021).

    Accepted where timestamp < server time + 1000 and server time - timestamp <= recvWindow.
    """
    if timestamp_ms is None:
        raise missing("timestamp")
    window = WINDOW_MS if window_ms is None else window_ms
    if not 0 < window <= WINDOW_MOST_MS:
        raise Refused(-1131, "recvWindow must be less than 60000")
    if timestamp_ms >= server_ms + EARLY_MS:
        raise Refused(-1021, AHEAD)
    if server_ms - timestamp_ms > window:
        raise Refused(-1021)
