"""What goflat.toml says of the guard, its bots and its triggers: read, checked and frozen."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from types import MappingProxyType
from zoneinfo import ZoneInfo

from goflat.domain.schedule import Cron
from goflat.errors import Mistake
from goflat.settings.guard_tables import BOT, GUARD, TRIGGER
from goflat.settings.kinds import described
from goflat.settings.secret_ref import SecretRef
from goflat.settings.source import Source
from goflat.settings.spelling import did_you_mean
from goflat.settings.tables import Reading, read_once, read_table

MOST_BOTS = 200
MOST_TRIGGERS = 200

NEEDS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "loss": ("loss_percent", "loss_amount"),
        "margin": ("margin_percent",),
        "distance": ("distance_percent",),
        "connection": (),
        "schedule": ("cron",),
        "file": ("path",),
        "url": ("url",),
        "code": ("function",),
    }
)
"""What each kind of trigger cannot do without: one of these at least."""


@dataclass(frozen=True, slots=True, kw_only=True)
class GuardSettings:
    """The table [guard]. Lengths in seconds."""

    hold_seconds: float
    after_trip: str
    open_run: str
    check_seconds: float
    proof_seconds: float
    http_port: int | None
    totp_secret: SecretRef | None


@dataclass(frozen=True, slots=True, kw_only=True)
class BotSettings:
    """One [[bot]]."""

    name: str
    account: str
    hang_seconds: float
    recv_window_seconds: float
    on_exit: str
    pid_file: Path | None
    unit: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class TriggerSettings:
    """One [[trigger]]. What its kind does not use holds its default and means nothing."""

    name: str
    account: str
    kind: str
    severity: str
    on_unreadable: str
    every_seconds: float
    loss_percent: float | None
    loss_amount: Decimal | None
    window_seconds: float
    margin_percent: float | None
    distance_percent: float | None
    silent_seconds: float
    cron: Cron | None
    time_zone: ZoneInfo
    path: Path | None
    url: str | None
    fires_when: str
    function: str | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Guarding:
    """All that a configuration says of the guard."""

    guard: GuardSettings
    bots: tuple[BotSettings, ...]
    triggers: tuple[TriggerSettings, ...]


def read_guarding(
    source: Source, accounts: Mapping[str, object], faults: list[Mistake]
) -> Guarding | None:
    """The three tables. None where one of them has a fault, which is added to `faults`."""
    before = len(faults)
    guard = read_once(source, GUARD)
    faults += guard.mistakes
    bots = [*_named(source, BOT.name, accounts, faults)]
    triggers = [*_named(source, TRIGGER.name, accounts, faults)]
    if len(faults) > before:
        return None
    return Guarding(
        guard=GuardSettings(**guard.values),
        bots=tuple(BotSettings(**reading.values) for reading in bots),
        triggers=tuple(TriggerSettings(**reading.values) for reading in triggers),
    )


def _named(
    source: Source, name: str, accounts: Mapping[str, object], faults: list[Mistake]
) -> Iterator[Reading]:
    """Every table of that name, and what is wrong with it on its own and beside the others."""
    seen: set[tuple[object, object]] = set()
    for reading in _several(source, name, faults):
        account = reading.values.get("account")
        if account is not None and account not in accounts:
            hint = did_you_mean(str(account), accounts)
            _wrong(source, reading, "account", f"is none of the accounts here{hint}")
        called = (account, reading.values.get("name"))
        if called in seen and None not in called:
            _wrong(source, reading, "name", "is the name of one before it as well")
        seen.add(called)
        if name == TRIGGER.name:
            _check_kind(source, reading)
        faults += reading.mistakes
        yield reading


def _several(source: Source, name: str, faults: list[Mistake]) -> Iterator[Reading]:
    entries = source.document.get(name, [])
    table, most = {BOT.name: (BOT, MOST_BOTS), TRIGGER.name: (TRIGGER, MOST_TRIGGERS)}[name]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        text = f"must be written as {table.header}, once for each, was {described(entries)}"
        faults.append(source.mistake(name, text=text))
        return
    if len(entries) > most:
        text = f"must be written at most {most} times, was there {len(entries)} times"
        faults.append(source.mistake(name, text=text))
        return
    for number, entry in enumerate(entries):
        yield read_table(source, table, (name, number), entry)


def _check_kind(source: Source, reading: Reading) -> None:
    """A trigger has what its kind needs, and nothing that belongs to another kind alone."""
    kind = reading.values.get("kind")
    if kind is None:
        return
    needed = NEEDS[kind]
    if needed and not any(reading.values.get(key) is not None for key in needed):
        text = f'of kind "{kind}" needs {" or ".join(needed)}'
        _wrong(source, reading, "kind", text)
    for other, keys in NEEDS.items():
        for key in keys:
            if other != kind and reading.values.get(key) is not None:
                _wrong(source, reading, key, f'belongs to kind "{other}", and this is "{kind}"')


def _wrong(source: Source, reading: Reading, key: str, text: str) -> None:
    reading.mistakes.append(source.mistake(*reading.path, key, text=text))
