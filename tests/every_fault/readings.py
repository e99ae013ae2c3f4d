"""Lists that are old, spoilt, or do not come."""

from collections.abc import Iterator

from every_fault.fault import (
    BTC,
    COMPLETED,
    EVERYTHING,
    FAILED,
    FOR_EVER,
    PARTIAL,
    POSITIONS,
    TIME,
    WAITING,
    WORKING,
    Fault,
    read,
)
from goflat.venues.simulated import trouble
from goflat.venues.simulated.effects import (
    Delay,
    Hang,
    LookupLag,
    Raw,
    Reset,
    Shape,
    Skew,
    Spoil,
    StalePositions,
)
from goflat.venues.simulated.faults import Match

HOSTILE_ROW = f'[{{"symbol":"{BTC}","positionSide":"BOTH","positionAmt":"0.5"}}]'
"""The shape of a positionRisk that a hostile or broken venue might answer."""


def readings() -> Iterator[Fault]:
    yield Fault(
        name="positions that are 0.3 s old",
        rules=((read(POSITIONS, None), StalePositions(seconds=0.3)),),
        quiet_seconds=0.4,
        closes=1,
    )
    yield Fault(
        name="orders that are not listed for 0.3 s",
        rules=((read(WORKING, None), LookupLag(seconds=0.3)),),
    )
    for shape in Shape:
        for path in (POSITIONS, WORKING, WAITING):
            yield Fault(
                name=f"{path.rpartition('/')[2]} spoilt once: {shape.value}",
                rules=((read(path), Spoil(shape=shape, size_bytes=9_000_000)),),
            )
    for shape in (Shape.NULLS, Shape.NO_FIELDS, Shape.NAN):
        for field_name in ("positionAmt", "positionSide", "symbol"):
            yield Fault(
                name=f"positionRisk with bad {field_name} in one row, once: {shape.value}",
                rules=(
                    (read(POSITIONS), Spoil(shape=shape, fields=(field_name,), row_symbol=BTC)),
                ),
            )
    yield Fault(
        name="positionRisk spoilt for ever",
        rules=((read(POSITIONS, None), Spoil(shape=Shape.CUT)),),
        ends=(PARTIAL,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="positionRisk without the row of one instrument, for ever",
        rules=((read(POSITIONS, None), Spoil(shape=Shape.NO_ROWS, row_symbol=BTC)),),
        # The second proving look asks another endpoint, and finds it.
        ends=(COMPLETED, PARTIAL),
        left=frozenset({BTC}),
        timeout_seconds=2.0,
    )
    yield Fault(
        name="openOrders that never answers",
        rules=((read(WORKING, None), Hang(seconds=FOR_EVER)),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="openAlgoOrders that never answers",
        rules=((read(WAITING, None), Hang(seconds=FOR_EVER)),),
        ends=(PARTIAL, FAILED),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(
        name="503 for every first reading",
        rules=tuple((read(p), trouble.unavailable()) for p in (POSITIONS, WORKING, WAITING)),
    )
    for name, effect in (
        ("reset", Reset()),
        ("silent", Hang(seconds=FOR_EVER)),
        ("429, wait 1 s", trouble.throttled(1)),
        ("an hour away", Delay(answer_seconds=FOR_EVER)),
    ):
        yield Fault(
            name=f"every first reading: {name}",
            rules=tuple((read(path), effect) for path in (POSITIONS, WORKING, WAITING)),
            timeout_seconds=3.0,
        )
    for name, text in (
        ("a number beyond every range", HOSTILE_ROW.replace('"0.5"', '"1e999"')),
        ("an amount that is no number", HOSTILE_ROW.replace('"0.5"', "NaN")),
        (
            "a row of another instrument with terminal codes",
            HOSTILE_ROW.replace(BTC, "\\u001b[2JX"),
        ),
        ("a key twice", HOSTILE_ROW.replace('"0.5"', '"0.5","positionAmt":"0"')),
        ("nothing but brackets", "[" * 100_000),
        ("an object with a code above zero", '{"code":200,"msg":"success"}'),
    ):
        yield Fault(
            name=f"positionRisk, once: {name}",
            rules=((read(POSITIONS), trouble.body(text)),),
        )
    yield Fault(
        name="an endpoint that is gone",
        rules=((read(POSITIONS, None), Raw(status=404, body=b"<h1>404</h1>")),),
        ends=(PARTIAL,),
        left=EVERYTHING,
        timeout_seconds=1.5,
    )
    yield Fault(name="round trips of 250 ms", latency_ms=250, timeout_seconds=3.0)
    yield Fault(
        name="exchangeInfo that never answers",
        rules=((read("/fapi/v1/exchangeInfo", None), Hang(seconds=FOR_EVER)),),
    )
    yield Fault(
        name="a clock that never answers",
        rules=((read(TIME, None), Hang(seconds=FOR_EVER)),),
    )
    for seconds in (-30, 30):
        yield Fault(
            name=f"a venue's clock {seconds} s off", rules=((Match(), Skew(seconds=seconds)),)
        )
