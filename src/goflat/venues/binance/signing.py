"""Who we are, and the proof of it: credentials, and the query string that carries a signature.

Pure given the time. The signed text is the encoded query exactly as it is sent, so a symbol that is
not ASCII is percent-encoded as UTF-8 before it is signed (fact sheet, authentication).
"""

import base64
import binascii
import hashlib
import hmac
import re
from collections.abc import Callable, Iterable
from typing import TypeAlias
from urllib.parse import quote

from goflat.domain.secret import Secret
from goflat.errors import SettingsError

Params: TypeAlias = Iterable[tuple[str, str]]
Signer: TypeAlias = Callable[[bytes], str]

_PEM_START = "-----BEGIN "
_SEQUENCE = 0x30
_ED25519_OID = bytes.fromhex("06032b6570")
_API_KEY = re.compile(r"[!-~]{1,256}\Z")
_LONG_WORD = re.compile(r"[\w%+/=]{40,}")
_KEY_LENGTH_MIN = 8


class Credentials:
    """An API key and the secret that signs for it. Shows neither.

    The kind of key is seen from the secret's shape: a PEM private key, or the base64 text between
    its two lines, signs with Ed25519; any other text is an HMAC-SHA256 secret.

    Raises:
        SettingsError: empty, or not usable as what its shape says it is. The text is not repeated.
    """

    __slots__ = ("_api_key", "_sign", "kind")

    def __init__(self, *, api_key: Secret, api_secret: Secret) -> None:
        if not _API_KEY.match(api_key.reveal()):
            raise SettingsError("the API key is empty, or has a character that no API key has")
        if not api_secret.reveal().strip():
            raise SettingsError("the API secret is empty")
        self._api_key = api_key
        der = _private_key(api_secret)
        self.kind = "HMAC-SHA256" if der is None else "Ed25519"
        self._sign = _hmac_signer(api_secret) if der is None else _ed25519_signer(der)

    def __repr__(self) -> str:
        return f"Credentials({self.kind})"

    def headers(self) -> dict[str, str]:
        """The header that names the key."""
        return {"X-MBX-APIKEY": self._api_key.reveal()}

    def sign(self, payload: str) -> str:
        """The signature of a text: lower-case hexadecimal for HMAC, base64 for Ed25519."""
        return self._sign(payload.encode())

    def signed(self, params: Params) -> str:
        """The query string of these parameters with the signature as its last one."""
        query = encoded(params)
        return f"{query}&signature={quote(self.sign(query), safe='')}"

    def hide(self, text: str) -> str:
        """The text without our key, and without any word as long as a key or a signature is."""
        key = self._api_key.reveal()
        if len(key) >= _KEY_LENGTH_MIN:
            text = text.replace(key, "…")
        return _LONG_WORD.sub("…", text)


def encoded(params: Params) -> str:
    """A query string in the given order, every value percent-encoded as UTF-8."""
    return "&".join(f"{name}={quote(value, safe='')}" for name, value in params)


def _hmac_signer(secret: Secret) -> Signer:
    keyed = hmac.new(secret.reveal().strip().encode(), digestmod=hashlib.sha256)

    def sign(payload: bytes) -> str:
        one = keyed.copy()
        one.update(payload)
        return one.hexdigest()

    return sign


def _ed25519_signer(der: bytes) -> Signer:
    # Only who has such a key pays for the import, and before the emergency.
    from cryptography.exceptions import UnsupportedAlgorithm  # noqa: PLC0415
    from cryptography.hazmat.primitives.asymmetric.ed25519 import (  # noqa: PLC0415
        Ed25519PrivateKey,
    )
    from cryptography.hazmat.primitives.serialization import (  # noqa: PLC0415
        load_der_private_key,
    )

    try:
        key = load_der_private_key(der, password=None)
    except (ValueError, TypeError, UnsupportedAlgorithm):
        raise SettingsError("the API secret looks like a private key and cannot be read") from None
    if not isinstance(key, Ed25519PrivateKey):
        raise SettingsError("the API secret is a private key, but not of the Ed25519 kind")

    def sign(payload: bytes) -> str:
        return base64.b64encode(key.sign(payload)).decode("ascii")

    return sign


def _private_key(secret: Secret) -> bytes | None:
    """The key's own bytes (PKCS#8); None for a text that is no private key."""
    # In an environment variable the line ends of a PEM file are often written as \n.
    text = secret.reveal().replace("\\n", "\n").strip()
    if text.startswith(_PEM_START):
        body = "".join(line for line in text.splitlines() if not line.startswith("-----"))
        der = _from_base64(body)
        if der is None:
            raise SettingsError("the API secret looks like a PEM private key and cannot be read")
        return der
    der = _from_base64("".join(text.split()))
    # A PKCS#8 key is a sequence that names its algorithm near its start; no HMAC secret does.
    if der is not None and der[0] == _SEQUENCE and _ED25519_OID in der[:24]:
        return der
    return None


def _from_base64(text: str) -> bytes | None:
    try:
        return base64.b64decode(text, validate=True) or None
    except (binascii.Error, ValueError):
        return None
