"""What a venue can and cannot do, and what it charges for it: a card, as data."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """What the venue allows. Weight is counted per address, orders per account."""

    weight_per_minute: int
    orders_per_ten_seconds: int
    orders_per_minute: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What the venue says has been used of its limits, by us and by others. None: not said."""

    weight_per_minute: int | None = None
    orders_per_ten_seconds: int | None = None
    orders_per_minute: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Costs:
    """Weight of each kind of request. An order counts one on both order limits besides."""

    read_positions: int = 0
    read_orders: int = 0
    read_rules: int = 0
    cancel: int = 0
    query: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Capabilities:
    """The card of one venue.

    `lists_positions_twice`: positions can be read at a second place as well.

    `answer_seconds` is how long an answer is waited for at first; after each silence it doubles.
    None where a second call while the first one runs would be unsafe: then until the deadline.
    """

    lists_working_orders: bool = True
    lists_conditional_orders: bool = True
    finds_orders_by_id: bool = True
    lists_positions_twice: bool = False
    answer_seconds: float | None = 1.0
    limits: Limits | None = None
    costs: Costs = Costs()
