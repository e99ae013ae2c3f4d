"""The room that opens positions is a room apart."""

import ast
from collections.abc import Iterator
from pathlib import Path

SOURCE = Path(__file__).parents[2] / "src" / "goflat"
MAY = ("drill/", "cli/drill.py", "cli/drill_view.py")
FILES = [path.relative_to(SOURCE).as_posix() for path in sorted(SOURCE.rglob("*.py"))]


def imported(path: Path) -> Iterator[str]:
    for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
        if isinstance(node, ast.ImportFrom) and node.module is not None:
            yield node.module
            yield from (f"{node.module}.{alias.name}" for alias in node.names)
        elif isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)


def test_nothing_but_the_drill_can_reach_what_opens_positions() -> None:
    reached = {
        file: [name for name in imported(SOURCE / file) if name.startswith("goflat.drill")]
        for file in FILES
        if not file.startswith(MAY)
    }

    assert "core/liquidation.py" in reached
    assert {file: names for file, names in reached.items() if names} == {}
    assert set(FILES) - set(reached) >= {"drill/opening.py", "cli/drill.py"}
