"""The last words about a run: true, complete, and fit for somebody who is tired."""

from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from goflat.cli import summary
from goflat.cli.exits import EXIT_CODES
from goflat.domain.outcome import (
    LegOutcome,
    LegResult,
    LiquidationResult,
    LiquidationState,
    OutsideScope,
)
from goflat.domain.position import PositionSide

EVIDENCE = summary.Evidence(command="goflat flatten --account a", file=Path("/var/audit.jsonl"))
FLAT = LegResult(
    symbol="BTCUSDT",
    side=PositionSide.LONG,
    outcome=LegOutcome.FLAT,
    quantity=Decimal("0.5"),
    quantity_left=Decimal(0),
    orders_cancelled=2,
)
OPEN = LegResult(
    symbol="BNBUSDT",
    side=PositionSide.SHORT,
    outcome=LegOutcome.OPEN,
    quantity=Decimal(2),
    quantity_left=Decimal(2),
    reason="no; 1 protective stop(s) stay in place",
    stops_kept=1,
    orders_left=1,
    notional_left=Decimal(1200),
    naked_seconds=0.5,
)
PARTIAL = LiquidationResult(
    state=LiquidationState.PARTIAL,
    positions_closed=1,
    positions_failed=1,
    orders_cancelled=2,
    orders_failed=1,
    total_duration_seconds=5.0,
    correlation_id="liq_1",
    legs=(FLAT, OPEN),
)


def said(result: LiquidationResult, evidence: summary.Evidence = EVIDENCE) -> list[str]:
    return list(summary.lines(result, evidence))


def test_what_is_left_comes_first_with_its_reason_and_its_stop() -> None:
    assert said(PARTIAL) == [
        "",
        "NOT ALL FLAT. Something is left, or not proven gone.",
        "  LEFT  BNBUSDT SHORT 2 (about 1,200 in quote): open",
        "        no; 1 protective stop(s) stay in place",
        "        1 order(s) still listed",
        "        stood 0.5 s without its protective stop",
        "  flat  BTCUSDT LONG 0.5, 2 order(s) cancelled",
        "  1 position(s) closed, 1 not; 2 order(s) cancelled, 1 not; 5.00 s",
        "",
        "What to do now",
        "  1. Look at the account at the venue itself: positions, both kinds of orders.",
        "  2. Run it again:",
        "     goflat flatten --account a BNBUSDT",
        "  3. If the same is left again, close it by hand at the venue, reduce-only.",
        "  Protective stops were left in place where they guard what is still open.",
        "",
        "  run    liq_1",
        "  audit  /var/audit.jsonl",
    ]


def test_success_says_what_to_do_to_nobody() -> None:
    done = replace(
        PARTIAL,
        state=LiquidationState.COMPLETED,
        verified=True,
        legs=(FLAT,),
        realized_pnl=Decimal("-12.5"),
    )

    lines = said(done)

    assert lines[1].startswith("FLAT. Everything asked for is done")
    assert "realized PnL -12.5 so far" in "\n".join(lines)
    assert "What to do now" not in lines


def test_completed_without_proof_of_the_orders_does_not_say_flat() -> None:
    blind = replace(PARTIAL, state=LiquidationState.COMPLETED, verified=False, legs=(FLAT,))

    assert said(blind)[1].startswith("DONE, AND NOT ALL VERIFIED")


def test_nothing_to_do_is_said_as_such() -> None:
    idle = replace(PARTIAL, state=LiquidationState.COMPLETED, verified=True, legs=())

    assert said(idle)[1].startswith("FLAT. There was nothing to do")


def test_nothing_known_is_to_be_run_again_as_a_whole() -> None:
    lost = replace(
        PARTIAL, state=LiquidationState.FAILED, legs=(), error_message="positions could not be read"
    )

    lines = said(lost)

    assert lines[1] == "NOT FLAT. Nothing is proven done."
    assert "  positions could not be read" in lines
    assert "     goflat flatten --account a --all" in lines


def test_skipped_is_critical_and_says_how_to_switch_it_on() -> None:
    lines = said(LiquidationResult(state=LiquidationState.SKIPPED, correlation_id="liq_1"))

    assert lines[1].startswith("CRITICAL: SKIPPED.")
    assert any("emergency_liquidation" in line for line in lines)


def test_many_flat_instruments_are_one_line() -> None:
    many = replace(
        PARTIAL,
        state=LiquidationState.COMPLETED,
        verified=True,
        legs=tuple(replace(FLAT, symbol=f"S{n}") for n in range(50)),
    )

    (line,) = [line for line in said(many) if line.startswith("  flat")]
    assert line.startswith("  flat  50: S0, S1, ")


@pytest.mark.parametrize(
    ("evidence", "line"),
    [
        (summary.Evidence(command="x"), "  audit  none: [audit] path is not set"),
        (replace(EVIDENCE, degraded=("disk full",)), "  audit  DEGRADED: disk full"),
        (EVIDENCE, "  audit  DEGRADED: it was not known to be on the disk in time"),
    ],
)
def test_the_state_of_the_evidence_is_said(evidence: summary.Evidence, line: str) -> None:
    assert said(replace(PARTIAL, audit_degraded=True), evidence)[-1] == line


def test_text_of_the_venue_is_made_fit_to_be_printed() -> None:
    evil = replace(OPEN, symbol="B\x1b[2JNB", reason="x\r\ny\u202e")

    text = "\n".join(said(replace(PARTIAL, legs=(evil,), error_message="\x1b[31mred")))

    assert "\x1b" not in text
    assert "\u202e" not in text
    assert "\r" not in text


def test_what_lies_outside_is_told_and_counted() -> None:
    found = OutsideScope(kind="position", symbol="ETHUSDT", side="SHORT", quantity=Decimal(3))

    lines = list(summary.outside(replace(PARTIAL, outside_scope=(found,) * 25)))

    assert lines[0] == "outside of what was asked for, and not touched: 25"
    assert lines[1] == "  position ETHUSDT SHORT 3"
    assert lines[-1] == "  and 5 more"
    assert list(summary.outside(PARTIAL)) == []


def test_every_end_of_a_run_has_its_own_exit_code() -> None:
    ends = set(LiquidationState) - {LiquidationState.IDLE, LiquidationState.IN_PROGRESS}

    assert set(EXIT_CODES) == ends
    assert sorted(EXIT_CODES.values()) == [0, 1, 3, 4]
