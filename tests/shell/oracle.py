"""What has to be true of every run, judged by the venue's own ledger and by the record.

Each rule yields a sentence for everything that it finds wrong. Nothing here asks the run for its
opinion where the ledger knows better.
"""

import json
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator
from dataclasses import replace
from decimal import Decimal
from typing import Any

from hostile_venue import ACTS, READS, Reading
from worst_day import Lived

from goflat.core.decision import Note
from goflat.core.draft import is_act
from goflat.core.events import Started, UsageSeen, Woke
from goflat.core.liquidation import advance
from goflat.core.looks import IN_FLIGHT_MAX, Part
from goflat.core.run import Liquidation
from goflat.core.states import LegState
from goflat.core.steps import Close
from goflat.domain.capabilities import Usage
from goflat.domain.order import CloseOrder, ConditionalOrder, ProtectiveStop
from goflat.domain.outcome import LegOutcome, LiquidationState
from goflat.domain.position import LegKey
from goflat.domain.time import Instant
from goflat.errors import Refusal
from goflat.testing.record import replay

NEVER_COUNTED = {Refusal.ORDERS_IN_THE_WAY, Refusal.DUPLICATE_ID}
BREATH = 1e-6
LONGEST_PAUSE_SECONDS = 0.6


def violations(lived: Lived) -> list[str]:
    """Everything that is wrong with a run."""
    return [f"{rule.__name__}: {found}" for rule in RULES for found in rule(lived)]


# --- what we did --------------------------------------------------------------------------------


def nothing_but_the_two_kinds_of_order(lived: Lived) -> Iterator[str]:
    for call in lived.venue.calls:
        if call.verb == "close" and not isinstance(call.about, CloseOrder):
            yield f"closed with {call.about}"
        if call.verb == "protect" and not isinstance(call.about, ProtectiveStop):
            yield f"protected with {call.about}"


def no_close_is_larger_than_the_reading_it_was_sized_from(lived: Lived) -> Iterator[str]:
    asked: defaultdict[tuple[int, float], Decimal] = defaultdict(Decimal)
    for call in lived.venue.calls:
        if call.verb == "close":
            source = lived.venue.sources.get(id(call.about.position))
            if source is None:
                yield f"{call.about} comes from no reading"
                continue
            asked[id(call.about.position), call.at] += call.about.quantity
            if asked[id(call.about.position), call.at] > source[0].quantity:
                yield f"{call.about} is more than {source[0]}"


def no_close_comes_from_a_reading_older_than_our_last_act(lived: Lived) -> Iterator[str]:
    closes = [call for call in lived.venue.calls if call.verb == "close"]
    for call in closes:
        source = lived.venue.sources.get(id(call.about.position))
        for before in closes:
            is_same = before.about.position.key == call.about.position.key
            if source is None or not is_same or before.at >= call.at:
                continue
            if before.ended > call.at:
                yield f"close at {call.at} while the one of {before.at} was under way"
            elif source[1] < before.ended - BREATH:
                yield f"close at {call.at} from a reading of {source[1]}, older than {before.ended}"


def a_close_that_went_unanswered_is_asked_about_before_the_next(lived: Lived) -> Iterator[str]:
    asked = {call.about.client_order_id for call in lived.venue.calls if call.verb == "query"}
    closes = [call for call in lived.venue.calls if call.verb == "close"]
    for call in closes:
        is_last = all(
            other.at <= call.at
            for other in closes
            if other.about.position.key == call.about.position.key
        )
        name = call.about.client_order_id
        if call.silent and not is_last and name not in asked and not lived.day.deeds:
            yield f"{name} was sent at {call.at} and never asked about"


def no_fill_of_ours_grows_or_turns_a_position(lived: Lived) -> Iterator[str]:
    for fill in lived.venue.fills:
        if not 0 <= fill.after <= fill.before:
            yield f"{fill}"


def client_order_ids_are_legal_and_never_used_twice(lived: Lived) -> Iterator[str]:
    closes = [call.about for call in lived.venue.calls if call.verb == "close"]
    for name, times in Counter(order.client_order_id for order in closes).items():
        if times > 1:
            yield f"{name} was sent {times} times"
        if len(name) > 36 or not name.isascii():
            yield f"{name} is no client order id"


def nothing_outside_the_scope_is_touched(lived: Lived) -> Iterator[str]:
    for call in lived.venue.calls:
        if call.verb in ACTS and not lived.day.scope.covers(_symbol(call.about)):
            yield f"{call}"


def what_is_switched_off_is_not_done(lived: Lived) -> Iterator[str]:
    verbs = {call.verb for call in lived.venue.calls}
    if not lived.day.config.cancel_orders and verbs & {"cancel_all", "cancel_conditional"}:
        yield "cancelled"
    if not lived.day.config.close_positions and "close" in verbs:
        yield "closed"


def no_position_is_refused_more_often_than_retries_allow(lived: Lived) -> Iterator[str]:
    if lived.day.deeds:
        # What somebody opens again may be tried once more.
        return
    refused: defaultdict[LegKey, set[str]] = defaultdict(set)
    filled = {_attempt(fill.order) for fill in lived.venue.fills if fill.after < fill.before}
    for call in lived.venue.calls:
        counts = call.refused is not None and call.refused.refusal not in NEVER_COUNTED
        if call.verb == "close" and counts:
            refused[call.about.position.key].add(_attempt(call.about))
    for key, attempts in refused.items():
        # What filled in part got somewhere: closing the rest of it is no retry.
        if len(attempts - filled) > lived.day.config.max_retries + 1:
            yield f"{key} was refused {len(attempts)} times"


def no_book_is_refused_more_often_than_retries_allow(lived: Lived) -> Iterator[str]:
    refused: defaultdict[tuple[str, str], set[float]] = defaultdict(set)
    for call in lived.venue.calls:
        if call.verb in {"cancel_all", "cancel_conditional"} and call.refused is not None:
            single = isinstance(call.about, ConditionalOrder)
            book = "conditional" if single else call.about[1].name.lower()
            refused[_symbol(call.about), book].add(call.at)
    for about, rounds in refused.items():
        if len(rounds) > lived.day.config.max_retries + 1:
            yield f"{about} was refused {len(rounds)} times"


def the_number_of_requests_is_bounded(lived: Lived) -> Iterator[str]:
    seconds = lived.day.config.timeout_seconds
    counts = Counter(call.verb for call in lived.venue.calls)
    acts = sum(counts[verb] for verb in (*ACTS, "query"))
    for verb in READS:
        # One after every act at most, and some while nothing happens.
        if counts[verb] > 20 * seconds + 20 + acts:
            yield f"{verb} {counts[verb]} times in {seconds} s"
    legs = max(1, len(lived.last.legs))
    for verb in (*ACTS, "query"):
        if counts[verb] > legs * 12 * (10 * seconds + 10):
            yield f"{verb} {counts[verb]} times in {seconds} s"


def the_limits_of_the_venue_are_kept(lived: Lived) -> Iterator[str]:
    limits, costs = lived.day.limits, lived.day.capabilities.costs
    if limits is None:
        return
    orders = [c.at for c in lived.venue.calls if c.verb in {"close", "protect"}]
    weights = {"read_positions": costs.read_positions, "read_rules": costs.read_rules}
    weights |= dict.fromkeys(("read_working_orders", "read_conditional_orders"), costs.read_orders)
    weights |= dict.fromkeys(("cancel_all", "cancel_conditional"), costs.cancel)
    weights |= {"query": costs.query}
    spent = [(c.at, weights.get(c.verb, 0)) for c in lived.venue.calls]
    for at in orders:
        ten = sum(1 for other in orders if at - 10.0 + BREATH < other <= at)
        # More pieces than a window has places for go when it is empty: they are at most ten.
        if ten > max(limits.orders_per_ten_seconds, 10):
            yield f"{ten} orders in the ten seconds before {at}"
    for at, _ in spent:
        used = sum(weight for other, weight in spent if at - 60.0 + BREATH < other <= at)
        if used > max(limits.weight_per_minute, costs.read_orders):
            yield f"weight {used} in the minute before {at}"


# --- what we said -------------------------------------------------------------------------------


def it_ends_by_its_deadline(lived: Lived) -> Iterator[str]:
    if lived.took_seconds > lived.day.config.timeout_seconds + BREATH:
        yield f"took {lived.took_seconds} s of {lived.day.config.timeout_seconds} s"


def completed_means_bare_at_two_instants_after_the_last_act(lived: Lived) -> Iterator[str]:
    if lived.result.state is not LiquidationState.COMPLETED:
        return
    first, second = _proving_looks(lived)
    acted = [call.ended for call in lived.venue.calls if call.verb in ACTS]
    begins = [reading.began for reading in first.values()]
    if acted and max(acted) > min(begins) + BREATH:
        yield f"the first look began at {min(begins)}, an act was answered at {max(acted)}"
    quiet = lived.last.terms.quiet_seconds
    if min(reading.began for reading in second.values()) < max(begins) + quiet - BREATH:
        yield f"the second look began less than {quiet} s after the first"
    for name, look in (("first", first), ("second", second)):
        for part, reading in look.items():
            for row in set(reading.truth) - set(reading.shown):
                if lived.day.scope.covers(row.symbol):
                    yield f"the {name} look began at {reading.began} and did not read {row}"
            for row in reading.truth:
                if _had_to_go(lived, part, row):
                    yield f"the {name} look began at {reading.began}, and there was {row}"


def completed_means_that_nothing_is_left_unless_somebody_acted(lived: Lived) -> Iterator[str]:
    if lived.result.state is not LiquidationState.COMPLETED or lived.day.deeds:
        return
    for part in Part:
        for row in lived.venue.moments[-1].rows(part):
            if _had_to_go(lived, part, row):
                yield f"left: {row}"


def verified_only_if_completed(lived: Lived) -> Iterator[str]:
    if lived.result.verified and lived.result.state is not LiquidationState.COMPLETED:
        yield f"verified, and {lived.result.state}"


def a_leg_is_called_flat_only_if_it_was(lived: Lived) -> Iterator[str]:
    for leg in lived.result.legs:
        if leg.outcome is LegOutcome.FLAT and leg.side is not None and not lived.day.deeds:
            key = LegKey(leg.symbol, leg.side)
            if key in lived.venue.positions:
                yield f"{key} is called flat, and {lived.venue.positions[key].quantity} is left"


def everything_found_in_scope_has_a_leg(lived: Lived) -> Iterator[str]:
    if lived.last.looks[Part.POSITIONS].read_began < 0 or lived.day.mood.faults.get("holes"):
        return
    named = {(leg.symbol, leg.side) for leg in lived.result.legs}
    for held in lived.day.positions:
        is_asked_for = lived.day.scope.covers(held.symbol) and not lived.day.deeds
        if is_asked_for and (held.symbol, held.side) not in named:
            yield f"{held.key} is not in the result"


def everything_outside_the_scope_is_reported(lived: Lived) -> Iterator[str]:
    if lived.day.deeds or lived.day.mood.faults.get("holes"):
        return
    reported = {(found.kind, found.symbol, found.id) for found in lived.result.outside_scope}
    seen: set[tuple[str, str, str | None]] = set()
    if lived.last.looks[Part.POSITIONS].read_began >= 0:
        seen |= {("position", held.symbol, None) for held in lived.day.positions}
    if lived.last.looks[Part.WORKING].read_began >= 0:
        seen |= {("working order", o.symbol, o.client_order_id) for o in lived.day.working}  # type: ignore[attr-defined]
    if lived.last.looks[Part.CONDITIONAL].read_began >= 0:
        seen |= {
            ("conditional order", order.symbol, order.client_order_id)
            for order in lived.day.conditional
        }
    outside = {found for found in seen if not lived.day.scope.covers(found[1])}
    if reported != outside:
        yield f"reported {reported}, and there was {outside}"


def the_result_is_json(lived: Lived) -> Iterator[str]:
    told = json.loads(json.dumps(lived.result.to_dict(), allow_nan=False))
    if told["state"] != lived.result.state.value:
        yield f"{told['state']}"


def the_counts_agree_with_the_legs(lived: Lived) -> Iterator[str]:
    result = lived.result
    legs = [leg for leg in result.legs if leg.side is not None]
    flat = sum(1 for leg in legs if leg.outcome is LegOutcome.FLAT)
    if result.positions_closed != flat:
        yield f"{result.positions_closed} closed, {flat} legs are flat"
    for leg in result.legs:
        is_owed = leg.orders_left > 0 and lived.day.config.cancel_orders
        if (leg.reason is None) != (leg.outcome is LegOutcome.FLAT and not is_owed):
            yield f"{leg}"


# --- protect until closed -----------------------------------------------------------------------


def a_stop_is_there_while_its_position_is_open_or_the_leg_says_so(lived: Lived) -> Iterator[str]:
    if lived.day.deeds:
        return
    for order in lived.day.conditional:
        for leg in lived.result.legs:
            if leg.side is None or not order.protects(leg.side) or leg.symbol != order.symbol:
                continue
            if LegKey(leg.symbol, leg.side) not in lived.venue.positions or _stands(lived, order):
                continue
            if _was_cleared_unseen(lived, order) or _came_late(lived, order.symbol):
                continue
            said = leg.reason or ""
            if "could not be put back" not in said and "not known to be back" not in said:
                yield f"{order.order_id} of {leg.symbol} is gone, and the leg says {said!r}"


def a_stop_that_is_said_to_stay_does(lived: Lived) -> Iterator[str]:
    if lived.day.deeds:
        return
    for leg in lived.result.legs:
        said = leg.reason or ""
        if leg.side is not None and ("stay in place" in said or "put back;" in said):
            orders = [
                o
                for o in lived.venue.conditional.values()
                if o.symbol == leg.symbol and o.protects(leg.side)
            ]
            is_naked = not orders and LegKey(leg.symbol, leg.side) in lived.venue.positions
            if is_naked and not _came_late(lived, leg.symbol):
                yield f"{leg.symbol} has no stop, and the leg says {said!r}"


def a_stop_is_not_put_back_while_a_list_shows_it(lived: Lived) -> Iterator[str]:
    for call in lived.venue.calls:
        if call.verb != "protect":
            continue
        lists = [
            reading
            for reading in lived.venue.readings
            if reading.part is Part.CONDITIONAL and reading.ended <= call.at
        ]
        newest = max(lists, key=lambda reading: reading.began)
        order = call.about.order
        acts = [
            other.ended
            for other in lived.venue.calls
            if other.verb in {"cancel_all", "cancel_conditional"}
            and _symbol(other.about) == order.symbol
            and other.at <= call.at
        ]
        if newest.began >= max(acts) and any(
            row.order_id == order.order_id for row in newest.shown
        ):
            yield f"{order.order_id} at {call.at} is still listed"


# --- how the run was carried --------------------------------------------------------------------


def every_turn_plans_all_that_is_due(lived: Lived) -> Iterator[str]:
    """A run that is woken at once has nothing to add, and its alarm was not forgotten."""
    for number, turn in enumerate(lived.record.turns):
        decision = turn.decision
        if decision.now_is.is_over:
            continue
        is_late = decision.wake_at <= turn.now and not decision.now_is.backlog
        if is_late or decision.wake_at > decision.now_is.terms.deadline.at:
            yield f"turn {number} at {turn.now} wakes at {decision.wake_at}"
        woken = advance(decision.now_is, Woke(), turn.now)
        if woken.requests:
            steps = [request.step for request in woken.requests]
            yield f"turn {number}, {turn.event}, at {turn.now} forgot {steps}"
        if woken.wake_at < decision.wake_at - BREATH:
            yield (
                f"turn {number}, {type(turn.event).__name__}, at {turn.now} wakes at "
                f"{decision.wake_at} and should at {woken.wake_at}"
            )


def an_event_after_the_alarm_does_what_the_alarm_would_have(lived: Lived) -> Iterator[str]:
    """The alarm and another event come at the same moment: what was due is not forgotten."""
    for number, turn in enumerate(lived.record.turns):
        run = turn.decision.now_is
        late = Instant(turn.decision.wake_at + 0.001)
        if run.is_over or run.terms.deadline.has_passed(late):
            continue
        other = advance(run, UsageSeen(Usage()), late).now_is
        forgotten = advance(other, Woke(), late).requests
        if forgotten:
            yield f"turn {number}: {[request.step for request in forgotten]} at {late}"


def acts_in_flight_are_counted_once(lived: Lived) -> Iterator[str]:
    sent = 0
    for number, turn in enumerate(lived.record.turns):
        run = turn.decision.now_is
        sent += sum(1 for request in turn.decision.requests if is_act(request.step))
        if run.acts_in_flight < 0 or run.acts_in_flight > sent:
            yield f"turn {number}: {run.acts_in_flight} in flight of {sent}"
    if lived.last.proof.is_complete and lived.last.acts_in_flight:
        yield "proven with acts in flight"


def every_wait_is_bounded(lived: Lived) -> Iterator[str]:
    deadline = lived.first.terms.deadline.at
    for turn in lived.record.turns:
        for request in turn.decision.requests:
            if not turn.now <= request.answer_by <= deadline:
                yield f"{request} at {turn.now}"


def nothing_waits_without_a_reason(lived: Lived) -> Iterator[str]:
    """A leg that waits for a reading has one under way, or due at a known time."""
    for number, turn in enumerate(lived.record.turns):
        run = turn.decision.now_is
        waits = [leg for leg in run.legs if leg.state is LegState.SETTLING]
        if run.is_over or not waits or not run.config.close_positions:
            continue
        look = run.looks[Part.POSITIONS]
        if run.budget.weight is not None or run.budget.shut_until > turn.now:
            continue
        if len(look.in_flight) >= IN_FLIGHT_MAX or look.not_before > turn.now:
            continue
        newest = max(leg.last_act for leg in waits)
        is_read = any(began >= newest for began in look.in_flight)
        if not is_read and turn.decision.wake_at > turn.now + LONGEST_PAUSE_SECONDS:
            yield f"turn {number} at {turn.now}: {[str(leg.key) for leg in waits]} wait for nothing"


def the_record_replays_to_the_same_run(lived: Lived) -> Iterator[str]:
    if replay(lived.first, lived.record.turns) != lived.last:
        yield "the replay is another run"


def a_turn_takes_its_events_in_order(lived: Lived) -> Iterator[str]:
    times = [turn.now for turn in lived.record.turns]
    if times != sorted(times) or not isinstance(lived.record.turns[0].event, Started):
        yield f"{times}"


RULES: tuple[Callable[[Lived], Iterator[str]], ...] = (
    nothing_but_the_two_kinds_of_order,
    no_close_is_larger_than_the_reading_it_was_sized_from,
    no_close_comes_from_a_reading_older_than_our_last_act,
    a_close_that_went_unanswered_is_asked_about_before_the_next,
    no_fill_of_ours_grows_or_turns_a_position,
    client_order_ids_are_legal_and_never_used_twice,
    nothing_outside_the_scope_is_touched,
    what_is_switched_off_is_not_done,
    no_position_is_refused_more_often_than_retries_allow,
    no_book_is_refused_more_often_than_retries_allow,
    the_number_of_requests_is_bounded,
    the_limits_of_the_venue_are_kept,
    it_ends_by_its_deadline,
    completed_means_bare_at_two_instants_after_the_last_act,
    completed_means_that_nothing_is_left_unless_somebody_acted,
    verified_only_if_completed,
    a_leg_is_called_flat_only_if_it_was,
    everything_found_in_scope_has_a_leg,
    everything_outside_the_scope_is_reported,
    the_result_is_json,
    the_counts_agree_with_the_legs,
    a_stop_is_there_while_its_position_is_open_or_the_leg_says_so,
    a_stop_that_is_said_to_stay_does,
    a_stop_is_not_put_back_while_a_list_shows_it,
    every_turn_plans_all_that_is_due,
    an_event_after_the_alarm_does_what_the_alarm_would_have,
    acts_in_flight_are_counted_once,
    every_wait_is_bounded,
    nothing_waits_without_a_reason,
    the_record_replays_to_the_same_run,
    a_turn_takes_its_events_in_order,
)


# --- the ledger, read ---------------------------------------------------------------------------


def _attempt(order: CloseOrder) -> str:
    return order.client_order_id.rsplit(".", 1)[0]


def _symbol(about: object) -> str:
    if isinstance(about, ProtectiveStop):
        return about.order.symbol
    if isinstance(about, tuple):
        return str(about[0])
    return str(about.symbol)  # type: ignore[attr-defined]


def _had_to_go(lived: Lived, part: Part, row: Any) -> bool:
    """Whether a row is one that the run was asked to end."""
    config = lived.day.config
    if not lived.day.scope.covers(row.symbol):
        return False
    if part is Part.POSITIONS:
        return config.close_positions
    # What protects a position that was not to be closed stays with it.
    kept = not config.close_positions and isinstance(row, ConditionalOrder) and row.only_reduces
    return config.cancel_orders and not kept


def _proving_looks(lived: Lived) -> tuple[dict[Part, Reading], dict[Part, Reading]]:
    """The readings of the two looks on which the proof rests."""
    bare = [
        turn.decision.now_is
        for turn in lived.record.turns
        if any(remark.note is Note.BARE for remark in turn.decision.remarks)
    ]
    return _look(lived, bare[-1]), _look(lived, lived.last)


def _stands(lived: Lived, order: ConditionalOrder) -> bool:
    """Whether a stop is on the venue at the end: itself, or put back under another id."""
    return any(
        order == replace(listed, order_id=order.order_id, client_order_id=order.client_order_id)
        for listed in lived.venue.conditional.values()
    )


def _was_cleared_unseen(lived: Lived, order: ConditionalOrder) -> bool:
    """Whether a book had to be cleared for a close, and this row of it could never be read."""
    holding = lived.last.holdings.get(order.symbol)
    blocked = any(
        call.verb == "close"
        and call.about.symbol == order.symbol
        and call.refused is not None
        and call.refused.refusal is Refusal.ORDERS_IN_THE_WAY
        for call in lived.venue.calls
    )
    return blocked and holding is not None and order.order_id not in holding.conditional.found


def _came_late(lived: Lived, symbol: str) -> bool:
    """Whether a cancel that nobody waited for any more was executed at last."""
    return any(
        call.fault == "late" and call.verb.startswith("cancel") and _symbol(call.about) == symbol
        for call in lived.venue.calls
    )


def _look(lived: Lived, run: Liquidation) -> dict[Part, Reading]:
    return {
        part: next(
            reading
            for reading in lived.venue.readings
            if reading.part is part and abs(reading.began - run.looks[part].read_began) < BREATH
        )
        for part in run.parts
    }


def closes_sent(lived: Lived) -> int:
    """How many closes the run asked for, by its own record."""
    return sum(
        isinstance(request.step, Close)
        for turn in lived.record.turns
        for request in turn.decision.requests
    )
