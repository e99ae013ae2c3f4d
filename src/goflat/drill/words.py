"""What goflat has to have said in one scenario: in its result, its log and its audit trail."""

from goflat.domain.instrument import Symbol
from goflat.domain.outcome import LiquidationState
from goflat.drill.books import acts_of, closes_of
from goflat.drill.scenario import Check, Played, Tick


def in_the_audit(*event_types: str) -> Check:
    """These events are in the trail."""

    def check(played: Played) -> Tick:
        counts = {kind: len(played.events_of(kind)) for kind in event_types}
        return Tick(
            text=f"The audit trail has {', '.join(event_types)}",
            holds=all(counts.values()),
            evidence=", ".join(f"{kind} x{number}" for kind, number in counts.items()),
        )

    return check


def stop_stays_on(symbol: Symbol) -> Check:
    """What could not be closed is still guarded."""

    def check(played: Played) -> Tick:
        left = [o for o in played.after.conditional if o.symbol == symbol and o.can_only_reduce]
        said = [leg.reason or "" for leg in played.result.legs if leg.symbol == symbol]
        return Tick(
            text=f"The protective stop of {symbol} is still in place, and the result says so",
            holds=bool(left) and any("stop" in reason for reason in said),
            evidence=f"{len(left)} stop(s) listed; said: {'; '.join(said)}",
        )

    return check


def critical_was_logged(played: Played) -> Tick:
    """Somebody who reads the log sees that capital is at risk."""
    lines = [line for line in played.log if "at risk" in line]
    return Tick(
        text="CRITICAL was logged: capital is at risk",
        holds=bool(lines),
        evidence=lines[0] if lines else "no such line",
    )


def loop_ran_on(played: Played) -> Tick:
    """Whoever waited for us could go on with its own work."""
    return Tick(
        text="The caller's event loop was never held",
        holds=played.pause_seconds < 0.25,
        evidence=f"longest pause {played.pause_seconds * 1000:.0f} ms",
    )


def sooner_than(seconds: float) -> Check:
    """The run did use its time, and did not wait for the slow answer."""

    def check(played: Played) -> Tick:
        took = played.result.total_duration_seconds
        return Tick(
            text=f"It ended at its deadline, and not after the {seconds:g} s of the venue",
            holds=took < seconds,
            evidence=f"{took:.2f} s",
        )

    return check


def claims_nothing(played: Played) -> Tick:
    """A venue that could not be read is not a venue that holds nothing."""
    result = played.result
    return Tick(
        text="A failed reading is not taken for nothing there: no success is claimed",
        holds=not (result.verified or result.positions_closed or result.orders_cancelled)
        and bool(result.error_message),
        evidence=result.error_message or "no word about it",
    )


def counted(closed: int, failed: int) -> Check:
    """The counts that the result has to have."""

    def check(played: Played) -> Tick:
        result = played.result
        return Tick(
            text=f"{closed} position(s) closed and {failed} failed, by the result's own count",
            holds=(result.positions_closed, result.positions_failed) == (closed, failed),
            evidence=f"{result.positions_closed} and {result.positions_failed}",
        )

    return check


def second_was_refused(played: Played) -> Tick:
    """Who calls during a run is told so, and starts nothing; also the one after that."""
    refused = [r for r in played.results if "in progress" in (r.error_message or "")]
    return Tick(
        text="Calls during a run are refused, and say why",
        holds=len(refused) == len(played.results) - 1,
        evidence=f"{len(refused)} of {len(played.results)}: "
        + (refused[0].error_message or "" if refused else "none was"),
    )


def went_through(*wanted: tuple[str, LiquidationState]) -> Check:
    """The states that the manager was seen in."""

    def check(played: Played) -> Tick:
        return Tick(
            text="The manager goes from IDLE to IN_PROGRESS and back to IDLE",
            holds=all(state in played.states for state in wanted)
            and all(seen in wanted for seen in played.states),
            evidence=", ".join(f"{when}: {state.value}" for when, state in played.states),
        )

    return check


def audit_knows_every_act(played: Played) -> Tick:
    """Every order and cancel that reached the venue has its intent and its answer in the trail."""
    intents = len(played.events_of("ORDER_INTENT")) + len(played.events_of("CANCEL_INTENT"))
    answered = sum(
        len(played.events_of(kind))
        for kind in ("ORDER_PLACED", "ORDER_REJECTED", "ORDER_UNANSWERED", "ORDER_CANCELLED")
    ) + len(played.events_of("CANCEL_FAILED"))
    acts = None if played.after.calls is None else len(acts_of(played))
    return Tick(
        text="Every act at the venue has its intent before it and its answer after it",
        holds=intents == answered and acts in (None, intents) and intents > 0,
        evidence=f"{acts if acts is not None else 'unknown'} request(s), {intents} intent(s), "
        f"{answered} answer(s)",
    )


def order_ids_in_the_result(played: Played) -> Tick:
    """Whoever reads the result can find the orders at the venue."""
    said = {i for result in played.results for leg in result.legs for i in leg.order_ids}
    sent = {order.client_order_id for order in closes_of(played)}
    return Tick(
        text="The result names every order that goflat sent",
        holds=sent <= said and bool(sent),
        evidence=", ".join(sorted(sent)),
    )


def degraded_and_done(played: Played) -> Tick:
    """A trail that cannot be written costs evidence and nothing else."""
    last = played.results[-1]
    return Tick(
        text="Without a usable audit file the account goes flat all the same, and that is said",
        holds=last.audit_degraded and last.state is LiquidationState.COMPLETED,
        evidence=f"{last.state.value}, audit_degraded {str(last.audit_degraded).lower()}",
    )


def cancelled_caller_got_its_answer(played: Played) -> Tick:
    """Whoever cancels the waiting does not cancel the liquidation."""
    return Tick(
        text="A caller that was cancelled in the middle still got its result",
        holds=len(played.results) > 1 and bool(played.results[1].correlation_id),
        evidence=f"{len(played.results)} results of {len(played.results)} runs",
    )
