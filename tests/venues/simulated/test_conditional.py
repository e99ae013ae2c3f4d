"""The algo book: what waits, what triggers it, and what becomes of it."""

from decimal import Decimal

import pytest

from goflat.venues.simulated import conditional
from goflat.venues.simulated.exchange import AccountSetup, Exchange
from goflat.venues.simulated.instruments import standard_instruments
from goflat.venues.simulated.knobs import Knobs
from goflat.venues.simulated.orders import (
    BY_HAND,
    AlgoStatus,
    OrderType,
    Side,
    Status,
    Ticket,
)
from goflat.venues.simulated.refusals import Refused

D = Decimal
BTC = "BTCUSDT"


def exchange_with(clock=lambda: 1_795_000_000_000, *, hedge: bool = False, **knobs) -> Exchange:
    return Exchange(
        clock=clock,
        instruments=standard_instruments(),
        accounts=(AccountSetup(hedge=hedge),),
        knobs=Knobs(**knobs),
    )


@pytest.mark.parametrize(
    ("kind", "side", "trigger", "met_at"),
    [
        ("STOP_MARKET", "SELL", "59000", "58999"),
        ("STOP_MARKET", "BUY", "61000", "61001"),
        ("TAKE_PROFIT_MARKET", "SELL", "61000", "61001"),
        ("TAKE_PROFIT_MARKET", "BUY", "59000", "58999"),
    ],
)
def test_an_order_waits_for_its_price_and_then_trades(
    kind: str, side: str, trigger: str, met_at: str
) -> None:
    exchange = exchange_with()
    algo = exchange.wait_order(BTC, side, trigger, type=kind, quantity="1")
    exchange.set_mark(BTC, "60001")
    assert algo.status is AlgoStatus.NEW

    exchange.set_mark(BTC, met_at)

    assert algo.status is AlgoStatus.FINISHED
    assert exchange.truth.conditional_orders() == ()
    assert algo.order.status is Status.FILLED
    assert exchange.truth.amounts() == {(BTC, "BOTH"): D(1) if side == "BUY" else D(-1)}


def test_the_mark_price_and_the_last_price_trigger_their_own_orders() -> None:
    exchange = exchange_with()
    by_last = exchange.wait_order(BTC, "SELL", "59000", quantity="1")
    exchange.set_mark(BTC, "58000", last="60000")
    assert by_last.status is AlgoStatus.NEW

    exchange.set_mark(BTC, "60000", last="58900")
    assert by_last.status is AlgoStatus.FINISHED


def test_a_price_that_is_met_already_is_refused() -> None:
    with pytest.raises(Refused, match="-2021"):
        exchange_with().wait_order(BTC, "SELL", "60500", quantity="1")


def test_a_closing_stop_closes_what_is_open_then() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    exchange.wait_order(BTC, "SELL", "59000", close_position=True)
    exchange.open_position(BTC, "2")

    exchange.set_mark(BTC, "58000")

    assert exchange.truth.is_flat()


def test_a_stop_without_a_flag_opens_a_position_later() -> None:
    exchange = exchange_with()
    exchange.wait_order(BTC, "SELL", "59000", quantity="1", client_order_id="late")

    exchange.set_mark(BTC, "58000")

    assert [fill.after for fill in exchange.truth.enlarging_fills(prefix="late")] == [D(-1)]


def test_a_reduce_only_stop_that_finds_no_position_is_rejected_with_the_reason() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    algo = exchange.wait_order(BTC, "SELL", "59000", quantity="1", reduce_only=True)
    exchange.open_position(BTC, "-1")

    exchange.set_mark(BTC, "58000")

    assert (algo.status, algo.reason) == (AlgoStatus.REJECTED, "ReduceOnly Order is rejected.")


@pytest.mark.parametrize(("closes", "left"), [(False, 1), (True, 0)])
def test_whether_a_closing_stop_outlives_its_position_is_a_knob(closes: bool, left: int) -> None:
    exchange = exchange_with(closes_orphaned_stops=closes)
    exchange.open_position(BTC, "1")
    exchange.wait_order(BTC, "SELL", "59000", close_position=True)

    exchange.open_position(BTC, "-1")

    assert len(exchange.truth.conditional_orders()) == left


def test_an_order_that_depends_on_its_position_goes_with_it() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    algo = exchange.wait_order(
        BTC, "SELL", "59000", quantity="1", reduce_only=True, time_in_force="GTE_GTC"
    )

    exchange.open_position(BTC, "-1")

    assert algo.status is AlgoStatus.EXPIRED


def test_while_it_is_triggering_an_order_is_in_neither_book(clock) -> None:
    exchange = exchange_with(clock, triggering_seconds=0.5)
    exchange.open_position(BTC, "1")
    algo = exchange.wait_order(BTC, "SELL", "59000", close_position=True)

    exchange.set_mark(BTC, "58000")

    assert exchange.truth.conditional_orders() == ()
    assert exchange.truth.working_orders() == ()
    with pytest.raises(Refused, match="-4117"):
        conditional.cancel(exchange.world, exchange.world.accounts["main"], algo)
    clock.pass_seconds(0.5)
    exchange.world.agenda.run(clock())
    assert exchange.truth.is_flat()


def test_a_triggered_limit_order_moves_to_the_other_book() -> None:
    exchange = exchange_with()
    world, account = exchange.world, exchange.world.accounts["main"]
    ticket = Ticket(
        symbol=BTC, side=Side.SELL, type=OrderType.STOP, quantity=D(1), price=D("59500"),
        trigger_price=D("59000"),
    )  # fmt: skip
    algo = conditional.place(world, account, ticket, BY_HAND)

    exchange.set_mark(BTC, "58900")

    (working,) = exchange.truth.working_orders()
    assert (working.type, working.original_type) == (OrderType.LIMIT, OrderType.STOP)
    assert algo.status is AlgoStatus.TRIGGERED
    exchange.set_mark(BTC, "59600")
    assert algo.status is AlgoStatus.FINISHED


def test_a_trailing_stop_follows_the_price_and_stops_it_on_the_way_back() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    world, account = exchange.world, exchange.world.accounts["main"]
    ticket = Ticket(
        symbol=BTC, side=Side.SELL, type=OrderType.TRAILING_STOP_MARKET, quantity=D(1),
        callback_rate=D(1), activate_price=D("60500"), reduce_only=True,
    )  # fmt: skip
    conditional.place(world, account, ticket, BY_HAND)

    for mark in ("59000", "61000", "62000", "61500"):
        exchange.set_mark(BTC, mark)
        assert not exchange.truth.is_flat()

    exchange.set_mark(BTC, "61300")
    assert exchange.truth.is_flat()


@pytest.mark.parametrize(
    ("hedge", "order", "code"),
    [
        (False, {"quantity": "1", "close_position": True}, -4137),
        (False, {"reduce_only": True, "close_position": True}, -4138),
        (False, {"type": "TRAILING_STOP_MARKET", "close_position": True}, -4136),
        (False, {}, -1102),
        (False, {"quantity": "121"}, -4005),
        (False, {"quantity": "1", "position_side": "LONG"}, -4061),
        (True, {"quantity": "1", "position_side": "LONG", "reduce_only": True}, -1106),
        (True, {"close_position": True, "position_side": "SHORT"}, -4061),
    ],
)
def test_what_does_not_go_together_is_refused(hedge: bool, order: dict, code: int) -> None:
    exchange = exchange_with(hedge=hedge)

    with pytest.raises(Refused) as caught:
        exchange.wait_order(BTC, "SELL", "59000", **order)

    assert caught.value.code == code


def test_there_is_room_for_two_hundred_orders_over_all_instruments() -> None:
    exchange = exchange_with()
    for number in range(200):
        exchange.wait_order(BTC, "SELL", f"{50000 + number}", quantity="1")

    with pytest.raises(Refused, match="-4045"):
        exchange.wait_order("ETHUSDT", "SELL", "2000", quantity="1")
