"""What `goflat check` shows: the same facts for a person and for a program."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict
from enum import Enum

from goflat.cli.refusal import UNUSABLE, to_dict
from goflat.core.findings import Finding, Readiness, Severity
from goflat.domain.facts import AccountFacts
from goflat.errors import Mistake, printable
from goflat.settings import AccountSettings, Settings

_HEADINGS = {
    Severity.ERROR: "Errors: this cannot work",
    Severity.CRITICAL: "Critical: capital or keys are at risk",
    Severity.WARNING: "Warnings",
    Severity.RECOMMENDATION: "Recommendations",
}


def used(settings: Settings) -> Iterator[str]:
    """Which configuration, accounts, environments and hosts are meant."""
    yield printable(f"configuration {settings.path}")
    for account in settings.accounts.values():
        where = ", ".join(account.hosts) or "embedded venue"
        yield printable(f"account {account.name}: {account.venue}, {account.environment}, {where}")


def lines(readiness: Readiness, answers: Mapping[str, AccountFacts]) -> Iterator[str]:
    """The result for a person, gravest first, each finding with its mend."""
    for severity, heading in _HEADINGS.items():
        if findings := readiness.report.of(severity):
            yield heading
            for finding in findings:
                yield from _finding(finding, readiness)
            yield ""
    for name, facts in answers.items():
        yield from _answers(name, facts)
    yield _verdict(readiness)


def _finding(finding: Finding, readiness: Readiness) -> Iterator[str]:
    subject = f"{finding.subject}, " if finding.subject else ""
    mark = "x" if finding.closes(readiness.gate) else "-"
    yield printable(f"  {mark} {subject}{finding.text}  [{finding.id}]")
    yield printable(f"    to mend: {finding.mend}")


def _answers(name: str, facts: AccountFacts) -> Iterator[str]:
    yield printable(f"The venue about account {name}")
    for what, value in _said(facts):
        yield printable(f"  {what}: {value}")
    for problem in facts.problems:
        yield printable(f"  not learnt: {problem}")
    yield ""


def _said(facts: AccountFacts) -> Iterator[tuple[str, str]]:
    """What was learnt, in words."""
    yes_no = {True: "yes", False: "no"}
    for what, answer in (
        ("key works", facts.key_works),
        ("may trade futures", facts.can_trade),
        ("may withdraw", facts.can_withdraw),
        ("restricted to addresses", facts.ip_restricted),
    ):
        yield what, "unknown" if answer is None else yes_no[answer]
    if facts.position_mode is not None:
        yield "position mode", facts.position_mode.value
    if facts.instruments is not None:
        yield "instruments", str(facts.instruments)
    if facts.clock_offset_seconds is not None:
        yield "clock offset", f"{facts.clock_offset_seconds:+.3f} s"
    if facts.round_trip_seconds is not None:
        yield "round trip", f"{facts.round_trip_seconds * 1000:.0f} ms"


def _verdict(readiness: Readiness) -> str:
    meant = readiness.gate.deployment + (", strict" if readiness.gate.is_strict else "")
    if readiness.is_ready:
        return f"Ready ({meant})."
    count = len(readiness.blockers)
    things = "1 thing is" if count == 1 else f"{count} things are"
    return f"Not ready ({meant}): {things} in the way, marked x above."


def as_dict(
    readiness: Readiness, settings: Settings, answers: Mapping[str, AccountFacts]
) -> dict[str, object]:
    """The result for a program."""
    return {
        **readiness.to_dict(),
        "exit_code": 0 if readiness.is_ready else 1,
        "config": str(settings.path),
        "accounts": [
            _account(account, answers.get(account.name)) for account in settings.accounts.values()
        ],
        "mistakes": [],
    }


def refused(mistakes: Sequence[Mistake]) -> dict[str, object]:
    """The same keys, where nothing could be judged."""
    return {
        "ready": False,
        "env": None,
        "strict": None,
        "findings": [],
        "exit_code": UNUSABLE,
        "config": None,
        "accounts": [],
        "mistakes": [to_dict(mistake) for mistake in mistakes],
    }


def _account(account: AccountSettings, facts: AccountFacts | None) -> dict[str, object]:
    return {
        "name": account.name,
        "venue": account.venue,
        "environment": account.environment,
        "embedded": account.is_embedded,
        "hosts": list(account.hosts),
        "answers": None if facts is None else asdict(facts, dict_factory=_plain),
    }


def _plain(pairs: list[tuple[str, object]]) -> dict[str, object]:
    return {key: value.value if isinstance(value, Enum) else value for key, value in pairs}
