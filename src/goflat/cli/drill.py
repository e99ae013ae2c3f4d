"""goflat drill: open positions, take them flat, and judge by the venue's own books."""

import asyncio
import json
import os
import shutil
import sys
import tempfile
import time
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from types import MappingProxyType

import click

from goflat.cli.check_view import used
from goflat.cli.drill_view import DrillView
from goflat.cli.refusal import UNUSABLE, JsonCommand, to_dict
from goflat.cli.voice import print_out
from goflat.drill.catalogue import chosen
from goflat.drill.play import Outcome, play_all
from goflat.drill.report import Place, Report, Trail
from goflat.drill.report_markdown import markdown
from goflat.drill.resources import measure, measure_after
from goflat.drill.scenario import Scenario
from goflat.drill.stage import Setup, embedded, on_account
from goflat.errors import Mistake, SettingsError
from goflat.journal import AuditLogger
from goflat.journal.reader import read_lines
from goflat.journal.verify import verify
from goflat.settings import load_settings

ENDINGS = (".md", ".json")


def refused(mistakes: Sequence[Mistake]) -> dict[str, object]:
    """What --json prints where nothing could be played."""
    return {
        "passed": False,
        "error": "; ".join(str(mistake) for mistake in mistakes),
        "exit_code": UNUSABLE,
        "mistakes": [to_dict(mistake) for mistake in mistakes],
    }


@click.command("drill", cls=JsonCommand, refused=refused)
@click.option("--scenario", "names", multiple=True, metavar="NAME", help="Only this one. Repeats.")
@click.option("--list", "only_list", is_flag=True, help="Name the scenarios, and play none.")
@click.option("--report", "report_file", metavar="FILE", help="Write a report: .md or .json.")
@click.option(
    "--config", metavar="FILE", help="Play on an account of a test network instead of in memory."
)
@click.option("--account", metavar="NAME", help="Which account, where the file has several.")
@click.option("--json", "as_json", is_flag=True, help="Print one JSON object and nothing else.")
@click.pass_context
def command(  # noqa: PLR0917 - click hands over what was typed, one by one
    ctx: click.Context,
    names: tuple[str, ...],
    only_list: bool,  # noqa: FBT001 - what was typed
    report_file: str | None,
    config: str | None,
    account: str | None,
    as_json: bool,  # noqa: FBT001
) -> None:
    """Prove that it works: open real positions, take them flat, look at the venue's own books.

    Without --config it needs no key and no network. With it, the hosts have to be those of a test
    network or of this machine. Exit codes: 0 all passed, 1 not, 2 unusable.
    """
    assert isinstance(ctx.command, JsonCommand)
    try:
        scenarios = chosen(names)
        if only_list:
            print_out(_listed(scenarios, as_json=as_json))
            ctx.exit(0)
        wish = Wish(scenarios=scenarios, report=_writable(report_file), as_json=as_json)
        place, setup = _place(config, account)
        report = _played(wish, place, setup)
    except SettingsError as error:
        ctx.command.refuse(error.mistakes, as_json=as_json)
        ctx.exit(UNUSABLE)
    if as_json:
        print_out(json.dumps(report.to_dict()))
    ctx.exit(0 if report.passed else 1)


# --- what was typed -----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True, kw_only=True)
class Wish:
    """What was typed, understood."""

    scenarios: tuple[Scenario, ...]
    report: Path | None
    as_json: bool


def _listed(scenarios: Sequence[Scenario], *, as_json: bool) -> str:
    if as_json:
        return json.dumps(
            {"scenarios": [{"name": s.name, "title": s.title, "shows": s.shows} for s in scenarios]}
        )
    return "\n".join(f"{scenario.name:<25}{scenario.shows}" for scenario in scenarios)


def _writable(file: str | None) -> Path | None:
    """Where the report goes, seen to before anything is played.

    Raises:
        SettingsError: its ending says no form that is known, or it cannot be written there.
    """
    if file is None:
        return None
    path = Path(file).absolute()
    if path.suffix not in ENDINGS:
        raise SettingsError(f"--report takes a file that ends in {' or '.join(ENDINGS)}: {file}")
    if not path.parent.is_dir() or not os.access(path.parent, os.W_OK) or path.is_dir():
        raise SettingsError(f"--report: {path} cannot be written")
    return path


def _place(config: str | None, account: str | None) -> tuple[Place, Setup]:
    """Where it is played. Only an account that was named by a file is ever traded on.

    Raises:
        SettingsError: the configuration cannot be used, or there could be real money.
    """
    if config is None:
        if account is not None:
            raise SettingsError("--account names an account of a configuration: say --config too")
        return Place(account="its own", environment="simulated"), embedded
    settings = load_settings(config)
    chosen_account = settings.account(account)
    place = Place(
        account=chosen_account.name,
        environment=chosen_account.environment,
        hosts=chosen_account.hosts,
    )
    for line in used(replace(settings, accounts=MappingProxyType({place.account: chosen_account}))):
        click.echo(f"goflat drill: {line}", err=True)
    if chosen_account.is_embedded:
        return place, embedded
    return place, on_account(chosen_account, settings)


# --- what is played -----------------------------------------------------------------------------


def _played(wish: Wish, place: Place, setup: Setup) -> Report:
    """Play everything, and keep what was seen."""
    view = DrillView(sys.stderr if wish.as_json else sys.stdout)
    view.head(place)
    outcomes: list[Outcome] = []

    def tell(outcome: Outcome) -> None:
        outcomes.append(outcome)
        view.outcome(outcome)

    started, began, before = datetime.now(UTC), time.monotonic(), measure()
    file = _audit_file(wish)
    audit = AuditLogger(file)
    try:
        asyncio.run(play_all(wish.scenarios, setup, audit, begin=view.begin, tell=tell))
    except KeyboardInterrupt:
        for scenario in wish.scenarios[len(outcomes) :]:
            tell(Outcome(scenario=scenario, problem="interrupted before its end"))
    finally:
        audit.close()
    report = Report(
        place=place,
        started=started,
        seconds=time.monotonic() - began,
        outcomes=tuple(outcomes),
        before=before,
        after=measure_after(before),
        trail=_trail(audit),
    )
    report = _kept(report, wish)
    view.end(report, report_file=wish.report)
    return report


def _audit_file(wish: Wish) -> Path:
    """Beside the report, where there is one."""
    if wish.report is not None:
        return wish.report.with_suffix(".audit.jsonl")
    return Path(tempfile.mkdtemp(prefix="goflat-drill-")) / "audit.jsonl"


def _trail(audit: AuditLogger) -> Trail:
    try:
        verdict = verify(read_lines(audit.path), expect=audit.last_hash)
    except OSError:
        verdict = verify(())
    return Trail(file=audit.path, last_hash=audit.last_hash, verdict=verdict)


def _kept(report: Report, wish: Wish) -> Report:
    """Write the report, and let go of a trail that nobody asked for and nobody needs.

    Raises:
        SettingsError: the report cannot be written after all.
    """
    file = report.trail.file
    assert file is not None
    if wish.report is not None:
        is_json = wish.report.suffix == ".json"
        text = json.dumps(report.to_dict(), indent=2) + "\n" if is_json else markdown(report)
        try:
            wish.report.write_text(text, encoding="utf-8")
        except OSError as error:
            raise SettingsError(f"--report: {wish.report}: {error.strerror}") from None
    elif report.passed:
        shutil.rmtree(file.parent, ignore_errors=True)
        return replace(report, trail=replace(report.trail, file=None))
    return report
