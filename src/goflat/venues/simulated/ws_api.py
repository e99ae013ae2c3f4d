"""The WebSocket API: requests and answers as texts on one connection, without the socket.

Each method has a REST path as its twin, and is answered by the same code with the same limits.
"""

from collections.abc import Mapping
from dataclasses import dataclass

import msgspec

from goflat.venues.simulated.credentials import Credential, check_window, socket_payload
from goflat.venues.simulated.gateway import Answer, Gateway, Request
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.replies import Json

TWINS: Mapping[str, tuple[str, str]] = {
    "order.place": ("POST", "/fapi/v1/order"),
    "order.modify": ("PUT", "/fapi/v1/order"),
    "order.cancel": ("DELETE", "/fapi/v1/order"),
    "order.status": ("GET", "/fapi/v1/order"),
    "algoOrder.place": ("POST", "/fapi/v1/algoOrder"),
    "algoOrder.cancel": ("DELETE", "/fapi/v1/algoOrder"),
    "account.position": ("GET", "/fapi/v2/positionRisk"),
    "v2/account.position": ("GET", "/fapi/v3/positionRisk"),
    "account.status": ("GET", "/fapi/v2/account"),
    "v2/account.status": ("GET", "/fapi/v3/account"),
    "account.balance": ("GET", "/fapi/v2/balance"),
    "v2/account.balance": ("GET", "/fapi/v3/balance"),
    "userDataStream.start": ("POST", "/fapi/v1/listenKey"),
    "userDataStream.ping": ("PUT", "/fapi/v1/listenKey"),
    "userDataStream.stop": ("DELETE", "/fapi/v1/listenKey"),
    "depth": ("GET", "/fapi/v1/depth"),
    "ticker.price": ("GET", "/fapi/v1/ticker/price"),
    "ticker.book": ("GET", "/fapi/v1/ticker/bookTicker"),
}
"""Method and REST twin. There is no cancel-all, no list of open orders and no batch here."""
HANDSHAKE_WEIGHT = 5
SESSION_WEIGHT = 2
ILLEGAL: Json = {"code": -1135, "msg": "Request is not a valid JSON object."}
HMAC_NOT_SUPPORTED = "HMAC_SHA256 API key is not supported."


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """One message, understood as far as it goes."""

    id: object
    method: str
    params: Mapping[str, str]
    shows_limits: bool


@dataclass(slots=True)
class ApiSession:
    """One connection: who logged on to it, and how its messages become requests."""

    gateway: Gateway
    source: str
    shows_limits: bool = True
    connected_ms: int = 0
    logged_on: Credential | None = None
    logged_on_ms: int = 0

    def read(self, text: str | bytes) -> Asked:
        """Understand one message. Raises `Refused`."""
        try:
            message = msgspec.json.decode(text)
        except (msgspec.DecodeError, UnicodeDecodeError):
            raise Refused(-1135, str(ILLEGAL["msg"])) from None
        if not isinstance(message, dict):
            raise Refused(-1135, str(ILLEGAL["msg"]))
        params = message.get("params") or {}
        if not isinstance(params, dict):
            raise Refused(-1130, "Data sent for parameter 'params' is not valid.")
        shows = params.get("returnRateLimits", self.shows_limits)
        return Asked(
            id=message.get("id"),
            method=str(message.get("method") or ""),
            params={name: _text(value) for name, value in params.items() if value is not None},
            shows_limits=shows is not False,
        )

    def request(self, asked: Asked) -> Request:
        """The request that the REST twin would have been. Raises `Refused`."""
        twin = TWINS.get(asked.method)
        if twin is None:
            raise Refused(-1020, f"Unknown method '{asked.method}'.")
        api_key = asked.params.get("apiKey")
        session = None
        if api_key is None and self.logged_on is not None:
            if self.logged_on.api_key not in self.gateway.credentials:
                raise Refused(-2015)
            session = self.logged_on
        return Request(
            method=twin[0],
            path=twin[1],
            api_key=api_key,
            source=self.source,
            via="ws",
            params=Params(asked.params),
            session=session,
        )

    def control(self, asked: Asked, now_ms: int) -> Answer | None:
        """session.logon, .status and .logout; None for any other method. Raises `Refused`."""
        if asked.method == "session.logon":
            self.logged_on, self.logged_on_ms = self._log_on(asked.params, now_ms), now_ms
        elif asked.method == "session.logout":
            self.logged_on, self.logged_on_ms = None, 0
        elif asked.method != "session.status":
            return None
        used = self.gateway.meter.charge(self.source, SESSION_WEIGHT, now_ms)
        result = {
            "apiKey": None if self.logged_on is None else self.logged_on.api_key,
            "authorizedSince": None if self.logged_on is None else self.logged_on_ms,
            "connectedSince": self.connected_ms,
            "returnRateLimits": self.shows_limits,
            "serverTime": now_ms,
        }
        headers = {"X-MBX-USED-WEIGHT-1M": str(used)}
        return Answer(status=200, body=msgspec.json.encode(result), headers=headers)

    def reply(self, asked: Asked, answer: Answer) -> bytes:
        """The text that goes back for an answer; broken bodies stay as broken as they are."""
        if answer.content_type != "application/json":
            return answer.body
        name = b"result" if answer.status == 200 else b"error"
        limits = b""
        if asked.shows_limits:
            limits = b',"rateLimits":' + msgspec.json.encode(self._limits(answer))
        return b'{"id":%b,"status":%d,"%b":%b%b}' % (
            msgspec.json.encode(asked.id),
            answer.status,
            name,
            answer.body,
            limits,
        )

    def _log_on(self, params: Mapping[str, str], now_ms: int) -> Credential:
        credential = self.gateway.credentials.get(params.get("apiKey", ""))
        if credential is None:
            raise Refused(-2015)
        if credential.public_key is None:
            raise Refused(-4056, HMAC_NOT_SUPPORTED)
        read = Params(params)
        check_window(read.integer("timestamp"), read.integer("recvWindow"), now_ms)
        signature = read.text("signature")
        if signature is None:
            raise missing("signature")
        credential.check(socket_payload(params), signature)
        return credential

    def _limits(self, answer: Answer) -> list[Json]:
        limits, headers = self.gateway.meter.limits, answer.headers
        rows = (
            ("ORDERS", "SECOND", 10, limits.orders_per_ten_seconds, "X-MBX-ORDER-COUNT-10S"),
            ("ORDERS", "MINUTE", 1, limits.orders_per_minute, "X-MBX-ORDER-COUNT-1M"),
            ("REQUEST_WEIGHT", "MINUTE", 1, limits.weight_per_minute, "X-MBX-USED-WEIGHT-1M"),
        )
        return [
            {
                "rateLimitType": kind,
                "interval": interval,
                "intervalNum": number,
                "limit": most,
                "count": int(headers[header]),
            }
            for kind, interval, number, most, header in rows
            if header in headers
        ]


def refusal(refused: Refused) -> Answer:
    """A no that was said before the gateway was asked."""
    headers = {}
    if refused.retry_after_seconds is not None:
        headers["Retry-After"] = str(refused.retry_after_seconds)
    return Answer(status=refused.status, body=msgspec.json.encode(refused.body()), headers=headers)


def _text(value: object) -> str:
    """A parameter as it stands in the signed text."""
    if isinstance(value, bool):
        return "true" if value else "false"
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()
