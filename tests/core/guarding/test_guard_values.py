"""The small values of the guard: pulse, portion, limits, crontab lines, the second factor."""

from datetime import datetime, timedelta
from decimal import Decimal
from itertools import pairwise
from zoneinfo import ZoneInfo

import pytest
from guarded import LONG, OTHER, holding
from hypothesis import given
from hypothesis import strategies as st

from goflat.core.guarding.limits import (
    READINGS_MAX,
    Equity,
    LossLimit,
    margin_used,
    nearest,
)
from goflat.core.guarding.pulse import Health, Pulse
from goflat.core.guarding.remnant import Portion, Remnant
from goflat.core.guarding.second_factor import SecondFactor
from goflat.core.guarding.severity import MEASURES, Severity
from goflat.core.guarding.states import POST, PostState, PostTurn
from goflat.domain.position import Position
from goflat.domain.schedule import Cron
from goflat.domain.secret import Secret
from goflat.domain.time import Instant


def test_only_a_reset_leads_out_of_a_latched_state() -> None:
    for state in PostState:
        for what, after in POST[state].items():
            if state.is_latched and not after.is_latched:
                assert what is PostTurn.RESET


def test_every_state_can_be_tripped() -> None:
    assert all(POST[state][PostTurn.TRIP].is_latched for state in PostState)


def test_harder_measures_do_at_least_what_milder_ones_do() -> None:
    ranks = sorted(Severity, key=lambda severity: severity.rank)
    for milder, harder in pairwise(ranks):
        for deed in ("fences", "cancels", "closes", "holds"):
            assert getattr(MEASURES[harder], deed) >= getattr(MEASURES[milder], deed)


def test_a_pulse_refuses_a_clock_that_goes_back() -> None:
    with pytest.raises(ValueError, match="monotonic"):
        Pulse(hang_seconds=3).beat(1, Instant(5)).health(Instant(4))


def test_a_pulse_that_never_beat_has_no_silence() -> None:
    pulse = Pulse(hang_seconds=3)
    assert pulse.health(Instant(10**9)) is Health.UNBEATEN
    assert pulse.trips_at is None
    assert pulse.rested(Instant(5)) is pulse.without(1.0, Instant(5)) is pulse


@given(beats=st.lists(st.floats(0.001, 2.9), min_size=1, max_size=50), hang=st.floats(2.95, 100))
def test_progress_in_time_is_never_silence(beats: list[float], hang: float) -> None:
    now, pulse = 0.0, Pulse(hang_seconds=hang).beat(0, Instant(0))
    for number, wait in enumerate(beats, start=1):
        now += wait
        assert pulse.health(Instant(now)) is not Health.SILENT
        pulse = pulse.beat(number, Instant(now))


# --- our part of a position ---------------------------------------------------------------------

SIZES = st.decimals("0.001", "1000", places=3)


@given(first=SIZES, most=SIZES, later=SIZES)
def test_no_more_is_ours_than_what_was_left(first: Decimal, most: Decimal, later: Decimal) -> None:
    portion = Portion(remnant=Remnant.of({LONG: most})).seen([holding(LONG, str(first))])
    own = portion.own_part(holding(LONG, str(first)))
    assert own is not None
    assert own.quantity == min(first, most)
    again = portion.seen([holding(LONG, str(later))])
    shown = again.own_part(holding(LONG, str(later)))
    foreign = max(Decimal(0), first - most)
    assert (Decimal(0) if shown is None else shown.quantity) == max(Decimal(0), later - foreign)


def test_without_a_limit_all_of_it_is_ours_and_of_others_nothing() -> None:
    portion = Portion(remnant=Remnant.of({LONG: None}))
    assert portion.seen([holding(LONG, "7")]) is portion
    assert portion.own_part(holding(LONG, "7")) == holding(LONG, "7")
    assert portion.own_part(holding(OTHER)) is None


# --- limits -------------------------------------------------------------------------------------


def equity(total: str, positions: str = "0", unrealized: str = "0", moved: str = "0") -> Equity:
    return Equity(
        wallet=Decimal(total) - Decimal(unrealized),
        unrealized=Decimal(unrealized),
        of_positions=Decimal(positions),
        transferred=Decimal(moved),
    )


def fires(limit: LossLimit, *readings: tuple[float, Equity]) -> list[bool | None]:
    return [limit.see(reading, Instant(at)).fires for at, reading in readings]


@pytest.mark.parametrize("limit", [{"percent": 10.0}, {"amount": Decimal(100)}])
def test_a_loss_counts_in_two_readings_a_second_apart(limit: dict[str, object]) -> None:
    it = LossLimit(window_seconds=3600, **limit)  # type: ignore[arg-type]
    low = equity("900")
    assert fires(it, (0, equity("1000")), (1, low), (1.5, low), (2.0, low)) == [
        False,
        False,
        False,
        True,
    ]


def test_one_reading_in_between_that_is_fine_begins_anew() -> None:
    it = LossLimit(window_seconds=3600, percent=10.0)
    low, fine = equity("900"), equity("950")
    assert not any(fires(it, (0, equity("1000")), (1, low), (2, fine), (3, low), (3.5, low)))


def test_readings_that_disagree_say_nothing() -> None:
    it = LossLimit(window_seconds=3600, percent=10.0)
    torn = equity("500", positions="0", unrealized="-500")
    assert fires(it, (0, equity("1000")), (1, torn), (3, torn)) == [False, None, None]


def test_a_withdrawal_is_no_loss() -> None:
    it = LossLimit(window_seconds=3600, percent=10.0)
    after = equity("500", moved="-500")
    assert not any(fires(it, (0, equity("1000")), (1, after), (3, after)))


def test_what_was_before_the_window_is_forgotten() -> None:
    it = LossLimit(window_seconds=60, percent=10.0)
    low = equity("800")
    assert not any(fires(it, (0, equity("1000")), (100, low), (102, low)))


def test_nothing_left_is_a_loss_and_without_limits_nothing_is() -> None:
    broke = equity("-5")
    it = LossLimit(window_seconds=60, percent=10.0)
    assert fires(it, (0, equity("-1")), (1, broke), (3, broke))[-1] is True
    free = LossLimit(window_seconds=60)
    assert not any(fires(free, (0, equity("9")), (1, broke), (3, broke)))


def test_what_is_remembered_is_bounded_and_the_best_stays() -> None:
    it = LossLimit(window_seconds=10**9, amount=Decimal(10**9))
    for step in range(READINGS_MAX + 10):
        it.see(equity(str(10**6 - step)), Instant(step))
    assert len(it._readings) == READINGS_MAX
    assert it._readings[0][1] == 10**6


@pytest.mark.parametrize(
    ("maintenance", "balance", "expected"),
    [("0", "0", False), ("1", "0", True), ("79", "100", False), ("80", "100", True)],
)
def test_margin_that_is_needed(maintenance: str, balance: str, expected: bool) -> None:
    assert margin_used(Decimal(maintenance), Decimal(balance), 80.0).fires is expected


def at(mark: str, forced: str | None) -> Position:
    return Position(
        symbol="BTCUSDT",
        side=LONG.side,
        quantity=Decimal(1),
        mark_price=Decimal(mark),
        liquidation_price=None if forced is None else Decimal(forced),
    )


@pytest.mark.parametrize(
    ("positions", "expected"),
    [((), False), ((at("100", None),), False), ((at("100", "98"), at("100", "50")), True)],
)
def test_nearness_to_a_forced_liquidation(positions: tuple[Position, ...], expected: bool) -> None:
    assert nearest(positions, 3.0).fires is expected


# --- crontab lines ------------------------------------------------------------------------------

UTC = ZoneInfo("UTC")


@pytest.mark.parametrize(
    ("line", "time", "due"),
    [
        ("* * * * *", "2026-03-04 05:06", True),
        ("55 21 * * 1-5", "2026-11-20 21:55", True),
        ("55 21 * * 1-5", "2026-11-21 21:55", False),
        ("0 0 * * 7", "2026-11-22 00:00", True),
        ("0 0 13 * 5", "2026-11-20 00:00", True),
        ("0 0 13 * 5", "2026-11-13 00:00", True),
        ("*/15 8-17 * * *", "2026-11-20 08:45", True),
        ("5/20 * * * *", "2026-11-20 08:45", True),
        ("1,2 * * * *", "2026-11-20 08:03", False),
    ],
)
def test_a_line_says_its_minutes(line: str, time: str, due: bool) -> None:
    assert Cron.parse(line).is_due(datetime.fromisoformat(time).replace(tzinfo=UTC)) is due


@pytest.mark.parametrize(
    "line",
    [
        "",
        "* * * *",
        "60 * * * *",
        "* 24 * * *",
        "5-1 * * * *",
        "a * * * *",
        "*/0 * * * *",
        "*/x * * * *",
    ],
)
def test_a_line_that_is_none_is_refused(line: str) -> None:
    with pytest.raises(ValueError, match="has"):
        Cron.parse(line)


def test_a_look_that_comes_late_finds_the_minute_that_it_missed_once() -> None:
    cron = Cron.parse("0 12 * * *")
    noon = datetime(2026, 5, 5, 12, tzinfo=UTC)
    assert cron.was_due(noon - timedelta(seconds=1), noon + timedelta(minutes=5)) == noon
    assert cron.was_due(noon, noon + timedelta(minutes=5)) is None
    assert cron.was_due(noon - timedelta(days=9), noon - timedelta(hours=1)) is not None
    never = Cron.parse("0 0 31 2 *")
    assert never.was_due(noon - timedelta(days=9), noon) is None


def test_a_minute_that_the_clock_leaves_out_is_not_due_and_one_that_comes_twice_is_once() -> None:
    berlin = ZoneInfo("Europe/Berlin")
    night = datetime(2026, 3, 29, 1, 0, tzinfo=berlin)
    later = datetime.fromtimestamp(night.timestamp() + 7200, tz=berlin)
    assert Cron.parse("30 2 * * *").was_due(night, later) is None


# --- the second factor --------------------------------------------------------------------------


def test_a_code_is_good_once_and_near_its_time() -> None:
    it = SecondFactor.of(Secret("GEZD GNBV GY3T QOJQ GEZD GNBV GY3T QOJQ"))
    assert it.takes("287082", 59)
    assert not it.takes("287082", 59)
    assert not it.takes("081804", 59)
    assert it.takes("081804", 1111111109 + 25)
    assert "GEZ" not in repr(it)


@pytest.mark.parametrize("secret", ["no base32!", "MZXW6"])
def test_a_secret_that_is_none_is_refused_without_being_repeated(secret: str) -> None:
    with pytest.raises(ValueError, match=r"base32") as caught:
        SecondFactor.of(Secret(secret))
    assert secret not in str(caught.value)
