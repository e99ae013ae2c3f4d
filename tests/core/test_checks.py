"""Every finding: when it is made, how grave it is, and which gate it closes."""

from dataclasses import replace

import pytest

from goflat.core.checks import (
    AccountUnderCheck,
    Installation,
    SecretFacts,
    check_account,
    check_config,
    check_installation,
)
from goflat.core.findings import (
    RULES,
    Deployment,
    Finding,
    Gate,
    Readiness,
    Severity,
    found,
    report_of,
)
from goflat.domain.config import LiquidationConfig
from goflat.domain.facts import AccountFacts
from goflat.domain.position import PositionMode

GOOD = LiquidationConfig()
COMPLETE = Installation(has_scope=True, has_audit=True)
ACCOUNT = AccountUnderCheck(name="main", environment="testnet")
ANSWERS = AccountFacts(
    clock_offset_seconds=0.01,
    round_trip_seconds=0.03,
    key_works=True,
    can_trade=True,
    can_withdraw=False,
    ip_restricted=True,
    position_mode=PositionMode.HEDGE,
    instruments=500,
)


def ids(findings: object) -> list[str]:
    return [finding.id for finding in findings]  # type: ignore[attr-defined]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"timeout_seconds": 15.0}, []),
        ({"timeout_seconds": 4.9}, ["timeout-short"]),
        ({"timeout_seconds": 15.1}, ["timeout-long"]),
        ({"max_retries": 2}, []),
        ({"max_retries": 1}, ["few-retries"]),
        ({"max_retries": 0}, ["few-retries"]),
        ({"max_retries": 4}, ["retries-past-deadline"]),
        ({"timeout_seconds": 7.5, "max_retries": 4}, []),
        ({"retry_delay_seconds": 1.3, "max_retries": 2}, ["retry-delay-long"]),
        (
            {"retry_delay_seconds": 5.0, "max_retries": 10},
            ["retries-past-deadline", "retry-delay-long"],
        ),
        ({"close_positions": False}, ["positions-left-open"]),
        ({"cancel_orders": False}, ["orders-left-working"]),
        ({"close_positions": False, "cancel_orders": False}, ["protection-off"]),
        (
            {
                "emergency_liquidation": False,
                "close_positions": False,
                "cancel_orders": False,
            },
            ["protection-off"],
        ),
    ],
)
def test_what_the_six_settings_say(changed: dict[str, object], expected: list[str]) -> None:
    assert ids(check_config(replace(GOOD, **changed))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"has_scope": False}, ["scope-missing"]),
        ({"has_audit": False}, ["audit-missing"]),
        ({"audit_problem": "read-only"}, ["audit-unusable"]),
        ({"writable_mode": "0666"}, ["configuration-writable"]),
        ({"shared_keys": [["a", "b"], ["c", "d"]]}, ["key-shared", "key-shared"]),
        ({"notes": ["quiet_seconds: is cut"]}, ["setting-note"]),
    ],
)
def test_what_surrounds_the_accounts(changed: dict[str, object], expected: list[str]) -> None:
    assert ids(check_installation(replace(COMPLETE, **changed))) == expected  # type: ignore[arg-type]


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({}, []),
        ({"environment": "production"}, ["environment-differs"]),
        ({"is_embedded": True}, ["embedded-venue"]),
        ({"is_plain": True}, ["plain-http"]),
        ({"key_is_secret": True}, ["key-is-secret"]),
        ({"secrets": [SecretFacts(key="api_key", place="env:K")]}, []),
        (
            {"secrets": [SecretFacts(key="api_key", place="env:K", problem="is not set")]},
            ["secret-unavailable"],
        ),
        (
            {"secrets": [SecretFacts(key="api_key", place="file:/k", mode="0644")]},
            ["secret-file-open"],
        ),
        (
            {"secrets": [SecretFacts(key="api_key", place="env:K", in_configuration=True)]},
            ["secret-in-configuration"],
        ),
        ({"answers": ANSWERS}, []),
    ],
)
def test_what_is_known_of_an_account(changed: dict[str, object], expected: list[str]) -> None:
    account = replace(ACCOUNT, **changed)  # type: ignore[arg-type]

    findings = list(check_account(account, GOOD, "testnet"))

    assert ids(findings) == expected
    assert all(finding.subject == "account main" for finding in findings)


@pytest.mark.parametrize(
    ("environment", "deployment", "differs"),
    [
        ("production", "production", False),
        ("production", "testnet", True),
        ("demo", "testnet", False),
        ("simulated", "production", True),
        ("simulated", None, False),
    ],
)
def test_an_account_is_judged_for_what_it_is(
    environment: str, deployment: Deployment | None, differs: bool
) -> None:
    findings = check_account(replace(ACCOUNT, environment=environment), GOOD, deployment)

    assert ("environment-differs" in ids(findings)) is differs


@pytest.mark.parametrize(
    ("changed", "expected"),
    [
        ({"key_works": False}, ["key-refused"]),
        ({"key_works": None}, ["venue-silent"]),
        ({"can_trade": False}, ["trading-refused"]),
        ({"can_trade": None}, ["trading-unknown"]),
        ({"can_withdraw": True}, ["withdrawal-allowed"]),
        ({"can_withdraw": None}, ["key-rights-unknown"]),
        ({"ip_restricted": False}, ["ip-open"]),
        ({"ip_restricted": None}, ["key-rights-unknown"]),
        ({"can_withdraw": None, "ip_restricted": None}, ["key-rights-unknown"]),
        ({"clock_offset_seconds": -1.0}, ["clock-off"]),
        ({"clock_offset_seconds": 2.5}, ["clock-off"]),
        ({"clock_offset_seconds": None}, ["clock-unknown"]),
        ({"round_trip_seconds": 0.51}, ["answers-slow"]),
        ({"round_trip_seconds": None}, []),
        ({"instruments": 0}, ["instruments-missing"]),
        ({"instruments": None}, ["instruments-missing"]),
        ({"position_mode": None}, ["position-mode-unknown"]),
    ],
)
def test_what_a_venue_said(changed: dict[str, object], expected: list[str]) -> None:
    account = replace(ACCOUNT, answers=replace(ANSWERS, **changed))  # type: ignore[arg-type]

    assert ids(check_account(account, GOOD, "testnet")) == expected


def test_a_venue_that_said_nothing_is_one_finding_and_not_seven() -> None:
    account = replace(ACCOUNT, answers=AccountFacts(problems=("no route to host",)))

    assert ids(check_account(account, GOOD, "testnet")) == ["venue-silent"]


GRAVITY: dict[Severity, tuple[bool, bool, bool, bool]] = {
    # gate:               testnet, strict, production, strict
    Severity.ERROR: (True, True, True, True),
    Severity.CRITICAL: (False, True, True, True),
    Severity.WARNING: (False, True, False, True),
    Severity.RECOMMENDATION: (False, False, False, False),
}
OTHERWISE: dict[str, tuple[bool, bool, bool, bool]] = {
    "audit-unusable": (False, True, True, True),
    "ip-open": (False, False, False, True),
    "key-rights-unknown": (False, False, False, True),
}


@pytest.mark.parametrize("rule", RULES.values(), ids=lambda rule: rule.id)
def test_a_finding_closes_the_gates_of_its_severity_unless_the_table_says_otherwise(
    rule: object,
) -> None:
    finding = Finding(rule=rule, text="so")  # type: ignore[arg-type]

    closed = tuple(finding.closes(gate) for gate in Gate)

    assert closed == OTHERWISE.get(finding.id, GRAVITY[finding.severity])
    assert finding.mend


def test_the_right_to_withdraw_is_refused_in_strict_mode_only() -> None:
    finding = found("withdrawal-allowed", "so")

    assert [gate for gate in Gate if finding.closes(gate)] == [
        Gate.TESTNET_STRICT,
        Gate.PRODUCTION_STRICT,
    ]


def test_a_report_is_sorted_by_gravity_and_keeps_the_order_otherwise() -> None:
    names = ["scope-missing", "timeout-long", "key-refused", "audit-missing", "protection-off"]

    report = report_of([found(name, name) for name in names])

    assert ids(report.findings) == [
        "key-refused",
        "protection-off",
        "timeout-long",
        "audit-missing",
        "scope-missing",
    ]
    assert ids(report.errors) == ["key-refused"]
    assert ids(report.security_warnings) == ["protection-off"]
    assert ids(report.warnings) == ["timeout-long", "audit-missing"]
    assert ids(report.recommendations) == ["scope-missing"]
    assert not report.is_valid
    assert report_of([found("protection-off", "so")]).is_valid


def test_readiness_names_what_is_in_the_way_and_every_mend_once() -> None:
    report = report_of([found("timeout-short", "a"), found("timeout-long", "b")])

    relaxed = Readiness(gate=Gate.PRODUCTION, report=report)
    strict = Readiness(gate=Gate.PRODUCTION_STRICT, report=report)

    assert relaxed.is_ready
    assert ids(strict.blockers) == ["timeout-short", "timeout-long"]
    assert strict.recommendations == ("set timeout_seconds from 5 to 15",)
    assert strict.to_dict() == {
        "ready": False,
        "env": "production",
        "strict": True,
        "findings": [
            {
                "id": "timeout-short",
                "severity": "warning",
                "subject": "",
                "text": "a",
                "mend": "set timeout_seconds from 5 to 15",
                "blocks": True,
            },
            {
                "id": "timeout-long",
                "severity": "warning",
                "subject": "",
                "text": "b",
                "mend": "set timeout_seconds from 5 to 15",
                "blocks": True,
            },
        ],
    }
