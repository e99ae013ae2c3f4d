"""The well-known troubles of this venue by name, ready to be put into a fault script."""

from goflat.venues.simulated.faults import Outcome, Raw, Say, Shape, Spoil

DONE, NOT_DONE = Outcome.EXECUTED, Outcome.NOT_EXECUTED


def unknown_outcome(outcome: Outcome, *, code: int = -1000) -> Say:
    """503 A: forwarded, and no answer came in time. It may have been executed."""
    text = "Unknown error, please check your request or try again later."
    return Say(code=code, text=text, status=503, outcome=outcome)


def unavailable() -> Say:
    """503 B: nothing was executed."""
    return Say(code=-1000, text="Service Unavailable.", status=503)


def overloaded() -> Say:
    """503 C, -1008: nothing was executed. Orders that reduce a position are spared."""
    return Say(code=-1008, status=503, spares_reducing=True)


def internal_error() -> Say:
    """503 D, -1001: documented as not executed."""
    return Say(code=-1001, status=503)


def backend_timeout(outcome: Outcome) -> Say:
    """408, -1007: execution status unknown."""
    return Say(code=-1007, status=408, outcome=outcome)


def throttled(retry_after_seconds: int | None = 1) -> Say:
    """429, -1003."""
    return Say(code=-1003, status=429, retry_after_seconds=retry_after_seconds)


def too_many_orders(retry_after_seconds: int | None = 1) -> Say:
    """429, -1015: the account's orders are used up; cancels and reads go on."""
    return Say(code=-1015, status=429, retry_after_seconds=retry_after_seconds)


def banned(retry_after_seconds: int = 120) -> Say:
    """418: this address is shut out."""
    text = "Way too many requests; IP banned. Please use the websocket for live updates."
    return Say(code=-1003, text=text, status=418, retry_after_seconds=retry_after_seconds)


def price_band() -> Say:
    """-4131: the market order found no price within the band. Nothing executed."""
    return Say(code=-4131)


def html(outcome: Outcome = NOT_DONE, *, status: int = 200) -> Raw:
    """A web page where JSON should be: a portal, a proxy, a gateway."""
    page = b"<!DOCTYPE html><html><head><title>Sign in</title></head><body>Hello</body></html>"
    return Raw(status=status, body=page, outcome=outcome)


def body(
    text: str,
    *,
    status: int = 200,
    content_type: str = "application/json",
    outcome: Outcome = NOT_DONE,
) -> Raw:
    """Any body at all: numbers beyond every range, keys twice, another account's answer."""
    return Raw(status=status, body=text.encode(), content_type=content_type, outcome=outcome)


def forbidden() -> Raw:
    """403 of the web application firewall."""
    return Raw(status=403, body=b"<html><body><h1>403 Forbidden</h1></body></html>")


def redirect(location: str) -> Raw:
    """302 to somewhere else."""
    return Raw(status=302, body=b"", headers={"Location": location})


def huge(size_bytes: int = 64 * 1024 * 1024) -> Spoil:
    """A body that never seems to end."""
    return Spoil(shape=Shape.HUGE, size_bytes=size_bytes)


def broken_json() -> Spoil:
    """JSON that stops in the middle."""
    return Spoil(shape=Shape.CUT)
