"""How an answer is spoilt on its way: cut, emptied, holes torn into its rows."""

from collections.abc import Callable, Mapping

import msgspec

from goflat.venues.simulated.faults import Shape, Spoil

PAGE = b"<html><body>Welcome to the network. Please sign in.</body></html>"
FILLER = b" " * 65536


def spoil(answer: object, how: Spoil) -> bytes:
    """The body that goes out instead of this answer."""
    return _SHAPES[how.shape](answer, how)


def _html(_answer: object, _how: Spoil) -> bytes:
    return PAGE


def _empty(_answer: object, _how: Spoil) -> bytes:
    return b""


def _cut(answer: object, _how: Spoil) -> bytes:
    body = msgspec.json.encode(answer)
    return body[: max(1, len(body) * 2 // 3)]


def _huge(answer: object, how: Spoil) -> bytes:
    body = msgspec.json.encode(answer)
    return body[:1] + FILLER * (how.size_bytes // len(FILLER)) + body[1:]


def _no_rows(answer: object, how: Spoil) -> bytes:
    if isinstance(answer, list):
        return msgspec.json.encode([row for row in answer if not _hit(row, how)])
    return b"{}"


def _not_a_list(answer: object, _how: Spoil) -> bytes:
    return msgspec.json.encode({"rows": answer} if isinstance(answer, list) else [answer])


def _in_rows(change: Callable[[dict[str, object], str], None]) -> Callable[[object, Spoil], bytes]:
    """Change the named fields of every row that is hit."""

    def spoilt(answer: object, how: Spoil) -> bytes:
        plain = msgspec.json.decode(msgspec.json.encode(answer))
        for row in plain if isinstance(plain, list) else [plain]:
            if isinstance(row, dict) and _hit(row, how):
                for name in how.fields or tuple(row):
                    change(row, name)
        return msgspec.json.encode(plain)

    return spoilt


def _hit(row: object, how: Spoil) -> bool:
    return how.row_symbol is None or (isinstance(row, dict) and row.get("symbol") == how.row_symbol)


def _make_null(row: dict[str, object], name: str) -> None:
    row[name] = None


def _make_nan(row: dict[str, object], name: str) -> None:
    row[name] = "NaN" if isinstance(row.get(name), str) else msgspec.Raw(b"NaN")


def _take_away(row: dict[str, object], name: str) -> None:
    row.pop(name, None)


_SHAPES: Mapping[Shape, Callable[[object, Spoil], bytes]] = {
    Shape.HTML: _html,
    Shape.EMPTY: _empty,
    Shape.CUT: _cut,
    Shape.HUGE: _huge,
    Shape.NO_ROWS: _no_rows,
    Shape.NOT_A_LIST: _not_a_list,
    Shape.NULLS: _in_rows(_make_null),
    Shape.NAN: _in_rows(_make_nan),
    Shape.NO_FIELDS: _in_rows(_take_away),
}
