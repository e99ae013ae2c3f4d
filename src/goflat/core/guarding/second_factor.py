"""A code that changes every half minute (RFC 6238), told the time of day. Each is good once."""

import base64
import binascii
import hashlib
import hmac
from dataclasses import dataclass

from goflat.domain.secret import Secret

STEP_SECONDS = 30
DIGITS = 6
STEPS_EITHER_SIDE = 1
"""How far the clock of whoever types may be off: one step."""


@dataclass(slots=True)
class SecondFactor:
    """Knows one secret, and which of its codes was used last."""

    _key: Secret
    _used: int = -1

    @classmethod
    def of(cls, secret: Secret) -> "SecondFactor":
        """From the base32 text that authenticator programs take.

        Raises:
            ValueError: it is none, in words that do not repeat it.
        """
        made = cls(secret)
        if len(made._bytes()) < 10:
            raise ValueError("a second factor needs at least 16 letters of base32")
        return made

    def takes(self, code: str, wall_seconds: float) -> bool:
        """Whether that is a code of now, and the first time that it is shown."""
        step = int(wall_seconds // STEP_SECONDS)
        for near in range(step - STEPS_EITHER_SIDE, step + STEPS_EITHER_SIDE + 1):
            if near > self._used and hmac.compare_digest(self._code(near), code.encode()):
                self._used = near
                return True
        return False

    def _bytes(self) -> bytes:
        text = "".join(self._key.reveal().split()).rstrip("=").upper()
        try:
            return base64.b32decode(text + "=" * (-len(text) % 8))
        except binascii.Error:
            raise ValueError("a second factor is a text of base32") from None

    def _code(self, step: int) -> bytes:
        digest = hmac.new(self._bytes(), step.to_bytes(8, "big"), hashlib.sha1).digest()
        start = digest[-1] & 0x0F
        number = int.from_bytes(digest[start : start + 4], "big") & 0x7FFFFFFF
        return str(number % 10**DIGITS).zfill(DIGITS).encode()
