"""What else pulls the switch: limits, files, addresses, user code, HTTP beats, runs handed over."""

import json
import socket
import time
import urllib.error
import urllib.request
from collections.abc import Iterator
from decimal import Decimal
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from threading import Thread

import pytest
from guard_desk import BOT_TABLE, GuardDesk, guard_desk, until

from goflat.domain.outcome import LegOutcome, LegResult, LiquidationResult, LiquidationState
from goflat.domain.position import PositionSide
from goflat.guard.handing_over import hand_over, what_is_left


@pytest.fixture
def desk() -> Iterator[GuardDesk]:
    with guard_desk() as it:
        yield it


def trigger(kind: str, **settings: object) -> str:
    lines = {"name": "one", "kind": kind, "every_seconds": 1} | settings
    return "[[trigger]]\n" + "\n".join(f"{k} = {json.dumps(v)}" for k, v in lines.items()) + "\n"


def one(desk: GuardDesk) -> dict[str, object]:
    status = desk.status()
    assert status is not None
    return status["triggers"]["one"]  # type: ignore[index, no-any-return]


def guarded_by(desk: GuardDesk, table: str, amount: str = "0.1") -> None:
    """A guard with that trigger and no bot, armed, and a position that it watches."""
    desk.configure(table)
    desk.hold("BTCUSDT", amount)
    desk.guard()
    until(desk.is_armed, "armed")


def test_a_file_that_appears_trips(desk: GuardDesk) -> None:
    guarded_by(desk, trigger("file", path="panic"))
    until(lambda: one(desk)["armed"], "the trigger is armed")
    assert not desk.is_flat
    (desk.state / "panic").touch()
    until(lambda: desk.is_flat, "flat")
    assert "trigger one" in desk.said()


def test_a_loss_trips_after_two_readings_and_a_withdrawal_does_not(desk: GuardDesk) -> None:
    guarded_by(desk, trigger("loss", loss_amount="300"))
    until(lambda: one(desk)["armed"], "the trigger is armed")
    mark = desk.venue.world.market("BTCUSDT").mark
    desk.venue.set_mark("BTCUSDT", mark - Decimal(2000))
    time.sleep(2.2)
    assert desk.is_armed()
    desk.venue.set_mark("BTCUSDT", mark - Decimal(4000))
    until(lambda: desk.is_flat, "flat")
    assert "lost" in desk.said()


def test_margin_that_is_needed_trips(desk: GuardDesk) -> None:
    guarded_by(desk, trigger("margin", margin_percent=0.1), "10")
    until(lambda: desk.is_flat, "flat")


def test_a_schedule_and_a_distance_are_read_and_calm(desk: GuardDesk) -> None:
    table = trigger("schedule", cron="0 0 29 2 *", time_zone="Europe/Berlin")
    table += trigger("distance", distance_percent=0.5).replace('"one"', '"two"')
    guarded_by(desk, table)
    until(lambda: one(desk)["armed"], "the trigger is armed")
    until(lambda: desk.status()["triggers"]["two"]["armed"], "the second, too")  # type: ignore[index]
    assert desk.is_armed()


class _Says(BaseHTTPRequestHandler):
    status = 404

    def do_GET(self) -> None:
        self.send_response(type(self).status)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        """Quiet."""


def test_an_address_trips_when_it_says_so_and_alerts_when_it_says_nothing(
    desk: GuardDesk,
) -> None:
    _Says.status = 404
    server = ThreadingHTTPServer(("127.0.0.1", 0), _Says)
    Thread(target=server.serve_forever, daemon=True).start()
    try:
        guarded_by(desk, trigger("url", url=f"http://127.0.0.1:{server.server_port}/panic"))
        until(lambda: one(desk)["armed"], "the trigger is armed")
        _Says.status = 500
        until(lambda: not one(desk)["armed"], "unreadable is not armed")
        assert not desk.is_flat
        assert "could not be read and is NOT ARMED" in desk.said()
        _Says.status = 200
        until(lambda: desk.is_flat, "flat")
    finally:
        server.shutdown()


def test_what_cannot_be_read_trips_where_somebody_asked_for_that(desk: GuardDesk) -> None:
    with socket.socket() as nobody:
        nobody.bind(("127.0.0.1", 0))
        address = f"http://127.0.0.1:{nobody.getsockname()[1]}/panic"
        guarded_by(desk, trigger("url", url=address, on_unreadable="trip"))
        until(lambda: desk.is_flat, "flat")


def test_user_code_adds_a_reason_and_its_failure_is_its_own(desk: GuardDesk) -> None:
    (desk.state / "mine.py").write_text(
        "import pathlib\n"
        "def hot():\n"
        "    word = pathlib.Path('word').read_text()\n"
        "    return word or None\n"
    )
    (desk.state / "word").write_text("")
    desk.configure(trigger("code", function="mine:hot"))
    desk.hold("BTCUSDT", "0.1")
    desk.guard(PYTHONPATH=str(desk.state))
    until(desk.is_armed, "armed")
    until(lambda: one(desk)["armed"], "the trigger is armed")
    (desk.state / "word").unlink()
    until(lambda: not one(desk)["armed"], "its failure is not armed")
    assert desk.is_armed()
    (desk.state / "word").write_text("too hot")
    until(lambda: desk.is_flat, "flat")
    assert "too hot" in desk.said()


def test_a_venue_that_is_silent_trips(desk: GuardDesk) -> None:
    guarded_by(desk, trigger("connection", silent_seconds=2, severity="halt"))
    until(lambda: one(desk)["armed"], "the trigger is armed")
    desk.venue.ban(60)
    until(lambda: desk.state_name() == "LATCHED", "latched")


# --- beats over HTTP ----------------------------------------------------------------------------


def free_port() -> int:
    with socket.socket() as it:
        it.bind(("127.0.0.1", 0))
        port = it.getsockname()[1]
        assert isinstance(port, int)
        return port


def spoken(port: int, path: str, body: dict[str, object] | None, **headers: str) -> tuple[int, str]:
    data = None if body is None else json.dumps({"v": 1, **body}).encode()
    request = urllib.request.Request(f"http://127.0.0.1:{port}{path}", data=data, headers=headers)
    try:
        with urllib.request.urlopen(request, timeout=5) as answer:
            return answer.status, answer.read().decode()
    except urllib.error.HTTPError as error:
        return error.code, error.read().decode()


def test_a_bot_in_another_language_beats_over_http_and_its_silence_trips(desk: GuardDesk) -> None:
    port = free_port()
    desk.configure(BOT_TABLE + "hang_seconds = 1\n", http_port=port)
    desk.hold()
    desk.guard()
    token = (desk.state / "heartbeat.token").read_text()
    shown = {"Authorization": f"Bearer {token}"}
    assert spoken(port, "/v1/beat", {"bot": "maker", "progress": 1})[0] == 401
    assert spoken(port, "/v1/beat", {}, Host="evil.example", **shown)[0] == 421
    assert spoken(port, "/v1/beat", {"bot": "nobody", "progress": 1}, **shown)[0] == 400
    assert spoken(port, "/v1/latched", None, **shown) == (200, '{"latched": false}')
    challenge = ""
    for progress in range(1, 12):
        asked = {"bot": "maker", "progress": progress, "answer": challenge}
        status, text = spoken(port, "/v1/beat", asked, **shown)
        assert status == 200
        assert json.loads(text)["counted"] is bool(challenge)
        challenge = json.loads(text)["challenge"]
        time.sleep(0.1)
    assert not desk.is_flat
    until(lambda: desk.is_flat, "flat")
    assert "made no progress" in desk.said()


# --- handed over --------------------------------------------------------------------------------


def left(outcome: LegOutcome = LegOutcome.OPEN) -> LiquidationResult:
    leg = LegResult(
        symbol="BTCUSDT",
        side=PositionSide.LONG,
        outcome=outcome,
        quantity=Decimal("0.05"),
        quantity_left=Decimal("0.02"),
    )
    return LiquidationResult(
        state=LiquidationState.PARTIAL, legs=(leg,), correlation_id="liq_x_12345678"
    )


def test_the_guard_goes_on_with_what_a_bot_left_and_with_no_more(desk: GuardDesk) -> None:
    desk.guard()
    desk.bot()
    desk.hold("BTCUSDT", "0.05")
    desk.hold("ETHUSDT", "1")
    thread = hand_over(left(), directory=desk.state)
    assert thread is not None
    thread.join(10)
    until(lambda: desk.state_name() in {"HOLDING", "LATCHED"}, "done", 20)
    status = desk.status()
    assert status is not None
    assert status["latch"]["run_id"] == "liq_x_12345678"  # type: ignore[index]
    assert desk.venue.truth.amounts() == {
        ("BTCUSDT", "BOTH"): Decimal("0.03"),
        ("ETHUSDT", "BOTH"): Decimal(1),
    }


def test_nothing_left_is_handed_to_nobody(desk: GuardDesk) -> None:
    assert what_is_left(left(LegOutcome.DUST), "main") is None
    assert hand_over(LiquidationResult(state=LiquidationState.COMPLETED)) is None
    thread = hand_over(left(), directory=desk.state)
    assert thread is not None
    thread.join(10)
    assert not thread.is_alive()
