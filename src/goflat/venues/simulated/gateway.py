"""The way of a request through the venue: counted, recognised, bent by faults, answered.

No sockets and no waiting: `receive` says what is going to happen, `execute` does it and returns
the answer with the delay that the caller has to let pass.
"""

from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import TYPE_CHECKING

import msgspec

from goflat.domain.capabilities import Limits
from goflat.venues.simulated.admission import is_reducing
from goflat.venues.simulated.call import Call, Endpoint, Security
from goflat.venues.simulated.credentials import (
    Credential,
    check_window,
    rest_payload,
    socket_payload,
)
from goflat.venues.simulated.faults import Delivery, Dribble, FaultScript, Plan, Raw, Say, Where
from goflat.venues.simulated.limits import Meter
from goflat.venues.simulated.listen_keys import ListenKeys
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.rest.table import all_endpoints
from goflat.venues.simulated.spoiling import spoil
from goflat.venues.simulated.tickets import regular
from goflat.venues.simulated.world import World

if TYPE_CHECKING:
    from goflat.venues.simulated.exchange import Happening

REQUESTS_REMEMBERED = 200_000
JSON = "application/json"
OVERLOAD_PATHS = frozenset(
    {"/fapi/v1/order", "/fapi/v1/batchOrders", "/fapi/v1/order/test", "/fapi/v1/algoOrder"}
)


NOT_FOUND = Raw(status=404, body=b"<html><body><h1>404 Not Found</h1></body></html>")


class NoSuchPath(Exception):
    """Nobody answers this path."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Request:
    """A request as it came in. `signed_text` of the WebSocket API is made from its parameters."""

    method: str
    path: str
    query: str = ""
    body: str = ""
    api_key: str | None = None
    source: str = "127.0.0.1"
    via: str = "rest"
    params: Params | None = None
    session: Credential | None = None
    extra_weight: int = 0


@dataclass(slots=True, kw_only=True)
class Received:
    """What the venue remembers of a request, for tests that ask. Signatures are left out."""

    at_ms: int
    via: str
    method: str
    path: str
    params: Mapping[str, str]
    account: str | None
    status: int | None = None
    code: int | None = None
    executed: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What goes back, and how."""

    status: int
    body: bytes
    content_type: str = JSON
    headers: Mapping[str, str] = field(default_factory=dict)
    delivery: Delivery = Delivery.WHOLE
    after_seconds: float = 0.0
    dribble: Dribble | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Incoming:
    """A request that was received and planned, and not executed yet."""

    request: Request
    params: Params
    endpoint: Endpoint | None
    plan: Plan
    record: Received


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
        self.credentials: dict[str, Credential] = {}
        self.requests: deque[Received] = deque(maxlen=REQUESTS_REMEMBERED)
        self._endpoints = all_endpoints()
        self.perform: Callable[[Happening, float], None] = lambda _happening, _delay: None

    def receive(self, request: Request) -> Incoming:
        """Note a request and plan what happens to it."""
        world = self.world
        now = world.clock()
        world.agenda.run(now)
        params = request.params or _read(request)
        credential = request.session or self.credentials.get(request.api_key or "")
        account = None if credential is None else credential.account
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
        weight = endpoint.weight_of(incoming.params) + request.extra_weight
        used = self.meter.charge(request.source, weight, now)
        headers["X-MBX-USED-WEIGHT-1M"] = str(used)
        if not plan.executed:
            return {}
        credential = self._recognise(incoming, endpoint, now + plan.skew_ms)
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
        incoming.record.executed = True
        return endpoint.handler(call)

    def _act_later(
        self, incoming: Incoming, endpoint: Endpoint, call: Call, seconds: float
    ) -> None:
        """Let the handler work after the answer has gone, unless its time window is over then."""

        def act() -> None:
            call.now_ms = self.world.clock()
            timestamp = incoming.params.integer("timestamp")
            window = incoming.params.integer("recvWindow") or 5000
            late = timestamp is not None and call.now_ms - timestamp > window
            if late and self.world.knobs.late_orders_refused_after_recv_window:
                incoming.record.code = -5028
                return
            try:
                endpoint.handler(call)
            except Refused as refused:
                incoming.record.code = refused.code
                return
            incoming.record.executed = True

        self.world.later(seconds, act)

    def _recognise(
        self, incoming: Incoming, endpoint: Endpoint, server_ms: int
    ) -> Credential | None:
        """Whose request this is; refused where key, time window or signature is wrong."""
        request, params = incoming.request, incoming.params
        if endpoint.security is Security.NONE:
            return None
        credential = request.session or self._credential(request.api_key)
        if endpoint.trades and not credential.can_trade:
            raise Refused(-2015)
        if endpoint.security is Security.KEY:
            return credential
        check_window(params.integer("timestamp"), params.integer("recvWindow"), server_ms)
        if request.session is None:
            payload, signature = self._signed(request, params)
            credential.check(payload, signature)
        return credential

    def _signed(self, request: Request, params: Params) -> tuple[bytes, str]:
        if request.params is None:
            return rest_payload(request.query, request.body)
        signature = params.text("signature")
        if signature is None:
            raise missing("signature")
        return socket_payload(params.values), signature

    def _credential(self, api_key: str | None) -> Credential:
        if not api_key:
            raise Refused(-2014)
        credential = self.credentials.get(api_key)
        if credential is None:
            raise Refused(-2015)
        return credential

    def _spare(self, incoming: Incoming) -> Plan:
        """The overload throttle spares cancels, and orders that can only reduce."""
        plan, say = incoming.plan, incoming.plan.say
        if say is None or not say.spares_reducing:
            return plan
        throttled = (
            incoming.request.method == "POST"
            and incoming.request.path in OVERLOAD_PATHS
            and not self._is_spared(incoming)
        )
        return plan if throttled else replace(plan, say=None, executed=True)

    def _is_spared(self, incoming: Incoming) -> bool:
        path, params = incoming.request.path, incoming.params
        if path == "/fapi/v1/algoOrder":
            return self.world.knobs.algo_orders_exempt_from_overload
        account = self.world.accounts.get(incoming.record.account or "")
        market = self.world.markets.get(params.text("symbol") or "")
        if account is None or market is None or path == "/fapi/v1/batchOrders":
            return False
        ticket = regular(params, market, self.world.knobs, self.world.clock())
        return is_reducing(account, ticket)

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
