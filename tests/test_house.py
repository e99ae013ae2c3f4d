"""The shape of the house: which floor may use which, and what none of them may do."""

import ast
import re
from collections import Counter
from collections.abc import Iterator
from functools import cache
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
SOURCE = ROOT / "src" / "goflat"
FILES = sorted(path.relative_to(SOURCE).as_posix() for path in SOURCE.rglob("*.py"))
LOWER = [name for name in FILES if name.startswith(("core/", "domain/"))]
TESTS = sorted(path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py"))

BELOW = {"errors", "domain", "core", "ports"}
INSIDE = BELOW | {"venues", "journal", "shell", "settings", "manager", "compose"}
STAIR: dict[str, set[str]] = {
    # room: what it may use, besides itself
    "errors": set(),
    "domain": {"errors"},
    "core": {"errors", "domain"},
    "ports": {"errors", "domain", "core"},
    "venues": {"errors", "domain", "ports", "goflat"},
    "journal": BELOW,
    "shell": BELOW,
    "testing": BELOW,
    "settings": {"errors", "domain", "venues"},
    "validator": {"errors", "domain", "core", "settings"},
    "manager": BELOW | {"venues", "journal", "shell"},
    "compose": INSIDE - {"compose"} | {"guard"},
    "guard": INSIDE | {"testing"},
    "arming": {"errors", "domain", "shell", "manager"},
    "heart": {"errors", "guard"},
    "drill": INSIDE | {"validator", "goflat"},
    "cli": INSIDE | {"guard", "heart", "drill", "validator", "goflat"},
    "__init__": INSIDE | {"guard", "heart", "validator", "arming"},
    "__main__": {"cli"},
}
BACK_EDGES = {("manager.py", "compose")}
"""Imports that wait until a function is called, because the other room uses this one."""

DATA_TABLES = {"goflat.venues.binance.environments", "goflat.venues.binance.capabilities"}
"""The parts of a venue that are tables and nothing else: the settings may read them."""

NEVER_BELOW = {
    *("asyncio", "time", "random", "os", "logging", "socket", "threading", "secrets", "datetime"),
}
NO_NAMES = {"utils", "helpers", "common", "base", "misc"}


@cache
def tree(name: str) -> ast.Module:
    return ast.parse((ROOT / name).read_text(encoding="utf-8"))


def source(name: str) -> ast.Module:
    return tree(f"src/goflat/{name}")


def imported(module: ast.Module) -> Iterator[str]:
    """Every module that a file imports, wherever in it that stands."""
    for node in ast.walk(module):
        if isinstance(node, ast.ImportFrom):
            assert node.level == 0, "relative imports are not used"
            yield str(node.module)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def room(name: str) -> str:
    return name.partition("/")[0].removesuffix(".py")


def rooms_used(name: str) -> set[str]:
    ours = [module.split(".") for module in imported(source(name)) if module.startswith("goflat")]
    return {parts[1] if len(parts) > 1 else "goflat" for parts in ours}


# --- the stair ----------------------------------------------------------------------------------


def test_every_room_has_its_place_on_the_stair() -> None:
    assert {room(name) for name in FILES} == set(STAIR)


def test_a_file_uses_only_rooms_that_its_own_may_use() -> None:
    astray = {
        (name, other)
        for name in FILES
        for other in rooms_used(name) - STAIR[room(name)] - {room(name)}
    }

    assert astray == BACK_EDGES


def test_the_floors_below_the_doors_are_a_stair_without_a_loop() -> None:
    placed: set[str] = set()
    left = {name: needs - {"goflat"} for name, needs in STAIR.items() if name in INSIDE}
    left["compose"] -= {"guard"}
    while ready := {name for name, needs in left.items() if needs <= placed}:
        placed |= ready
        left = {name: needs for name, needs in left.items() if name not in ready}

    assert left == {}


@pytest.mark.parametrize(("name", "other"), sorted(BACK_EDGES))
def test_a_way_back_up_is_taken_only_when_somebody_asks(name: str, other: str) -> None:
    at_once = {
        module
        for node in source(name).body
        if isinstance(node, ast.Import | ast.ImportFrom)
        for module in imported(ast.Module(body=[node], type_ignores=[]))
    }

    assert f"goflat.{other}" not in at_once
    assert other in rooms_used(name)


def test_settings_read_nothing_of_a_venue_but_its_tables() -> None:
    of_venues = {
        module
        for name in FILES
        if room(name) == "settings"
        for module in imported(source(name))
        if module.startswith("goflat.venues")
    }

    assert of_venues <= DATA_TABLES


def test_a_venue_never_uses_another_venue_or_the_core() -> None:
    for name in FILES:
        if room(name) != "venues" or name.count("/") < 2:
            continue
        own = name.split("/")[1]
        for module in imported(source(name)):
            assert not module.startswith("goflat.core")
            if module.startswith("goflat.venues."):
                assert module.split(".")[2] == own, f"{name} uses {module}"


# --- the lower floors ---------------------------------------------------------------------------


TOLD = {("domain/schedule.py", "datetime")}
"""A schedule is told the time of day, and never asks for it."""


def test_the_lower_floors_have_no_clock_no_chance_and_no_world() -> None:
    used = {(name, module.split(".")[0]) for name in LOWER for module in imported(source(name))}

    assert {(name, module) for name, module in used if module in NEVER_BELOW} == TOLD


FLOATS = {"domain/time.py": 2, "core/pacing.py": 1}
"""Two instants that are no time, and a length of waiting. Seconds are floats, and nothing else."""


def test_the_lower_floors_make_no_float_of_money_or_quantity() -> None:
    made = Counter(
        name
        for name in LOWER
        for node in ast.walk(source(name))
        if isinstance(node, ast.Call) and ast.unparse(node.func) == "float"
    )

    assert made == FLOATS


BUILDERS = {
    "CloseOrder": "core/leg/sending.py",
    "ProtectiveStop": "core/plan_instrument.py",
}


@pytest.mark.parametrize("order", BUILDERS)
def test_the_orders_that_can_be_placed_are_built_in_one_place_of_the_core(order: str) -> None:
    builds = {
        name
        for name in FILES
        if any(
            isinstance(node, ast.Call) and ast.unparse(node.func) == order
            for node in ast.walk(source(name))
        )
    }

    # The conformance cases are told to people who write an adapter, and run against their venue.
    assert builds - {BUILDERS[order]} <= {"testing/conformance.py"}
    assert BUILDERS[order] in builds


def test_nobody_below_the_doors_can_reach_what_opens_positions() -> None:
    reach = {
        name
        for name in FILES
        if any(module.startswith("goflat.drill") for module in imported(source(name)))
    }

    assert {room(name) for name in reach} == {"cli", "drill"}


# --- everywhere ---------------------------------------------------------------------------------


def test_every_file_is_named_for_its_subject() -> None:
    words = {(name, part.removesuffix(".py")) for name in FILES for part in name.split("/")}

    assert {(name, word) for name, word in words if word in NO_NAMES} == set()


def test_nothing_is_mocked() -> None:
    mocked = {
        (name, module)
        for name in [*TESTS, *(f"src/goflat/{name}" for name in FILES)]
        for module in imported(tree(name))
        if module.split(".")[0] in {"unittest", "mock"}
    }

    assert mocked == set()


def swallowed(name: str) -> Iterator[str]:
    for node in ast.walk(source(name)):
        if not isinstance(node, ast.ExceptHandler):
            continue
        if node.type is None:
            yield f"{name}:{node.lineno}: a bare except"
            continue
        is_wide = ast.unparse(node.type) in {"Exception", "BaseException"}
        if is_wide and all(isinstance(each, ast.Pass) for each in node.body):
            yield f"{name}:{node.lineno}: everything, and not a word"


def test_no_failure_is_swallowed() -> None:
    assert [found for name in FILES for found in swallowed(name)] == []


ENDLESS = {
    "shell/drive.py": "until the run is over, which the deadline of the run bounds",
    "shell/outlast.py": "one turn a cancellation, until the run that has a deadline is over",
    "drill/notice.py": "a pulse, cancelled when what it watches has ended",
    "guard/standby.py": "looks for the lock every LOOK_SECONDS: standing by has no end",
    "guard/account.py": "a part that failed starts again after RESTART_SECONDS, until cancelled",
    "guard/roll.py": "looks every LOOK_SECONDS, until cancelled",
    "guard/fencing.py": "looks every HOLD_SECONDS until cancelled; a drive ends by its seconds",
    "guard/sentry.py": "one event a turn, each waited for TICK_SECONDS at most, until cancelled",
    "guard/checker.py": "checks every check_seconds, until cancelled",
    "guard/triggers/keeping.py": "reads every every_seconds, each READ_SECONDS at most",
}
"""Loops that end by something else than their condition, and what bounds each turn of them."""


def test_every_loop_without_an_end_of_its_own_has_a_reason_and_a_bound() -> None:
    endless = {
        name
        for name in FILES
        for node in ast.walk(source(name))
        if isinstance(node, ast.While) and isinstance(node.test, ast.Constant)
    }

    assert endless == set(ENDLESS)


def undocumented(name: str) -> Iterator[str]:
    module = source(name)
    if ast.get_docstring(module) is None and module.body:
        yield name
    for node in module.body:
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef):
            is_public = not node.name.startswith("_")
            if is_public and ast.get_docstring(node) is None:
                yield f"{name}: {node.name}"


def test_every_public_name_says_what_it_is() -> None:
    assert [found for name in FILES for found in undocumented(name)] == []


LONG: dict[str, int] = {}
"""Files above LINES_MAX, and what each has. It only ever gets shorter."""

LINES_MAX = 400


def test_every_file_is_short_enough_to_be_read_at_once() -> None:
    lines = {name: len((SOURCE / name).read_text("utf-8").splitlines()) for name in FILES}

    assert {name: count for name, count in lines.items() if count > LINES_MAX} == LONG


WRITTEN = [
    path
    for place in ("src", "tests", "docs", "examples", "scripts", "benchmarks", "requirements")
    for path in sorted((ROOT / place).rglob("*"))
    if path.suffix in {".py", ".md", ".toml", ".txt", ".sh", ".json", ".service"}
] + [path for path in sorted(ROOT.iterdir()) if path.is_file() and path.name[0] != "."]
ELSEWHERE = re.compile(
    "|".join(
        (
            "python" + r"hosted\.org",
            "pypi" + r"\.org",
            "--(extra-)?index" + "-url",
            r"(?<![\w.])/" + r"work/",
            r"(?<![\w.])/" + r"root/",
        )
    )
)


def test_nothing_names_the_machine_or_the_registry_that_it_was_made_with() -> None:
    assert len(WRITTEN) > 100
    found = {
        f"{path.relative_to(ROOT)}: {match.group()}"
        for path in WRITTEN
        for match in ELSEWHERE.finditer(path.read_text(encoding="utf-8"))
    }

    assert found == set()
