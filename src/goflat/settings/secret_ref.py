"""Where a secret is kept. The file of settings says it; the secret itself is fetched late."""

import os
import re
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from types import MappingProxyType

from goflat.domain.secret import Secret
from goflat.errors import Mistake, SettingsError
from goflat.settings.small_file import read_small_file
from goflat.settings.spelling import did_you_mean

LARGEST_SECRET_BYTES = 16_384
KEYRING_TIMEOUT_SECONDS = 10.0
"""How long a keyring may take, which can include a person who unlocks it."""

_VARIABLE = re.compile(r"[A-Za-z_][A-Za-z0-9_]{0,63}")
_LIKELY_A_SECRET = re.compile(r"[A-Za-z0-9]{32,}")
_CREDENTIAL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,127}")
_PEM = "-----BEGIN "


class SecretPlace(StrEnum):
    """The four kinds of place, spelled as in front of the colon."""

    ENV = "env"
    FILE = "file"
    KEYRING = "keyring"
    CREDENTIAL = "credential"


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretRef:
    """Names one secret without holding it: `env:NAME`, `file:PATH`, `keyring:service/name`, or
    `credential:NAME`, a file that systemd put into $CREDENTIALS_DIRECTORY.

    `key` is the setting that it came from, for messages. `name` is what follows the colon, with a
    path made absolute.
    """

    place: SecretPlace
    name: str
    key: str

    def __str__(self) -> str:
        return f"{self.place}:{self.name}"

    def path(self, environ: Mapping[str, str] = os.environ) -> Path | None:
        """The file that is read for it; None where it is no file, or its directory is unknown."""
        if self.place is SecretPlace.FILE:
            return Path(self.name)
        if self.place is SecretPlace.CREDENTIAL and (
            directory := environ.get("CREDENTIALS_DIRECTORY")
        ):
            return Path(directory) / self.name
        return None

    def resolve(self, environ: Mapping[str, str] = os.environ) -> Secret:
        """Fetch the secret. One newline at its end is not part of it.

        Raises:
            SettingsError: it is not there, cannot be read, or is nothing that a venue gives out.
        """
        try:
            return Secret(_cleaned(_FETCH[self.place](self, environ)))
        except _Unfit as unfit:
            text = f"{self}: {unfit}"
        raise SettingsError(Mistake(key=self.key, text=text))


class _Unfit(Exception):
    """Why a secret cannot be had, in words that do not contain it."""


def secret_place_mistake(text: str) -> str | None:
    """What is wrong with a reference, in words that do not repeat it; None for a good one."""
    place, colon, name = text.partition(":")
    if not colon or place not in set(SecretPlace):
        hint = did_you_mean(place, SecretPlace) if colon else ""
        return f"never the secret itself; what stands there is none of these (not shown){hint}"
    if not name or name != name.strip():
        return f'a name belongs right after "{place}:", without blanks'
    if _LIKELY_A_SECRET.fullmatch(name):
        return f'what follows "{place}:" looks like a secret and not like its name (not shown)'
    return _NAME_MISTAKES[SecretPlace(place)](name)


def _variable_mistake(name: str) -> str | None:
    if _VARIABLE.fullmatch(name):
        return None
    return (
        'the name of an environment variable belongs after "env:" (what stands there is not shown)'
    )


def _path_mistake(name: str) -> str | None:
    return None if name.isprintable() else "the path holds a control character"


def _keyring_mistake(name: str) -> str | None:
    service, _, entry = name.rpartition("/")
    return None if service and entry else 'a service and a name belong here, "keyring:service/name"'


def _credential_mistake(name: str) -> str | None:
    if _CREDENTIAL.fullmatch(name):
        return None
    return 'the plain name of a credential belongs after "credential:", without a path'


_NAME_MISTAKES: Mapping[SecretPlace, Callable[[str], str | None]] = MappingProxyType(
    {
        SecretPlace.ENV: _variable_mistake,
        SecretPlace.FILE: _path_mistake,
        SecretPlace.KEYRING: _keyring_mistake,
        SecretPlace.CREDENTIAL: _credential_mistake,
    }
)


def _from_environment(ref: SecretRef, environ: Mapping[str, str]) -> str:
    if ref.name not in environ:
        raise _Unfit("this environment variable is not set")
    return environ[ref.name]


def _from_file(ref: SecretRef, environ: Mapping[str, str]) -> str:
    path = ref.path(environ)
    if path is None:
        raise _Unfit("$CREDENTIALS_DIRECTORY is not set; systemd sets it for a unit of its own")
    try:
        content = read_small_file(path, LARGEST_SECRET_BYTES)
    except OSError as error:
        raise _Unfit(f"cannot be read: {error.strerror or error}") from None
    try:
        return content.decode("utf-8")
    except UnicodeDecodeError:
        raise _Unfit("is no UTF-8 text") from None


def _from_keyring(ref: SecretRef, environ: Mapping[str, str]) -> str:  # noqa: ARG001
    """Ask the desktop's keyring, in a thread that is left behind if it never answers."""
    service, _, entry = ref.name.rpartition("/")
    answers: list[str | Exception | None] = []
    asking = threading.Thread(
        target=lambda: answers.append(_asked(service, entry)), name="keyring", daemon=True
    )
    asking.start()
    asking.join(KEYRING_TIMEOUT_SECONDS)
    match answers:
        case [str(found)]:
            return found
        case [None]:
            raise _Unfit("the keyring has no such entry")
        case [Exception() as error]:
            raise _Unfit(str(error))
        case _:
            raise _Unfit(f"the keyring did not answer within {KEYRING_TIMEOUT_SECONDS:g} seconds")


def _asked(service: str, entry: str) -> str | Exception | None:
    try:
        import keyring  # noqa: PLC0415 - an extra, and slow to import
        import keyring.errors  # noqa: PLC0415
    except ImportError:
        return _Unfit("needs the extra: pip install 'goflat[keyring]'")
    try:
        return keyring.get_password(service, entry)
    except keyring.errors.KeyringError as error:
        return _Unfit(f"the keyring failed ({type(error).__name__})")


_FETCH: Mapping[SecretPlace, Callable[[SecretRef, Mapping[str, str]], str]] = MappingProxyType(
    {
        SecretPlace.ENV: _from_environment,
        SecretPlace.FILE: _from_file,
        SecretPlace.KEYRING: _from_keyring,
        SecretPlace.CREDENTIAL: _from_file,
    }
)


def _cleaned(text: str) -> str:
    """The secret as the venue gave it out.

    Keys of Binance are one line of printable ASCII, or a PEM block. An environment file often
    holds a block with its newlines written as backslash and n.
    """
    text = text.removeprefix("\ufeff").removesuffix("\n").removesuffix("\r")
    if text.startswith(_PEM):
        return text if "\n" in text else text.replace("\\n", "\n")
    if not text:
        raise _Unfit("is empty")
    if text != text.strip() or text[0] in "\"'":
        raise _Unfit("has a blank or a quote at its beginning or end")
    if not (text.isascii() and text.isprintable() and " " not in text):
        raise _Unfit("holds a character that no key has")
    return text
