"""What a disk can do to the trail, and that the run never learns of it but by being told."""

import errno
import json
import os
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from trails import Begin, kinds, records, verdict_on

from goflat.journal.backlog import MAX_UNPROVEN_SIZE

PROGRAM = """
import json, os, resource, sys, time
from pathlib import Path
from goflat.journal import AuditLogger

slowest = 0.0
def log(count, **data):
    global slowest
    for number in range(count):
        began = time.monotonic()
        audit.log_event("READING", "liq_1", {"number": number, **data})
        slowest = max(slowest, time.monotonic() - began)

def flush():
    return audit.flush_sync(float(os.environ.get("FLUSH_SECONDS", 5)))

path = Path(sys.argv[1])
"""

REPORT = """
print(json.dumps({
    "path": str(audit.path), "degraded": audit.degraded, "flushed": flushed,
    "closed": audit.close(5), "slowest": slowest,
}))
"""


def run(code: str, path: Path, *before: str, flush_seconds: float = 5) -> dict[str, Any]:
    done = subprocess.run(
        [*before, sys.executable, "-c", PROGRAM + code + REPORT, str(path)],
        capture_output=True,
        text=True,
        timeout=50,
        check=False,
        env=os.environ | {"FLUSH_SECONDS": str(flush_seconds)},
    )
    assert done.returncode == 0, done.stderr
    result: dict[str, Any] = json.loads(done.stdout)
    assert result["slowest"] < 0.5
    return result


def beside(path: Path) -> Path:
    return path.with_name(f"audit.{os.getpid()}.jsonl")


def numbers(path: Path) -> list[int]:
    return [r["data"]["number"] for r in records(path) if r["event_type"] == "READING"]


def test_a_directory_that_is_missing_costs_the_evidence_and_says_so(
    path: Path, begin: Begin
) -> None:
    audit = begin(path.parent / "missing" / "audit.jsonl")

    audit.log_event("READING", "liq_1", {})

    assert not audit.flush_sync(5)
    assert "No such file or directory" in audit.degraded[0]
    assert audit.last_hash is None
    assert not audit.close(5)
    assert "the trail ended before some events could be written" in audit.degraded


def test_what_waited_for_a_place_is_written_when_there_is_one(path: Path, begin: Begin) -> None:
    late = path.parent / "late" / "audit.jsonl"
    audit = begin(late)
    audit.log_event("READING", "liq_1", {"number": 1})
    assert not audit.flush_sync(5)

    late.parent.mkdir()

    assert audit.close(5)
    assert kinds(late) == ["AUDIT_DEGRADED", "READING"]
    assert audit.path == late


@pytest.mark.parametrize("make", [Path.mkdir, os.mkfifo], ids=["directory", "fifo"])
def test_what_stands_in_the_place_of_the_file_is_passed_by(
    path: Path, begin: Begin, make: Callable[[Path], None]
) -> None:
    make(path)
    audit = begin()
    audit.log_event("READING", "liq_1", {})

    assert audit.flush_sync(5)
    assert audit.path == beside(path)
    assert audit.degraded
    assert verdict_on(beside(path)).intact


def test_a_device_gets_nothing_and_no_file_beside_it(begin: Begin) -> None:
    audit = begin(Path("/dev/full"))
    audit.log_event("READING", "liq_1", {})

    assert not audit.flush_sync(5)
    assert audit.degraded == ("/dev/full: is a device, not a file",)
    assert list(Path("/dev").glob("full.*")) == []


@pytest.mark.parametrize("name", ["a\0b", "x" * 300])
def test_a_name_that_no_file_can_have_is_named(tmp_path: Path, begin: Begin, name: str) -> None:
    audit = begin(tmp_path / name)
    audit.log_event("READING", "liq_1", {})

    assert not audit.flush_sync(5)
    assert audit.degraded


def test_after_a_failed_sync_the_same_file_is_never_asked_again(path: Path, begin: Begin) -> None:
    asked: list[int] = []

    def fsync(fd: int) -> None:
        asked.append(os.fstat(fd).st_ino)
        if len(asked) == 1:
            raise OSError(errno.EIO, "Input/output error")

    audit = begin(fsync=fsync)
    audit.log_event("READING", "liq_1", {"number": 1})
    assert not audit.flush_sync(5)
    first = path.read_bytes()
    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert audit.path == beside(path)
    assert path.read_bytes() == first
    assert len(set(asked[:1]) & set(asked[1:])) == 0
    assert kinds(audit.path) == ["AUDIT_MOVED", "AUDIT_DEGRADED", "READING", "READING"]
    assert numbers(audit.path) == [1, 2]
    assert records(audit.path)[0]["data"]["continues"] == {
        "file": "audit.jsonl",
        "seq": 1,
        "hash": records(path)[0]["hash"],
        "because": "not durable: [Errno 5] Input/output error",
        "written_again": 1,
    }
    assert verdict_on(path).intact
    assert verdict_on(audit.path, audit.last_hash).intact


def test_a_disk_that_never_syncs_still_gets_the_words(path: Path, begin: Begin) -> None:
    calls = []

    def fsync(fd: int) -> None:
        calls.append(fd)
        raise OSError(errno.EIO, "Input/output error")

    audit = begin(fsync=fsync)
    for number in range(20):
        audit.log_event("READING", "liq_1", {"number": number})
        assert not audit.flush_sync(5)

    assert audit.close(5)
    assert len(calls) == 2
    assert numbers(beside(path)) == list(range(20))
    assert len(audit.degraded) == 2
    assert sorted(p.name for p in path.parent.iterdir()) == [beside(path).name, "audit.jsonl"]


def test_a_deleted_file_is_made_anew_and_said_to_be(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    before = audit.last_hash
    path.unlink()

    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert audit.path == path
    assert audit.degraded == (f"{path}: it was deleted while it was being written",)
    assert kinds(path) == ["AUDIT_MOVED", "AUDIT_DEGRADED", "READING"]
    assert records(path)[0]["data"]["continues"]["hash"] == before


def test_a_directory_that_goes_away_is_survived(path: Path, begin: Begin) -> None:
    home = path.parent / "state"
    home.mkdir()
    audit = begin(home / "audit.jsonl")
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    shutil.rmtree(home)

    audit.log_event("READING", "liq_1", {"number": 2})
    assert not audit.flush_sync(5)
    home.mkdir()

    assert audit.close(5)
    assert numbers(home / "audit.jsonl") == [2]


def test_a_rotated_file_is_left_whole_and_a_new_one_goes_on(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    rotated = path.rename(path.with_name("audit.jsonl.1"))

    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert audit.degraded == ()
    assert audit.notices == (f"{path}: it was renamed, a new file goes on",)
    assert numbers(rotated) == [1]
    assert kinds(path) == ["AUDIT_MOVED", "READING"]
    assert verdict_on(rotated).intact
    assert verdict_on(path).intact


def test_a_file_emptied_by_others_is_begun_anew_and_said_to_be(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    os.truncate(path, 0)

    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert "somebody else changed it" in audit.degraded[0]
    assert numbers(path) == [2]
    assert verdict_on(path).intact


def test_a_file_written_to_by_others_is_left_to_them(path: Path, begin: Begin) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    with path.open("a") as file:
        file.write("hello\n")

    audit.log_event("READING", "liq_1", {"number": 2})

    assert audit.flush_sync(5)
    assert audit.path == beside(path)
    assert path.read_text().endswith("hello\n")


def test_a_sync_that_fails_on_a_file_left_behind_harms_nobody(path: Path, begin: Begin) -> None:
    gate, entered = threading.Event(), threading.Event()

    def fsync(fd: int) -> None:
        entered.set()
        gate.wait(10)

    audit = begin(fsync=fsync)
    audit.log_event("READING", "liq_1", {"number": 1})
    assert entered.wait(5)
    path.unlink()
    audit.log_event("READING", "liq_1", {"number": 2})
    audit.flush_sync(0.01)
    gate.set()

    assert audit.flush_sync(5)
    assert numbers(path) == [1, 2]
    assert records(path)[0]["data"]["continues"]["written_again"] == 1


def test_a_write_that_fails_leaves_what_is_good_and_goes_on_elsewhere(
    path: Path, begin: Begin, monkeypatch: pytest.MonkeyPatch
) -> None:
    audit = begin()
    audit.log_event("READING", "liq_1", {"number": 1})
    assert audit.flush_sync(5)
    with monkeypatch.context() as system:
        write, failed = os.write, []

        def fail_once(fd: int, data: bytes) -> int:
            if not failed:
                failed.append(fd)
                raise OSError(errno.EIO, "Input/output error")
            return write(fd, data)

        system.setattr(os, "write", fail_once)
        audit.log_event("READING", "liq_1", {"number": 2})
        assert audit.flush_sync(5)

    assert numbers(path) == [1]
    assert numbers(beside(path)) == [2]
    assert records(beside(path))[0]["data"]["continues"]["written_again"] == 0
    assert audit.degraded == (f"{path}: Input/output error",)


def test_what_a_renamed_file_does_not_keep_is_written_again(path: Path, begin: Begin) -> None:
    gate, entered = threading.Event(), threading.Event()
    inodes: list[int] = []

    def fsync(fd: int) -> None:
        inodes.append(os.fstat(fd).st_ino)
        entered.set()
        gate.wait(10)
        if inodes[-1] == inodes[0]:
            raise OSError(errno.EIO, "Input/output error")

    audit = begin(fsync=fsync)
    audit.log_event("READING", "liq_1", {"number": 1})
    assert entered.wait(5)
    path.rename(path.with_name("audit.jsonl.1"))
    audit.log_event("READING", "liq_1", {"number": 2})
    assert not audit.flush_sync(0.01)
    gate.set()

    assert audit.close(5)
    assert sorted(numbers(path)) == [1, 2]
    assert inodes.count(inodes[0]) == 1
    assert "not durable" in audit.degraded[-1]


def test_the_run_is_not_held_by_the_largest_event(begin: Begin) -> None:
    audit = begin()
    huge = {"rows": [{str(n): "x" * 100 for n in range(1_000)}] * 1_000}
    audit.log_event("READING", "liq_1", {})

    began = time.thread_time()
    audit.log_event("READING", "liq_1", huge)

    assert time.thread_time() - began < 0.05


def test_a_batch_is_never_more_than_memory_holds(path: Path, begin: Begin) -> None:
    gate = threading.Event()
    audit = begin(fsync=lambda fd: gate.wait(10))
    for _ in range(40):
        audit.log_event("READING", "liq_1", {"rows": ["x" * 8_000] * 45})

    assert not audit.flush_sync(0.01)
    assert audit._writer._segment is not None
    assert audit._writer._segment.unproven._size <= MAX_UNPROVEN_SIZE
    gate.set()
    assert audit.flush_sync(5)
    assert verdict_on(path).records >= 40


# The real thing: a full file system, a read-only one, limits, and faults put in by strace.


def _can(*command: str) -> bool:
    if shutil.which(command[0]) is None:
        return False
    return subprocess.run(command, capture_output=True, check=False).returncode == 0


@pytest.fixture(scope="module")
def private_mounts() -> None:
    if not _can("unshare", "-m", "sh", "-c", "mount -t tmpfs none /mnt"):
        pytest.skip("cannot mount a file system of its own here (unshare -m)")


@pytest.fixture(scope="module")
def strace() -> str:
    if not _can("strace", "-o", "/dev/null", "true"):
        pytest.skip("strace is not here, or may not trace")
    return "strace"


def on_a_small_disk(home: Path, size: str, program: str) -> list[str]:
    """A shell around the program that gives it a file system of its own, and keeps what is left."""
    script = (
        f'mount -t tmpfs -o size={size} none "{home}" && {program} && shift 0; "$@"; code=$?; '
        f'cp -r "{home}" "{home}.kept"; exit $code'
    )
    return ["unshare", "-m", "sh", "-c", script, "sh"]


@pytest.mark.usefixtures("private_mounts")
def test_a_full_disk_keeps_what_fits_and_takes_the_rest_when_it_can(tmp_path: Path) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    code = """
audit = AuditLogger(path)
log(1, fill="first")
assert flush()
ballast = path.with_name("ballast")
fd = os.open(ballast, os.O_CREAT | os.O_WRONLY)
try:
    while os.write(fd, b"x" * 4096):
        pass
except OSError:
    os.close(fd)
log(100, fill="x" * 300)
flushed = flush()
assert "No space left on device" in audit.degraded[0], audit.degraded
ballast.unlink()
"""
    result = run(code, home / "audit.jsonl", *on_a_small_disk(home, "64k", "true"))

    kept = tmp_path / "disk.kept" / "audit.jsonl"
    assert result["flushed"] is False
    assert result["closed"] is True
    assert numbers(kept) == [0, *range(100)]
    assert verdict_on(kept).intact
    assert "AUDIT_DEGRADED" in kinds(kept)


@pytest.mark.usefixtures("private_mounts")
def test_a_disk_that_stays_full_leaves_whole_lines(tmp_path: Path) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    code = """
audit = AuditLogger(path)
log(300, fill="x" * 300)
flushed = flush()
"""
    result = run(code, home / "audit.jsonl", *on_a_small_disk(home, "32k", "true"))

    kept = tmp_path / "disk.kept" / "audit.jsonl"
    assert result["closed"] is False
    assert "the trail ended before some events could be written" not in result["degraded"]
    assert kept.stat().st_size > 30_000
    assert numbers(kept) == list(range(len(numbers(kept))))
    assert verdict_on(kept).intact


@pytest.mark.usefixtures("private_mounts")
def test_a_read_only_file_system_is_named(tmp_path: Path) -> None:
    home = tmp_path / "disk"
    home.mkdir()
    code = """
audit = AuditLogger(path)
log(3)
flushed = flush()
"""
    remount = f'mount -o remount,ro "{home}"'
    result = run(code, home / "audit.jsonl", *on_a_small_disk(home, "64k", remount))

    assert result["flushed"] is False
    assert "Read-only file system" in result["degraded"][0]


@pytest.mark.usefixtures("private_mounts")
def test_a_read_only_file_is_passed_by(path: Path) -> None:
    path.touch()
    bind = f'mount --bind "{path}" "{path}" && mount -o remount,ro,bind "{path}" && exec "$@"'
    code = """
audit = AuditLogger(path)
log(3)
flushed = flush()
"""
    result = run(code, path, "unshare", "-m", "sh", "-c", bind, "sh")

    assert result["flushed"] is True
    assert "Read-only file system" in result["degraded"][0]
    assert result["path"] != str(path)
    assert numbers(Path(result["path"])) == [0, 1, 2]


def test_a_limit_on_the_size_of_files_moves_the_trail(path: Path) -> None:
    code = """
resource.setrlimit(resource.RLIMIT_FSIZE, (10_000, 10_000))
audit = AuditLogger(path)
log(20, fill="x" * 300)
flushed = flush()
"""
    result = run(code, path)

    assert result["flushed"] is True
    assert "File too large" in result["degraded"][0]
    assert verdict_on(path).intact
    assert verdict_on(Path(result["path"])).intact
    assert numbers(path) + numbers(Path(result["path"])) == list(range(20))


@pytest.mark.parametrize(
    ("injection", "said", "flushed"),
    [
        ("fdatasync:error=EIO:when=1", "Input/output error", False),
        ("fdatasync:error=ENOSPC:when=1", "No space left on device", False),
        ("fdatasync:error=EIO", "Input/output error", False),
        ("fsync:error=EIO:when=1", "Input/output error", False),
        ("fdatasync:delay_enter=300000:when=1", "were not on the disk within", False),
        ("pwrite64,write:error=ENOSPC:when=1", "No space left on device", False),
        ("pwrite64,write:error=EIO:when=1", "Input/output error", True),
        ("pwrite64,write:error=EROFS:when=1", "Read-only file system", True),
        ("ftruncate:error=EIO", None, True),
        ("flock:error=ENOLCK:when=1", "No locks available", True),
        ("flock:error=EAGAIN:when=1", None, True),
        ("pwrite64,write:error=EINTR:when=1", None, True),
    ],
)
def test_a_fault_of_the_system_is_survived_and_named(
    path: Path, strace: str, injection: str, said: str | None, flushed: bool
) -> None:
    code = """
audit = AuditLogger(path)
log(50)
flushed = flush()
"""
    calls, _, _ = injection.partition(":")
    only = ["-P", str(path)] if calls != "fsync" else []
    command = [strace, "-f", "-qq", "-o", "/dev/null", *only, "-e", f"inject={injection}"]
    result = run(code, path, *command, flush_seconds=0.05 if "delay" in injection else 5)

    assert result["flushed"] is flushed
    assert result["closed"] is True
    if said is None:
        assert result["degraded"] == []
    else:
        assert said in result["degraded"][0]
    assert numbers(Path(result["path"])) == list(range(50))
    assert verdict_on(Path(result["path"])).intact
