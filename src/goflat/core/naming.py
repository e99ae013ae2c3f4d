"""Client order ids: a handle on every order we send, made from what it is for."""

import hashlib
import re

from goflat.domain.order import ClientOrderId
from goflat.domain.position import LegKey, PositionSide

PREFIX = "gf"
_LONGEST = 36
_PLAIN = re.compile(r"[A-Za-z0-9_]+")


def close_id(run_tag: str, key: LegKey, attempt: int, piece: int) -> ClientOrderId:
    """`gf-<run>-<instrument>-<side><attempt>.<piece>`, at most 36 plain characters.

    A symbol that is too long or not plain ASCII is replaced by a hash of it. The id is a handle to
    ask by, not a promise: venues check that it is unique among open orders only.
    """
    side = "L" if key.side is PositionSide.LONG else "S"
    return _fit(run_tag, key.symbol, f"{side}{attempt}.{piece}")


def stop_id(run_tag: str, symbol: str, attempt: int) -> ClientOrderId:
    """The id of a protective stop that is put back."""
    return _fit(run_tag, symbol, f"P{attempt}")


def _fit(run_tag: str, symbol: str, tail: str) -> ClientOrderId:
    name = symbol if _PLAIN.fullmatch(symbol) else _hash(symbol)
    found = f"{PREFIX}-{run_tag}-{name}-{tail}"
    return found if len(found) <= _LONGEST else f"{PREFIX}-{run_tag}-{_hash(symbol)}-{tail}"


def _hash(symbol: str) -> str:
    return hashlib.sha256(symbol.encode()).hexdigest()[:10]
