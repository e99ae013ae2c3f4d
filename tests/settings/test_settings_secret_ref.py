"""A secret is named early, fetched late, and never repeated."""

import os
import sys
import time
from pathlib import Path

import keyring
import pytest
from keyring.backend import KeyringBackend
from keyring.errors import KeyringLocked

from goflat.errors import SettingsError
from goflat.settings import SecretPlace, SecretRef
from goflat.settings import secret_ref as module
from goflat.settings.secret_ref import LARGEST_SECRET_BYTES, secret_place_mistake

PEM = "-----BEGIN PRIVATE KEY-----\nMC4CAQAwBQYDK2VwBCIEIAAB\n-----END PRIVATE KEY-----"


def ref(text: str) -> SecretRef:
    assert secret_place_mistake(text) is None
    place, _, name = text.partition(":")
    return SecretRef(place=SecretPlace(place), name=name, key="api_secret")


def refusal(text: str, environ: dict[str, str] | None = None) -> str:
    with pytest.raises(SettingsError) as caught:
        ref(text).resolve(environ or {})
    assert caught.value.mistakes[0].key == "api_secret"
    return str(caught.value)


@pytest.mark.parametrize(
    ("written", "meant"),
    [
        ("abc", "abc"),
        ("abc\n", "abc"),
        ("abc\r\n", "abc"),
        ("\ufeffabc", "abc"),
        (PEM, PEM),
        (PEM + "\n", PEM),
        (PEM.replace("\n", "\\n"), PEM),
    ],
)
def test_a_secret_comes_without_the_newline_at_its_end(written: str, meant: str) -> None:
    assert ref("env:KEY").resolve({"KEY": written}).reveal() == meant


@pytest.mark.parametrize(
    ("written", "reason"),
    [
        ("", "is empty"),
        ("\n", "is empty"),
        (" canary", "blank or a quote"),
        ("canary\n\n", "blank or a quote"),
        ('"canary"', "blank or a quote"),
        ("canary canary", "no key has"),
        ("canary\ncanary", "no key has"),
        ("canary\x00x", "no key has"),
        ("canary\u200bx", "no key has"),
    ],
)
def test_what_no_venue_gives_out_is_refused_and_not_repeated(written: str, reason: str) -> None:
    said = refusal("env:KEY", {"KEY": written})

    assert reason in said
    assert "canary" not in said


def test_a_variable_that_is_not_set_is_named() -> None:
    assert refusal("env:BINANCE_API_KEY") == (
        "api_secret: env:BINANCE_API_KEY: this environment variable is not set"
    )


def test_a_file_is_read_when_it_is_asked_for(tmp_path: Path) -> None:
    path = tmp_path / "secret"
    reference = ref(f"file:{path}")
    path.write_text(PEM + "\n", encoding="utf-8")

    assert reference.resolve({}).reveal() == PEM


@pytest.mark.parametrize("what", ["absent", "directory", "pipe", "large", "binary"])
def test_a_file_that_cannot_be_read_is_refused_at_once(tmp_path: Path, what: str) -> None:
    path = tmp_path / "secret"
    match what:
        case "directory":
            path.mkdir()
        case "pipe":
            os.mkfifo(path)
        case "large":
            path.write_bytes(b"x" * (LARGEST_SECRET_BYTES + 1))
        case "binary":
            path.write_bytes(b"\xff\xfecanary")

    said = refusal(f"file:{path}")

    assert str(path) in said
    assert "canary" not in said


def test_a_credential_is_a_file_that_systemd_put_there(tmp_path: Path) -> None:
    (tmp_path / "binance.key").write_text("abc\n", encoding="utf-8")
    reference = ref("credential:binance.key")

    assert reference.resolve({"CREDENTIALS_DIRECTORY": str(tmp_path)}).reveal() == "abc"
    assert reference.path({}) is None
    assert "$CREDENTIALS_DIRECTORY is not set" in refusal("credential:binance.key")


class DesktopKeyring(KeyringBackend):
    """A keyring as desktops have them, with every way in which it answers."""

    priority = 1

    def get_password(self, service: str, username: str) -> str | None:
        match username:
            case "locked":
                raise KeyringLocked("canary")
            case "asleep":
                time.sleep(0.2)
        return {"main": "abc"}.get(username)

    def set_password(self, service: str, username: str, password: str) -> None:
        raise NotImplementedError


@pytest.fixture
def desktop() -> object:
    before = keyring.get_keyring()
    keyring.set_keyring(DesktopKeyring())
    yield
    keyring.set_keyring(before)


@pytest.mark.usefixtures("desktop")
def test_a_keyring_is_asked_by_service_and_name() -> None:
    assert ref("keyring:my/goflat/main").resolve({}).reveal() == "abc"
    assert "no such entry" in refusal("keyring:goflat/absent")


@pytest.mark.usefixtures("desktop")
def test_a_keyring_that_fails_is_named_without_its_words() -> None:
    said = refusal("keyring:goflat/locked")

    assert "KeyringLocked" in said
    assert "canary" not in said


@pytest.mark.usefixtures("desktop")
def test_a_keyring_that_never_answers_is_not_waited_for(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "KEYRING_TIMEOUT_SECONDS", 0.01)

    assert "did not answer" in refusal("keyring:goflat/asleep")


def test_without_the_extra_a_keyring_says_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setitem(sys.modules, "keyring", None)

    assert "pip install 'goflat[keyring]'" in refusal("keyring:goflat/main")


@pytest.mark.parametrize(
    "text",
    [
        "canary",
        "",
        "canary:NAME",
        "env:",
        "env: CANARY",
        "env:canary-canary",
        "env:" + "aB3canary" * 5,
        "file:",
        "file:" + "aB3canary" * 5,
        "file:/a\x1b[2Jcanary",
        "keyring:canary",
        "keyring:/canary",
        "keyring:canary/",
        "credential:../canary",
        "credential:/canary",
        "https://canary@host",
    ],
)
def test_a_reference_that_names_no_place_is_refused_and_not_repeated(text: str) -> None:
    mistake = secret_place_mistake(text)

    assert mistake
    assert "canary" not in mistake.casefold()


def test_a_misspelt_place_has_a_near_miss() -> None:
    assert 'did you mean "env"?' in (secret_place_mistake("evn:KEY") or "")
    assert 'did you mean "credential"?' in (secret_place_mistake("Credentials:key") or "")


def test_a_reference_shows_the_name_and_never_the_secret() -> None:
    reference = ref("env:KEY")
    reference.resolve({"KEY": "canary"})

    assert "canary" not in repr(reference)
    assert str(reference) == "env:KEY"
