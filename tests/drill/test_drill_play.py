"""The drill itself: what works passes, and whatever is broken on purpose is found."""

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from decimal import Decimal
from pathlib import Path

import pytest

from goflat.domain.listing import Listing
from goflat.domain.order import Book, CloseOrder, OrderReport, OrderStatus
from goflat.domain.position import Position
from goflat.drill import judge
from goflat.drill.catalogue import CATALOGUE, chosen
from goflat.drill.play import Outcome, play_all
from goflat.drill.scenario import Rig, Scenario
from goflat.drill.specified import SHUTDOWN
from goflat.drill.stage import Setup, Stage, embedded
from goflat.errors import SettingsError
from goflat.journal import AuditLogger
from goflat.venues.binance.venue import BinanceVenue
from goflat.venues.simulated.faults import Match, Say


async def played(scenario: Scenario, directory: Path, setup: Setup = embedded) -> Outcome:
    """One scenario, with an audit file of its own."""
    audit = AuditLogger(directory / "audit.jsonl")
    outcomes: list[Outcome] = []
    try:
        await play_all([scenario], setup, audit, begin=lambda _: None, tell=outcomes.append)
    finally:
        await asyncio.to_thread(audit.close)
    return outcomes[0]


def broken(outcome: Outcome) -> set[str]:
    """What was found not to be so."""
    return {tick.text for tick in outcome.ticks if not tick.holds}


@pytest.mark.parametrize("name", CATALOGUE)
async def test_every_scenario_passes(name: str, tmp_path: Path) -> None:
    outcome = await played(CATALOGUE[name], tmp_path)

    assert outcome.problem is None
    assert broken(outcome) == set()
    assert outcome.passed
    assert outcome.played is not None
    assert outcome.played.before.positions


# --- sabotage -----------------------------------------------------------------------------------


def sabotaged(spoil: Callable[[Stage], BinanceVenue]) -> Setup:
    """The embedded venue, with something between it and goflat."""

    @asynccontextmanager
    async def setup() -> AsyncIterator[Stage]:
        async with embedded() as stage:
            yield replace(stage, venue=spoil(stage))

    return setup


class Spoilt(BinanceVenue):
    """The real adapter of a stage, as far as nothing is spoilt."""

    def __init__(self, stage: Stage) -> None:
        self.__dict__.update(stage.venue.__dict__)
        self.stage = stage


class Nodding(Spoilt):
    """Says yes to every close, and sends none."""

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        return OrderReport(status=OrderStatus.FILLED, executed=order.quantity)


class Blind(Spoilt):
    """Sees nothing, wherever it looks, and calls it nothing there."""

    async def read_positions(self) -> Listing[Position]:
        return Listing(rows=())

    async def read_positions_elsewhere(self) -> Listing[Position]:
        return Listing(rows=())


class Flipping(Spoilt):
    """Closes with twice the quantity, and without the flag."""

    async def close(self, order: CloseOrder, *, valid_seconds: float) -> OrderReport:
        assert self.stage.simulated is not None
        params = (
            ("symbol", order.symbol),
            ("side", order.side.value),
            ("type", "MARKET"),
            ("quantity", f"{order.quantity * 2:f}"),
            ("newClientOrderId", order.client_order_id),
        )
        await self.stage.opener.ask("POST", "/fapi/v1/order", object, params)
        return OrderReport(status=OrderStatus.FILLED, executed=order.quantity)


class Forgetful(Spoilt):
    """Does not see the regular book."""

    async def cancel_all(self, symbol: str, book: Book) -> int | None:
        return None if book is Book.WORKING else await super().cancel_all(symbol, book)

    async def read_working_orders(self) -> Listing:  # type: ignore[type-arg]
        return Listing(rows=())


TRUTH = "The venue holds no position and no order of either kind"
SABOTAGE: dict[str, tuple[type[Spoilt], set[str]]] = {
    "a close that is not sent": (Nodding, {TRUTH}),
    "a reading that shows nothing": (Blind, {TRUTH, judge.AGREES}),
    "an order that flips": (Flipping, {TRUTH, judge.ONLY_REDUCES}),
    "orders that are overlooked": (Forgetful, {TRUTH, judge.AGREES}),
}


@pytest.mark.parametrize(("kind", "found"), SABOTAGE.values(), ids=SABOTAGE)
async def test_what_is_broken_on_purpose_is_found(
    kind: type[Spoilt], found: set[str], tmp_path: Path
) -> None:
    quick = replace(SHUTDOWN, config=replace(SHUTDOWN.config, timeout_seconds=1.0))

    outcome = await played(quick, tmp_path, sabotaged(kind))

    assert outcome.failed
    assert found <= broken(outcome)


async def test_an_exception_out_of_a_call_that_never_raises_is_found(tmp_path: Path) -> None:
    async def raising(rig: Rig) -> None:
        await rig.flatten(rig.manager())
        raise RuntimeError("out of the blue")

    outcome = await played(replace(SHUTDOWN, drama=raising), tmp_path)

    assert outcome.failed
    assert judge.RETURNED in broken(outcome)


async def test_a_secret_in_the_trail_is_found(tmp_path: Path) -> None:
    said: dict[str, str] = {}

    @asynccontextmanager
    async def telling() -> AsyncIterator[Stage]:
        async with embedded() as stage:
            said["secret"] = stage.secrets["API secret"].reveal()
            yield stage

    async def leaking(rig: Rig) -> None:
        result = await rig.flatten(rig.manager())
        # In two halves, because the trail itself hides what looks like a secret as a whole.
        rig.audit.log_event("NOTE", result.correlation_id, {"text": "it is " + said["secret"]})

    outcome = await played(replace(SHUTDOWN, drama=leaking), tmp_path, telling)

    assert judge.NOTHING_LEAKED in broken(outcome)


async def test_a_task_that_is_left_running_is_found(tmp_path: Path) -> None:
    left: list[asyncio.Task[None]] = []

    async def leaving(rig: Rig) -> None:
        await rig.flatten(rig.manager())
        left.append(asyncio.create_task(asyncio.sleep(60)))

    outcome = await played(replace(SHUTDOWN, drama=leaving), tmp_path)

    assert judge.NOTHING_RUNS in broken(outcome)
    left[0].cancel()


async def test_a_setting_that_the_venue_refuses_is_a_problem_and_not_a_pass(tmp_path: Path) -> None:
    @asynccontextmanager
    async def refusing() -> AsyncIterator[Stage]:
        async with embedded() as stage:
            assert stage.simulated is not None
            stage.simulated.faults.add(Match(method="POST"), Say(code=-2019))
            yield stage

    outcome = await played(SHUTDOWN, tmp_path, refusing)

    assert outcome.failed
    assert "-2019" in (outcome.problem or "")


# --- the catalogue ------------------------------------------------------------------------------


def test_the_four_of_the_specification_come_first() -> None:
    assert list(CATALOGUE)[:4] == [
        "shutdown-with-positions",
        "disabled",
        "timeout-enforcement",
        "partial-failure",
    ]


@pytest.mark.parametrize("scenario", CATALOGUE.values(), ids=CATALOGUE)
def test_a_scenario_fits_into_one_line_of_80_columns(scenario: Scenario) -> None:
    assert len(scenario.name) <= 23
    assert len(scenario.shows) <= 39


def test_scenarios_are_chosen_by_name_each_once() -> None:
    names = [scenario.name for scenario in chosen(["hedge-mode", "disabled", "hedge-mode"])]

    assert names == ["hedge-mode", "disabled"]


def test_a_name_that_is_none_is_refused_with_the_near_miss() -> None:
    with pytest.raises(SettingsError, match='did you mean "hedge-mode"'):
        chosen(["hedge-mod"])


def test_settings_ask_for_what_an_oversized_position_needs() -> None:
    (held,) = CATALOGUE["above-market-lot"].setting.positions

    assert held.quantity is not None
    assert held.quantity > 2 * Decimal(300_000)
