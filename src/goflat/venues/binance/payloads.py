"""Binance's payloads in Binance's words, as far as we read them (fact sheet, sample payloads).

Every other field is ignored. Numbers are text here; `parse` decides what they mean.
"""

import msgspec

from goflat.domain.position import PositionMode

BOTH = "BOTH"
"""The position side of one-way mode."""


class PositionRow(msgspec.Struct, rename="camel", frozen=True):
    """A row of positionRisk, or the shorter one of account: both spell one profit differently."""

    symbol: str
    position_side: str
    position_amt: str
    entry_price: str | None = None
    mark_price: str | None = None
    liquidation_price: str | None = None
    un_realized_profit: str | None = None
    unrealized_profit: str | None = None
    update_time: int | str | None = None


class WorkingRow(msgspec.Struct, rename="camel", frozen=True):
    """An element of openOrders."""

    symbol: str
    order_id: int | str
    side: str
    orig_qty: str
    executed_qty: str
    client_order_id: str = ""
    position_side: str = BOTH
    reduce_only: bool | str = False
    type: str = ""
    price: str | None = None


class ConditionalRow(msgspec.Struct, rename="camel", frozen=True):
    """An element of openAlgoOrders."""

    symbol: str
    algo_id: int | str
    side: str
    order_type: str
    client_algo_id: str = ""
    position_side: str = BOTH
    quantity: str | None = None
    trigger_price: str | None = None
    price: str | None = None
    reduce_only: bool | str = False
    close_position: bool | str = False
    working_type: str | None = None
    time_in_force: str | None = None
    price_protect: bool | str = False
    activate_price: str | None = None
    callback_rate: str | None = None


class OrderRow(msgspec.Struct, rename="camel"):
    """The answer to a new order, or to a question about one."""

    order_id: int | str
    symbol: str | None = None
    client_order_id: str | None = None
    status: str = ""
    executed_qty: str | None = None
    update_time: int | str | None = None


class AlgoRow(msgspec.Struct, rename="camel"):
    """The answer to a new conditional order."""

    algo_id: int | str
    client_algo_id: str | None = None
    algo_status: str = ""


class Acknowledgement(msgspec.Struct):
    """The answer to a cancel: any object of the venue's, no page."""

    code: int | str | None = None


class Account(msgspec.Struct):
    """The answer about the account, of which only the positions matter."""

    positions: msgspec.Raw


class Balances(msgspec.Struct, rename="camel"):
    """The answer about the account, of which only the sums matter."""

    total_wallet_balance: str
    total_unrealized_profit: str
    total_margin_balance: str
    total_maint_margin: str


class TransferRow(msgspec.Struct, rename="camel"):
    """Something that was moved in (above zero) or out."""

    income: str
    tran_id: int | str


class ServerTime(msgspec.Struct, rename="camel"):
    """The venue's clock, in milliseconds."""

    server_time: int


class AccountConfig(msgspec.Struct, rename="camel", frozen=True):
    """What the venue says of the account: its position mode, and whether it may trade."""

    dual_side_position: bool
    can_trade: bool | None = None

    @property
    def mode(self) -> PositionMode:
        return PositionMode.HEDGE if self.dual_side_position else PositionMode.ONE_WAY


class KeyRights(msgspec.Struct, rename="camel", frozen=True):
    """What the venue says of the key itself. None: not said."""

    enable_futures: bool | None = None
    enable_withdrawals: bool | None = None
    ip_restrict: bool | None = None
