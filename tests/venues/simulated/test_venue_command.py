"""goflat venue: starts, says where, and ends when told."""

import http.client
import signal
import subprocess
import sys
import tomllib
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from click.testing import CliRunner

from goflat.cli.venue import command


class Running:
    def __init__(self, *args: str) -> None:
        self.process = subprocess.Popen(
            [sys.executable, "-m", "goflat", "venue", *args],
            stdout=subprocess.PIPE,
            stderr=subprocess.PIPE,
            text=True,
        )
        self.lines: list[str] = []

    def greeting(self) -> str:
        for line in self.process.stdout:
            self.lines.append(line)
            if "BINANCE_API_SECRET=" in line:
                break
        return "".join(self.lines)


@pytest.fixture
def start() -> Iterator:
    running: list[Running] = []

    def make(*args: str) -> Running:
        running.append(Running(*args))
        return running[-1]

    yield make
    for one in running:
        one.process.kill()
        one.process.communicate()


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_it_prints_a_configuration_serves_and_ends_cleanly(start, how: signal.Signals) -> None:
    running = start("--symbols", "3", "--hedge", "--latency-ms", "1")
    settings = tomllib.loads(running.greeting())["venue"]
    address = urlsplit(settings["rest_url"])
    client = http.client.HTTPConnection(address.hostname, address.port, timeout=5)
    client.request("GET", "/fapi/v1/exchangeInfo")
    listing = client.getresponse().read()
    client.close()

    running.process.send_signal(how)
    _, told = running.process.communicate(timeout=5)

    assert settings["environment"] == "simulated"
    assert settings["api_key"] == "env:BINANCE_API_KEY"
    assert b"SIM0003USDT" in listing
    assert (running.process.returncode, told) == (0, "goflat venue: ended.\n")


def test_a_port_that_is_taken_is_said(start) -> None:
    first = start()
    port = tomllib.loads(first.greeting())["venue"]["rest_url"].rpartition(":")[2]
    second = start("--port", port)

    _, told = second.process.communicate(timeout=5)

    assert second.process.returncode == 2
    assert f"cannot listen on 127.0.0.1:{port}" in told


def test_an_address_that_others_may_reach_is_warned_of(start) -> None:
    running = start("--host", "0.0.0.0")
    settings = tomllib.loads(running.greeting())["venue"]
    running.process.send_signal(signal.SIGTERM)

    _, told = running.process.communicate(timeout=5)

    assert "CAUTION: listening on 0.0.0.0" in told
    assert settings["rest_url"].startswith("http://127.0.0.1:")


@pytest.mark.parametrize(
    ("args", "told"),
    [
        (["--port", "99999"], "--port"),
        (["--symbols", "-1"], "--symbols"),
        (["--latency-ms", "x"], "--latency-ms"),
        (["--faults", "missing.toml"], "missing.toml: cannot be read"),
    ],
)
def test_what_was_typed_wrong_is_refused_with_2(args: list[str], told: str) -> None:
    result = CliRunner().invoke(command, args)

    assert result.exit_code == 2
    assert told in result.output


def test_a_damaged_fault_script_is_refused_with_its_place(tmp_path: Path) -> None:
    path = tmp_path / "faults.toml"
    path.write_text('[[fault]]\nfault = "rest"\n')

    result = CliRunner().invoke(command, ["--faults", str(path)])

    assert result.exit_code == 2
    assert f"{path}:2: [[fault]] 1 fault" in result.output
