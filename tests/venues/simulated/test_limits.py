"""Weights and orders: counted, refused, and in the end banned."""

import pytest

from goflat.domain.capabilities import Limits
from goflat.venues.simulated.limits import Meter
from goflat.venues.simulated.refusals import Refused

NOW = 1_795_000_000_000 // 60_000 * 60_000
LIMITS = Limits(weight_per_minute=100, orders_per_ten_seconds=3, orders_per_minute=5)


def meter() -> Meter:
    return Meter(LIMITS, ban_after=2, first_ban_seconds=120)


def refusal(action) -> Refused:
    with pytest.raises(Refused) as caught:
        action()
    return caught.value


def test_weight_adds_up_and_starts_anew_with_the_minute() -> None:
    counting = meter()

    assert counting.charge("a", 40, NOW) == 40
    assert counting.charge("a", 60, NOW + 59_999) == 100
    assert counting.charge("b", 1, NOW) == 1
    assert counting.charge("a", 5, NOW + 60_000) == 5


def test_too_much_weight_is_429_with_the_seconds_until_the_next_minute() -> None:
    counting = meter()
    counting.charge("a", 100, NOW)

    refused = refusal(lambda: counting.charge("a", 1, NOW + 18_500))

    assert (refused.status, refused.code, refused.retry_after_seconds) == (429, -1003, 42)


def test_who_does_not_listen_is_banned_for_longer_each_time() -> None:
    counting = meter()
    counting.charge("a", 100, NOW)
    answers = [refusal(lambda: counting.charge("a", 1, NOW)) for _ in range(4)]

    assert [answer.status for answer in answers] == [429, 429, 418, 418]
    assert answers[-1].retry_after_seconds == 120
    later = NOW + 180_000
    counting.charge("a", 100, later)
    bans = [refusal(lambda: counting.charge("a", 1, later)) for _ in range(3)]
    assert bans[-1].retry_after_seconds == 240


def test_orders_are_counted_for_ten_seconds_and_for_a_minute() -> None:
    counting = meter()
    for expected in ((1, 1), (2, 2), (3, 3)):
        assert counting.charge_orders("main", (1, 1), NOW) == expected

    refused = refusal(lambda: counting.charge_orders("main", (1, 1), NOW + 4_000))
    assert (refused.status, refused.code, refused.retry_after_seconds) == (429, -1015, 6)
    assert "TEN_SECONDS" in refused.text
    assert counting.charge_orders("main", (1, 1), NOW + 10_000) == (1, 4)
    assert counting.charge_orders("main", (1, 1), NOW + 10_000) == (2, 5)
    refused = refusal(lambda: counting.charge_orders("main", (1, 1), NOW + 20_000))
    assert "MINUTE" in refused.text


def test_a_batch_counts_five_and_one() -> None:
    counting = Meter(
        Limits(weight_per_minute=100, orders_per_ten_seconds=10, orders_per_minute=10),
        ban_after=2,
        first_ban_seconds=120,
    )

    assert counting.charge_orders("main", (5, 1), NOW) == (5, 1)
