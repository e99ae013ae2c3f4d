"""Processes that are killed, that end, that fork, and that want the same file."""

import os
import signal
import subprocess
import sys
from pathlib import Path

import pytest
from trails import Begin, kinds, records, verdict_on

BEGIN = """
import os, signal, sys, threading, time
from goflat.journal import AuditLogger
audit = AuditLogger(sys.argv[1])
"""


def program(code: str, path: Path) -> list[str]:
    return [sys.executable, "-c", BEGIN + code, str(path)]


def run(code: str, path: Path) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        program(code, path), capture_output=True, text=True, timeout=50, check=False
    )


def numbers(path: Path) -> list[int]:
    return [r["data"]["number"] for r in records(path) if r["event_type"] == "READING"]


@pytest.mark.parametrize("after", [1, 7, 40])
def test_what_was_acknowledged_survives_a_kill(path: Path, begin: Begin, after: int) -> None:
    code = """
for number in range(10_000):
    audit.log_event("READING", "liq_1", {"number": number, "fill": "x" * 200})
    if number % 100 == 99 and audit.flush_sync(5):
        print(number, flush=True)
"""
    child = subprocess.Popen(program(code, path), stdout=subprocess.PIPE, text=True)
    assert child.stdout is not None
    acknowledged = [int(child.stdout.readline()) for _ in range(after)]
    child.send_signal(signal.SIGKILL)
    acknowledged += [int(line) for line in child.stdout.read().split()]
    child.wait()

    verdict = verdict_on(path)
    assert {found.flaw.value for found in verdict.findings} <= {"torn"}
    assert verdict.records >= acknowledged[-1] + 1

    audit = begin()
    audit.log_event("READING", "liq_2", {"number": -1})
    assert audit.flush_sync(5)
    assert verdict_on(path).intact
    assert numbers(path)[:-1] == list(range(len(numbers(path)) - 1))


def test_a_kill_while_the_disk_hangs_takes_nothing_that_is_in_the_file(path: Path) -> None:
    code = """
hanging = AuditLogger(sys.argv[1] + ".hanging", fsync=lambda fd: time.sleep(30))
for number in range(100):
    hanging.log_event("READING", "liq_1", {"number": number})
assert not hanging.flush_sync(0.05)
os.kill(os.getpid(), signal.SIGKILL)
"""
    assert run(code, path).returncode == -signal.SIGKILL

    assert numbers(path.with_name("audit.jsonl.hanging")) == list(range(100))


@pytest.mark.parametrize(
    "end",
    ["", "sys.exit(3)", "raise RuntimeError('bot')", "os.kill(os.getpid(), signal.SIGINT)"],
    ids=["end", "exit", "crash", "ctrl-c"],
)
def test_the_end_of_a_program_writes_what_is_left(path: Path, end: str) -> None:
    run(f"for n in range(2000): audit.log_event('READING', 'liq_1', {{'number': n}})\n{end}", path)

    assert numbers(path) == list(range(2000))
    assert verdict_on(path).intact


def test_the_end_of_a_program_waits_for_a_hanging_disk_but_not_for_long(path: Path) -> None:
    code = """
import goflat.journal.lifetime as lifetime
lifetime.EXIT_SECONDS = 0.2
hanging = AuditLogger(sys.argv[1] + ".hanging", fsync=lambda fd: time.sleep(30))
hanging.log_event("READING", "liq_1", {"number": 1})
"""
    done = subprocess.run(
        program(code, path), capture_output=True, text=True, timeout=10, check=False
    )

    assert done.returncode == 0
    assert "may lack its last events" in done.stderr
    assert numbers(path.with_name("audit.jsonl.hanging")) == [1]


def test_the_end_of_a_program_says_what_no_disk_took(path: Path) -> None:
    code = """
nowhere = AuditLogger(sys.argv[1] + "/nowhere/audit.jsonl")
for number in range(3):
    nowhere.log_event("READING", "liq_1", {"number": number})
"""
    done = run(code, path)

    assert done.returncode == 0
    assert done.stderr == f"the audit trail {path}/nowhere/audit.jsonl lacks 3 events\n"


def test_two_processes_write_two_files_and_two_chains(path: Path) -> None:
    code = """
print(audit.path, flush=True)
sys.stdin.read(1)
for number in range(500):
    audit.log_event("READING", "liq_1", {"number": number})
assert audit.flush_sync(5)
"""
    children = [
        subprocess.Popen(
            program(code, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
        )
        for _ in range(2)
    ]
    paths = [Path(child.stdout.readline().strip()) for child in children if child.stdout]
    for child in children:
        child.communicate("x")

    beside = next(p for p in paths if p != path)
    assert path in paths
    assert beside.name in {f"audit.{child.pid}.jsonl" for child in children}
    for written in (path, beside):
        assert numbers(written) == list(range(500))
        assert verdict_on(written).intact
    assert kinds(beside)[0] == "AUDIT_MOVED"


def test_a_forked_child_writes_a_file_of_its_own(path: Path) -> None:
    code = """
audit.log_event("READING", "parent", {"number": 1})
child = os.fork()
audit.log_event("READING", "child" if child == 0 else "parent", {"number": 2})
assert audit.flush_sync(5)
if child == 0:
    print(audit.path, audit.notices, flush=True)
    sys.exit(0)
assert os.waitpid(child, 0)[1] == 0
audit.log_event("READING", "parent", {"number": 3})
"""
    done = run(code, path)

    assert done.returncode == 0, done.stderr
    assert "is being written by another process" in done.stdout
    child = Path(done.stdout.split()[0])
    assert child != path
    assert [r["correlation_id"] for r in records(path)] == ["parent"] * 3
    assert {r["correlation_id"] for r in records(child)} == {"child"}
    assert verdict_on(path).intact
    assert verdict_on(child).intact


def test_a_forked_child_does_not_keep_the_file_of_a_dead_parent(path: Path, begin: Begin) -> None:
    code = """
audit.log_event("READING", "parent", {"number": 1})
assert audit.flush_sync(5)
if os.fork() == 0:
    print("ready", flush=True)
    sys.stdin.read(1)
    os._exit(0)
os._exit(0)
"""
    parent = subprocess.Popen(
        program(code, path), stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )
    assert parent.stdout is not None
    assert parent.stdout.readline() == "ready\n"
    parent.wait()

    assert begin().path == path
    parent.communicate("x")


def test_a_program_that_is_started_does_not_inherit_the_file(path: Path, begin: Begin) -> None:
    audit = begin()
    sleeper = subprocess.Popen(["cat"], stdin=subprocess.PIPE, close_fds=False)
    audit.close(5)

    assert begin().path == path
    sleeper.communicate(b"")


def test_a_signal_handler_may_log_while_its_thread_logs(path: Path) -> None:
    code = """
def handler(*given):
    audit.log_event("READING", "handler", {"number": -1})

signal.signal(signal.SIGALRM, handler)
signal.setitimer(signal.ITIMER_REAL, 0.001, 0.001)
for number in range(5000):
    audit.log_event("READING", "liq_1", {"number": number})
signal.setitimer(signal.ITIMER_REAL, 0)
assert audit.flush_sync(5)
assert audit.degraded == ()
"""
    done = run(code, path)

    assert done.returncode == 0, done.stderr
    assert [n for n in numbers(path) if n >= 0] == list(range(5000))
    assert numbers(path).count(-1) > 5
    assert verdict_on(path).intact


def test_a_file_of_an_earlier_process_with_our_number_is_continued(
    path: Path, begin: Begin
) -> None:
    path.mkdir()
    for _ in range(2):
        audit = begin()
        audit.log_event("READING", "liq_1", {"number": 1})
        assert audit.close(5)

    beside = path.with_name(f"audit.{os.getpid()}.jsonl")
    assert numbers(beside) == [1, 1]
    assert verdict_on(beside).intact
