import json
import os
import subprocess
import sys
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner, Result

from goflat.cli.main import cli
from goflat.journal import AuditLogger
from goflat.journal.record import GENESIS, Entry, chain
from goflat.journal.segment import open_segment


@pytest.fixture
def path(tmp_path: Path) -> Path:
    """Two runs and an event of a program's own."""
    path = tmp_path / "audit.jsonl"
    audit = AuditLogger(path)
    for run in ("liq_1", "liq_2"):
        audit.log_event("LIQUIDATION_START", run, {"scope": ["BTCUSDT"]})
        audit.log_event("ORDER_PLACED", run, {"symbol": "BTC\x1b[31m", "note": "two words"})
        audit.log_event("LIQUIDATION_COMPLETE", run, {"state": "COMPLETED", "empty": ""})
    audit.log_event("MY_OWN", "bot 7", {})
    assert audit.close(5)
    return path


def goflat(*words: object) -> Result:
    return CliRunner().invoke(cli, ["audit", *map(str, words)])


def said(result: Result) -> dict[str, Any]:
    answer: dict[str, Any] = json.loads(result.stdout)
    return answer


def hashes(path: Path) -> list[str]:
    return [json.loads(line)["hash"] for line in path.read_bytes().splitlines()]


def without(path: Path, number: int) -> None:
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join(lines[: number - 1] + lines[number:]))


def test_a_good_file_is_said_to_be_good(path: Path) -> None:
    result = goflat("verify", path)

    assert result.exit_code == 0
    assert result.stdout == f"{path}: intact, 7 records, last hash {hashes(path)[-1]}\n"


def test_a_good_file_is_said_to_be_good_to_a_program(path: Path) -> None:
    assert said(goflat("verify", path, "--json")) == {
        "file": str(path),
        "intact": True,
        "records": 7,
        "last_seq": 7,
        "last_hash": hashes(path)[-1],
        "findings": [],
        "findings_left_out": 0,
        "notes": [],
        "expected": None,
        "mistakes": [],
    }


def test_what_is_wrong_is_named_with_its_line(path: Path) -> None:
    without(path, 5)

    result = goflat("verify", path)

    assert result.exit_code == 1
    assert "line 5: removed before this line: record 5" in result.stdout
    assert "NOT INTACT" in result.stdout
    assert said(goflat("verify", path, "--json"))["findings"] == [
        {"kind": "removed", "line": 5, "text": "removed before this line: record 5"}
    ]


def test_a_run_without_its_end_is_named(path: Path) -> None:
    without(path, 3)

    result = goflat("verify", path)

    assert result.exit_code == 1
    assert "line 1: LIQUIDATION_START of 'liq_1' has no end in this file" in result.stdout


def test_an_expected_hash_is_found_whatever_its_case(path: Path) -> None:
    result = goflat("verify", path, "--expect", hashes(path)[4].upper())

    assert result.exit_code == 0
    assert "the expected hash is line 5; 2 records follow it" in result.stdout
    assert said(goflat("verify", path, "--expect", hashes(path)[6], "--json"))["expected"] == {
        "line": 7,
        "seq": 7,
        "following": 0,
    }


def test_a_cut_end_shows_with_an_expected_hash(path: Path) -> None:
    expected = hashes(path)[6]
    without(path, 7)

    assert goflat("verify", path).exit_code == 0
    result = goflat("verify", path, "--expect", expected)
    assert result.exit_code == 1
    assert "the expected hash is not in this file" in result.stdout


def test_many_findings_are_cut_and_counted(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_text("hello\n" * 300)

    result = goflat("verify", path)

    assert result.exit_code == 1
    assert "and 100 more findings" in result.stdout


def test_what_the_trail_says_about_itself_is_shown(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b"torn")
    assert goflat("verify", path).exit_code == 1
    audit = AuditLogger(path)
    audit.log_event("MY_OWN", "bot 7", {})
    audit.close(5)

    result = goflat("verify", path)

    assert result.exit_code == 0
    assert "line 8: a torn line stood here; it is kept in 'audit.jsonl.torn.1'" in result.stdout


@pytest.mark.parametrize("command", ["verify", "show"])
@pytest.mark.parametrize(
    "make",
    [
        lambda path: path,
        lambda path: path.mkdir(),
        lambda path: path.symlink_to("/dev/zero"),
        lambda path: path.symlink_to(path),
    ],
    ids=["missing", "directory", "device", "loop"],
)
def test_a_file_that_cannot_be_read_is_exit_2(tmp_path: Path, command: str, make: Any) -> None:
    path = tmp_path / "audit.jsonl"
    make(path)

    for words in ([command, path], [command, path, "--json"]):
        result = goflat(*words)
        assert result.exit_code == 2
        assert str(path) in result.stderr
        assert "Traceback" not in result.output
    answer = said(result)
    assert answer["intact"] is None
    assert answer["mistakes"][0]["file"] == str(path)


@pytest.mark.parametrize("value", ["", "abc", "g" * 64, "0" * 63, "0" * 65, "0" * 64 + "\n"])
def test_an_expected_hash_that_is_none_is_exit_2(path: Path, value: str) -> None:
    result = goflat("verify", path, "--expect", value, "--json")

    assert result.exit_code == 2
    assert "--expect takes a hash" in said(result)["mistakes"][0]["text"]


@pytest.mark.parametrize("words", [["verify"], ["show"], ["verify", "a", "b"], ["show", "--runs"]])
def test_a_command_that_is_wrong_is_exit_2_in_json_as_well(words: list[str]) -> None:
    assert goflat(*words).exit_code == 2
    result = goflat(*words, "--json")
    assert result.exit_code == 2
    assert said(result)["mistakes"]


def test_the_story_has_one_line_an_event_and_a_heading_a_run(path: Path) -> None:
    result = goflat("show", path)

    lines = result.stdout.splitlines()
    assert result.exit_code == 0
    assert len(lines) == 7 + 3
    assert lines[0].startswith("liq_1  2")
    assert '+0.000000  LIQUIDATION_START     scope=["BTCUSDT"]' in lines[1]
    assert 'ORDER_PLACED          symbol="BTC\\u001b[31m" note="two words"' in lines[2]
    assert 'LIQUIDATION_COMPLETE  state=COMPLETED empty=""' in lines[3]
    assert lines[8].startswith("bot 7")
    assert lines[9].endswith("MY_OWN")


def test_the_story_of_one_run_is_that_run(path: Path) -> None:
    result = goflat("show", path, "--run", "liq_2")

    assert result.exit_code == 0
    assert len(result.stdout.splitlines()) == 4
    assert "liq_1" not in result.stdout


def test_a_run_that_is_not_there_is_said_not_to_be(path: Path) -> None:
    for words in (["show", path, "--run", "liq_\x1b"], ["show", path, "--run", "x", "--json"]):
        result = goflat(*words)
        assert result.exit_code == 1
        assert "The file has no event of '" in result.stderr
        assert "\x1b" not in result.output
    assert said(result)["events"] == []
    assert said(result)["intact"] is True


def test_the_story_for_a_program_is_one_object(path: Path) -> None:
    answer = said(goflat("show", path, "--json"))

    assert [event["seq"] for event in answer["events"]] == list(range(1, 8))
    assert answer["events"][1]["data"]["symbol"] == "BTC\x1b[31m"
    assert answer["intact"] is True
    assert len(said(goflat("show", path, "--json", "--run", "liq_1"))["events"]) == 3


def test_a_story_that_was_changed_is_marked(path: Path) -> None:
    path.write_bytes(path.read_bytes().replace(b"two words", b"TWO WORDS", 1) + b"hello\n")

    result = goflat("show", path)

    assert result.exit_code == 1
    assert "not as it was written" in result.stderr
    marked = [line for line in result.stdout.splitlines() if line.startswith("!")]
    assert len(marked) == 2
    assert "TWO WORDS" in marked[0]
    assert marked[1] == "! line 8 is no audit record"
    answer = said(goflat("show", path, "--json"))
    assert answer["intact"] is False
    assert len(answer["events"]) == 7


def forged(**members: str) -> bytes:
    entry = Entry(
        timestamp=members.get("timestamp", ""),
        event_type=members.get("event_type", "LIQUIDATION_START"),
        correlation_id=members.get("correlation_id", "x"),
        data={members.get("name", "n"): members.get("value", "v")},
    )
    return chain(entry, seq=1, prev_hash=GENESIS)[0]


@pytest.mark.parametrize("member", ["timestamp", "event_type", "correlation_id", "name", "value"])
def test_nothing_in_a_file_reaches_a_terminal_but_printable_ascii(
    tmp_path: Path, member: str
) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(forged(**{member: "\x1b[2J\x7f\u202e\u009b" * 9}))

    for command in ("show", "verify"):
        output = goflat(command, path).output
        assert all(32 <= ord(character) < 127 or character == "\n" for character in output)


def test_a_file_that_nests_without_end_is_no_traceback(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    for depth in (100, 500, 900, 990, 5_000):
        body = (
            b'{"seq":1,"timestamp":"","event_type":"","correlation_id":"","data":{"deep":'
            + b"[" * depth
            + b"]" * depth
            + b'},"prev_hash":"","hash":"'
            + b"0" * 64
            + b'"}\n'
        )
        path.write_bytes(body)
        for command in ("show", "verify"):
            result = goflat(command, path)
            assert result.exit_code == 1
            assert isinstance(result.exception, SystemExit)


def test_long_values_are_cut_in_the_story(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    path.write_bytes(forged(value="x" * 5_000))

    assert max(map(len, goflat("show", path).stdout.splitlines())) < 300


def test_a_large_file_takes_little_memory(tmp_path: Path) -> None:
    path = tmp_path / "audit.jsonl"
    segment = open_segment(path)
    entry = Entry(timestamp="", event_type="READING", correlation_id="x", data={"f": "x" * 2_000})
    for _ in range(40):
        segment.append([entry] * 100)
    segment.close()
    assert path.stat().st_size > 8_000_000

    tracemalloc.start()
    assert goflat("verify", path).exit_code == 0
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()

    assert peak < 2_000_000


def test_a_compressed_file_can_be_read_through_a_pipe(path: Path, tmp_path: Path) -> None:
    pipe = tmp_path / "pipe"
    os.mkfifo(pipe)
    feed = subprocess.Popen(["sh", "-c", f"cat {path} > {pipe}"])

    assert goflat("verify", pipe).exit_code == 0
    assert feed.wait() == 0


def test_the_command_runs_as_a_program(path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "goflat", "audit", "verify", str(path)],
        capture_output=True,
        text=True,
        check=False,
    )

    assert done.returncode == 0
    assert "intact" in done.stdout
