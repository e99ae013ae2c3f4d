"""One step in, one event out, whatever the venue does."""

import asyncio
import logging
from typing import Any

import pytest

from accounts import BTC, position, stop, working
from goflat.core.events import (
    BookCancelled,
    CloseAnswered,
    ConditionalCancelled,
    ConditionalOrdersRead,
    Event,
    Failed,
    PositionsRead,
    Protected,
    QueryAnswered,
    RulesRead,
    WorkingOrdersRead,
)
from goflat.core.steps import (
    CancelAll,
    CancelConditional,
    Close,
    Protect,
    Query,
    ReadOrders,
    ReadPositions,
    ReadRules,
    Request,
    Step,
)
from goflat.domain.order import Book, CloseOrder, ProtectiveStop
from goflat.domain.time import Instant
from goflat.errors import NotSent, Rejected, Throttled, Unanswered, VenueError
from goflat.shell.clock import LoopClock
from goflat.shell.perform import perform
from goflat.testing.paper import Misbehave, PaperVenue, rules_for
from goflat.testing.virtual_time import run_virtual

HELD = position()
CLOSE = CloseOrder(position=HELD, quantity=HELD.quantity, client_order_id="gf-1")

STEPS: list[tuple[Step, str, type[Any]]] = [
    (ReadPositions(), "read_positions", PositionsRead),
    (ReadOrders(Book.WORKING), "read_working_orders", WorkingOrdersRead),
    (ReadOrders(Book.CONDITIONAL), "read_conditional_orders", ConditionalOrdersRead),
    (ReadRules(), "read_rules", RulesRead),
    (CancelAll(BTC, Book.WORKING), "cancel_all", BookCancelled),
    (CancelConditional(stop()), "cancel_conditional", ConditionalCancelled),
    (Close(CLOSE, 1.0), "close", CloseAnswered),
    (Query(CLOSE), "query", QueryAnswered),
    (Protect(ProtectiveStop(order=stop(), client_order_id="gf-p")), "protect", Protected),
]


def venue() -> PaperVenue:
    return PaperVenue(
        positions={HELD.key: HELD},
        working=[working()],
        conditional=[stop()],
        rules={BTC: rules_for(BTC)},
    )


def performed(step: Step, port: Any, answer_by: float = 1.0) -> tuple[Event, float]:
    """The event, and how long it took, in virtual time."""

    async def run() -> tuple[Event, float]:
        event = await perform(Request(step, Instant(answer_by)), port, LoopClock())
        return event, asyncio.get_running_loop().time()

    return run_virtual(run())


@pytest.mark.parametrize(("step", "verb", "kind"), STEPS, ids=lambda v: str(v)[:20])
def test_every_step_asks_one_thing_and_becomes_its_event(
    step: Step, verb: str, kind: type[Any]
) -> None:
    port = venue()

    event, _ = performed(step, port)

    assert isinstance(event, kind)
    assert [call.verb for call in port.calls] == [verb]


@pytest.mark.parametrize(("step", "verb", "kind"), STEPS, ids=lambda v: str(v)[:20])
@pytest.mark.parametrize(
    "failure",
    [
        NotSent("no route"),
        Rejected("no", code=-1),
        Throttled("429", retry_after_seconds=1.0),
        Unanswered("503"),
    ],
    ids=repr,
)
def test_each_of_the_four_failures_comes_back_as_it_is(
    step: Step, verb: str, kind: type[Any], failure: VenueError
) -> None:
    port = venue()
    port.script(verb, Misbehave(failure=failure))

    event, _ = performed(step, port)

    assert event == Failed(step, failure)
    assert isinstance(event, Failed)
    assert event.failure.__traceback__ is None


@pytest.mark.parametrize(("step", "verb", "kind"), STEPS, ids=lambda v: str(v)[:20])
def test_what_does_not_answer_is_given_up_at_its_instant(
    step: Step, verb: str, kind: type[Any]
) -> None:
    port = venue()
    port.script(verb, Misbehave(delay=1000.0))

    event, took = performed(step, port, answer_by=0.7)

    assert event == Failed(step, Unanswered("no answer in time"))
    assert took == pytest.approx(0.7)


@pytest.mark.parametrize("bug", [ZeroDivisionError("x"), KeyError("secret"), TimeoutError()])
def test_a_bug_in_an_adapter_is_that_steps_failure_and_its_words_are_not_told(
    bug: Exception, caplog: pytest.LogCaptureFixture
) -> None:
    class Broken(PaperVenue):
        async def read_positions(self) -> Any:
            raise bug

    event, _ = performed(ReadPositions(), Broken())

    assert isinstance(event, Failed)
    assert isinstance(event.failure, Unanswered)
    assert "secret" not in event.failure.reason
    if not isinstance(bug, TimeoutError):
        assert [record.levelno for record in caplog.records] == [logging.ERROR]


def test_a_step_that_is_cancelled_from_inside_went_unanswered() -> None:
    class Torn(PaperVenue):
        async def read_positions(self) -> Any:
            raise asyncio.CancelledError

    event, _ = performed(ReadPositions(), Torn())

    assert event == Failed(ReadPositions(), Unanswered("cancelled from inside"))


def test_a_step_that_is_cancelled_from_outside_is_cancelled() -> None:
    async def run() -> bool:
        port = venue()
        port.script("read_positions", Misbehave(delay=1000.0))
        request = Request(ReadPositions(), Instant(500.0))
        task = asyncio.ensure_future(perform(request, port, LoopClock()))
        await asyncio.sleep(0.1)
        task.cancel()
        await asyncio.wait([task])
        return task.cancelled()

    assert run_virtual(run())


def test_a_reading_carries_the_instant_at_which_it_set_out() -> None:
    async def run() -> Event:
        await asyncio.sleep(0.25)
        return await perform(Request(ReadPositions(), Instant(1.0)), venue(), LoopClock())

    event = run_virtual(run())

    assert isinstance(event, PositionsRead)
    assert event.began == pytest.approx(0.25)
