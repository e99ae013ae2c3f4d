"""What must not be written, known by its name. The second line: the first is not to log it."""

import re

HIDDEN = "Secret(…)"
"""What stands where a secret was."""

_NAMES = frozenset(
    {
        "apikey",
        "apisecret",
        "authorization",
        "cookie",
        "listenkey",
        "passphrase",
        "password",
        "privatekey",
        "secret",
        "secretkey",
        "signature",
        "token",
        "xmbxapikey",
    }
)

# A signed request may come along inside the text of somebody's exception.
_IN_TEXT = re.compile(
    r"(?i)\b(api_?key|api_?secret|listen_?key|passphrase|password|secret|signature|token)"
    r"=[^&\s\"']+"
)


def hides(name: str) -> bool:
    """Whether what has this name is a secret, however the name is spelt."""
    return name.lower().replace("_", "").replace("-", "") in _NAMES


def without_secrets(text: str) -> str:
    """The text, with the values of `signature=…` and its like hidden."""
    return _IN_TEXT.sub(rf"\1={HIDDEN}", text) if "=" in text else text
