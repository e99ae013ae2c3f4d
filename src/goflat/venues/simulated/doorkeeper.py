"""Who may come in: keys, time windows and signatures of requests."""

from goflat.venues.simulated.call import Endpoint, Security
from goflat.venues.simulated.credentials import (
    Credential,
    check_window,
    rest_payload,
    socket_payload,
)
from goflat.venues.simulated.params import Params
from goflat.venues.simulated.refusals import Refused, missing
from goflat.venues.simulated.traffic import Request


class Doorkeeper:
    """Knows every key of the venue."""

    def __init__(self) -> None:
        self.credentials: dict[str, Credential] = {}

    def account_of(self, request: Request) -> str | None:
        """Whose key the request names, whether or not it can prove it."""
        credential = request.session or self.credentials.get(request.api_key or "")
        return None if credential is None else credential.account

    def recognise(
        self, request: Request, params: Params, endpoint: Endpoint, server_ms: int
    ) -> Credential | None:
        """Whose request this is; refused where key, time window or signature is wrong."""
        if endpoint.security is Security.NONE:
            return None
        credential = request.session or self._credential(request.api_key)
        if endpoint.trades and not credential.can_trade:
            raise Refused(-2015)
        if endpoint.security is Security.KEY:
            return credential
        check_window(params.integer("timestamp"), params.integer("recvWindow"), server_ms)
        if request.session is None:
            payload, signature = _signed(request, params)
            credential.check(payload, signature)
        return credential

    def _credential(self, api_key: str | None) -> Credential:
        if not api_key:
            raise Refused(-2014)
        credential = self.credentials.get(api_key)
        if credential is None:
            raise Refused(-2015)
        return credential


def _signed(request: Request, params: Params) -> tuple[bytes, str]:
    if request.params is None:
        return rest_payload(request.query, request.body)
    signature = params.text("signature")
    if signature is None:
        raise missing("signature")
    return socket_payload(params.values), signature
