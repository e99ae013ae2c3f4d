"""No test reaches real money, and no real key goes anywhere else than to the venue."""

import pytest

from goflat.settings.addresses import ADDRESSES, address_mistakes, completed
from goflat.settings.schema import EnvironmentName
from goflat.venues.binance.environments import ENVIRONMENTS

HERE = "http://127.0.0.1:9000"
WS_HERE = "ws://localhost:9000"
PRODUCTION = "https://fapi.binance.com"
TEST = "https://testnet.binancefuture.com"


def judged(environment: EnvironmentName, **given: str) -> list[tuple[str, str]]:
    addresses = completed(environment, given)
    return [(wrong.key, wrong.text) for wrong in address_mistakes(environment, addresses)]


@pytest.mark.parametrize("environment", ["testnet", "demo", "production", "simulated"])
def test_the_own_addresses_of_every_environment_are_fine(environment: EnvironmentName) -> None:
    assert judged(environment) == []


@pytest.mark.parametrize("environment", ["testnet", "demo", "simulated"])
@pytest.mark.parametrize("url", [HERE, "https://localhost", "http://[::1]:9"])
def test_whatever_is_not_production_may_be_on_this_machine(
    environment: EnvironmentName, url: str
) -> None:
    assert judged(environment, rest_url=url, ws_api_url=WS_HERE, sapi_url=HERE) == []


@pytest.mark.parametrize(
    ("environment", "key", "url", "reason"),
    [
        ("testnet", "rest_url", PRODUCTION, "production host"),
        ("demo", "stream_url", "wss://fstream.binance.com", "production host"),
        ("simulated", "rest_url", PRODUCTION, "production host"),
        ("simulated", "rest_url", "https://FAPI.binance.com.", "production host"),
        ("simulated", "rest_url", TEST, "test network"),
        ("testnet", "sapi_url", "https://api.binance.com", "production host"),
        ("production", "rest_url", HERE, "this machine"),
        ("production", "sapi_url", HERE, "this machine"),
        ("production", "ws_api_url", "wss://testnet.binancefuture.com/ws-fapi/v1", "test network"),
        ("production", "rest_url", "https://fapi.binance.com.evil.example", "neither"),
        ("production", "rest_url", "https://evilbinance.com", "neither"),
        ("production", "rest_url", "http://fapi.binance.com", "not encrypted"),
        ("testnet", "rest_url", "http://testnet.binancefuture.com", "not encrypted"),
        ("testnet", "stream_url", "ws://fstream.binancefuture.com", "not encrypted"),
        ("testnet", "rest_url", "https://venue.example", "neither"),
        ("simulated", "rest_url", "http://10.0.0.7:9000", "neither"),
        ("simulated", "ws_api_url", WS_HERE, "is needed"),
    ],
)
def test_an_address_of_another_class_is_refused(
    environment: EnvironmentName, key: str, url: str, reason: str
) -> None:
    ((_, text),) = judged(environment, **{key: url})

    assert reason in text


def test_half_here_and_half_there_is_refused() -> None:
    ((key, text),) = judged("testnet", rest_url=TEST, stream_url=WS_HERE)

    assert key == "rest_url"
    assert "one place" in text


def test_one_address_on_this_machine_keeps_the_others_from_being_filled_in() -> None:
    addresses = completed("testnet", {"rest_url": HERE})

    assert addresses == {
        "rest_url": HERE, "ws_api_url": None, "stream_url": None, "sapi_url": None,
    }  # fmt: skip


def test_where_the_rights_are_asked_may_be_this_machine_by_itself() -> None:
    assert judged("testnet", sapi_url=HERE) == []
    assert completed("testnet", {"sapi_url": HERE})["rest_url"] == ENVIRONMENTS["testnet"].rest_url


def test_every_address_of_an_environment_is_a_setting() -> None:
    fields = set(ENVIRONMENTS["testnet"].__slots__) - {"name"}  # type: ignore[attr-defined]

    assert fields == set(ADDRESSES)
