"""People at the guard: trip, reset, bypass, acknowledge, status; and runs that hand over.

One question a connection, one line each way. A trip needs one decision of one person of our own
user, and is never refused; a reset and a bypass need a reason and, by configuration, a second
factor. Whoever is slow waits alone.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Mapping
from decimal import Decimal, InvalidOperation
from types import MappingProxyType
from typing import Protocol

from goflat.core.guarding.events import (
    Acknowledged,
    BypassAsked,
    GuardEvent,
    HandedOver,
    ResetAsked,
    TripAsked,
)
from goflat.core.guarding.people import BYPASS_SECONDS
from goflat.core.guarding.remnant import Remnant
from goflat.core.guarding.second_factor import SecondFactor
from goflat.core.guarding.severity import Severity
from goflat.domain.position import LegKey, PositionSide
from goflat.guard.inbox import Answer
from goflat.guard.wire import BadMessage, Message, Peer, as_line, read_message, text_of

ASK_SECONDS = 5.0
ANSWER_SECONDS = 15.0
LEGS_MAX = 500


class Charge(Protocol):
    """One account, as far as people are concerned."""

    def ask(self, event: GuardEvent) -> Awaitable[Answer]: ...

    async def is_proven_flat(self) -> bool:
        """Whether the venue shows it flat now, twice."""
        ...

    def status(self) -> Message:
        """Armed or not, and why, for people and for --json."""
        ...


class ControlDoor:
    """Answers people about every account of the guard."""

    def __init__(self, charges: Mapping[str, Charge], second_factor: SecondFactor | None) -> None:
        self.charges = charges
        self._second_factor = second_factor

    async def talk(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, peer: Peer
    ) -> None:
        """One question and its answer."""
        async with asyncio.timeout(ASK_SECONDS):
            line = await reader.readuntil()
        try:
            async with asyncio.timeout(ANSWER_SECONDS):
                answer = await self._answered(read_message(line), f"uid {peer.uid}")
        except BadMessage as error:
            answer = {"ok": False, "text": str(error)}
        writer.write(as_line(answer))
        async with asyncio.timeout(ASK_SECONDS):
            await writer.drain()

    async def _answered(self, asked: Message, by: str) -> Message:
        what = text_of(asked, "do")
        if what == "status":
            return {"ok": True, "accounts": {n: c.status() for n, c in self.charges.items()}}
        if what not in _DEEDS:
            raise BadMessage(f"do is status or one of {', '.join(_DEEDS)}")
        if what in _SECOND_FACTOR_DEEDS:
            self._check_second_factor(asked)
        chosen = self._chosen(asked)
        events = {name: await _DEEDS[what](charge, asked, by) for name, charge in chosen.items()}
        answers = await asyncio.gather(*(chosen[name].ask(event) for name, event in events.items()))
        told = {name: _as_message(it) for name, it in zip(events, answers, strict=True)}
        return {"ok": all(answer.ok for answer in answers), "accounts": told}

    def _chosen(self, asked: Message) -> Mapping[str, Charge]:
        """Which accounts are meant. Saying nothing never means everything, but where there is one.

        A trip may say `"account": "*"`.
        """
        name = text_of(asked, "account", "")
        if name == "*" or (not name and len(self.charges) == 1):
            return dict(self.charges)
        if name not in self.charges:
            raise BadMessage(f"account is one of {', '.join(self.charges)}")
        return {name: self.charges[name]}

    def _check_second_factor(self, asked: Message) -> None:
        if self._second_factor is None:
            return
        if not self._second_factor.takes(text_of(asked, "code", ""), time.time()):
            raise BadMessage("this needs the code of the second factor, and that was none")


Deed = Callable[[Charge, Message, str], Awaitable[GuardEvent]]


async def _trip(charge: Charge, asked: Message, by: str) -> GuardEvent:  # noqa: ARG001
    try:
        severity = Severity(text_of(asked, "severity", "flatten"))
    except ValueError:
        raise BadMessage("severity is halt, cancel, reduce or flatten") from None
    reason = text_of(asked, "reason", "") or "somebody pulled the switch"
    return TripAsked(by=text_of(asked, "by", by), reason=reason, severity=severity)


async def _reset(charge: Charge, asked: Message, by: str) -> GuardEvent:
    force = asked.get("force") is True
    return ResetAsked(
        by=text_of(asked, "by", by),
        reason=text_of(asked, "reason", ""),
        is_proven_flat=not force and await charge.is_proven_flat(),
        force=force,
    )


async def _bypass(charge: Charge, asked: Message, by: str) -> GuardEvent:  # noqa: ARG001
    seconds = asked.get("seconds", BYPASS_SECONDS)
    if isinstance(seconds, bool) or not isinstance(seconds, int | float):
        raise BadMessage("seconds is a number")
    reason = text_of(asked, "reason", "")
    return BypassAsked(by=text_of(asked, "by", by), reason=reason, seconds=float(seconds))


async def _acknowledge(charge: Charge, asked: Message, by: str) -> GuardEvent:  # noqa: ARG001
    return Acknowledged(by=text_of(asked, "by", by))


async def _handover(charge: Charge, asked: Message, by: str) -> GuardEvent:  # noqa: ARG001
    rows = asked.get("legs")
    if not isinstance(rows, list) or not 0 < len(rows) <= LEGS_MAX:
        raise BadMessage(f"legs is a list of 1 to {LEGS_MAX}")
    legs = dict(map(_leg, rows))
    return HandedOver(
        run_id=text_of(asked, "run_id"),
        remnant=Remnant.of(legs),
        reason=text_of(asked, "reason", "") or "a run inside of the bot left something",
    )


def _leg(row: object) -> tuple[LegKey, Decimal | None]:
    match row:
        case [str(symbol), str(side), str(quantity)] if side in PositionSide.__members__:
            try:
                most = Decimal(quantity)
            except InvalidOperation:
                raise BadMessage("a quantity is a text of digits") from None
            if most.is_finite() and most > 0:
                return LegKey(symbol, PositionSide[side]), most
    raise BadMessage("a leg is a symbol, LONG or SHORT, and a quantity above zero as text")


_DEEDS: Mapping[str, Deed] = MappingProxyType(
    {
        "trip": _trip,
        "reset": _reset,
        "bypass": _bypass,
        "acknowledge": _acknowledge,
        "handover": _handover,
    }
)
_SECOND_FACTOR_DEEDS = frozenset({"reset", "bypass"})


def _as_message(answer: Answer) -> Message:
    return {
        "ok": answer.ok,
        "text": answer.text,
        "run_id": answer.run_id,
        "durable": answer.durable,
    }
