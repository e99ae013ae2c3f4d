"""ConfigValidator: whether a configuration works, and whether it should be deployed.

The judgement is `core.checks`, pure. Here the facts are gathered that it needs: files, their
rights, whether each secret can be fetched. No secret leaves this module.
"""

import os
import stat
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import TypeAlias

from goflat.core.checks import (
    AccountUnderCheck,
    Installation,
    SecretFacts,
    check_account,
    check_config,
    check_installation,
)
from goflat.core.findings import (
    Deployment,
    Finding,
    Gate,
    Readiness,
    ValidationReport,
    found,
    report_of,
)
from goflat.domain.config import LiquidationConfig
from goflat.domain.facts import AccountFacts
from goflat.domain.secret import Secret
from goflat.errors import SettingsError
from goflat.settings.load import read_config, read_settings
from goflat.settings.schema import ACCOUNT, LIQUIDATION, TABLES, VENUE
from goflat.settings.secret_ref import SecretPlace, SecretRef
from goflat.settings.small_file import read_small_file
from goflat.settings.source import LARGEST_BYTES, Source
from goflat.settings.values import AccountSettings, Settings

Checkable: TypeAlias = LiquidationConfig | Settings | Mapping[str, object]
"""What can be validated. A mapping is the six settings, or the tables of a goflat.toml."""

Answers: TypeAlias = Mapping[str, AccountFacts]
"""What venues said, by the name of the account."""


class ConfigValidator:
    """Finds what is wrong, risky or improvable, before it matters. Never raises for a bad value.

    `environ` is where secrets named "env:..." and $CREDENTIALS_DIRECTORY are looked up.
    """

    def __init__(self, *, environ: Mapping[str, str] = os.environ) -> None:
        self._environ = environ

    def validate(self, config: Checkable) -> ValidationReport:
        """Everything that was found, whatever it is meant for."""
        return self._report(config, None, {})

    def check_deployment_readiness(
        self,
        config: Checkable,
        environment: Deployment = "production",
        *,
        strict: bool = False,
        answers: Answers | None = None,
    ) -> Readiness:
        """Whether it may be deployed: "testnet" is relaxed, "production" is not.

        `strict` lets warnings count as well. `answers` are what venues said, where they were
        asked.

        Raises:
            SettingsError: `environment` is neither of the two.
        """
        gates = {(gate.deployment, gate.is_strict): gate for gate in Gate}
        gate = gates.get((environment, strict))
        if gate is None:
            raise SettingsError('the environment of a deployment is "testnet" or "production"')
        return Readiness(gate=gate, report=self._report(config, environment, answers or {}))

    def _report(
        self, config: Checkable, deployment: Deployment | None, answers: Answers
    ) -> ValidationReport:
        try:
            known = _understood(config)
        except SettingsError as error:
            return report_of([found("invalid-setting", str(m)) for m in error.mistakes])
        if isinstance(known, LiquidationConfig):
            return report_of(list(check_config(known)))
        return report_of(list(self._findings(known, deployment, answers)))

    def _findings(
        self, settings: Settings, deployment: Deployment | None, answers: Answers
    ) -> Iterator[Finding]:
        for fault in settings.faults:
            yield found("invalid-setting", str(fault))
        yield from check_config(settings.liquidation)
        yield from check_installation(_installation(settings))
        content = _content(settings.path)
        for account in settings.accounts.values():
            facts = self._account(account, content, answers.get(account.name))
            yield from check_account(facts, settings.liquidation, deployment)

    def _account(
        self, account: AccountSettings, content: str, answers: AccountFacts | None
    ) -> AccountUnderCheck:
        plain = any(url.startswith(("http:", "ws:")) for url in account.addresses.values())
        refs = () if account.is_embedded else (account.api_key, account.api_secret)
        gathered = [self._secret(ref, content) for ref in refs]
        revealed = [secret.reveal() for _, secret in gathered if secret is not None]
        return AccountUnderCheck(
            name=account.name,
            environment=account.environment,
            is_embedded=account.is_embedded,
            is_plain=plain and account.environment != "simulated",
            key_is_secret=len(revealed) > len(set(revealed)),
            secrets=tuple(facts for facts, _ in gathered),
            answers=answers,
        )

    def _secret(self, ref: SecretRef, content: str) -> tuple[SecretFacts, Secret | None]:
        """What can be said about a secret, and the secret itself if it can be had."""
        secret, problem = None, None
        try:
            secret = ref.resolve(self._environ)
        except SettingsError as error:
            problem = error.mistakes[0].text
        facts = SecretFacts(
            key=ref.key,
            place=str(ref),
            problem=problem,
            mode=self._open_mode(ref),
            in_configuration=secret is not None and _stands_in(content, secret),
        )
        return facts, secret

    def _open_mode(self, ref: SecretRef) -> str | None:
        """The rights of a secret's file, where somebody else than its owner can use it."""
        path = ref.path(self._environ)
        # systemd gives a unit its credentials through an access list, which shows as group rights.
        others = (
            stat.S_IRWXO if ref.place is SecretPlace.CREDENTIAL else stat.S_IRWXG | stat.S_IRWXO
        )
        return None if path is None else _mode_if(path, others)


def _understood(config: object) -> LiquidationConfig | Settings:
    """What a caller handed in, read. A mapping without accounts is judged by its six settings."""
    match config:
        case LiquidationConfig() | Settings():
            return config
        case Mapping():
            document = {str(key): value for key, value in config.items()}
            if not document.keys() & TABLES.keys():
                document = {LIQUIDATION.name: document}
            source = Source(directory=Path.cwd(), document=document)
            if document.keys() & {VENUE.name, ACCOUNT.name}:
                return read_settings(source)
            return read_config(source)
        case _:
            raise SettingsError("a LiquidationConfig, Settings or a mapping can be validated")


def _installation(settings: Settings) -> Installation:
    keys: dict[str, list[str]] = {}
    for account in settings.accounts.values():
        if not account.is_embedded:
            keys.setdefault(str(account.api_key), []).append(account.name)
    audit = settings.audit_path
    return Installation(
        has_scope=settings.scope is not None,
        has_audit=audit is not None,
        audit_problem=None if audit is None else _append_problem(audit),
        writable_mode=_mode_if(settings.path, stat.S_IWGRP | stat.S_IWOTH),
        shared_keys=[names for names in keys.values() if len(names) > 1],
        notes=[str(note) for note in settings.notes],
    )


def _append_problem(path: Path) -> str | None:
    """Why nothing can be appended to a file, which need not exist yet. Writes nothing."""
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_APPEND | os.O_NONBLOCK | os.O_CLOEXEC)
    except FileNotFoundError:
        return _create_problem(path.parent)
    except OSError as error:
        return error.strerror or str(error)
    try:
        is_regular = stat.S_ISREG(os.fstat(descriptor).st_mode)
    finally:
        os.close(descriptor)
    return None if is_regular else "it is no regular file"


def _create_problem(directory: Path) -> str | None:
    if not directory.is_dir():
        return "its directory does not exist"
    return None if os.access(directory, os.W_OK | os.X_OK) else "its directory is read-only"


def _mode_if(path: Path, rights: int) -> str | None:
    """The mode of a regular file, as "0644", if it gives any of these rights."""
    try:
        mode = path.stat().st_mode
    except OSError:
        return None
    return f"{stat.S_IMODE(mode):04o}" if stat.S_ISREG(mode) and mode & rights else None


def _content(path: Path) -> str:
    """The text of the configuration; empty where it cannot be read again."""
    try:
        return read_small_file(path, LARGEST_BYTES).decode("utf-8", "replace")
    except OSError:
        return ""


SHORTEST_TELLING = 8
"""A shorter secret than this could stand anywhere by accident."""


def _stands_in(content: str, secret: Secret) -> bool:
    """Whether the longest line of a secret stands in a text."""
    line = max(secret.reveal().splitlines(), key=len, default="")
    return len(line) >= SHORTEST_TELLING and line in content
