"""The verification report for people, in Markdown."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import asdict

from goflat import __version__
from goflat.drill.play import Outcome
from goflat.drill.report import Report, events_of, status
from goflat.drill.resources import Resources
from goflat.drill.scenario import Tick
from goflat.drill.specified import FOUR
from goflat.errors import printable

_MARKS = {"PASSED": "✅ PASSED", "FAILED": "❌ FAILED", "SKIPPED": "SKIPPED"}
_SPECIFIED = frozenset(scenario.name for scenario in FOUR)


def markdown(report: Report) -> str:
    """The whole report."""
    return "\n".join(_lines(report)) + "\n"


def _lines(report: Report) -> Iterator[str]:
    yield from _head(report)
    yield from _summary(report)
    yield from _environment(report)
    for number, outcome in enumerate(report.outcomes, start=1):
        yield from _scenario(number, outcome)
    yield from _safety(report)
    yield from _performance(report)
    yield from _audit(report)
    yield from _list("Issues encountered", report.issues(), nothing="None.")
    yield from _list("Recommendations", report.recommendations(), nothing="None.")
    yield from _sign_off(report)


def _head(report: Report) -> Iterator[str]:
    kind = "embedded simulated venue" if report.place.is_embedded else report.place.environment
    yield "# Emergency liquidation: verification report"
    yield ""
    yield f"**Date**: {report.started:%Y-%m-%d %H:%M:%S} UTC  "
    yield f"**Environment**: {_text(kind)}  "
    yield f"**Played by**: goflat {__version__} drill  "
    yield f"**Verdict**: {'✅ PASSED' if report.passed else '❌ NOT PASSED'}"


def _summary(report: Report) -> Iterator[str]:
    counts = report.counts()
    yield from _title("Executive summary")
    yield "✅ **All scenarios passed.**" if report.passed else "❌ **Not everything passed.**"
    yield ""
    yield "Each scenario opened real positions and orders over the venue's API, ran goflat over"
    yield "sockets, and was judged by what the venue itself holds and did afterwards, not by what"
    yield "goflat says. Every tick below was computed from evidence, which stands beside it."
    yield ""
    yield f"- Scenarios: {counts['total']}"
    yield f"- Passed: {counts['passed']}"
    yield f"- Failed: {counts['failed']}"
    yield f"- Skipped: {counts['skipped']}"
    yield f"- Execution time: {report.seconds:.1f} s"


def _environment(report: Report) -> Iterator[str]:
    yield from _title("Test environment")
    yield from _table(("What", "Value"), report.environment().items())


def _scenario(number: int, outcome: Outcome) -> Iterator[str]:
    scenario = outcome.scenario
    kind = "Scenario" if scenario.name in _SPECIFIED else "Additional scenario"
    yield from _title(f"{kind} {number}: {scenario.title}")
    yield f"**Name**: `{scenario.name}`  "
    yield f"**Status**: {_MARKS[status(outcome)]}  "
    yield f"**Execution time**: {outcome.seconds:.2f} s"
    if outcome.skipped is not None:
        yield ""
        yield f"Skipped: {_text(outcome.skipped)}."
        return
    yield from _configuration(outcome)
    yield from _title("Setup", level=3)
    yield from (f"- {_text(line)}" for line in scenario.setting.lines())
    yield f"- what goes wrong: {_text(scenario.in_words)}"
    yield f"- expected: {_text(scenario.expected)}"
    yield from _results(outcome)
    yield from _title("Validation checks", level=3)
    yield from _ticks(outcome.ticks)


def _configuration(outcome: Outcome) -> Iterator[str]:
    scenario, played = outcome.scenario, outcome.played
    config = scenario.config if played is None else played.config
    yield from _title("Configuration", level=3)
    yield "```toml"
    yield "[liquidation]"
    for name, value in asdict(config).items():
        yield f"{name} = {str(value).lower()}"
    yield f"quiet_seconds = {scenario.quiet_seconds}"
    yield "```"


def _results(outcome: Outcome) -> Iterator[str]:
    yield from _title("Results", level=3)
    if outcome.problem is not None:
        yield f"It could not be played: {_text(outcome.problem)}"
        return
    assert outcome.played is not None
    yield f"- the venue before: {_text(str(outcome.played.before))}"
    yield f"- the venue after: {_text(str(outcome.played.after))}"
    for run, result in enumerate(outcome.played.results, start=1):
        yield (
            f"- run {run} (`{result.correlation_id}`): `{result.state.value}`, verified "
            f"`{str(result.verified).lower()}`, positions closed {result.positions_closed} and "
            f"failed {result.positions_failed}, orders cancelled {result.orders_cancelled} and "
            f"failed {result.orders_failed}, {result.total_duration_seconds:.3f} s"
        )
        if result.error_message:
            yield f"  - error message: {_text(result.error_message)}"
        for leg in result.legs:
            side = "orders only" if leg.side is None else f"{leg.side.value} {leg.quantity:f}"
            why = f": {_text(leg.reason)}" if leg.reason else ""
            yield f"  - {_text(leg.symbol)} {side}: {leg.outcome.value}{why}"
    events = ", ".join(f"{_text(kind)} x{n}" for kind, n in events_of(outcome).items())
    yield f"- audit trail: {events or 'nothing'}"


def _safety(report: Report) -> Iterator[str]:
    yield from _title("Security and safety validation")
    yield from _ticks(report.security())


def _performance(report: Report) -> Iterator[str]:
    yield from _title("Performance and resources")
    rows = [
        (
            outcome.scenario.name,
            f"{outcome.seconds:.2f} s",
            ", ".join(f"{r.total_duration_seconds:.2f} s" for r in outcome.played.results),
            f"{outcome.played.pause_seconds * 1000:.0f} ms",
            _used(outcome.before),
            _used(outcome.after),
        )
        for outcome in report.outcomes
        if outcome.played is not None
    ]
    columns = ("Scenario", "Whole", "Runs", "Longest pause of the loop", "Before", "After")
    yield from _table(columns, rows)
    yield ""
    yield from _ticks(report.resources())


def _audit(report: Report) -> Iterator[str]:
    yield from _title("Audit trail")
    yield f"- file: `{printable(str(report.trail.file))}`"
    yield f"- records: {report.trail.verdict.records}"
    yield f"- last hash: `{report.trail.last_hash}`"
    yield f"- to verify: `{printable(str(report.verify_command()))}`"


def _sign_off(report: Report) -> Iterator[str]:
    signed = report.sign_off()
    yield from _title("Sign-off")
    yield f"- Played and judged by: {signed['by']}"
    yield f"- Date: {signed['date']}"
    yield f"- Verdict: {signed['verdict']}"
    yield f"- Audit hash: `{signed['audit_hash']}`"
    yield "- Read by (name, date): ______________________"


# --- forms --------------------------------------------------------------------------------------


def _title(text: str, *, level: int = 2) -> Iterator[str]:
    yield ""
    yield f"{'#' * level} {_text(text)}"
    yield ""


def _ticks(ticks: Iterable[Tick]) -> Iterator[str]:
    for tick in ticks:
        yield f"- [{'x' if tick.holds else ' '}] {_text(tick.text)}: {_text(tick.evidence)}"


def _list(title: str, entries: Iterable[str], *, nothing: str) -> Iterator[str]:
    yield from _title(title)
    found = [f"- {_text(entry)}" for entry in entries]
    yield from found or [nothing]


def _table(columns: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(columns)} |"
    yield f"|{'---|' * len(columns)}"
    for row in rows:
        yield f"| {' | '.join(_text(cell).replace('|', chr(92) + '|') for cell in row)} |"


def _used(resources: Resources | None) -> str:
    if resources is None:
        return "not measured"
    memory = "?" if resources.memory_mib is None else f"{resources.memory_mib:.0f} MiB"
    return f"{memory}, {resources.descriptors} descriptors, {len(resources.threads)} threads"


def _text(text: str) -> str:
    """Text of a venue, which must not become markup."""
    escaped = "".join(f"\\{c}" if c in "<>[]*_`" else c for c in printable(text))
    return escaped.replace("\\_", "_")
