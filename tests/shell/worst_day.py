"""One whole run on a hostile venue, drawn from a seed, in virtual time."""

import asyncio
from collections.abc import Callable
from dataclasses import dataclass, replace
from decimal import Decimal
from random import Random

from hostile_venue import FAULTS, HostileVenue, Mood

from accounts import opening, position, stop, working
from goflat.core.liquidation import begin
from goflat.core.run import Liquidation
from goflat.core.verdict import judge
from goflat.domain.capabilities import Capabilities, Costs, Limits
from goflat.domain.config import LiquidationConfig
from goflat.domain.order import ConditionalOrder
from goflat.domain.outcome import LiquidationResult
from goflat.domain.position import LegKey, OrderSide, Position, PositionMode, PositionSide
from goflat.domain.scope import Everything, Only, Scope
from goflat.errors import Refusal
from goflat.shell.clock import LoopClock
from goflat.shell.drive import drive
from goflat.testing.paper import rules_for
from goflat.testing.record import MemoryRecord
from goflat.testing.virtual_time import run_virtual

SYMBOLS = ("BTCUSDT", "ETHUSDT", "SOLUSDT", "测试USDT", "XRPUSDT", "DOGEUSDT")
STRATEGY_ENDS = 4.0

Deed = Callable[[HostileVenue], None]


@dataclass(frozen=True, slots=True, kw_only=True)
class Day:
    """Everything that a seed decides before the trigger is pulled."""

    seed: int
    config: LiquidationConfig
    scope: Scope
    capabilities: Capabilities
    limits: Limits | None
    mood: Mood
    positions: tuple[Position, ...]
    working: tuple[object, ...]
    conditional: tuple[ConditionalOrder, ...]
    deeds: tuple[tuple[float, str, Deed], ...] = ()
    quiet_seconds: float = 1.0


@dataclass(slots=True, kw_only=True)
class Lived:
    """A day that is over: what was said of it, and the ledger of what was true."""

    day: Day
    venue: HostileVenue
    record: MemoryRecord
    first: Liquidation
    last: Liquidation
    result: LiquidationResult
    took_seconds: float


def live(day: Day) -> Lived:
    """Pull the trigger, and carry the run to its end."""
    return run_virtual(_live(day))


async def _live(day: Day) -> Lived:
    clock = LoopClock()
    venue = HostileVenue(
        Random(day.seed),
        day.mood,
        rules={symbol: rules_for(symbol) for symbol in SYMBOLS},
        limits=day.limits,
        capabilities=day.capabilities,
    )
    venue.positions = {held.key: held for held in day.positions}
    venue.working = {order.order_id: order for order in day.working}  # type: ignore[attr-defined, misc]
    venue.conditional = {order.order_id: order for order in day.conditional}
    venue.changed()
    loop = asyncio.get_running_loop()
    for at, _, deed in day.deeds:
        loop.call_at(at, deed, venue)
    first = begin(
        correlation_id=f"liq_20260101T000000000000Z_{day.seed:08x}",
        scope=day.scope,
        config=day.config,
        capabilities=day.capabilities,
        now=clock.now(),
        quiet_seconds=day.quiet_seconds,
    )
    record = MemoryRecord()
    last = await drive(first, venue, clock, record)
    ended = clock.now()
    result = judge(last, ended)
    return Lived(
        day=day,
        venue=venue,
        record=record,
        first=first,
        last=last,
        result=result,
        took_seconds=ended - first.started,
    )


# --- drawing a day ------------------------------------------------------------------------------

ALL_FAULTS = sorted({fault for faults in FAULTS.values() for fault in faults})


def draw(seed: int) -> Day:
    """A day on which anything may go wrong."""
    rng = Random(f"day {seed}")
    hedge = rng.random() < 0.4
    symbols = rng.sample(SYMBOLS, rng.randint(1, len(SYMBOLS)))
    timeout = rng.choice([1.0, 2.0, 5.0, 5.0, 8.0, 15.0])
    scope: Scope = Everything()
    if rng.random() < 0.4:
        scope = Only(frozenset(rng.sample(SYMBOLS, rng.randint(0, len(SYMBOLS)))))
    held = tuple(p for symbol in symbols for p in _held(rng, symbol, hedge=hedge))
    limits = None
    if rng.random() < 0.3:
        limits = Limits(
            weight_per_minute=rng.choice([60, 200, 2400]),
            orders_per_ten_seconds=rng.choice([3, 10, 300]),
            orders_per_minute=rng.choice([10, 40, 1200]),
        )
    return Day(
        seed=seed,
        config=LiquidationConfig(
            timeout_seconds=timeout,
            max_retries=rng.choice([0, 1, 3, 10]),
            retry_delay_seconds=rng.choice([0.1, 0.5, 1.0]),
            cancel_orders=rng.random() < 0.9,
            close_positions=rng.random() < 0.95,
        ),
        scope=scope,
        capabilities=Capabilities(
            limits=limits,
            costs=Costs(read_positions=5, read_orders=40, read_rules=1, cancel=1, query=1),
        ),
        limits=limits,
        mood=_mood(rng),
        positions=held,
        working=tuple(_working(rng, symbols)),
        conditional=tuple(_conditional(rng, held, symbols, hedge=hedge)),
        deeds=_deeds(rng, symbols, timeout) if rng.random() < 0.35 else (),
        quiet_seconds=rng.choice([0.2, 1.0, 1.0]),
    )


def calmed(day: Day, before_end_seconds: float = 3.0) -> Day:
    """The same day, but in time before its deadline everything that was wrong is right again."""
    config = replace(day.config, timeout_seconds=8.0, max_retries=10, retry_delay_seconds=0.1)
    config = replace(config, close_positions=True, cancel_orders=True)
    heals_at = config.timeout_seconds - before_end_seconds
    refusals = tuple(
        r for r in day.mood.refusals if r not in {Refusal.NO_PERMISSION, Refusal.TOO_SMALL}
    )
    mood = replace(
        day.mood,
        heals_at=heals_at,
        halted=frozenset(),
        out_of_band=False,
        latency=min(day.mood.latency, (0.01, 0.05)),
        refusals=refusals or (Refusal.PLAIN,),
        faults={
            fault: min(chance, 0.25)
            for fault, chance in day.mood.faults.items()
            # What was refused is tried again later each time, and that can be after the end.
            if fault not in {"refused", "expires"}
        },
    )
    return replace(
        day,
        config=config,
        mood=mood,
        positions=tuple(p for p in day.positions if p.quantity % Decimal("0.001") == 0),
        limits=None,
        capabilities=replace(day.capabilities, limits=None),
        deeds=tuple(deed for deed in day.deeds if deed[0] < heals_at),
    )


def guarded(day: Day) -> Day:
    """The same day, but stops stand in the way of every close, and no close succeeds after all."""
    mood = replace(day.mood, stops_block=True, halted=frozenset(SYMBOLS))
    config = replace(day.config, close_positions=True, cancel_orders=True, max_retries=1)
    return replace(day, mood=mood, config=config)


def colourful(day: Day) -> Day:
    """The same day with a little of every fault."""
    return replace(day, mood=replace(day.mood, faults=dict.fromkeys(ALL_FAULTS, 0.05)))


def _mood(rng: Random) -> Mood:
    chosen = rng.sample(ALL_FAULTS, rng.choice([0, 1, 2, 3, 6, len(ALL_FAULTS)]))
    chance = rng.choice([0.03, 0.1, 0.3, 0.6, 1.0])
    return Mood(
        faults={fault: chance * rng.random() for fault in chosen},
        refusals=tuple(rng.sample(list(Refusal), rng.randint(1, len(Refusal)))),
        latency=rng.choice([(0.001, 0.002), (0.01, 0.05), (0.02, 0.4)]),
        stops_block=rng.random() < 0.3,
        dates_changes=rng.random() < 0.5,
        halted=frozenset(rng.sample(SYMBOLS, 1)) if rng.random() < 0.15 else frozenset(),
        out_of_band=rng.random() < 0.15,
    )


def _held(rng: Random, symbol: str, *, hedge: bool) -> list[Position]:
    sides = [PositionSide.LONG, PositionSide.SHORT]
    chosen = rng.sample(sides, rng.randint(0, 2) if hedge else rng.randint(0, 1))
    mode = PositionMode.HEDGE if hedge else PositionMode.ONE_WAY
    sizes = ["0.001", "0.002", "1", "119.999", "120.001", "500", "1500", "1.0005", "0.0005"]
    return [
        position(
            symbol,
            rng.choice(sizes),
            side,
            mode,
            mark_price=rng.choice(["100", "0.5", None]),
            liquidation_price=rng.choice(["90", "60", None]),
        )
        for side in chosen
    ]


def _working(rng: Random, symbols: list[str]) -> list[object]:
    return [
        working(symbol, f"w{n}", rng.choice(list(OrderSide)))
        for n, symbol in enumerate(rng.choices(symbols, k=rng.randint(0, 6)))
    ]


def _conditional(
    rng: Random, held: tuple[Position, ...], symbols: list[str], *, hedge: bool
) -> list[ConditionalOrder]:
    stops = [
        stop(p.symbol, f"s{n}", p.side, p.side if hedge else None)
        for n, p in enumerate(held)
        if rng.random() < 0.6
    ]
    chosen = rng.choices(symbols, k=rng.randint(0, 3))
    return stops + [opening(s, f"o{n}", rng.choice(list(OrderSide))) for n, s in enumerate(chosen)]


# --- what others do to the account meanwhile ----------------------------------------------------


def _deeds(rng: Random, symbols: list[str], timeout: float) -> tuple[tuple[float, str, Deed], ...]:
    found = []
    for number in range(rng.randint(1, 6)):
        symbol = rng.choice(symbols)
        name = rng.choice(["opens", "closes", "halves", "orders", "conditional", "fills"])
        at = rng.uniform(0.0, min(timeout, STRATEGY_ENDS))
        found.append((at, f"{name} {symbol}", _deed(name, symbol, number)))
    return tuple(found)


def _deed(name: str, symbol: str, number: int) -> Deed:
    def opens(venue: HostileVenue) -> None:
        held = _of(venue, symbol)
        if held is None:
            venue.hold(position(symbol, "2"))
        else:
            venue.hold(replace(held, quantity=held.quantity + Decimal("0.5")))

    def closes(venue: HostileVenue) -> None:
        if (held := _of(venue, symbol)) is not None:
            venue.drop(held.key)

    def halves(venue: HostileVenue) -> None:
        held = _of(venue, symbol)
        if held is not None and held.quantity >= Decimal("0.002"):
            half = held.quantity / 2 // Decimal("0.001") * Decimal("0.001")
            venue.hold(replace(held, quantity=half))

    def orders(venue: HostileVenue) -> None:
        venue.list_working(working(symbol, f"late-w{number}"))

    def conditional(venue: HostileVenue) -> None:
        venue.list_conditional(opening(symbol, f"late-o{number}"))

    def fills(venue: HostileVenue) -> None:
        order = next((o for o in venue.working.values() if o.symbol == symbol), None)
        if order is not None:
            venue.unlist(order.order_id)
            opens(venue)

    deeds: dict[str, Deed] = {
        "opens": opens,
        "closes": closes,
        "halves": halves,
        "orders": orders,
        "conditional": conditional,
        "fills": fills,
    }
    return deeds[name]


def _of(venue: HostileVenue, symbol: str) -> Position | None:
    keys = (LegKey(symbol, side) for side in PositionSide)
    return next((venue.positions[key] for key in keys if key in venue.positions), None)
