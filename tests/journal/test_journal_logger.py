import asyncio
import gc
import os
import re
import threading
import time
from decimal import Decimal
from pathlib import Path

import pytest
from trails import Begin, found_in, kinds, records, verdict_on

from goflat.domain.secret import Secret
from goflat.journal import AuditLogger, EventType
from goflat.journal.backlog import MAX_WAITING
from goflat.journal.record import GENESIS
from goflat.ports.journal import Audit


def test_an_event_becomes_a_line_of_the_contract(path: Path, begin: Begin) -> None:
    audit = begin()

    audit.log_event(EventType.LIQUIDATION_START, "liq_1", {"quantity": Decimal("0.50")})

    assert audit.flush_sync(5)
    (record,) = records(path)
    assert record["seq"] == 1
    assert re.fullmatch(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z", record["timestamp"])
    assert record["event_type"] == "LIQUIDATION_START"
    assert record["correlation_id"] == "liq_1"
    assert record["data"] == {"quantity": "0.50"}
    assert record["prev_hash"] == GENESIS
    assert record["hash"] == audit.last_hash
    assert audit.path == path
    assert audit.degraded == ()
    assert audit.notices == ()


def test_it_keeps_the_port(begin: Begin) -> None:
    audit: Audit = begin()

    assert audit.last_hash is None


def test_a_word_of_the_callers_own_is_taken_as_well(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("MY_BOT_STOPPED", "bot 7", {})

    assert audit.flush_sync(5)
    assert kinds(path) == ["MY_BOT_STOPPED"]


def test_what_is_logged_is_what_was_true_then(path: Path, begin: Begin) -> None:
    audit, data = begin(), {"left": ["BTCUSDT"]}

    audit.log_event("READING", "liq_1", data)
    data["left"].clear()

    assert audit.flush_sync(5)
    assert records(path)[0]["data"] == {"left": ["BTCUSDT"]}


def test_a_file_is_continued_where_it_ended(path: Path, begin: Begin) -> None:
    for number in range(3):
        audit = begin()
        audit.log_event("READING", f"liq_{number}", {})
        assert audit.close(5)

    assert [record["seq"] for record in records(path)] == [1, 2, 3]
    assert verdict_on(path).intact
    assert verdict_on(path).last_hash == audit.last_hash


def test_a_trail_that_is_continued_knows_its_last_hash(path: Path, begin: Begin) -> None:
    first = begin()
    first.log_event("READING", "liq_1", {})
    first.close(5)

    assert begin().last_hash == first.last_hash


def test_order_is_kept_and_batches_share_one_sync(path: Path, begin: Begin) -> None:
    syncs: list[int] = []
    gate = threading.Event()

    def fsync(fd: int) -> None:
        syncs.append(fd)
        gate.wait(10)

    audit = begin(fsync=fsync)
    for number in range(1000):
        audit.log_event("READING", "liq_1", {"number": number})
    gate.set()

    assert audit.flush_sync(5)
    assert [record["data"]["number"] for record in records(path)] == list(range(1000))
    assert len(syncs) <= 3


def test_many_threads_make_one_chain(path: Path, begin: Begin) -> None:
    audit = begin()

    def log(name: str) -> None:
        for number in range(200):
            audit.log_event("READING", name, {"number": number})

    threads = [threading.Thread(target=log, args=(f"liq_{n}",)) for n in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert audit.flush_sync(5)
    assert verdict_on(path).intact
    assert verdict_on(path).records == 1000


async def test_flush_waits_for_the_disk_and_not_for_long(begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    audit.log_event("ORDER_INTENT", "liq_1", {})

    began = time.monotonic()
    late = await audit.flush()
    waited = time.monotonic() - began
    gate.set()

    assert not late
    assert waited < 0.25
    assert audit.degraded == ("events were not on the disk within 0.05 s",)
    assert await audit.flush(5)


async def test_a_flush_in_time_says_so_and_leaves_no_word(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("ORDER_INTENT", "liq_1", {})

    assert await audit.flush(5)
    assert audit.degraded == ()
    assert kinds(path) == ["ORDER_INTENT"]


async def test_a_late_disk_is_marked_in_the_trail(path: Path, begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    audit.log_event("ORDER_INTENT", "liq_1", {})

    assert not await audit.flush(0.01)
    gate.set()
    assert audit.close(5)

    marks = [r["data"] for r in records(path) if r["event_type"] == "AUDIT_DEGRADED"]
    assert {"unsynced": True, "waited_seconds": 0.01, "after_seq": 0, "through_seq": 2} in marks
    assert verdict_on(path).intact
    assert any("not known to be on the disk in time" in note for note in verdict_on(path).notes)


async def test_a_hanging_sync_does_not_hold_back_what_is_written(path: Path, begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    for number in range(50):
        audit.log_event("READING", "liq_1", {"number": number})
    await audit.flush(0.01)

    written = [r["data"]["number"] for r in records(path) if r["event_type"] == "READING"]
    assert written == list(range(50))
    gate.set()


async def test_the_loop_goes_on_while_the_disk_hangs(begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    turns = 0

    async def turn() -> None:
        nonlocal turns
        while True:
            turns += 1
            await asyncio.sleep(0)

    other = asyncio.create_task(turn())
    audit.log_event("ORDER_INTENT", "liq_1", {})
    await audit.flush(0.02)
    other.cancel()
    gate.set()

    assert turns > 20


async def test_a_flush_that_is_cancelled_lets_go(begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    audit.log_event("ORDER_INTENT", "liq_1", {})
    flush = asyncio.create_task(audit.flush(5))
    await asyncio.sleep(0)
    flush.cancel()
    gate.set()

    with pytest.raises(asyncio.CancelledError):
        await flush
    assert await audit.flush(5)


def test_an_answer_to_a_loop_that_has_ended_harms_nobody(path: Path, begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    audit.log_event("ORDER_INTENT", "liq_1", {})
    assert asyncio.run(audit.flush(0.001)) is False
    gate.set()

    assert audit.flush_sync(5)
    audit.log_event("READING", "liq_1", {})
    assert audit.close(5)
    assert verdict_on(path).intact


@pytest.mark.parametrize("seconds", [-1.0, 0.0, float("nan")])
def test_no_time_at_all_is_no_error(begin: Begin, seconds: float) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {})

    assert audit.flush_sync(seconds) in (True, False)
    assert asyncio.run(audit.flush(seconds)) in (True, False)


class _Hostile(dict[str, object]):
    def items(self) -> object:  # type: ignore[override]
        raise RuntimeError("not me")


@pytest.mark.parametrize(
    "data", [None, 7, _Hostile(a=1), "text"], ids=["none", "number", "hostile", "text"]
)
def test_data_that_cannot_be_read_still_leaves_a_record(
    path: Path, begin: Begin, data: object
) -> None:
    audit = begin()

    audit.log_event("ORDER_PLACED", "liq_1", data)  # type: ignore[arg-type]

    assert audit.flush_sync(5)
    assert "could not be read" in records(path)[0]["data"]["…"]


def test_a_name_that_cannot_be_read_is_counted_as_lost(begin: Begin) -> None:
    class Rude:
        def __str__(self) -> str:
            raise RuntimeError("not me")

    audit = begin()
    audit.log_event(Rude(), "liq_1", {})  # type: ignore[arg-type]

    assert audit.degraded == ("an event could not be taken: RuntimeError",)
    assert not audit.flush_sync(5)


def test_no_secret_reaches_the_file(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("signature=hunter2", "token=hunter2", {"key": Secret("hunter2")})
    audit.log_event("READING", "liq_1", {"url": "/x?signature=hunter2", "api_secret": "hunter2"})

    assert audit.flush_sync(5)
    assert "hunter2" not in path.read_text()


def test_a_storm_of_events_is_bounded_and_what_is_lost_is_counted(path: Path, begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(path / "nowhere", fsync=lambda fd: gate.wait(10))
    extra = 50

    for _ in range(2 * MAX_WAITING + extra + 1_000):
        audit.log_event("READING", "liq_1", {})

    assert "more events came than the disk takes, and some are lost" in audit.degraded
    assert not audit.flush_sync(5)
    gate.set()


def test_after_closing_an_event_is_lost_and_said_to_be(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {})
    assert audit.close(5)

    audit.log_event("READING", "liq_2", {})

    assert audit.degraded == ("an event came after the trail was closed",)
    assert not audit.flush_sync(5)
    assert not audit.close(5)
    assert kinds(path) == ["READING"]


def test_a_second_logger_writes_beside_and_says_so(path: Path, begin: Begin) -> None:
    first, second, third = begin(), begin(), begin()
    for audit in (first, second, third):
        audit.log_event("READING", "liq_1", {})
        assert audit.flush_sync(5)

    assert first.path == path
    assert second.path == path.with_name(f"audit.{os.getpid()}.jsonl")
    assert third.path == path.with_name(f"audit.{os.getpid()}.2.jsonl")
    assert second.notices == (f"{path}: is being written by another process or logger",)
    assert second.degraded == ()
    assert kinds(path) == ["READING"]
    assert kinds(second.path) == ["AUDIT_MOVED", "READING"]
    assert records(second.path)[0]["data"]["asked_for"] == "audit.jsonl"
    assert verdict_on(second.path).notes == ("line 1: written in place of 'audit.jsonl'",)


def test_the_file_is_free_when_its_logger_is_closed(path: Path, begin: Begin) -> None:
    begin().close(5)

    assert begin().path == path


def test_a_logger_that_nobody_holds_writes_what_it_has_and_lets_go(path: Path) -> None:
    audit = AuditLogger(path)
    ended = audit._writer.ended
    audit.log_event("READING", "liq_1", {})
    del audit
    gc.collect()

    assert ended.wait(5)
    assert kinds(path) == ["READING"]


def test_a_relative_path_stays_where_it_was_meant(
    tmp_path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    audit = begin(Path("audit.jsonl"))
    monkeypatch.chdir("/")

    assert audit.path == tmp_path / "audit.jsonl"


def test_a_thread_that_the_system_does_not_give_is_asked_for_again(
    path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(self: threading.Thread) -> None:
        raise RuntimeError("can't start new thread")

    with monkeypatch.context() as system:
        system.setattr(threading.Thread, "start", refuse)
        audit = begin()
        audit.log_event("READING", "liq_1", {"number": 1})
        assert not audit.flush_sync(5)
        assert not asyncio.run(audit.flush(5))
        assert not audit._writer.started

    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert [r["data"].get("number") for r in records(path)] == [None, 1, 2]
    assert audit.degraded == ("no thread to write the trail: can't start new thread",)


def test_a_writer_that_stumbles_goes_on(
    path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = begin()

    def stumble(*given: object) -> None:
        raise ZeroDivisionError("a bug")

    with monkeypatch.context() as bug:
        bug.setattr(audit._writer._segment, "append", stumble, raising=False)
        audit.log_event("READING", "liq_1", {"number": 1})
        audit.flush_sync(1)
    audit.log_event("READING", "liq_1", {"number": 2})

    assert not audit.flush_sync(5)
    assert "the audit writer failed: ZeroDivisionError: a bug" in audit.degraded
    assert records(path)[-1]["data"] == {"number": 2}
    assert found_in(path) == []


def test_a_sync_that_fails_in_its_own_way_is_a_failed_sync(begin: Begin) -> None:
    def fsync(fd: int) -> None:
        raise ValueError("closed")

    audit = begin(fsync=fsync)
    audit.log_event("READING", "liq_1", {})

    assert not audit.flush_sync(5)
    assert "not durable: closed" in audit.degraded[0]
