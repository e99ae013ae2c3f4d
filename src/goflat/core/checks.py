"""What is wrong, risky or improvable in a configuration: pure functions over facts.

Whatever needs the file system or the venue is gathered elsewhere and handed in.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from goflat.core.findings import Deployment, Finding, found
from goflat.domain.config import LiquidationConfig
from goflat.domain.facts import AccountFacts

RECOMMENDED_TIMEOUT_SECONDS = (5.0, 15.0)
FEWEST_RETRIES = 2
LONGEST_DELAY = 0.25
"""The part of the deadline that the first wait before a retry may take."""

LARGEST_CLOCK_OFFSET_SECONDS = 1.0
"""Binance refuses a request that is dated more than one second ahead of its own clock."""

ROUND_TRIPS = 10
"""A cold run of several positions takes about six round trips one after another; and some air."""


@dataclass(frozen=True, slots=True, kw_only=True)
class SecretFacts:
    """What was learnt about one secret, without the secret.

    `problem` says why it cannot be fetched. `mode` is set where its file is open to others: the
    rights, as "0644". `in_configuration`: its text stands in the file of settings.
    """

    key: str
    place: str
    problem: str | None = None
    mode: str | None = None
    in_configuration: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class AccountUnderCheck:
    """What is known of one account before it is asked anything, and its answers if it was."""

    name: str
    environment: str
    is_embedded: bool = False
    is_plain: bool = False
    key_is_secret: bool = False
    secrets: Sequence[SecretFacts] = ()
    answers: AccountFacts | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Installation:
    """What surrounds the accounts.

    `audit_problem` says why the file cannot be appended to; `has_audit` false: there is none.
    `writable_mode` is set where others can write the file of settings. `shared_keys` are names of
    accounts that have one key. `notes` are things that the loader noticed.
    """

    has_scope: bool
    has_audit: bool
    audit_problem: str | None = None
    writable_mode: str | None = None
    shared_keys: Sequence[Sequence[str]] = ()
    notes: Sequence[str] = ()


def check_config(config: LiquidationConfig) -> Iterator[Finding]:
    """What the six settings of a liquidation say about the worst minute."""
    yield from _check_switches(config)
    yield from _check_timeout(config.timeout_seconds)
    yield from _check_retries(config)


def _check_switches(config: LiquidationConfig) -> Iterator[Finding]:
    if not config.emergency_liquidation:
        yield found("protection-off", "emergency_liquidation is false: capital is at risk")
        return
    if not config.close_positions and not config.cancel_orders:
        yield found("protection-off", "nothing would be done: capital is at risk")
        return
    if not config.close_positions:
        yield found("positions-left-open", "positions would stay open: capital is at risk")
    if not config.cancel_orders:
        yield found("orders-left-working", "orders would stay, and could open positions again")


def _check_timeout(seconds: float) -> Iterator[Finding]:
    least, most = RECOMMENDED_TIMEOUT_SECONDS
    if seconds < least:
        yield found("timeout-short", f"{seconds:g} s may end before everything is proven")
    if seconds > most:
        yield found("timeout-long", f"{seconds:g} s is long for a bot that waits for its end")


def _check_retries(config: LiquidationConfig) -> Iterator[Finding]:
    retries, delay = config.max_retries, config.retry_delay_seconds
    timeout = config.timeout_seconds
    if retries < FEWEST_RETRIES:
        yield found("few-retries", f"max_retries is {retries}: few refusals leave a position open")
    waits = delay * (2**retries - 1)
    if waits > timeout:
        yield found(
            "retries-past-deadline",
            f"{retries} retries wait up to {waits:g} s in all, and the deadline comes after "
            f"{timeout:g} s: the last of them never happen",
        )
    if delay > timeout * LONGEST_DELAY:
        yield found("retry-delay-long", f"the first retry waits {delay:g} s of {timeout:g} s")


def check_installation(facts: Installation) -> Iterator[Finding]:
    """What surrounds the accounts: scope, audit trail, the file of settings itself."""
    for note in facts.notes:
        yield found("setting-note", note)
    if facts.writable_mode is not None:
        yield found(
            "configuration-writable", f"others can change the settings (mode {facts.writable_mode})"
        )
    for names in facts.shared_keys:
        yield found("key-shared", f"{' and '.join(names)} have one key: one account, twice")
    if not facts.has_audit:
        yield found("audit-missing", "no audit trail is kept")
    if facts.audit_problem is not None:
        yield found("audit-unusable", f"the audit file cannot be written: {facts.audit_problem}")
    if not facts.has_scope:
        yield found("scope-missing", "run, guard and armed do not start without a scope")


def check_account(
    account: AccountUnderCheck, config: LiquidationConfig, deployment: Deployment | None = None
) -> Iterator[Finding]:
    """What is known about one account: where it is, its secrets, its answers if it was asked.

    `deployment` is what it is judged for, where somebody said it.
    """
    subject = f"account {account.name}"
    if deployment and (account.environment == "production") != (deployment == "production"):
        text = f"its environment is {account.environment}, and it is judged for {deployment}"
        yield found("environment-differs", text, subject)
    if account.is_embedded:
        yield found("embedded-venue", "simulated without an address: only the drill runs", subject)
    if account.is_plain:
        yield found("plain-http", "keys and orders go unencrypted inside of this host", subject)
    if account.key_is_secret:
        yield found("key-is-secret", "api_key and api_secret are the same", subject)
    for secret in account.secrets:
        yield from _check_secret(secret, subject)
    if account.answers is not None:
        yield from _check_answers(account.answers, config, subject)


def _check_secret(secret: SecretFacts, subject: str) -> Iterator[Finding]:
    if secret.problem is not None:
        yield found("secret-unavailable", f"{secret.key}: {secret.problem}", subject)
    if secret.mode is not None:
        text = f"{secret.key}: others can use {secret.place} (mode {secret.mode})"
        yield found("secret-file-open", text, subject)
    if secret.in_configuration:
        text = f"{secret.key}: the secret itself stands in the configuration"
        yield found("secret-in-configuration", text, subject)


def _check_answers(
    answers: AccountFacts, config: LiquidationConfig, subject: str
) -> Iterator[Finding]:
    """What the venue said. Once the key works, what it did not say is worth a word as well."""
    yield from _check_key(answers, subject)
    yield from _check_clock(answers, config, subject)
    if answers.instruments == 0 or (answers.key_works and answers.instruments is None):
        yield found("instruments-missing", "the rules of the instruments did not load", subject)
    if answers.key_works and answers.position_mode is None:
        yield found("position-mode-unknown", "one-way or hedge mode was not learnt", subject)


def _check_key(answers: AccountFacts, subject: str) -> Iterator[Finding]:
    if answers.key_works is None:
        yield found("venue-silent", "whether the key works was not learnt", subject)
    elif not answers.key_works:
        yield found("key-refused", "the venue refuses this key", subject)
    elif answers.can_trade is None:
        yield found("trading-unknown", "whether the key may trade was not learnt", subject)
    if answers.can_trade is False:
        yield found("trading-refused", "this key may not trade futures", subject)
    if answers.can_withdraw:
        yield found("withdrawal-allowed", "this key may withdraw: a thief could as well", subject)
    if answers.ip_restricted is False:
        yield found("ip-open", "this key may be used from every address", subject)
    if answers.key_works and None in {answers.can_withdraw, answers.ip_restricted}:
        text = "whether the key may withdraw, and from where it may be used, was not learnt"
        yield found("key-rights-unknown", text, subject)


def _check_clock(
    answers: AccountFacts, config: LiquidationConfig, subject: str
) -> Iterator[Finding]:
    offset, round_trip = answers.clock_offset_seconds, answers.round_trip_seconds
    if offset is not None and abs(offset) >= LARGEST_CLOCK_OFFSET_SECONDS:
        yield found("clock-off", f"the venue's clock is {offset:+.1f} s from ours", subject)
    if offset is None and answers.key_works:
        yield found("clock-unknown", "the venue's clock was not learnt", subject)
    if round_trip is not None and round_trip * ROUND_TRIPS > config.timeout_seconds:
        text = f"an answer takes {round_trip:.2f} s of {config.timeout_seconds:g} s"
        yield found("answers-slow", text, subject)
