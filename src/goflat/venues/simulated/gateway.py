"""The way of a request through the venue: counted, recognised, bent by faults, answered.

No sockets and no waiting: `receive` says what is going to happen, `execute` does it and returns
the answer with the delay that the caller has to let pass.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import replace
from typing import TYPE_CHECKING

import msgspec

from goflat.domain.capabilities import Limits
from goflat.venues.simulated.call import Call, Endpoint
from goflat.venues.simulated.credentials import WINDOW_MS
from goflat.venues.simulated.doorkeeper import Doorkeeper
from goflat.venues.simulated.faults import FaultScript, Plan, Raw, Say, Where
from goflat.venues.simulated.limits import Meter
from goflat.venues.simulated.listen_keys import ListenKeys
from goflat.venues.simulated.overload import is_throttled
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.rest.table import all_endpoints
from goflat.venues.simulated.spoiling import spoil
from goflat.venues.simulated.traffic import Answer, Incoming, Received, Request
from goflat.venues.simulated.world import World

if TYPE_CHECKING:
    from goflat.venues.simulated.exchange import Happening

__all__ = ["Answer", "Gateway", "Incoming", "Received", "Request"]

REQUESTS_REMEMBERED = 200_000
NOT_FOUND = Raw(status=404, body=b"<html><body><h1>404 Not Found</h1></body></html>")


class NoSuchPath(Exception):
    """Nobody answers this path."""


class Gateway:
    """One venue's front door, without the sockets."""

    def __init__(self, world: World, *, limits: Limits, faults: FaultScript) -> None:
        knobs = world.knobs
        self.world = world
        self.faults = faults
        self.meter = Meter(
            limits,
            ban_after=knobs.ban_after_refusals,
            first_ban_seconds=knobs.first_ban_seconds,
        )
        self.listen_keys = ListenKeys(valid_minutes=knobs.listen_key_minutes)
        self._doorkeeper = Doorkeeper()
        self.credentials = self._doorkeeper.credentials
        self.requests: deque[Received] = deque(maxlen=REQUESTS_REMEMBERED)
        self._endpoints = all_endpoints()
        self.perform: Callable[[Happening, float], None] = lambda _happening, _delay: None

    def receive(self, request: Request) -> Incoming:
        """Note a request and plan what happens to it."""
        world = self.world
        now = world.clock()
        world.agenda.run(now)
        params = request.params or _read(request)
        account = self._doorkeeper.account_of(request)
        values = params.values
        where = Where(seconds=(now - world.started_ms) / 1000, account=account, via=request.via)
        plan = self.faults.plan(request.method, request.path, values, where)
        record = Received(
            at_ms=now,
            via=request.via,
            method=request.method,
            path=request.path,
            params={name: text for name, text in values.items() if name != "signature"},
            account=account,
        )
        self.requests.append(record)
        for then in plan.happenings:
            self.perform(then.happening, then.delay_seconds)
        endpoint = self._endpoints.get((request.method, request.path))
        return Incoming(request=request, params=params, endpoint=endpoint, plan=plan, record=record)

    def execute(self, incoming: Incoming) -> Answer:
        """Do what was asked, as far as the plan lets it, and say what goes back."""
        world, plan, record = self.world, incoming.plan, incoming.record
        now = world.clock()
        world.agenda.run(now)
        headers: dict[str, str] = {}
        try:
            plan = self._spare(incoming)
            result = self._act(incoming, plan, now, headers)
            status, body = 200, self._encode(result, plan)
        except NoSuchPath:
            plan = replace(plan, raw=NOT_FOUND)
            status, body = NOT_FOUND.status, b""
        except Refused as refused:
            status, body = refused.status, msgspec.json.encode(refused.body())
            record.code = refused.code
            if refused.retry_after_seconds is not None:
                headers["Retry-After"] = str(refused.retry_after_seconds)
        answer = Answer(
            status=status,
            body=body,
            headers=headers,
            delivery=plan.delivery,
            after_seconds=plan.answer_after_seconds,
            dribble=plan.dribble,
        )
        answer = _replaced(answer, plan)
        record.status = answer.status
        return answer

    def _act(self, incoming: Incoming, plan: Plan, now: int, headers: dict[str, str]) -> object:
        """Count, recognise, and let the handler work, now or later."""
        request, endpoint = incoming.request, incoming.endpoint
        if endpoint is None:
            raise NoSuchPath
        weight = endpoint.weight_of(incoming.params)
        used = self.meter.charge(request.source, weight, now)
        headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        if not plan.executed:
            return {}
        credential = self._doorkeeper.recognise(
            request, incoming.params, endpoint, incoming.record.at_ms + plan.skew_ms
        )
        if endpoint.orders is not None and credential is not None:
            ten, minute = self.meter.charge_orders(credential.account, endpoint.orders, now)
            headers["X-MBX-ORDER-COUNT-10S"] = str(ten)
            headers["X-MBX-ORDER-COUNT-1M"] = str(minute)
        call = Call(
            world=self.world,
            params=incoming.params,
            plan=plan,
            now_ms=now,
            source=request.source,
            via=request.via,
            meter=self.meter,
            listen_keys=self.listen_keys,
            credential=credential,
        )
        if plan.detached_seconds is not None:
            self._act_later(incoming, endpoint, call, plan.detached_seconds)
            return {}
        if plan.execute_after_seconds > 0:
            self._check_lateness(incoming, endpoint, now)
        result = endpoint.handler(call)
        incoming.record.executed = True
        return result

    def _act_later(
        self, incoming: Incoming, endpoint: Endpoint, call: Call, seconds: float
    ) -> None:
        """Let the handler work after the answer has gone."""

        def act() -> None:
            call.now_ms = self.world.clock()
            try:
                self._check_lateness(incoming, endpoint, call.now_ms)
                endpoint.handler(call)
            except Refused as refused:
                incoming.record.code = refused.code
                return
            incoming.record.executed = True

        self.world.later(seconds, act)

    def _check_lateness(self, incoming: Incoming, endpoint: Endpoint, now: int) -> None:
        """The matching engine's own look at the time window: an order may arrive there late."""
        if endpoint.orders is None or not self.world.knobs.late_orders_refused_after_recv_window:
            return
        timestamp = incoming.params.integer("timestamp")
        window = incoming.params.integer("recvWindow") or WINDOW_MS
        if timestamp is not None and now - timestamp > window:
            raise Refused(-5028)

    def _spare(self, incoming: Incoming) -> Plan:
        """Without the overload throttle, where this request is one that it spares."""
        plan, request = incoming.plan, incoming.request
        if plan.say is None or not plan.say.spares_reducing:
            return plan
        account = self.world.accounts.get(incoming.record.account or "")
        if is_throttled(self.world, account, request.method, request.path, incoming.params):
            return plan
        return replace(plan, say=None, executed=True)

    def _encode(self, result: object, plan: Plan) -> bytes:
        return msgspec.json.encode(result) if plan.spoil is None else spoil(result, plan.spoil)


def _read(request: Request) -> Params:
    try:
        return Params.read(request.query, request.body)
    except Refused:
        return Params({})


def _replaced(answer: Answer, plan: Plan) -> Answer:
    """The answer, or what a fault says in its place."""
    if plan.raw is not None:
        raw = plan.raw
        return replace(
            answer,
            status=raw.status,
            body=raw.body,
            content_type=raw.content_type,
            headers={**answer.headers, **raw.headers},
        )
    if plan.say is not None:
        return _said(answer, plan.say)
    return answer


def _said(answer: Answer, say: Say) -> Answer:
    refused = Refused(say.code, say.text, status=say.status)
    headers = dict(answer.headers)
    if say.retry_after_seconds is not None:
        headers["Retry-After"] = str(say.retry_after_seconds)
    body = msgspec.json.encode(refused.body())
    return replace(answer, status=refused.status, body=body, headers=headers)
