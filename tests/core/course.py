"""A whole run, taken event by event at instants that the test says. No loop, no venue."""

from collections.abc import Iterable

from goflat.core.decision import Decision, Note
from goflat.core.events import (
    BookCancelled,
    CloseAnswered,
    ConditionalCancelled,
    ConditionalOrdersRead,
    Event,
    Failed,
    PositionsRead,
    RulesRead,
    Started,
    Woke,
    WorkingOrdersRead,
)
from goflat.core.liquidation import advance, begin
from goflat.core.manner import ORDINARY, Manner
from goflat.core.run import Liquidation
from goflat.core.steps import Close, Protect, ReadOrders, Request, Step
from goflat.core.verdict import judge
from goflat.domain.capabilities import Capabilities
from goflat.domain.config import LiquidationConfig
from goflat.domain.instrument import InstrumentRules
from goflat.domain.listing import Listing, Unreadable
from goflat.domain.order import (
    Book,
    CloseOrder,
    ConditionalOrder,
    OrderReport,
    OrderStatus,
    ProtectiveStop,
    WorkingOrder,
)
from goflat.domain.outcome import LiquidationResult
from goflat.domain.position import Position
from goflat.domain.scope import Everything, Scope
from goflat.domain.time import Instant
from goflat.errors import Unanswered, VenueError


class Course:
    """One run, begun at 0 with 5 seconds, and every request and remark of it."""

    def __init__(
        self,
        *,
        scope: Scope | None = None,
        config: LiquidationConfig | None = None,
        capabilities: Capabilities | None = None,
        manner: Manner = ORDINARY,
    ) -> None:
        self.run: Liquidation = begin(
            correlation_id="liq_20260101_tag",
            scope=Everything() if scope is None else scope,
            config=LiquidationConfig() if config is None else config,
            capabilities=Capabilities() if capabilities is None else capabilities,
            now=Instant(0.0),
            manner=manner,
        )
        self.last: Decision[Liquidation] | None = None
        self.requests: list[Request] = []
        self.notes: list[Note] = []

    def tell(self, event: Event, now: float) -> list[Step]:
        """Take one event; the steps that it asks for."""
        self.last = advance(self.run, event, Instant(now))
        self.run = self.last.now_is
        self.requests.extend(self.last.requests)
        self.notes.extend(remark.note for remark in self.last.remarks)
        return [request.step for request in self.last.requests]

    def start(self) -> list[Step]:
        return self.tell(Started(), 0.0)

    def woke(self, now: float) -> list[Step]:
        return self.tell(Woke(), now)

    def rules(self, *rules: InstrumentRules, now: float = 0.01) -> list[Step]:
        return self.tell(RulesRead({rule.symbol: rule for rule in rules}, None), now)

    def positions(
        self, *rows: Position, began: float = 0.0, now: float | None = None, holes: Iterable = ()
    ) -> list[Step]:
        listing = Listing(rows=rows, unreadable=tuple(holes))
        return self.tell(PositionsRead(listing, Instant(began)), later(began, now))

    def working(
        self,
        *rows: WorkingOrder,
        began: float = 0.0,
        now: float | None = None,
        holes: Iterable[Unreadable] = (),
    ) -> list[Step]:
        listing = Listing(rows=rows, unreadable=tuple(holes))
        return self.tell(WorkingOrdersRead(listing, Instant(began)), later(began, now))

    def conditional(
        self,
        *rows: ConditionalOrder,
        began: float = 0.0,
        now: float | None = None,
        holes: Iterable[Unreadable] = (),
    ) -> list[Step]:
        listing = Listing(rows=rows, unreadable=tuple(holes))
        return self.tell(ConditionalOrdersRead(listing, Instant(began)), later(began, now))

    def look(
        self,
        *rows: Position | WorkingOrder | ConditionalOrder,
        began: float = 0.0,
        now: float | None = None,
    ) -> list[Step]:
        """All three lists, begun at the same instant; the steps that they ask for."""
        of = {kind: [row for row in rows if isinstance(row, kind)] for kind in KINDS}
        return [
            *self.working(*of[WorkingOrder], began=began, now=now),
            *self.conditional(*of[ConditionalOrder], began=began, now=now),
            *self.positions(*of[Position], began=began, now=now),
        ]

    def cancelled(self, symbol: str, book: Book, now: float) -> list[Step]:
        return self.tell(BookCancelled(symbol, book, None), now)

    def conditional_cancelled(self, order: ConditionalOrder, now: float) -> list[Step]:
        return self.tell(ConditionalCancelled(order), now)

    def filled(self, order: CloseOrder, now: float) -> list[Step]:
        report = OrderReport(status=OrderStatus.FILLED, executed=order.quantity)
        return self.tell(CloseAnswered(order, report), now)

    def failed_list(self, book: Book, now: float) -> list[Step]:
        return self.failed(ReadOrders(book), Unanswered("no answer in time"), now)

    def failed(self, step: Step, failure: VenueError, now: float) -> list[Step]:
        return self.tell(Failed(step, failure), now)

    def verdict(self, now: float) -> LiquidationResult:
        return judge(self.run, Instant(now))

    @property
    def wakes_at(self) -> float:
        assert self.last is not None
        return self.last.wake_at


KINDS: tuple[type, ...] = (WorkingOrder, ConditionalOrder, Position)


def later(began: float, now: float | None) -> float:
    return began + 0.02 if now is None else now


def closes(steps: Iterable[Step]) -> list[CloseOrder]:
    """The closes among some steps."""
    return [step.order for step in steps if isinstance(step, Close)]


def stops(steps: Iterable[Step]) -> list[ProtectiveStop]:
    """The stops among some steps that go back."""
    return [step.stop for step in steps if isinstance(step, Protect)]
