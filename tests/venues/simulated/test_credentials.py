"""Signatures against published vectors, and the time window to the millisecond."""

import pytest
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from goflat.venues.simulated.credentials import (
    Credential,
    check_window,
    rest_payload,
    socket_payload,
)
from goflat.venues.simulated.exchange import TEST_API_KEY, TEST_API_SECRET
from goflat.venues.simulated.refusals import Refused

HMAC = Credential(api_key=TEST_API_KEY, account="main", secret=TEST_API_SECRET.encode())
ED25519 = Credential(
    api_key="ed",
    account="main",
    public_key=Ed25519PublicKey.from_public_bytes(
        bytes.fromhex("03a107bff3ce10be1d70dd18e74bc09967e4d6309ba50d5f1ddc8664125531b8")
    ),
)
ORDER = "symbol=BTCUSDT&side=BUY&type=LIMIT&quantity=1&price=9000&timeInForce=GTC"
LIMIT = "symbol=BTCUSDT&side=BUY&type=LIMIT&timeInForce=GTC"


@pytest.mark.parametrize(
    ("query", "body", "signature"),
    [
        (
            f"{ORDER}&recvWindow=5000&timestamp=1591702613943",
            "",
            "3c661234138461fcc7a7d8746c6558c9842d4e10870d2ecbedf7777cad694af9",
        ),
        (
            LIMIT,
            "quantity=1&price=9000&recvWindow=5000&timestamp=1591702613943",
            "30baaf0fab549bbeda7f5ef201898b34122da25fd23c646cac2c529aebe670a4",
        ),
        (
            "symbol=%E6%B5%8B%E8%AF%95USDT&timestamp=1591702613943",
            "",
            "a87744354d2bab5378b7334b2e95919512f7fd61e3153283d724aad1ab700f3f",
        ),
    ],
    ids=["query", "query and body", "not ASCII"],
)
def test_a_published_hmac_signature_is_accepted_in_query_and_body(
    query: str, body: str, signature: str
) -> None:
    for signed_query, signed_body in (
        (f"{query}&signature={signature}", body),
        (query, f"{body}&signature={signature.upper()}" if body else f"signature={signature}"),
    ):
        payload, found = rest_payload(signed_query, signed_body)
        HMAC.check(payload, found)


def test_a_published_socket_signature_is_accepted() -> None:
    params = {
        "symbol": "BTCUSDT",
        "side": "SELL",
        "type": "MARKET",
        "quantity": "0.010",
        "reduceOnly": "true",
        "newClientOrderId": "kill-1",
        "recvWindow": "5000",
        "timestamp": "1591702613943",
        "apiKey": TEST_API_KEY,
    }

    signature = "7f3b7bada5673a7235516c246b1213eddb830bb7cc6ea491260b4f1d0877d1a0"
    HMAC.check(socket_payload(params), signature)


@pytest.mark.parametrize(
    ("payload", "signature"),
    [
        (
            "apiKey=testkey&timestamp=1649729878532",
            "MZVtvFlBY5PMZ0x/hV6kJuS1yL8FEgnMkTvq40kG5NfteOSJu4+AHyz/J3ilxJdU5CUpVuthwTU5Oovj51upDA==",
        ),
        (
            "symbol=BTCUSDT&timestamp=1591702613943",
            "4Xgwy5fev5DU2wK5TNyFhDMYIBjyY9RHcAOXZ33Oj0sSbmyKEMa2OSYKcqQtYdsWS9p2CbnslLZqn9JoSlikDw==",
        ),
    ],
)
def test_a_published_ed25519_signature_is_accepted(payload: str, signature: str) -> None:
    ED25519.check(payload.encode(), signature)


@pytest.mark.parametrize("credential", [HMAC, ED25519], ids=["hmac", "ed25519"])
@pytest.mark.parametrize("signature", ["", "00" * 32, "!!", "AAAA", "ä"])
def test_any_other_signature_is_refused(credential: Credential, signature: str) -> None:
    with pytest.raises(Refused, match="-1022"):
        credential.check(b"symbol=BTCUSDT&timestamp=1591702613943", signature)


def test_a_request_without_a_signature_is_refused() -> None:
    with pytest.raises(Refused, match="-1102"):
        rest_payload("symbol=BTCUSDT&xsignature=00", "")


@pytest.mark.parametrize(
    ("behind_ms", "window_ms", "code"),
    [
        (0, None, None),
        (5000, None, None),
        (5001, None, -1021),
        (-999, None, None),
        (-1000, None, -1021),
        (2001, 2000, -1021),
        (2000, 2000, None),
        (0, 60_000, None),
        (0, 60_001, -1131),
        (0, 0, -1131),
        (None, None, -1102),
    ],
)
def test_a_request_is_taken_inside_its_window_only(
    behind_ms: int | None, window_ms: int | None, code: int | None
) -> None:
    server_ms = 1_795_000_000_000
    timestamp = None if behind_ms is None else server_ms - behind_ms
    if code is None:
        check_window(timestamp, window_ms, server_ms)
    else:
        with pytest.raises(Refused) as caught:
            check_window(timestamp, window_ms, server_ms)
        assert caught.value.code == code


def test_a_credential_does_not_show_its_key_or_secret() -> None:
    assert TEST_API_SECRET not in repr(HMAC)
    assert TEST_API_KEY not in repr(HMAC)
