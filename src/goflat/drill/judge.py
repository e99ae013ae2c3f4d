"""What has to be so after every scenario. The venue is asked first, and goflat's words second."""

from collections.abc import Iterator

from goflat.domain.outcome import LegOutcome, LiquidationResult, LiquidationState
from goflat.domain.position import LegKey
from goflat.drill.scenario import Played, Scenario, Tick
from goflat.journal.record import RUN_ENDS, EventType

LATE_SECONDS = 0.5
"""How much later than its deadline a run may end over sockets on a busy machine."""

AGREES = "What goflat says agrees with what is so"
RETURNED = "No exception was raised"
ONLY_REDUCES = "No order of goflat's could open, enlarge or flip a position"
NOTHING_LEAKED = "No key and no secret is in the audit trail or the log"
IN_TIME = "The answer came before the deadline"
NOTHING_RUNS = "The manager is idle again, and nothing is left running"
WHOLE_TRAIL = "The audit trail has every run whole, under its correlation id"

GUARANTEES = (ONLY_REDUCES, AGREES, IN_TIME, RETURNED, NOTHING_RUNS, WHOLE_TRAIL, NOTHING_LEAKED)
"""What has to be so in every scenario, and is one line each over a whole drill."""


def judge(scenario: Scenario, played: Played) -> tuple[Tick, ...]:
    """Every tick of a scenario: the truth, the words, the safety, and its own."""
    if played.error is not None:
        raised = Tick(text=RETURNED, holds=False, evidence=played.error)
        return (raised, _truth(scenario, played))
    return (
        _truth(scenario, played),
        *(check(played) for check in scenario.checks),
        _ends(scenario, played),
        _words(played),
        Tick(text=RETURNED, holds=True, evidence="every call returned"),
        *_safety(played),
    )


def _truth(scenario: Scenario, played: Played) -> Tick:
    after = played.after
    if scenario.leaves:
        names = ", ".join(map(str, sorted(scenario.leaves)))
        return Tick(
            text=f"The venue still holds {names}, and no other position",
            holds=set(after.positions) == scenario.leaves,
            evidence=str(after),
        )
    return Tick(
        text="The venue holds no position and no order of either kind",
        holds=after.is_bare,
        evidence=f"before: {played.before}; after: {after}",
    )


def _ends(scenario: Scenario, played: Played) -> Tick:
    states = tuple(result.state for result in played.results)
    said = (f"{r.state.value}, {r.error_message}" for r in played.results)
    expected = ", ".join(state.value for state in scenario.states)
    return Tick(
        text=f"The result is {expected}",
        holds=states == scenario.states,
        evidence="; ".join(line.removesuffix(", None") for line in said),
    )


def _words(played: Played) -> Tick:
    """No claim that the venue does not bear out. Silence about what is gone is no lie."""
    lies = [lie for result in played.results for lie in _lies(result, played)]
    gone = len(set(played.before.positions) - set(played.after.positions))
    claimed = sum(result.positions_closed for result in played.results)
    if claimed > gone:
        lies.append(f"{claimed} position(s) are called closed, and {gone} are gone")
    said = "; ".join(
        f"{result.state.value}, {result.positions_closed} closed, {result.positions_failed} not, "
        f"{result.orders_cancelled} orders cancelled"
        for result in played.results
    )
    return Tick(
        text=AGREES,
        holds=not lies,
        evidence="; ".join(lies) or said,
    )


def _lies(result: LiquidationResult, played: Played) -> Iterator[str]:
    held = played.after.positions
    for leg in result.legs:
        if leg.side is None:
            continue
        key = LegKey(leg.symbol, leg.side)
        if leg.outcome is LegOutcome.FLAT and key in held:
            yield f"{key} is called flat and is held"
        if leg.quantity_left and held.get(key) != leg.quantity_left:
            yield f"{key}: {leg.quantity_left:f} said to be left, {held.get(key, 0):f} is"
    if (result.state is LiquidationState.COMPLETED or result.verified) and not played.after.is_bare:
        yield f"{result.state.value} is said, and there is {played.after}"


def _safety(played: Played) -> Iterator[Tick]:
    loose = [order.client_order_id for order in played.after.ours if not order.can_only_reduce]
    yield Tick(
        text=ONLY_REDUCES,
        holds=not (loose or played.after.enlarging),
        evidence="; ".join((*loose, *played.after.enlarging))
        or f"{len(played.after.ours)} order(s) in the venue's ledger, each can only reduce",
    )
    yield Tick(
        text=NOTHING_LEAKED,
        holds=not played.leaks,
        evidence=", ".join(played.leaks) or f"{len(played.events)} event(s) looked through",
    )
    worst = max((r.total_duration_seconds for r in played.results), default=0.0)
    timeout = played.config.timeout_seconds
    yield Tick(
        text=IN_TIME,
        holds=worst <= timeout + LATE_SECONDS,
        evidence=f"{worst:.2f} s of {timeout:g} s",
    )
    yield Tick(
        text=NOTHING_RUNS,
        holds=not played.still_running and _is_idle(played),
        evidence=", ".join(played.still_running) or "no task and no thread of the run is left",
    )
    yield _audit(played)


def _is_idle(played: Played) -> bool:
    return all(state is LiquidationState.IDLE for when, state in played.states if when == "after")


def _audit(played: Played) -> Tick:
    """Every run of the drill's own trail has its start and one end."""
    ids = {result.correlation_id for result in played.results if result.audit_hash}
    open_runs = [
        run
        for run in ids
        if sum(1 for e in played.events if e.correlation_id == run and e.event_type in RUN_ENDS)
        != 1
    ]
    strangers = [e for e in played.events if e.correlation_id not in ids]
    started = len(played.events_of(EventType.LIQUIDATION_START))
    return Tick(
        text=WHOLE_TRAIL,
        holds=bool(ids) and not open_runs and not strangers,
        evidence="; ".join(open_runs)
        or f"{len(played.events)} event(s) of {len(ids)} run(s), {started} of them started",
    )
