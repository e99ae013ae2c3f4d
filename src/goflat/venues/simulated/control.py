"""The control API: drive the venue and ask for its ground truth over HTTP.

For programs that cannot hold the Python object. JSON in and out; only from loopback, and only
with a JSON content type, so that no web page can reach it by accident.
"""

import ipaddress
from collections.abc import Callable, Mapping
from decimal import Decimal, InvalidOperation
from typing import TypeAlias

import msgspec
from aiohttp import web

from goflat.errors import SettingsError
from goflat.venues.simulated import replies, script
from goflat.venues.simulated.exchange import Exchange
from goflat.venues.simulated.refusals import Refused
from goflat.venues.simulated.replies import Json

REQUESTS_SHOWN = 1000
Body: TypeAlias = dict[str, object]
Action: TypeAlias = Callable[[Exchange, Body], object]


class ControlDoor:
    """/control/...: one function a path."""

    def __init__(self, exchange: Exchange) -> None:
        self._exchange = exchange

    async def __call__(self, request: web.BaseRequest) -> web.StreamResponse:
        if not (_is_local(request.remote) and _names_loopback(request)):
            return _answer(403, {"error": "the control API answers to loopback only"})
        if request.method != "GET" and request.content_type != "application/json":
            return _answer(415, {"error": "send JSON, with content type application/json"})
        action = ACTIONS.get((request.method, request.path))
        if action is None:
            known = [f"{method} {path}" for method, path in ACTIONS]
            return _answer(404, {"error": "no such path", "known": known})
        return self._act(action, await request.read(), dict(request.query))

    def _act(self, action: Action, content: bytes, query: Mapping[str, str]) -> web.Response:
        try:
            body: Body = msgspec.json.decode(content, type=Body) if content else {**query}
            with self._exchange.lock:
                return _answer(200, action(self._exchange, body))
        except Refused as refused:
            return _answer(400, {"error": refused.text, "code": refused.code})
        except SettingsError as error:
            return _answer(400, {"error": str(error)})
        except KeyError as error:
            return _answer(400, {"error": f"{error.args[0]!r} is missing or not known"})
        except (TypeError, ValueError, InvalidOperation, msgspec.MsgspecError) as error:
            return _answer(400, {"error": str(error) or type(error).__name__})


def truth(exchange: Exchange, body: Body) -> Json:
    """What is so, of one account."""
    name = str(body.get("account", "main"))
    seen, world = exchange.truth, exchange.world
    return {
        "account": name,
        "flat": seen.is_flat(name),
        "positions": [
            {"symbol": symbol, "positionSide": side, "positionAmt": replies.plain(amount)}
            for (symbol, side), amount in seen.amounts(name).items()
        ],
        "workingOrders": [
            replies.order_found(order, world.market(order.symbol))
            for order in seen.working_orders(name)
        ],
        "conditionalOrders": [
            replies.algo_found(algo, world.market(algo.symbol))
            for algo in seen.conditional_orders(name)
        ],
    }


def fills(exchange: Exchange, body: Body) -> list[Json]:
    """Every execution, with the position before and after it."""
    found = exchange.truth.fills(
        _text(body, "account"), prefix=str(body.get("prefix", "")), api_key=_text(body, "api_key")
    )
    return [
        {
            "time": fill.at_ms,
            "account": fill.account,
            "symbol": fill.symbol,
            "side": fill.side.value,
            "positionSide": fill.position_side.value,
            "quantity": replies.plain(fill.quantity),
            "price": replies.plain(fill.price),
            "before": replies.plain(fill.before),
            "after": replies.plain(fill.after),
            "enlarges": fill.enlarges,
            "clientOrderId": fill.client_order_id,
            "via": fill.origin.via,
        }
        for fill in found
    ]


def requests(exchange: Exchange, body: Body) -> list[Json]:
    """The last requests that came in."""
    found = exchange.truth.requests(_text(body, "method"), _text(body, "path"))
    return [
        {
            "time": received.at_ms,
            "via": received.via,
            "method": received.method,
            "path": received.path,
            "params": dict(received.params),
            "account": received.account,
            "status": received.status,
            "code": received.code,
            "executed": received.executed,
        }
        for received in found[-REQUESTS_SHOWN:]
    ]


def set_mark(exchange: Exchange, body: Body) -> Json:
    """Move a price."""
    exchange.set_mark(str(body["symbol"]), Decimal(str(body["price"])))
    return {}


def set_status(exchange: Exchange, body: Body) -> Json:
    """Halt an instrument, or let it trade again."""
    exchange.set_status(str(body["symbol"]), str(body["status"]))
    return {}


def set_hedge(exchange: Exchange, body: Body) -> Json:
    """Set the position mode, past every check."""
    exchange.set_hedge(body["hedge"] is True, account=str(body.get("account", "main")))
    return {}


def open_position(exchange: Exchange, body: Body) -> Json:
    """Trade a signed amount at the mark price, past every check."""
    account = str(body.get("account", "main"))
    exchange.open_position(str(body["symbol"]), Decimal(str(body["amount"])), account=account)
    return {}


def add_script(exchange: Exchange, body: Body) -> Json:
    """Stage a fault script: its TOML in `script`. Its knobs are not used here."""
    staged = script.read(str(body["script"]))
    staged.stage(exchange)
    return {"faults": len(staged.rules), "events": len(staged.events), "cues": len(staged.cues)}


def clear_faults(exchange: Exchange, _body: Body) -> Json:
    """Let everything go right from now on."""
    exchange.faults.clear()
    exchange.streams.rules.clear()
    return {}


ACTIONS: Mapping[tuple[str, str], Action] = {
    ("GET", "/control/truth"): truth,
    ("GET", "/control/fills"): fills,
    ("GET", "/control/requests"): requests,
    ("POST", "/control/mark"): set_mark,
    ("POST", "/control/status"): set_status,
    ("POST", "/control/hedge"): set_hedge,
    ("POST", "/control/position"): open_position,
    ("POST", "/control/faults"): add_script,
    ("DELETE", "/control/faults"): clear_faults,
}
"""(method, path) and what it does."""


def _text(body: Body, name: str) -> str | None:
    value = body.get(name)
    return None if value is None else str(value)


def _answer(status: int, answer: object) -> web.Response:
    return web.Response(
        status=status, body=msgspec.json.encode(answer), content_type="application/json"
    )


def _names_loopback(request: web.BaseRequest) -> bool:
    """Whether the caller meant this host, and was not led here by a name of its own."""
    host = request.url.host
    return host == "localhost" or _is_local(host)


def _is_local(remote: str | None) -> bool:
    try:
        return ipaddress.ip_address(remote or "").is_loopback
    except ValueError:
        return False
