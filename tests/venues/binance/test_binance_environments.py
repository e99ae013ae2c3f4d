import subprocess
import sys
from urllib.parse import urlsplit

import pytest

from goflat.venues.binance.environments import ENVIRONMENTS, host_class

CLASSES = {
    "https://fapi.binance.com": "production",
    "https://FAPI.Binance.COM:443/": "production",
    "https://fapi.binance.com.": "production",
    "https://fapi4.binance.com": "production",
    "https://binance.com": "production",
    "wss://ws-fapi.binance.com/ws-fapi/v1": "production",
    "wss://fstream.binance.com": "production",
    "https://api.binance.com": "production",
    "https://papi.binance.com": "production",
    "https://\uff46api.binance.com": "production",
    "https://fapi。binance。com": "production",
    "https://demo-fapi.binance.com": "test",
    "wss://demo-fstream.binance.com": "test",
    "https://testnet.binancefuture.com": "test",
    "wss://fstream.binancefuture.com": "test",
    "https://testnet.binance.vision": "test",
    "http://127.0.0.1:8080": "loopback",
    "http://127.9.9.9": "loopback",
    "ws://localhost:1": "loopback",
    "http://[::1]:80": "loopback",
    "http://[::ffff:127.0.0.1]:80": "loopback",
    "https://fapi.binance.com.evil.example": "unknown",
    "https://notbinance.com": "unknown",
    "https://fapi.binance.com@evil.example": "unknown",
    "https://evil.example@fapi.binance.com": "unknown",
    "https://evil.example\\@fapi.binance.com": "unknown",
    "https://evil.example\n.binance.com": "unknown",
    "https://evil.example/fapi.binance.com": "unknown",
    "https://api.binance.us": "unknown",
    "https://data-api.binance.vision": "unknown",
    "http://192.168.0.1": "unknown",
    "http://0.0.0.0": "unknown",
    "http://localhost.evil.example": "unknown",
    "ftp://fapi.binance.com": "unknown",
    "fapi.binance.com": "unknown",
    "https://fapi.binance.com:notaport": "unknown",
    "https://[::1": "unknown",
    "https://.": "unknown",
    "": "unknown",
}


@pytest.mark.parametrize(("url", "expected"), CLASSES.items())
def test_the_class_of_a_url_comes_from_its_host(url: str, expected: str) -> None:
    assert host_class(url) == expected


@pytest.mark.parametrize(
    ("name", "expected"), [("testnet", "test"), ("demo", "test"), ("production", "production")]
)
def test_every_address_of_an_environment_is_of_one_class_and_encrypted(
    name: str, expected: str
) -> None:
    environment = ENVIRONMENTS[name]
    urls = [environment.rest_url, environment.ws_api_url, environment.stream_url]
    urls += [environment.sapi_url] if environment.sapi_url else []

    assert {host_class(str(url)) for url in urls} == {expected}
    assert {urlsplit(str(url)).scheme for url in urls} == {"https", "wss"}


def test_only_production_can_be_asked_for_the_rights_of_a_key() -> None:
    assert [name for name, env in ENVIRONMENTS.items() if env.sapi_url] == ["production"]


def test_the_simulated_environment_has_no_address_before_it_is_started() -> None:
    assert ENVIRONMENTS["simulated"].rest_url is None


def test_reading_the_table_loads_no_socket_and_no_library() -> None:
    script = (
        "import sys, goflat.venues.binance.environments;"
        "sys.exit(any(name in sys.modules for name in ('aiohttp', 'asyncio', 'msgspec')))"
    )

    assert subprocess.run([sys.executable, "-c", script], check=False).returncode == 0
