"""goflat.toml, read once into frozen settings. Every mistake at once."""

import os
from collections.abc import Iterator, Mapping
from pathlib import Path
from types import MappingProxyType

from goflat.domain.config import LiquidationConfig
from goflat.domain.scope import Only
from goflat.errors import Mistake, SettingsError
from goflat.settings.addresses import ADDRESSES, address_mistakes, completed
from goflat.settings.guarding import read_guarding
from goflat.settings.kinds import described
from goflat.settings.run_table import RUN
from goflat.settings.schema import (
    ACCOUNT,
    AUDIT,
    LIQUIDATION,
    QUIET_SECONDS,
    VARIABLES,
    VENUE,
    emergency_needs,
)
from goflat.settings.source import VARIABLE, Source, find_file, read_source
from goflat.settings.spelling import did_you_mean, shown
from goflat.settings.tables import Reading, read_once, read_table, unknown_tables
from goflat.settings.values import AccountSettings, RunSettings, Settings

MAIN_ACCOUNT = "main"
"""The name of the account that [venue] alone describes."""

MOST_ACCOUNTS = 100
MOST_MISTAKES = 100

SWITCHES = ("emergency_liquidation", "close_positions", "cancel_orders")
CONFIG_KEYS = (*SWITCHES, "timeout_seconds", "max_retries", "retry_delay_seconds")
"""The six settings of LiquidationConfig."""


def load_settings(path: str | None = None, *, environ: Mapping[str, str] = os.environ) -> Settings:
    """Read the configuration at `path`, else at $GOFLAT_CONFIG, else ./goflat.toml.

    A fault in a table that no emergency needs does not stop this: it is in `Settings.faults`, and
    `Settings.without_faults()` refuses it. Secrets are not fetched here.

    Raises:
        SettingsError: the file cannot be read, or [venue], [[account]] or [liquidation] has a
            fault. It carries every mistake that was found.
    """
    file = find_file(path, environ)
    source = read_source(file, named=path is not None or VARIABLE in environ)
    return read_settings(source, notes=tuple(_unread_variables(environ)))


def read_settings(source: Source, *, notes: tuple[Mistake, ...] = ()) -> Settings:
    """The settings that a source describes.

    Raises:
        SettingsError: as `load_settings`.
    """
    faults, refused = list(source.faults), list[Mistake]()
    for name, mistake in unknown_tables(source):
        (refused if emergency_needs(name) else faults).append(mistake)
    audit = read_once(source, AUDIT)
    run = read_once(source, RUN)
    faults += [*audit.mistakes, *run.mistakes]
    liquidation = read_once(source, LIQUIDATION)
    config = _config(source, liquidation)
    refused += liquidation.mistakes
    accounts = _accounts(source, refused)
    guarding = read_guarding(source, accounts, faults)
    if refused or config is None:
        raise SettingsError(*_in_order([*refused, *faults]))
    return Settings(
        path=Path(source.file or source.directory),
        accounts=MappingProxyType(accounts),
        liquidation=config,
        quiet_seconds=min(liquidation.values["quiet_seconds"], config.timeout_seconds / 4),
        scope=liquidation.values["scope"],
        audit_path=audit.values.get("path"),
        run=RunSettings(**run.values),
        guarding=guarding,
        faults=tuple(_in_order(faults)),
        notes=(*notes, *_oddities(source, config, liquidation)),
    )


def read_config(source: Source) -> LiquidationConfig:
    """The six settings of a liquidation alone, of a source that has no account.

    Raises:
        SettingsError: there is a fault, in whatever table.
    """
    reading = read_once(source, LIQUIDATION)
    config = _config(source, reading)
    unknown = [mistake for _, mistake in unknown_tables(source)]
    spare = [mistake for table in (AUDIT, RUN) for mistake in read_once(source, table).mistakes]
    mistakes = [*unknown, *reading.mistakes, *spare]
    if mistakes or config is None:
        raise SettingsError(*_in_order(mistakes))
    return config


def _oddities(source: Source, config: LiquidationConfig, reading: Reading) -> Iterator[Mistake]:
    """What is allowed in [liquidation] and hardly meant."""
    most = config.timeout_seconds / 4
    if reading.values["quiet_seconds"] > max(most, QUIET_SECONDS):
        text = f"is cut to {most:g}, a quarter of timeout_seconds"
        yield source.mistake(*reading.path, "quiet_seconds", text=text)
    match reading.values["scope"]:
        case Only(symbols) if any(symbol != symbol.upper() for symbol in symbols):
            text = "has small letters, and venues spell their symbols in capitals"
            yield source.mistake(*reading.path, "scope", text=text)


def _config(source: Source, reading: Reading) -> LiquidationConfig | None:
    """The six settings together. None where a mistake, noted in the reading, keeps them apart."""
    if any(key not in reading.values for key in SWITCHES):
        return None
    six = {key: reading.values[key] for key in CONFIG_KEYS if key in reading.values}
    try:
        return LiquidationConfig(**six)
    except SettingsError as error:
        place = (*reading.path, "emergency_liquidation")
        reading.mistakes.append(source.mistake(*place, text=str(error)))
        return None


def _accounts(source: Source, refused: list[Mistake]) -> dict[str, AccountSettings]:
    """The accounts that could be read, by name. What is wrong is added to `refused`."""
    readings = list(_account_readings(source, refused))
    accounts: dict[str, AccountSettings] = {}
    for reading in readings:
        account = _account(source, reading)
        if account is not None and account.name in accounts:
            text = "is the name of an account before it as well"
            reading.mistakes.append(source.mistake(*reading.path, "name", text=text))
        elif account is not None:
            accounts[account.name] = account
        refused += reading.mistakes
    return accounts


def _account_readings(source: Source, refused: list[Mistake]) -> Iterator[Reading]:
    """One reading for each account: of [venue], or of every [[account]]."""
    document = source.document
    if VENUE.name in document and ACCOUNT.name in document:
        text = "[venue] is one account by itself; with [[account]] tables it has to go"
        refused.append(source.mistake(VENUE.name, text=text))
    if ACCOUNT.name in document:
        yield from _several(source, refused)
    elif VENUE.name in document:
        reading = read_once(source, VENUE)
        if "name" in reading.values:
            reading.values["venue"] = reading.values["name"]
        reading.values["name"] = MAIN_ACCOUNT
        yield reading
    else:
        refused.append(source.mistake(text="has no account; write a [venue] table"))


def _several(source: Source, refused: list[Mistake]) -> Iterator[Reading]:
    entries = source.document[ACCOUNT.name]
    if not isinstance(entries, list) or not all(isinstance(entry, dict) for entry in entries):
        text = f"must be written as [[account]], once for each account, was {described(entries)}"
        refused.append(source.mistake(ACCOUNT.name, text=text))
    elif not 0 < len(entries) <= MOST_ACCOUNTS:
        text = f"must be written 1 to {MOST_ACCOUNTS} times, was there {len(entries)} times"
        refused.append(source.mistake(ACCOUNT.name, text=text))
    else:
        for number, entry in enumerate(entries):
            yield read_table(source, ACCOUNT, (ACCOUNT.name, number), entry)


def _account(source: Source, reading: Reading) -> AccountSettings | None:
    """One account, its addresses completed and judged. None where the reading has mistakes."""
    values = reading.values
    if "environment" in values and all(key in values for key in ADDRESSES):
        given = {key: values[key] for key in ADDRESSES}
        values |= completed(values["environment"], given)
        for wrong in address_mistakes(values["environment"], values):
            reading.mistakes.append(source.mistake(*reading.path, wrong.key, text=wrong.text))
    return None if reading.mistakes else AccountSettings(**values)


def _unread_variables(environ: Mapping[str, str]) -> Iterator[Mistake]:
    """Variables that look like ours and are not. A note and never a refusal: another program's
    variable must not keep an emergency from running."""
    for name in sorted(environ):
        if name.startswith("GOFLAT_") and name not in VARIABLES:
            hint = did_you_mean(name, VARIABLES)
            text = f"is an environment variable that goflat does not read{hint}"
            yield Mistake(key=shown(name), text=text)


def _in_order(mistakes: list[Mistake]) -> list[Mistake]:
    """By line, and no more than a person can read."""
    ordered = sorted(mistakes, key=lambda mistake: mistake.line or 0)
    if len(ordered) > MOST_MISTAKES:
        more = f"and {len(ordered) - MOST_MISTAKES} mistakes more"
        return [*ordered[:MOST_MISTAKES], Mistake(file=ordered[0].file, text=more)]
    return ordered
