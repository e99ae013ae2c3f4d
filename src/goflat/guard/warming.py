"""A whole run over an account on paper, before anything is armed: so that the first real one finds
everything imported and made that it will need."""

from dataclasses import replace
from decimal import Decimal

from goflat.core.guarding.effects import StartRun
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.domain.order import ConditionalOrder, WorkingOrder
from goflat.domain.position import OrderSide, Position, PositionSide
from goflat.domain.scope import Everything
from goflat.domain.time import LONG_AGO
from goflat.guard.liquidator import Liquidator, RunTerms
from goflat.testing.paper import PaperVenue, rules_for

_SYMBOL = "PAPERUSDT"


async def warm_up(terms: RunTerms) -> None:
    """Flatten an account on paper: one position, one order in each book. Takes milliseconds."""
    one = Decimal(1)
    held = Position(symbol=_SYMBOL, side=PositionSide.LONG, quantity=one, mark_price=Decimal(100))
    working = WorkingOrder(
        symbol=_SYMBOL,
        order_id="1",
        client_order_id="1",
        side=OrderSide.BUY,
        quantity=one,
        executed=Decimal(0),
    )
    stop = ConditionalOrder(
        symbol=_SYMBOL,
        order_id="2",
        client_order_id="2",
        side=OrderSide.SELL,
        type="STOP_MARKET",
        quantity=None,
        trigger_price=Decimal(90),
        close_position=True,
    )
    paper = PaperVenue(
        positions={held.key: held},
        working=[working],
        conditional=[stop],
        rules={_SYMBOL: rules_for(_SYMBOL)},
        latency=0.0,
    )
    own = replace(terms, scope=Everything(), quiet_seconds=0.0)
    liquidator = Liquidator(paper, own, None, progress=_ignored, foreign=_ignored)
    order = StartRun(run_id="warm_up", measures=MEASURES[Severity.FLATTEN], reason="warming up")
    await liquidator.run(order, LONG_AGO)


def _ignored(_what: object) -> None:
    """On paper there is nobody to tell."""
