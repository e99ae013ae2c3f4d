"""What has to be so in the venue's own books: each a question to them, asked by one scenario."""

from decimal import Decimal
from itertools import pairwise

from goflat.domain.instrument import Symbol
from goflat.drill.ground import CallSeen, OrderSeen
from goflat.drill.scenario import Check, Played, Tick

ORDER_PATH = "/fapi/v1/order"


def closed_with_the_right_side(played: Played) -> Tick:
    """A long position is closed by a sale, a short one by a purchase."""
    closes = closes_of(played)
    sent = {(order.symbol, order.side) for order in closes if order.executed > 0}
    gone = set(played.before.positions) - set(played.after.positions)
    return Tick(
        text="Long positions were closed by selling, short ones by buying",
        holds=bool(gone) and all((key.symbol, key.side.closes_with.value) in sent for key in gone),
        evidence=", ".join(f"{o.symbol} {o.side} {o.executed:f}" for o in closes) or "no order",
    )


def orders_went_before_closes(played: Played) -> Tick:
    """In each instrument the orders that could open were gone before the first close set out."""
    late = []
    seen = []
    for symbol in {key.symbol for key in played.before.positions}:
        closes = [o.created_ms for o in closes_of(played) if o.symbol == symbol]
        ends = [
            o.updated_ms
            for o in played.after.orders
            if o.symbol == symbol
            and not o.is_ours
            and not o.can_only_reduce
            and o.status == "CANCELED"
        ]
        if closes and ends:
            seen.append(f"{symbol} {min(closes) - max(ends)} ms")
            late += [symbol] if max(ends) > min(closes) else []
    return Tick(
        text="Orders that could open were cancelled before the close was sent",
        holds=bool(seen) and not late,
        evidence="close after the last cancel: " + (", ".join(seen) or "nothing to compare"),
    )


def stops_stayed_until_closed(played: Played) -> Tick:
    """A protective stop went only after its position had."""
    early = []
    kept = 0
    for stop in played.after.orders:
        if not (stop.is_conditional and stop.can_only_reduce and not stop.is_ours):
            continue
        filled = [o.updated_ms for o in closes_of(played) if o.symbol == stop.symbol]
        kept += 1
        if stop.status == "CANCELED" and (not filled or stop.updated_ms < max(filled)):
            early.append(stop.symbol)
    return Tick(
        text="Every protective stop stood until its position was closed",
        holds=kept > 0 and not early,
        evidence=", ".join(early) or f"{kept} stop(s), none cancelled before the close had filled",
    )


def untouched(played: Played) -> Tick:
    """Nothing changed at all."""
    same = (
        played.before.positions == played.after.positions
        and played.before.working == played.after.working
        and played.before.conditional == played.after.conditional
    )
    return Tick(
        text="Positions and orders are exactly what they were",
        holds=same,
        evidence=str(played.after),
    )


def not_one_call(played: Played) -> Tick:
    """The venue heard nothing of goflat."""
    if played.before.calls is None or played.after.calls is None:
        ours = played.after.ours
        return Tick(
            text="goflat ordered nothing", holds=not ours, evidence=f"{len(ours)} order(s) of ours"
        )
    calls = len(played.after.calls) - len(played.before.calls)
    return Tick(
        text="Not one request reached the venue", holds=calls == 0, evidence=f"{calls} request(s)"
    )


def others_are_flat(played: Played) -> Tick:
    """One failure blocks no other instrument."""
    gone = set(played.before.positions) - set(played.after.positions)
    return Tick(
        text="The failure of one instrument blocked no other",
        holds=bool(gone),
        evidence="flat: " + ", ".join(map(str, sorted(gone))),
    )


def one_order_a_position(played: Played) -> Tick:
    """Nothing was sent twice."""
    closes = closes_of(played)
    symbols = [order.symbol for order in closes]
    twice = {symbol for symbol in symbols if symbols.count(symbol) > 1}
    return Tick(
        text="Exactly one close order a position is in the venue's ledger",
        holds=len(closes) == len(played.before.positions) and not twice,
        evidence=f"{len(closes)} order(s) for {len(played.before.positions)} position(s)",
    )


def attempts(symbol: Symbol, number: int) -> Check:
    """How often a close of this instrument was sent."""

    def check(played: Played) -> Tick:
        times = _sent_at(played, symbol)
        return Tick(
            text=f"{symbol}: {number} attempt(s), no more and no fewer",
            holds=len(times) == number,
            evidence=f"{len(times)} request(s) at the venue",
        )

    return check


def waits_grew(symbol: Symbol, base_seconds: float) -> Check:
    """Between the attempts of an instrument lies the delay, and then twice the delay."""

    def check(played: Played) -> Tick:
        times = _sent_at(played, symbol)
        gaps = [(later - sooner) / 1000 for sooner, later in pairwise(times)]
        wanted = [base_seconds * 2**n for n in range(len(gaps))]
        return Tick(
            text="The wait between attempts doubles (exponential backoff)",
            holds=len(gaps) > 1 and all(g >= w * 0.95 for g, w in zip(gaps, wanted, strict=True)),
            evidence="waited " + ", ".join(f"{gap * 1000:.0f} ms" for gap in gaps),
        )

    return check


def position_grew_meanwhile(played: Played) -> Tick:
    """A resting order of the bot was filled while it was being cancelled."""
    filled = [
        o for o in played.after.orders if not o.is_ours and o.type == "LIMIT" and o.executed > 0
    ]
    return Tick(
        text="An order of the bot filled during the run, and what it opened was closed, too",
        holds=bool(filled) and played.after.is_bare,
        evidence=", ".join(f"{o.symbol} {o.side} {o.executed:f} filled" for o in filled) or "none",
    )


def closed_by_a_limit_at_once(played: Played) -> Tick:
    """The second attempt is a limit order at the band, and stays reduce-only."""
    limits = [o for o in closes_of(played) if o.type == "LIMIT"]
    return Tick(
        text="After the refusal a limit order at the band closed it, still reduce-only",
        holds=bool(limits) and all(o.can_only_reduce and o.executed > 0 for o in limits),
        evidence=", ".join(f"{o.symbol} {o.side} {o.executed:f} {o.status}" for o in limits),
    )


def split_within(most: Decimal) -> Check:
    """No order was larger than the venue takes at the market, and together they are the whole."""

    def check(played: Played) -> Tick:
        sizes = [order.quantity for order in closes_of(played)]
        whole = sum(played.before.positions.values(), Decimal(0))
        return Tick(
            text=f"It was split into orders of at most {most:f}, which together are all of it",
            holds=len(sizes) > 1 and max(sizes) <= most and sum(sizes, Decimal(0)) == whole,
            evidence=" + ".join(f"{size:f}" for size in sizes) + f" of {whole:f}",
        )

    return check


def both_sides_of(symbol: Symbol) -> Check:
    """A hedge pair is two positions, each closed by its own order."""

    def check(played: Played) -> Tick:
        pairs = {(o.position_side, o.side) for o in closes_of(played) if o.symbol == symbol}
        return Tick(
            text=f"{symbol}: LONG was sold and SHORT was bought, by position side",
            holds={("LONG", "SELL"), ("SHORT", "BUY")} <= pairs,
            evidence=", ".join(f"{position} {side}" for position, side in sorted(pairs)),
        )

    return check


# --- what is in the books -----------------------------------------------------------------------


def closes_of(played: Played) -> list[OrderSeen]:
    """Orders of goflat's that are no stops."""
    return [order for order in played.after.ours if not order.is_conditional]


def _could_open(order: OrderSeen) -> bool:
    """Whether it is the bot's, and of the kind that must not survive."""
    return not (order.is_ours or order.can_only_reduce)


def acts_of(played: Played) -> list[CallSeen]:
    """Requests that change something, since everything was open."""
    calls, before = played.after.calls or (), played.before.calls or ()
    return [call for call in calls[len(before) :] if call.method in {"POST", "DELETE"}]


def _sent_at(played: Played, symbol: Symbol) -> list[int]:
    return [
        call.at_ms
        for call in acts_of(played)
        if call.path == ORDER_PATH and call.params.get("symbol") == symbol
    ]
