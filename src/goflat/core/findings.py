"""What a check can find, as a table: how grave it is, which gate it closes, how to mend it."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from types import MappingProxyType
from typing import Literal, TypeAlias

Deployment: TypeAlias = Literal["testnet", "production"]
"""What a configuration is judged for: play money or real money."""


class Severity(Enum):
    """How grave a finding is."""

    ERROR = "error"
    """It cannot work."""
    CRITICAL = "critical"
    """Capital or keys are at risk."""
    WARNING = "warning"
    """It works, and not as well as it should."""
    RECOMMENDATION = "recommendation"
    """It works, and this would be better."""


class Gate(Enum):
    """What a configuration has to pass: a deployment, and whether warnings count."""

    TESTNET = ("testnet", False)
    TESTNET_STRICT = ("testnet", True)
    PRODUCTION = ("production", False)
    PRODUCTION_STRICT = ("production", True)

    @property
    def deployment(self) -> Deployment:
        return "testnet" if self in {Gate.TESTNET, Gate.TESTNET_STRICT} else "production"

    @property
    def is_strict(self) -> bool:
        return self in {Gate.TESTNET_STRICT, Gate.PRODUCTION_STRICT}


_STRICT = frozenset({Gate.TESTNET_STRICT, Gate.PRODUCTION_STRICT})
_ONLY_PRODUCTION_STRICT = frozenset({Gate.PRODUCTION_STRICT})
_NOT_RELAXED = frozenset(Gate) - {Gate.TESTNET}

CLOSES: Mapping[Severity, frozenset[Gate]] = MappingProxyType(
    {
        Severity.ERROR: frozenset(Gate),
        Severity.CRITICAL: _NOT_RELAXED,
        Severity.WARNING: _STRICT,
        Severity.RECOMMENDATION: frozenset(),
    }
)
"""Which gates a finding closes, unless its rule says otherwise."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Rule:
    """One kind of finding. `id` is stable: scripts may rely on it."""

    id: str
    severity: Severity
    mend: str
    closes: frozenset[Gate]


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """One thing that a check found. `text` says what is so, `subject` whose it is."""

    rule: Rule
    text: str
    subject: str = ""

    @property
    def id(self) -> str:
        return self.rule.id

    @property
    def severity(self) -> Severity:
        return self.rule.severity

    @property
    def mend(self) -> str:
        return self.rule.mend

    def closes(self, gate: Gate) -> bool:
        """Whether this keeps a configuration from passing that gate."""
        return gate in self.rule.closes

    def to_dict(self) -> dict[str, str]:
        return {
            "id": self.id,
            "severity": self.severity.value,
            "subject": self.subject,
            "text": self.text,
            "mend": self.mend,
        }


def _rule(
    name: str, severity: Severity, mend: str, *, closes: frozenset[Gate] | None = None
) -> Rule:
    return Rule(id=name, severity=severity, mend=mend, closes=closes or CLOSES[severity])


_ERROR, _CRITICAL = Severity.ERROR, Severity.CRITICAL
_WARNING, _RECOMMENDATION = Severity.WARNING, Severity.RECOMMENDATION

RULES: Mapping[str, Rule] = MappingProxyType(
    {
        rule.id: rule
        for rule in (
            _rule("invalid-setting", _ERROR, "mend what is named, then check again"),
            _rule("setting-note", _WARNING, "change it, so that it says what happens"),
            _rule(
                "protection-off",
                _CRITICAL,
                "set emergency_liquidation, close_positions and cancel_orders to true",
            ),
            _rule("positions-left-open", _CRITICAL, "set close_positions to true"),
            _rule("orders-left-working", _CRITICAL, "set cancel_orders to true"),
            _rule("timeout-short", _WARNING, "set timeout_seconds from 5 to 15"),
            _rule("timeout-long", _WARNING, "set timeout_seconds from 5 to 15"),
            _rule("few-retries", _WARNING, "set max_retries to 2 or more"),
            _rule(
                "retries-past-deadline",
                _WARNING,
                "raise timeout_seconds, or lower max_retries or retry_delay_seconds",
            ),
            _rule("retry-delay-long", _WARNING, "lower retry_delay_seconds"),
            _rule(
                "environment-differs",
                _WARNING,
                "check the configuration of the deployment that is meant, or change --env",
            ),
            _rule(
                "embedded-venue",
                _RECOMMENDATION,
                "for more than a drill, start `goflat venue` and write its addresses here",
            ),
            _rule("plain-http", _WARNING, "use https and wss where the other end has them"),
            _rule("secret-unavailable", _ERROR, "put the secret there, or name another place"),
            _rule("secret-file-open", _CRITICAL, "take the rights of others away: chmod 600"),
            _rule(
                "secret-in-configuration",
                _CRITICAL,
                "take it out of the file, and have the venue make a new key",
            ),
            _rule(
                "key-is-secret",
                _ERROR,
                "name the key in api_key, and its secret or private key in api_secret",
            ),
            _rule("key-shared", _WARNING, "give each account its own key, or keep one of them"),
            _rule(
                "configuration-writable",
                _CRITICAL,
                "take the right to write away from others: chmod go-w",
            ),
            _rule("scope-missing", _RECOMMENDATION, 'say scope = "account", or list the symbols'),
            _rule("audit-missing", _WARNING, "name a file: [audit] path"),
            _rule(
                "audit-unusable",
                _WARNING,
                "name a file that can be written: [audit] path",
                closes=_NOT_RELAXED,
            ),
            _rule(
                "venue-silent",
                _ERROR,
                "read what was not learnt, and why; check addresses, key and secret, and ask again",
            ),
            _rule(
                "key-refused",
                _ERROR,
                "check key and secret, the addresses it may be used from, and the environment",
            ),
            _rule("trading-refused", _ERROR, "allow futures trading for this key at the venue"),
            _rule("trading-unknown", _WARNING, "look at the rights of the key at the venue"),
            _rule(
                "withdrawal-allowed",
                _WARNING,
                "take the right to withdraw from this key at the venue",
            ),
            _rule(
                "ip-open",
                _WARNING,
                "restrict the key to the addresses of this host at the venue",
                closes=_ONLY_PRODUCTION_STRICT,
            ),
            _rule(
                "key-rights-unknown",
                _WARNING,
                "look at the rights of the key at the venue: no withdrawal, few addresses",
                closes=_ONLY_PRODUCTION_STRICT,
            ),
            _rule("clock-off", _WARNING, "let this host keep time (chrony, systemd-timesyncd)"),
            _rule("clock-unknown", _WARNING, "ask again"),
            _rule("answers-slow", _WARNING, "run nearer to the venue, or raise timeout_seconds"),
            _rule("position-mode-unknown", _WARNING, "ask again"),
            _rule("instruments-missing", _ERROR, "ask again; without them nothing can be sized"),
        )
    }
)
"""Every finding that there is, by its id."""


def found(name: str, text: str, subject: str = "") -> Finding:
    """A finding of the rule with that id."""
    return Finding(rule=RULES[name], text=text, subject=subject)


@dataclass(frozen=True, slots=True, kw_only=True)
class ValidationReport:
    """Everything that was found, gravest first."""

    findings: tuple[Finding, ...] = ()

    def of(self, severity: Severity) -> tuple[Finding, ...]:
        return tuple(finding for finding in self.findings if finding.severity is severity)

    @property
    def errors(self) -> tuple[Finding, ...]:
        """What cannot work."""
        return self.of(Severity.ERROR)

    @property
    def security_warnings(self) -> tuple[Finding, ...]:
        """CRITICAL: capital or keys are at risk."""
        return self.of(Severity.CRITICAL)

    @property
    def warnings(self) -> tuple[Finding, ...]:
        """What works, and not as well as it should."""
        return self.of(Severity.WARNING)

    @property
    def recommendations(self) -> tuple[Finding, ...]:
        """What would be better."""
        return self.of(Severity.RECOMMENDATION)

    @property
    def is_valid(self) -> bool:
        """Whether it can work at all. Whether it should be deployed is another question."""
        return not self.errors


@dataclass(frozen=True, slots=True, kw_only=True)
class Readiness:
    """Whether a configuration passes one gate, and what keeps it from passing."""

    gate: Gate
    report: ValidationReport

    @property
    def blockers(self) -> tuple[Finding, ...]:
        return tuple(f for f in self.report.findings if f.closes(self.gate))

    @property
    def is_ready(self) -> bool:
        return not self.blockers

    @property
    def recommendations(self) -> tuple[str, ...]:
        """What to do, most urgent first, each once."""
        return tuple(dict.fromkeys(finding.mend for finding in self.report.findings))

    def to_dict(self) -> dict[str, object]:
        """JSON-ready."""
        return {
            "ready": self.is_ready,
            "env": self.gate.deployment,
            "strict": self.gate.is_strict,
            "findings": [
                {**finding.to_dict(), "blocks": finding.closes(self.gate)}
                for finding in self.report.findings
            ],
        }


def report_of(findings: list[Finding]) -> ValidationReport:
    """A report, gravest first, otherwise in the order in which things were found."""
    gravity = list(Severity)
    return ValidationReport(
        findings=tuple(sorted(findings, key=lambda finding: gravity.index(finding.severity)))
    )
