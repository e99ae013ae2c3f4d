"""Closes are sized from what the last reading showed, cut to what the venue takes."""

from dataclasses import replace
from decimal import Decimal

import pytest
from core_values import at, in_state, leg, position, rules, terms

from goflat.core.decision import Note
from goflat.core.leg import Go, Leg, advance
from goflat.core.states import LegState
from goflat.core.steps import Close
from goflat.domain.instrument import InstrumentRules
from goflat.domain.order import CloseOrder
from goflat.domain.position import OrderSide, PositionSide

D = Decimal


def sent(before: Leg, known: InstrumentRules | None = None) -> tuple[Leg, list[CloseOrder]]:
    decision = advance(before, Go(known), at(2))
    orders = []
    for request in decision.requests:
        assert isinstance(request.step, Close)
        assert request.step.valid_seconds == before.terms.valid_seconds
        orders.append(request.step.order)
    return decision.now_is, orders


@pytest.mark.parametrize("state", LegState)
def test_closes_set_out_from_exposed_and_from_nowhere_else(state: LegState) -> None:
    before = in_state(state)

    after, orders = sent(before, rules())

    if state is LegState.EXPOSED:
        assert after.state is LegState.CLOSING
        assert len(orders) == 1
    else:
        assert (after, orders) == (before, [])


@pytest.mark.parametrize(
    "before", [leg(blocked=True), leg(not_before=at(2.1)), leg(position=None)], ids=range(3)
)
def test_a_leg_that_waits_sends_nothing(before: Leg) -> None:
    assert sent(before, rules()) == (before, [])


def test_one_close_for_all_that_shows() -> None:
    after, orders = sent(leg(), rules())

    assert [order.quantity for order in orders] == [D(2)]
    assert orders[0].position == position()
    assert orders[0].limit_price is None
    assert orders[0].client_order_id == "gf-tag-BTCUSDT-L1.1"
    assert (after.attempts, after.order_ids) == (1, ("gf-tag-BTCUSDT-L1.1",))
    assert after.in_flight == {"gf-tag-BTCUSDT-L1.1"}
    assert after.round is not None
    assert after.round.quantity == 2


@pytest.mark.parametrize(
    ("quantity", "known", "largest", "at_band", "pieces", "price"),
    [
        ("25", rules(), None, False, ["10", "10", "5"], None),
        ("25", rules(), "8", False, ["8", "8", "8", "1"], None),
        ("25", rules(), None, True, ["25"], "95"),  # a limit order has the larger lot
        ("25", rules(band=None), None, True, ["10", "10", "5"], None),
        ("25", None, None, False, ["25"], None),
        ("25", None, "10", True, ["10", "10", "5"], None),
    ],
)
def test_a_position_is_cut_to_what_the_venue_takes(
    quantity: str,
    known: InstrumentRules | None,
    largest: str | None,
    at_band: bool,
    pieces: list[str],
    price: str | None,
) -> None:
    before = leg(
        position=position(quantity),
        largest=None if largest is None else D(largest),
        at_band=at_band,
    )

    after, orders = sent(before, known)

    assert [order.quantity for order in orders] == [D(piece) for piece in pieces]
    assert {order.limit_price for order in orders} == {None if price is None else D(price)}
    assert len(after.in_flight) == len(orders) == before.pieces(known)
    assert sum(order.quantity for order in orders) <= D(quantity)


@pytest.mark.parametrize("side", PositionSide)
def test_a_close_trades_against_the_side_of_its_leg(side: PositionSide) -> None:
    held = position(side=side)

    _, orders = sent(leg(key=held.key, position=held, first=held), rules())

    assert [order.side for order in orders] == [
        OrderSide.SELL if side is PositionSide.LONG else OrderSide.BUY
    ]


def test_what_no_order_can_take_is_dust_and_given_up_by_name() -> None:
    decision = advance(leg(position=position("0.004")), Go(rules()), at(2))

    assert decision.requests == ()
    assert decision.now_is.state is LegState.STUCK
    assert decision.now_is.dust == D("0.004")
    assert decision.now_is.reason == "dust: 0.004 is less than the venue takes in one order"
    assert [remark.note for remark in decision.remarks] == [Note.GIVEN_UP]


def test_every_attempt_has_ids_of_its_own() -> None:
    first, orders = sent(leg(), rules())
    again = replace(first, state=LegState.EXPOSED, in_flight=frozenset())

    second, more = sent(again, rules())

    assert {o.client_order_id for o in orders}.isdisjoint(o.client_order_id for o in more)
    assert second.order_ids == ("gf-tag-BTCUSDT-L1.1", "gf-tag-BTCUSDT-L2.1")


def test_its_answer_is_waited_for_longer_after_silences() -> None:
    def answer_by(silences: int) -> float:
        return advance(leg(silences=silences), Go(None), at(2)).requests[0].answer_by

    assert [answer_by(n) for n in (0, 1, 2)] == [3.0, 4.0, 5.0]
    assert terms().deadline.at == 5.0


def test_a_position_that_is_gone_has_no_pieces_lot_or_price() -> None:
    gone = leg(position=None, at_band=True)

    assert gone.pieces(rules()) == 0
    assert gone.limit_price_under(rules()) is None
    assert gone.lot_under(None) is None
    assert gone.lot_under(rules()) == rules().market_lot
    assert leg(at_band=True).lot_under(rules()) == rules().limit_lot
