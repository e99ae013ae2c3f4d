"""The scenarios of the specification: its four, and the ones that it tests besides."""

import asyncio
from dataclasses import replace
from pathlib import Path

from goflat.domain.config import LiquidationConfig
from goflat.domain.outcome import LiquidationState
from goflat.domain.position import LegKey, OrderSide, PositionSide
from goflat.drill import books, words
from goflat.drill.scenario import QUICK, Rig, Scenario
from goflat.drill.setting import Holds, Rests, Setting, Waits
from goflat.journal import AuditLogger
from goflat.venues.simulated.faults import Delay, Match, Reset, Say
from goflat.venues.simulated.venue import SimulatedVenue

LONG, SHORT = PositionSide.LONG, PositionSide.SHORT
COMPLETED, FAILED = LiquidationState.COMPLETED, LiquidationState.FAILED
UNUSABLE_FILE = Path("/proc/goflat-drill/audit.jsonl")

TWO = Setting(
    positions=(Holds(symbol="BTCUSDT", side=LONG), Holds(symbol="ETHUSDT", side=SHORT)),
    working=(
        Rests(symbol="BTCUSDT", side=OrderSide.BUY),
        Rests(symbol="ETHUSDT", side=OrderSide.SELL),
        Rests(symbol="SOLUSDT", side=OrderSide.BUY),
    ),
)
THREE = Setting(
    positions=(*TWO.positions, Holds(symbol="BNBUSDT", side=LONG)),
    working=TWO.working,
    conditional=(Waits(symbol="BNBUSDT", side=LONG),),
)


# --- the four -----------------------------------------------------------------------------------


def _slow(venue: SimulatedVenue) -> None:
    venue.faults.add(Match(method="GET"), Delay(answer_seconds=10))


def _halted(venue: SimulatedVenue) -> None:
    venue.halt("BNBUSDT")


SHUTDOWN = Scenario(
    name="shutdown-with-positions",
    title="Normal shutdown with positions",
    shows="2 positions and 3 orders gone, proven",
    setting=TWO,
    expected="cancel every order, close every position, show it twice, keep the trail",
    checks=(
        words.counted(2, 0),
        books.closed_with_the_right_side,
        books.orders_went_before_closes,
        words.in_the_audit(
            "LIQUIDATION_START", "ORDER_CANCELLED", "ORDER_PLACED", "LIQUIDATION_COMPLETE"
        ),
    ),
)

DISABLED = Scenario(
    name="disabled",
    title="Emergency liquidation disabled by configuration",
    shows="nothing touched, and CRITICAL is said",
    setting=TWO,
    expected="not one call, SKIPPED, and a loud warning that capital is at risk",
    config=LiquidationConfig(
        emergency_liquidation=False, close_positions=False, cancel_orders=False
    ),
    states=(LiquidationState.SKIPPED,),
    leaves=frozenset({LegKey("BTCUSDT", LONG), LegKey("ETHUSDT", SHORT)}),
    checks=(
        books.not_one_call,
        books.untouched,
        words.critical_was_logged,
        words.in_the_audit("LIQUIDATION_SKIPPED"),
    ),
)

TIMEOUT = Scenario(
    name="timeout-enforcement",
    title="Timeout enforcement",
    shows="1 s deadline holds at a 10 s venue",
    setting=TWO,
    expected="an honest FAILED at the deadline, no hanging, no claim",
    config=replace(QUICK, timeout_seconds=1.0),
    states=(FAILED,),
    leaves=frozenset({LegKey("BTCUSDT", LONG), LegKey("ETHUSDT", SHORT)}),
    trouble=_slow,
    in_words="every reading is answered after 10 s",
    checks=(
        words.sooner_than(10),
        words.loop_ran_on,
        words.claims_nothing,
        words.in_the_audit("LIQUIDATION_START", "DEADLINE", "LIQUIDATION_FAILED"),
    ),
)

PARTIAL = Scenario(
    name="partial-failure",
    title="Partial failure",
    shows="1 of 3 is stuck, the rest goes flat",
    setting=THREE,
    expected="two positions flat, the third named with its reason and still guarded by its stop",
    states=(LiquidationState.PARTIAL,),
    leaves=frozenset({LegKey("BNBUSDT", LONG)}),
    trouble=_halted,
    in_words="trading in BNBUSDT is halted",
    checks=(
        words.counted(2, 1),
        books.others_are_flat,
        words.stop_stays_on("BNBUSDT"),
        words.in_the_audit("ORDER_PLACED", "ORDER_REJECTED", "RETRY", "LIQUIDATION_COMPLETE"),
    ),
)

# --- the additional ones ------------------------------------------------------------------------


async def _called_again(rig: Rig) -> None:
    """Three calls at once: the first runs, and a refused one does not open the door again."""
    manager = rig.manager()
    first = asyncio.create_task(rig.flatten(manager))
    await asyncio.sleep(0.03)
    refused = [await manager.execute_liquidation(rig.symbols) for _ in range(2)]
    await first
    rig.results += refused


async def _fails_and_works_again(rig: Rig) -> None:
    """First everything fails. Then the venue answers, but the audit file and the caller are bad."""
    await rig.flatten(rig.manager())
    assert rig.simulated is not None
    rig.simulated.faults.clear()
    audit = AuditLogger(UNUSABLE_FILE)
    try:
        caller = asyncio.create_task(rig.flatten(rig.manager(audit=audit)))
        await asyncio.sleep(0.05)
        caller.cancel()
        await caller
    finally:
        audit.close()


def _refusals(venue: SimulatedVenue) -> None:
    no = Say(code=-2010, text="Order rejected by the drill.")
    venue.faults.add(Match(method="POST", symbol="BTCUSDT", count=2), no)
    venue.faults.add(Match(method="POST", symbol="ETHUSDT"), no)


def _nothing_works(venue: SimulatedVenue) -> None:
    venue.faults.add(Match(), Reset())


RE_ENTRY = Scenario(
    name="re-entry",
    title="Re-entry protection",
    shows="calls during a run are refused",
    setting=TWO,
    expected="the run that is under way finishes; further calls are refused at once",
    states=(COMPLETED, FAILED, FAILED),
    drama=_called_again,
    checks=(words.second_was_refused, books.one_order_a_position),
)

STATES = Scenario(
    name="state-transitions",
    title="State transitions",
    shows="IDLE, IN_PROGRESS, IDLE again",
    setting=TWO,
    expected="the manager is IDLE but for the time of the run; the result carries the end",
    checks=(
        words.went_through(
            ("before", LiquidationState.IDLE),
            ("during", LiquidationState.IN_PROGRESS),
            ("after", LiquidationState.IDLE),
        ),
    ),
)

RETRY = Scenario(
    name="retry-with-backoff",
    title="Retry with exponential backoff",
    shows="3 attempts, and the waits double",
    setting=TWO,
    expected="BTCUSDT succeeds at the third attempt; ETHUSDT is given up after as many",
    config=replace(QUICK, max_retries=2),
    states=(LiquidationState.PARTIAL,),
    leaves=frozenset({LegKey("ETHUSDT", SHORT)}),
    trouble=_refusals,
    in_words="the first 2 closes of BTCUSDT and all of ETHUSDT are refused (-2010)",
    checks=(
        books.attempts("BTCUSDT", 3),
        books.attempts("ETHUSDT", 3),
        books.waits_grew("BTCUSDT", 0.1),
        words.in_the_audit("RETRY", "ORDER_REJECTED", "ORDER_PLACED"),
    ),
)

CANCEL_FIRST = Scenario(
    name="cancel-before-close",
    title="Orders are cancelled before positions are closed",
    shows="what could re-open goes first",
    setting=replace(
        TWO, working=(*TWO.working, *(Rests(symbol="BTCUSDT", side=OrderSide.BUY),) * 2)
    ),
    expected="in every instrument the last cancel is done before the first close sets out",
    checks=(
        books.orders_went_before_closes,
        words.in_the_audit("CANCEL_INTENT", "ORDER_CANCELLED"),
    ),
)

FAIL_SAFE = Scenario(
    name="fail-safe",
    title="Fail-safe",
    shows="dead venue, dead disk, hasty caller",
    setting=TWO,
    expected="FAILED and no exception while nothing works; flat as soon as the venue answers, "
    "without an audit file and with a cancelled caller",
    config=replace(QUICK, timeout_seconds=1.0),
    states=(FAILED, COMPLETED),
    drama=_fails_and_works_again,
    trouble=_nothing_works,
    in_words="every connection is reset; in the second run the audit file cannot be written "
    "and the caller is cancelled",
    checks=(
        words.claims_nothing,
        words.degraded_and_done,
        words.cancelled_caller_got_its_answer,
        words.loop_ran_on,
    ),
)

AUDIT = Scenario(
    name="audit-completeness",
    title="Audit trail completeness",
    shows="each act with its intent and answer",
    setting=replace(TWO, conditional=(Waits(symbol="BTCUSDT", side=LONG),)),
    expected="the trail alone tells what was done, in order",
    checks=(
        words.audit_knows_every_act,
        words.order_ids_in_the_result,
        words.in_the_audit("READING", "READING_BARE", "PROVEN_FLAT"),
    ),
)

FOUR = (SHUTDOWN, DISABLED, TIMEOUT, PARTIAL)
ADDITIONAL = (RE_ENTRY, STATES, RETRY, CANCEL_FIRST, FAIL_SAFE, AUDIT)
