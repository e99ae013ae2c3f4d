import re
from collections.abc import Callable

import pytest
from hypothesis import given
from hypothesis import strategies as st

from goflat.errors import NotSent, Refusal, Rejected, Throttled, Unanswered, VenueError
from goflat.venues.binance.answers import Answer
from goflat.venues.binance.failures import failure_of

NOW_MS = 1_779_368_000_000
Kind = type[VenueError]


def failure(status: int, body: str, wait: float | None = None) -> VenueError | None:
    answer = Answer(status=status, body=body.encode(), retry_after_seconds=wait)
    return failure_of(answer, now_ms=NOW_MS)


def coded(status: int, code: int, text: str = "…") -> VenueError | None:
    return failure(status, f'{{"code":{code},"msg":"{text}"}}')


# The recorded refusals, in the order of the file, and what is known after each.
RECORDED: list[tuple[Kind, object]] = [
    (Rejected, Refusal.ORDERS_IN_THE_WAY),
    (Rejected, Refusal.PLAIN),
    (Rejected, Refusal.PLAIN),
    (Rejected, Refusal.WRONG_MODE),
    (Rejected, Refusal.WRONG_MODE),
    (Rejected, Refusal.TOO_SMALL),
    (Rejected, Refusal.PLAIN),
    (Rejected, Refusal.NO_PERMISSION),
    (Unanswered, None),
    (Throttled, (17.0, True)),
    (Throttled, (41.0, False)),
    (Throttled, (121.0, False)),
    (Unanswered, None),
    (Rejected, Refusal.PLAIN),
    (Rejected, Refusal.PLAIN),
]


def test_the_recorded_refusals_are_named_by_what_is_known_after_them(
    payload: Callable[[str], bytes],
) -> None:
    line = re.compile(r"HTTP/1.1 (\d+)\s+(?:Retry-After: (\d+)\s+)?(.*)")
    found: list[tuple[Kind, object]] = []
    for text in payload("errors.txt").decode().splitlines():
        status, wait, body = line.fullmatch(text).groups()  # type: ignore[union-attr]
        match failure(int(status), body, None if wait is None else float(wait)):
            case Rejected(refusal=refusal):
                found.append((Rejected, refusal))
            case Throttled(retry_after_seconds=seconds, orders_only=orders_only):
                found.append((Throttled, (seconds, orders_only)))
            case other:
                found.append((type(other), None))  # type: ignore[arg-type]

    assert found == RECORDED


@pytest.mark.parametrize(
    ("code", "refusal"),
    [
        (-1002, Refusal.NO_PERMISSION),
        (-1021, Refusal.PLAIN),
        (-1022, Refusal.NO_PERMISSION),
        (-1111, Refusal.PLAIN),
        (-1112, Refusal.PLAIN),
        (-1121, Refusal.NOT_TRADING),
        (-1122, Refusal.NOT_TRADING),
        (-2014, Refusal.NO_PERMISSION),
        (-2019, Refusal.PLAIN),
        (-2022, Refusal.ORDERS_IN_THE_WAY),
        (-2024, Refusal.ORDERS_IN_THE_WAY),
        (-4118, Refusal.ORDERS_IN_THE_WAY),
        (-4003, Refusal.TOO_SMALL),
        (-4004, Refusal.TOO_SMALL),
        (-4005, Refusal.TOO_LARGE),
        (-4016, Refusal.PRICE_BAND),
        (-4024, Refusal.PRICE_BAND),
        (-4131, Refusal.PRICE_BAND),
        (-4060, Refusal.WRONG_MODE),
        (-4062, Refusal.WRONG_MODE),
        (-4116, Refusal.DUPLICATE_ID),
        (-4140, Refusal.NOT_TRADING),
        (-4141, Refusal.NOT_TRADING),
        (-4192, Refusal.NO_PERMISSION),
        (-5028, Refusal.PLAIN),
        (-9999, Refusal.PLAIN),
    ],
)
def test_a_code_says_what_the_no_means_for_the_next_attempt(code: int, refusal: Refusal) -> None:
    no = coded(400, code)

    assert isinstance(no, Rejected)
    assert (no.refusal, no.code) == (refusal, code)


def test_a_parameter_that_was_not_wanted_is_a_wrong_mode_only_if_it_speaks_of_the_mode() -> None:
    mode = coded(400, -1102, "Mandatory parameter 'positionSide' was not sent")
    other = coded(400, -1106, "Parameter 'timeInForce' sent when not required.")

    assert isinstance(mode, Rejected)
    assert isinstance(other, Rejected)
    assert (mode.refusal, other.refusal) == (Refusal.WRONG_MODE, Refusal.PLAIN)


@pytest.mark.parametrize("code", [-1000, -1001, -1006, -1007, -1010, -2012, -4083])
@pytest.mark.parametrize("status", [200, 400, 408, 500, 503])
def test_a_code_that_leaves_the_execution_open_is_no_refusal(code: int, status: int) -> None:
    assert isinstance(coded(status, code), Unanswered)


UNKNOWN_503 = "Unknown error, please check your request or try again later."
VARIANTS_OF_503 = [
    (f'{{"code":-1000,"msg":"{UNKNOWN_503}"}}', Unanswered),
    (f'{{"code":0,"msg":"{UNKNOWN_503}"}}', Unanswered),
    (f'{{"msg":"{UNKNOWN_503}"}}', Unanswered),
    (UNKNOWN_503, Unanswered),
    ("Service Unavailable.", Rejected),
    ("Service Unavailable.\n", Rejected),
    ('{"code":0,"msg":"Service Unavailable."}', Rejected),
    ('{"code":-1008,"msg":"Request throttled by system-level protection."}', Rejected),
    ('{"code":-1008,"msg":"Server is currently overloaded with other requests."}', Rejected),
    ('{"code":-1001,"msg":"Internal error; unable to process your request."}', Unanswered),
    ("<html><body>503 Service Unavailable</body></html>", Unanswered),
    ("503 Service Unavailable", Unanswered),
    ("", Unanswered),
    ('{"code":-2022,"msg":"ReduceOnly Order is rejected."}', Unanswered),
]


@pytest.mark.parametrize(("body", "kind"), VARIANTS_OF_503)
def test_a_503_is_decided_by_its_text_and_everything_unlisted_may_have_been_executed(
    body: str, kind: Kind
) -> None:
    assert type(failure(503, body)) is kind


@pytest.mark.parametrize(
    ("status", "kind"),
    [
        (100, Unanswered),
        (301, Unanswered),
        (302, Unanswered),
        (307, Unanswered),
        (400, Unanswered),
        (401, Rejected),
        (403, Throttled),
        (404, Rejected),
        (408, Unanswered),
        (413, Unanswered),
        (418, Throttled),
        (429, Throttled),
        (500, Unanswered),
        (502, Unanswered),
        (504, Unanswered),
        (599, Unanswered),
    ],
)
def test_a_page_instead_of_an_answer_is_judged_by_its_status_alone(status: int, kind: Kind) -> None:
    assert type(failure(status, "<html>nothing to see</html>")) is kind


@pytest.mark.parametrize(
    ("body", "seconds"),
    [
        ("IP banned until 1779368050000.", 50.0),
        ("IP banned until 1779367000000.", 0.0),
        ("IP banned until 99999999999999.", 604_800.0),
        ("IP banned until tomorrow.", None),
    ],
)
def test_a_ban_that_names_its_end_is_waited_out(body: str, seconds: float | None) -> None:
    ban = coded(418, -1003, body)

    assert isinstance(ban, Throttled)
    assert ban.retry_after_seconds == seconds


def test_the_header_goes_before_the_text_of_a_ban() -> None:
    ban = failure(418, '{"code":-1003,"msg":"banned until 1779368050000"}', wait=121.0)

    assert isinstance(ban, Throttled)
    assert ban.retry_after_seconds == 121.0


@pytest.mark.parametrize(
    "body",
    [
        "[]",
        "{}",
        '{"code":200,"msg":"The operation of cancel all open order is done."}',
        '{"algoId":2146760,"code":"200","msg":"success"}',
        '{"code":null}',
        '{"code":0}',
        '[{"code":-2022,"msg":"an element of a list is for the reader of the list"}]',
        "<html>for the reader as well</html>",
    ],
)
def test_a_good_answer_is_no_failure_also_where_it_carries_a_code(body: str) -> None:
    assert failure(200, body) is None


@pytest.mark.parametrize("code", ["-2022", '"-2022"'])
def test_a_negative_code_is_a_refusal_also_under_a_good_status(code: str) -> None:
    no = failure(200, f'{{"code":{code},"msg":"ReduceOnly Order is rejected."}}')

    assert isinstance(no, Rejected)
    assert no.code == -2022


@pytest.mark.parametrize("msg", ["null", "7", "{}", '["x"]'])
def test_a_code_is_understood_also_without_a_text(msg: str) -> None:
    no = failure(400, f'{{"code":-2022,"msg":{msg}}}')

    assert isinstance(no, Rejected)
    assert no.code == -2022


def test_the_venues_text_is_data_printable_short_and_without_our_signature() -> None:
    text = r"\u001b[31mbad\r\nline\u202e " + "x" * 5000 + " &signature=abcdef"
    answer = Answer(status=400, body=f'{{"code":-1100,"msg":"{text}"}}'.encode())

    no = failure_of(answer, now_ms=NOW_MS, hide=lambda it: it.replace("abcdef", "…"))

    assert no is not None
    assert no.reason.isprintable()
    assert len(no.reason) <= 200
    assert "abcdef" not in no.reason
    assert no.reason.startswith("HTTP 400: code -1100: [31mbadline")


def test_a_page_is_not_repeated() -> None:
    no = failure(502, "<html>" + "<p>long</p>" * 1000)

    assert no is not None
    assert no.reason == "HTTP 502: a page instead of an answer"


@given(status=st.integers(100, 599), body=st.binary(max_size=200))
def test_every_answer_is_good_or_one_of_the_names(status: int, body: bytes) -> None:
    found = failure_of(Answer(status=status, body=body), now_ms=NOW_MS)

    assert found is None or type(found) in (Rejected, Throttled, Unanswered)
    assert not isinstance(found, NotSent)
    assert found is not None or 200 <= status < 300


@given(status=st.integers(500, 599), code=st.integers(-10_000, 10_000), text=st.text(max_size=40))
def test_no_server_error_is_a_refusal(status: int, code: int, text: str) -> None:
    found = failure_of(
        Answer(status=status, body=f'{{"code":{code},"msg":"{text}"}}'.encode()), now_ms=NOW_MS
    )

    assert isinstance(found, Unanswered | Throttled)
