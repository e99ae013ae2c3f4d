import copy
import pickle

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import rsa
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PrivateKey

from goflat.domain.secret import Secret
from goflat.errors import SettingsError
from goflat.venues.binance.signing import Credentials, encoded

# Key and secret of the venue's own documentation.
KEY = "dbefbc809e3e83c283a984c3a1459732ea7db1360ca80c5c2c8867408d28cc83"
SECRET = "2b5eb11e18796d12d88f13dc27dbbd02c2cc51ff7059765ed9821957d82bb4d9"
ED25519_BODY = "MC4CAQAwBQYDK2VwBCIEIAABAgMEBQYHCAkKCwwNDg8QERITFBUWFxgZGhscHR4f"
ED25519_PEM = f"-----BEGIN PRIVATE KEY-----\n{ED25519_BODY}\n-----END PRIVATE KEY-----\n"


def credentials(secret: str = SECRET, key: str = KEY) -> Credentials:
    return Credentials(api_key=Secret(key), api_secret=Secret(secret))


ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT"
HMAC_VECTORS = [
    (
        f"{ORDER}&quantity=1&price=9000&timeInForce=GTC&recvWindow=5000&timestamp=1591702613943",
        "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
    ),
    (
        f"{ORDER}&timeInForce=GTCquantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
        "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
    ),
    (
        "symbol=%E6%B5%8B%E8%AF%95USDT&timestamp=1591702613943",
        "a87744354d2bab5378b7334b2e95919512f7fd61e3153283d724aad1ab700f3f",
    ),
    (
        "&".join(
            (
                f"apiKey={KEY}",
                "newClientOrderId=kill-1&quantity=0.010&recvWindow=5000&reduceOnly=true",
                "side=SELL&symbol=BTCUSDT&timestamp=1591702613943&type=MARKET",
            )
        ),
        "7f3b7bada5673a7235516c246b1213eddb830bb7cc6ea491260b4f1d0877d1a0",
    ),
]
ED25519_VECTORS = [
    (
        "apiKey=testkey&timestamp=1649729878532",
        "MZVtvFlBY5PMZ0x/hV6kJuS1yL8FEgnMkTvq40kG5NfteOSJu4+AHyz/J3ilxJdU5CUpVuthwTU5Oovj51upDA==",
    ),
    (
        "symbol=BTCUSDT&timestamp=1591702613943",
        "4Xgwy5fev5DU2wK5TNyFhDMYIBjyY9RHcAOXZ33Oj0sSbmyKEMa2OSYKcqQtYdsWS9p2CbnslLZqn9JoSlikDw==",
    ),
]


@pytest.mark.parametrize(("payload", "signature"), HMAC_VECTORS)
def test_an_hmac_signature_is_the_documented_one(payload: str, signature: str) -> None:
    assert credentials().sign(payload) == signature


@pytest.mark.parametrize(("payload", "signature"), ED25519_VECTORS)
@pytest.mark.parametrize(
    "secret",
    [ED25519_PEM, ED25519_BODY, ED25519_PEM.replace("\n", "\\n"), f"  {ED25519_BODY}\n"],
    ids=["pem", "base64", "pem in a variable", "base64 with blanks"],
)
def test_an_ed25519_signature_is_the_documented_one(
    secret: str, payload: str, signature: str
) -> None:
    assert credentials(secret).sign(payload) == signature


@pytest.mark.parametrize(
    ("secret", "kind"),
    [
        (SECRET, "HMAC-SHA256"),
        ("x", "HMAC-SHA256"),
        # As long as a bare Ed25519 key, and the base64 of something else.
        ("NhqPtmdSJYdKjVHjA7PZj4Mge3R5YNiP1e3UZjInClVN65XAbvqqM6A7H5fATj0j", "HMAC-SHA256"),
        ("MC4CAQAwBQYDK2V", "HMAC-SHA256"),
        ("AAAAC3NzaC1lZDI1NTE5AAAAIA==", "HMAC-SHA256"),
        (ED25519_PEM, "Ed25519"),
        (ED25519_BODY, "Ed25519"),
    ],
)
def test_the_kind_of_a_key_is_seen_from_the_shape_of_its_secret(secret: str, kind: str) -> None:
    assert credentials(secret).kind == kind


def test_a_symbol_that_is_not_ascii_is_encoded_before_it_is_signed() -> None:
    signed = credentials().signed([("symbol", "测试USDT"), ("timestamp", "1591702613943")])

    query, _, signature = signed.partition("&signature=")
    assert query == HMAC_VECTORS[2][0]
    assert signature == HMAC_VECTORS[2][1]


def test_a_base64_signature_is_encoded_and_comes_last() -> None:
    signed = credentials(ED25519_PEM).signed(
        [("symbol", "BTCUSDT"), ("timestamp", "1591702613943")]
    )

    assert signed.endswith("&signature=" + ED25519_VECTORS[1][1].replace("=", "%3D"))


def test_what_could_end_a_parameter_is_encoded() -> None:
    assert encoded([("a", "x&b=1 #/?+:"), ("c", "")]) == "a=x%26b%3D1%20%23%2F%3F%2B%3A&c="


def _pem(key: Ed25519PrivateKey | rsa.RSAPrivateKey, password: bytes | None = None) -> str:
    encryption: serialization.KeySerializationEncryption = serialization.NoEncryption()
    if password:
        encryption = serialization.BestAvailableEncryption(password)
    return key.private_bytes(
        serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, encryption
    ).decode()


@pytest.mark.parametrize(
    ("secret", "said"),
    [
        ("", "empty"),
        (" \n", "empty"),
        (_pem(rsa.generate_private_key(65537, 2048)), "not of the Ed25519 kind"),
        (_pem(Ed25519PrivateKey.generate(), b"pass"), "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\n!!\n-----END PRIVATE KEY-----", "cannot be read"),
        ("-----BEGIN PRIVATE KEY-----\n-----END PRIVATE KEY-----", "cannot be read"),
        (ED25519_BODY[:-8], "cannot be read"),
    ],
)
def test_a_secret_that_cannot_sign_is_refused_without_repeating_it(secret: str, said: str) -> None:
    with pytest.raises(SettingsError, match=said) as refused:
        credentials(secret)

    assert secret.strip()[30:] == "" or secret.strip()[30:] not in str(refused.value)


@pytest.mark.parametrize("key", ["", " ", "a b", "a\r\nHost: x", "ключ", "x" * 257])
def test_a_key_that_could_not_be_a_header_is_refused(key: str) -> None:
    with pytest.raises(SettingsError, match="API key"):
        credentials(key=key)


def test_credentials_are_not_shown_copied_or_pickled() -> None:
    held = credentials()

    assert repr(held) == str(held) == f"{held}" == "Credentials(HMAC-SHA256)"
    for copying in (pickle.dumps, copy.deepcopy):
        with pytest.raises((TypeError, AttributeError)):
            copying(held)


@pytest.mark.parametrize(
    "text",
    [
        f"bad key {KEY} here",
        "bad query symbol=B&signature=3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecb",
        "bad 'signature': '3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecb'",
        "Signature=4Xgwy5fev5DU2wK5TNyFhDMYIBjyY9RHcAOXZ33Oj0s%2Fbmy%3D",
    ],
)
def test_a_venues_text_cannot_give_away_key_or_signature(text: str) -> None:
    hidden = credentials().hide(text)

    assert "…" in hidden
    assert KEY not in hidden
    assert "3c6612" not in hidden
    assert "4Xgwy5" not in hidden


def test_an_innocent_text_about_signatures_stays_readable() -> None:
    text = "Signature for this request is not valid."

    assert credentials().hide(text) == credentials(key="a").hide(text) == text
