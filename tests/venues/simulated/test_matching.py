"""Orders in, fills out: what rests, what expires, what is refused, and what makes way."""

from decimal import Decimal

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from goflat.venues.simulated import matching, settlement
from goflat.venues.simulated.exchange import AccountSetup, Exchange
from goflat.venues.simulated.instruments import standard_instruments
from goflat.venues.simulated.knobs import Claimed, Knobs, Oversize
from goflat.venues.simulated.orders import (
    BY_HAND,
    Order,
    OrderType,
    PositionSide,
    SelfTrade,
    Side,
    Status,
    Ticket,
    TimeInForce,
)
from goflat.venues.simulated.refusals import Refused

D = Decimal
BTC = "BTCUSDT"


def exchange_with(*, hedge: bool = False, **knobs: object) -> Exchange:
    return Exchange(
        clock=lambda: 1_795_000_000_000,
        instruments=standard_instruments(),
        accounts=(AccountSetup(hedge=hedge),),
        knobs=Knobs(**knobs),
    )


def send(exchange: Exchange, side: str, quantity: str, **more: object) -> Order:
    price = more.pop("price", None)
    ticket = Ticket(
        symbol=BTC,
        side=Side(side),
        type=OrderType.MARKET if price is None else OrderType.LIMIT,
        quantity=D(quantity),
        price=None if price is None else D(str(price)),
        **more,
    )
    account = exchange.world.accounts["main"]
    return matching.place(exchange.world, account, ticket, BY_HAND)


def refused(exchange: Exchange, side: str, quantity: str, **more: object) -> int:
    with pytest.raises(Refused) as caught:
        send(exchange, side, quantity, **more)
    return caught.value.code


LONG, SHORT = PositionSide.LONG, PositionSide.SHORT


# --- what trades, what rests --------------------------------------------------------------------


def test_a_market_order_takes_the_other_side_of_the_book() -> None:
    exchange = exchange_with()

    order = send(exchange, "BUY", "30")

    assert (order.status, order.executed) == (Status.FILLED, D(30))
    assert D(60006) <= order.average_price <= D(60012)


def test_a_limit_order_away_from_the_market_rests_and_one_through_it_trades() -> None:
    exchange = exchange_with()

    assert send(exchange, "BUY", "1", price=59000).status is Status.NEW
    assert send(exchange, "BUY", "1", price=60100).status is Status.FILLED


def test_a_market_order_that_the_book_cannot_fill_expires_with_what_it_got() -> None:
    exchange = exchange_with()
    exchange.set_book(BTC, asks=[("60010", "0.3")])

    order = send(exchange, "BUY", "1")

    assert (order.status, order.executed) == (Status.EXPIRED, D("0.3"))


def test_a_thin_book_runs_out_before_the_bound() -> None:
    exchange = exchange_with()
    exchange.set_liquidity(BTC, "0.1")

    order = send(exchange, "BUY", "120")

    assert order.status is Status.EXPIRED
    assert D(49) < order.executed < D(51)


def test_a_market_order_goes_no_further_than_its_bound() -> None:
    exchange = exchange_with()
    exchange.set_book(BTC, asks=[("60010", "0.3"), ("63001", "5")])

    assert send(exchange, "BUY", "1").executed == D("0.3")


@pytest.mark.parametrize(
    ("asks", "code"), [([], -1112), ([("63001", "5")], -4131)], ids=["empty", "beyond the band"]
)
def test_a_market_order_is_refused_where_there_is_nothing_to_be_had(
    asks: list[tuple[str, str]], code: int
) -> None:
    exchange = exchange_with()
    exchange.set_book(BTC, asks=asks)

    assert refused(exchange, "BUY", "1") == code
    assert exchange.truth.orders() == ()


@pytest.mark.parametrize(
    ("in_force", "quantity", "status", "executed"),
    [
        ("IOC", "1", "EXPIRED", "0.3"),
        ("IOC", "0.3", "FILLED", "0.3"),
        ("GTC", "1", "PARTIALLY_FILLED", "0.3"),
    ],
)
def test_time_in_force_decides_about_the_remainder(
    in_force: str, quantity: str, status: str, executed: str
) -> None:
    exchange = exchange_with()
    exchange.set_book(BTC, asks=[("60010", "0.3")])

    order = send(exchange, "BUY", quantity, price=60010, time_in_force=TimeInForce(in_force))

    assert (order.status, order.executed) == (status, D(executed))


@pytest.mark.parametrize(("in_force", "code"), [("FOK", -5021), ("GTX", -5022)])
def test_all_or_nothing_and_post_only_are_refused_and_leave_no_trace(
    in_force: str, code: int
) -> None:
    exchange = exchange_with()
    exchange.set_book(BTC, asks=[("60010", "0.3")])

    assert refused(exchange, "BUY", "1", price=60010, time_in_force=TimeInForce(in_force)) == code
    assert exchange.truth.orders() == ()


def test_a_resting_order_is_filled_when_the_price_comes_to_it() -> None:
    exchange = exchange_with()
    order = send(exchange, "BUY", "1", price=59000)

    exchange.set_mark(BTC, "58900")

    assert (order.status, order.average_price) == (Status.FILLED, D(59000))


@pytest.mark.parametrize(
    ("mode", "taker", "maker"),
    [
        (SelfTrade.EXPIRE_MAKER, Status.FILLED, Status.EXPIRED_IN_MATCH),
        (SelfTrade.EXPIRE_TAKER, Status.EXPIRED_IN_MATCH, Status.NEW),
        (SelfTrade.EXPIRE_BOTH, Status.EXPIRED_IN_MATCH, Status.EXPIRED_IN_MATCH),
        (SelfTrade.NONE, Status.FILLED, Status.NEW),
    ],
)
def test_an_order_does_not_trade_with_its_own_account(
    mode: SelfTrade, taker: Status, maker: Status
) -> None:
    exchange = exchange_with()
    resting = send(exchange, "SELL", "1", price=61000)
    exchange.set_book(BTC, asks=[("60010", "0.3"), ("61500", "9")])

    order = send(exchange, "BUY", "0.5", self_trade=mode)

    assert (order.status, resting.status) == (taker, maker)


@pytest.mark.parametrize("mode", SelfTrade)
def test_an_order_of_the_same_account_that_is_never_reached_stays(mode: SelfTrade) -> None:
    exchange = exchange_with()
    resting = send(exchange, "SELL", "1", price=61000)
    exchange.set_book(BTC, asks=[("60010", "0.3"), ("61000", "9")])

    order = send(exchange, "BUY", "0.5", self_trade=mode)

    assert (order.status, resting.status) == (Status.FILLED, Status.NEW)


# --- reduce-only, one-way -----------------------------------------------------------------------


def test_a_reduce_only_order_without_a_position_is_refused() -> None:
    exchange = exchange_with()

    assert refused(exchange, "SELL", "1", reduce_only=True) == -2022


def test_a_reduce_only_order_on_the_growing_side_is_refused() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")

    assert refused(exchange, "BUY", "1", reduce_only=True) == -2022


@pytest.mark.parametrize("price", [None, 61000], ids=["market", "limit"])
def test_a_reduce_only_order_that_is_too_large_is_cut_to_the_position(price: int | None) -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")

    assert send(exchange, "SELL", "3", reduce_only=True, price=price).quantity == D(1)


def test_a_market_close_that_is_too_large_is_refused_where_the_knob_says_so() -> None:
    exchange = exchange_with(oversize_market_close=Oversize.REFUSE)
    exchange.open_position(BTC, "1")

    assert refused(exchange, "SELL", "3", reduce_only=True) == -2022


def test_an_order_without_the_flag_turns_the_position_and_the_ledger_says_so() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")

    send(exchange, "SELL", "3", client_order_id="bad")

    assert exchange.truth.amounts() == {(BTC, "BOTH"): D(-2)}
    assert [fill.client_order_id for fill in exchange.truth.enlarging_fills(prefix="bad")] == [
        "bad"
    ]
    assert [order.client_order_id for order in exchange.truth.opening_orders(prefix="bad")] == [
        "bad"
    ]


def test_a_market_close_knocks_out_the_resting_order_that_claims_the_position() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    resting = send(exchange, "SELL", "1", price=61000, reduce_only=True)

    closed = send(exchange, "SELL", "1", reduce_only=True)

    assert (closed.status, resting.status) == (Status.FILLED, Status.EXPIRED)
    assert exchange.truth.is_flat()


@pytest.mark.parametrize(
    ("claimed", "code"), [(Claimed.REFUSE_4118, -4118), (Claimed.REFUSE_2022, -2022)]
)
def test_or_it_is_refused_until_that_order_is_gone(claimed: Claimed, code: int) -> None:
    exchange = exchange_with(claimed_position=claimed)
    exchange.open_position(BTC, "1")
    resting = send(exchange, "SELL", "1", price=61000, reduce_only=True)

    assert refused(exchange, "SELL", "1", reduce_only=True) == code
    settlement.end(exchange.world, exchange.world.accounts["main"], resting, Status.CANCELED)
    assert send(exchange, "SELL", "1", reduce_only=True).status is Status.FILLED


def test_a_second_resting_claim_on_the_same_position_is_refused() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    send(exchange, "SELL", "1", price=61000, reduce_only=True)

    assert refused(exchange, "SELL", "0.5", price=62000, reduce_only=True) == -2022


def test_a_resting_claim_goes_when_the_position_shrinks_below_it() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    resting = send(exchange, "SELL", "1", price=61000, reduce_only=True)

    send(exchange, "SELL", "1")

    assert resting.status is Status.EXPIRED


# --- hedge mode ---------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("hedge", "side", "flag", "code"),
    [
        (True, PositionSide.BOTH, None, -4061),
        (False, LONG, None, -4061),
        (True, LONG, True, -1106),
        (True, LONG, False, -1106),
    ],
)
def test_an_order_has_to_fit_the_position_mode(
    hedge: bool, side: PositionSide, flag: bool | None, code: int
) -> None:
    exchange = exchange_with(hedge=hedge)

    assert refused(exchange, "SELL", "1", position_side=side, reduce_only=flag) == code


def test_the_two_sides_of_a_symbol_are_two_positions() -> None:
    exchange = exchange_with(hedge=True)
    exchange.open_position(BTC, "2")
    exchange.open_position(BTC, "-1")

    send(exchange, "SELL", "2", position_side=LONG)

    assert exchange.truth.amounts() == {(BTC, "SHORT"): D(-1)}


@pytest.mark.parametrize("quantity", ["1.001", "5"])
def test_a_hedge_close_above_the_position_is_refused(quantity: str) -> None:
    exchange = exchange_with(hedge=True)
    exchange.open_position(BTC, "-1")

    assert refused(exchange, "BUY", quantity, position_side=SHORT) == -2022


def test_a_hedge_close_counts_as_reducing_without_the_flag() -> None:
    exchange = exchange_with(hedge=True)
    exchange.open_position(BTC, "-1")

    order = send(exchange, "BUY", "1", position_side=SHORT, client_order_id="mine")

    assert order.reduce_only
    assert exchange.truth.opening_orders(prefix="mine") == ()


# --- sizes, money, state ------------------------------------------------------------------------


def test_a_position_below_the_minimum_notional_can_be_closed_and_not_opened() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "0.001")

    assert refused(exchange, "SELL", "0.001") == -4164
    assert send(exchange, "SELL", "0.001", reduce_only=True).status is Status.FILLED


@pytest.mark.parametrize(("needed", "code"), [(False, None), (True, -4164)])
def test_whether_a_hedge_close_needs_the_minimum_notional_is_a_knob(
    needed: bool, code: int | None
) -> None:
    exchange = exchange_with(hedge=True, hedge_close_needs_min_notional=needed)
    exchange.open_position(BTC, "0.001")

    if code is None:
        assert send(exchange, "SELL", "0.001", position_side=LONG).status is Status.FILLED
    else:
        assert refused(exchange, "SELL", "0.001", position_side=LONG) == code


def test_what_the_wallet_cannot_carry_is_refused_and_a_close_never_needs_margin() -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1000")

    assert refused(exchange, "BUY", "100") == -2019
    assert send(exchange, "SELL", "100", reduce_only=True).status is Status.FILLED


@pytest.mark.parametrize(
    ("status", "opening", "closing"),
    [
        ("TRADING_HALT", -1122, -1122),
        ("PRE_SETTLE", -4140, None),
        ("SETTLING", -4141, -4141),
        ("CLOSE", -4141, -4141),
        ("SOMETHING_NEW", -1122, -1122),
    ],
)
def test_a_halted_instrument_says_no_in_its_own_way(
    status: str, opening: int, closing: int | None
) -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    exchange.set_status(BTC, status)

    assert refused(exchange, "BUY", "1") == opening
    if closing is None:
        assert send(exchange, "SELL", "1", reduce_only=True).status is Status.FILLED
    else:
        assert refused(exchange, "SELL", "1", reduce_only=True) == closing


@pytest.mark.parametrize(("code", "lets_closes"), [(-4087, True), (-4400, True), (-4192, False)])
def test_a_locked_account_may_close_where_its_lock_says_so(code: int, lets_closes: bool) -> None:
    exchange = exchange_with()
    exchange.open_position(BTC, "1")
    exchange.lock_account(code)

    assert refused(exchange, "BUY", "1") == code
    if lets_closes:
        assert send(exchange, "SELL", "1", reduce_only=True).status is Status.FILLED
    else:
        assert refused(exchange, "SELL", "1", reduce_only=True) == code


def test_a_client_order_id_is_unique_among_open_orders_only() -> None:
    exchange = exchange_with()
    send(exchange, "BUY", "1", client_order_id="a")
    send(exchange, "BUY", "1", client_order_id="a")
    send(exchange, "BUY", "1", client_order_id="a", price=59000)

    assert refused(exchange, "BUY", "1", client_order_id="a") == -4116


# --- properties ---------------------------------------------------------------------------------

orders = st.lists(
    st.tuples(
        st.sampled_from(["BUY", "SELL"]),
        st.integers(1, 3000).map(lambda n: str(D(n) / 1000)),
        st.sampled_from([None, 58000, 59000, 60000, 61000, 62000]),
        st.booleans(),
    ),
    max_size=25,
)


@settings(max_examples=60, deadline=None)
@given(orders, st.sampled_from(Claimed), st.sampled_from(["58500", "60000", "61500"]))
def test_reduce_only_never_enlarges_and_never_turns(
    sent: list, claimed: Claimed, mark: str
) -> None:
    exchange = exchange_with(claimed_position=claimed)
    for side, quantity, price, reduce_only in sent:
        name = "reducing" if reduce_only else "plain"
        try:
            send(exchange, side, quantity, price=price, reduce_only=reduce_only,
                 client_order_id=f"{name}-{len(exchange.truth.orders())}")  # fmt: skip
        except Refused:
            continue
    exchange.set_mark(BTC, mark)

    assert exchange.truth.enlarging_fills(prefix="reducing") == ()
    account = exchange.world.accounts["main"]
    for row in account.rows.values():
        for side in Side:
            claims = sum(o.remaining for o in account.closing_orders(row, side))
            assert claims <= row.reducible(side)


@settings(max_examples=60, deadline=None)
@given(orders)
def test_the_positions_are_the_sum_of_the_fills(sent: list) -> None:
    exchange = exchange_with()
    for side, quantity, price, reduce_only in sent:
        try:
            send(exchange, side, quantity, price=price, reduce_only=reduce_only)
        except Refused:
            continue
    total = sum(fill.side.sign * fill.quantity for fill in exchange.truth.fills())

    assert exchange.truth.amounts().get((BTC, "BOTH"), D(0)) == total
    margin = exchange.world.accounts["main"].margin_used.get("USDT", D(0))
    row = exchange.world.accounts["main"].row(BTC, PositionSide.BOTH)
    assert abs(margin - exchange.world.accounts["main"].margin_of(row)) < D("0.000001")
