"""Periods through daylight saving, effective times, lowest limits: no database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from itertools import pairwise
from uuid import uuid4
from zoneinfo import ZoneInfo

import pytest
from hypothesis import given
from hypothesis import strategies as st

from compliance.rules_limits import (
    age_on,
    crossed,
    for_age,
    frees_at,
    is_tighter_or_equal,
    lowest,
    missing_limits,
    months_before,
    next_birthday,
    raise_takes_effect_at,
    window_at,
)
from compliance.types_limits import CALENDAR, ROLLING, LimitDetails, LimitKind, LimitPeriod, SetBy
from kernel.money import Money

K, P = LimitKind, LimitPeriod
ZONES = ("Europe/London", "Europe/Berlin", "America/Toronto", "Asia/Beirut", "America/Havana", "UTC")
moments = st.datetimes(datetime(2024, 1, 1), datetime(2028, 12, 31), timezones=st.just(UTC))


def utc(text: str) -> datetime:
    return datetime.fromisoformat(text).replace(tzinfo=UTC)


@pytest.mark.parametrize(
    ("period", "zone", "at", "start", "end"),
    [
        # spring forward: the day has 23 hours; London is an hour behind Berlin
        (P.DAY, "Europe/Berlin", "2026-03-29T12:00", "2026-03-28T23:00", "2026-03-29T22:00"),
        (P.DAY, "Europe/London", "2026-03-29T12:00", "2026-03-29T00:00", "2026-03-29T23:00"),
        # fall back: 25 hours
        (P.DAY, "Europe/Berlin", "2026-10-25T00:30", "2026-10-24T22:00", "2026-10-25T23:00"),
        (P.DAY, "Europe/Berlin", "2026-10-25T22:59", "2026-10-24T22:00", "2026-10-25T23:00"),
        (P.DAY, "Europe/Berlin", "2026-10-25T23:00", "2026-10-25T23:00", "2026-10-26T23:00"),
        # midnight itself is skipped: the day begins when the clocks jump
        (P.DAY, "Asia/Beirut", "2026-03-29T10:00", "2026-03-28T22:00", "2026-03-29T21:00"),
        # a week and a month over a change of the clocks
        (P.WEEK, "Europe/Berlin", "2026-03-29T12:00", "2026-03-22T23:00", "2026-03-29T22:00"),
        (P.MONTH, "Europe/Berlin", "2026-03-15T12:00", "2026-02-28T23:00", "2026-03-31T22:00"),
        (P.MONTH, "America/Toronto", "2026-12-31T23:00", "2026-12-01T05:00", "2027-01-01T05:00"),
        (P.MONTH, "Europe/London", "2028-02-29T23:59", "2028-02-01T00:00", "2028-03-01T00:00"),
    ],
)
def test_calendar_windows_are_local_midnights(period: P, zone: str, at: str, start: str, end: str) -> None:
    window = window_at(period, utc(at), zone)
    assert (window.start, window.end) == (utc(start), utc(end))


@given(moments, st.sampled_from(ZONES), st.sampled_from(CALENDAR))
def test_calendar_windows_follow_each_other_without_gap(at: datetime, zone: str, period: P) -> None:
    window = window_at(period, at, zone)
    assert window.end is not None
    assert window.holds(at)
    following = window_at(period, window.end, zone)
    before = window_at(period, window.start - timedelta(microseconds=1), zone)
    assert following.start == window.end
    assert before.end == window.start


@given(moments, st.sampled_from(ZONES), st.sampled_from(ROLLING))
def test_rolling_windows_are_absolute(at: datetime, zone: str, period: P) -> None:
    """A use is counted for exactly the length, wherever the clocks change."""
    until = frees_at(period, at)
    assert window_at(period, until - timedelta(microseconds=1), zone).holds(at)
    assert not window_at(period, until, zone).holds(at)


@pytest.mark.rule(24)
def test_four_weeks_from_a_tuesday() -> None:
    tuesday = date(2026, 9, 1)
    assert tuesday.weekday() == 1
    starts = [
        window_at(P.FOUR_WEEKS, datetime(2026, 9, 1, 12, tzinfo=UTC) + timedelta(days=n), "Europe/Madrid", tuesday)
        for n in range(28 * 15)
    ]
    for before, after in pairwise(sorted({window.start for window in starts})):
        local = [moment.astimezone(ZoneInfo("Europe/Madrid")) for moment in (before, after)]
        assert [one.weekday() for one in local] == [1, 1]
        assert [one.hour for one in local] == [0, 0]
        assert local[1].date() - local[0].date() == timedelta(days=28)


@pytest.mark.rule(17)
@pytest.mark.parametrize(
    ("pack", "period", "zone", "hours", "period_end", "at", "effective"),
    [
        ("GB", P.DAY, "Europe/London", 24, False, "2026-06-01T10:00", "2026-06-02T10:00"),
        # 24 hours are 24 hours where the clocks change within them
        ("GB dst", P.DAY, "Europe/London", 24, False, "2026-03-28T10:00", "2026-03-29T10:00"),
        ("DE", P.MONTH, "Europe/Berlin", 168, False, "2026-10-20T10:00", "2026-10-27T10:00"),
        # SE: 72 h and not before the period is over; with 24 h left, 48 h after its end
        ("SE 24 h left", P.WEEK, "Europe/Stockholm", 72, True, "2026-06-06T22:00", "2026-06-09T22:00"),
        ("SE month", P.MONTH, "Europe/Stockholm", 72, True, "2026-06-10T10:00", "2026-06-30T22:00"),
        ("SE dst", P.MONTH, "Europe/Stockholm", 72, True, "2026-10-10T10:00", "2026-10-31T23:00"),
        ("SE day", P.DAY, "Europe/Stockholm", 72, True, "2026-06-10T10:00", "2026-06-13T10:00"),
        ("rolling", P.ROLLING_7D, "Europe/Stockholm", 72, True, "2026-06-10T10:00", "2026-06-17T10:00"),
    ],
)
def test_when_a_raise_takes_effect(
    pack: str, period: P, zone: str, hours: int, period_end: bool, at: str, effective: str
) -> None:
    delay = timedelta(hours=hours)
    found = raise_takes_effect_at(period, utc(at), zone, delay=delay, not_before_period_end=period_end)
    assert found == utc(effective), pack


@given(moments, st.sampled_from(ZONES), st.sampled_from((*ROLLING, *CALENDAR)), st.integers(0, 200))
def test_a_raise_never_comes_early(at: datetime, zone: str, period: P, hours: int) -> None:
    delay = timedelta(hours=hours)
    effective = raise_takes_effect_at(period, at, zone, delay=delay, not_before_period_end=True)
    assert effective >= at + delay
    assert not window_at(period, effective, zone).holds(at) or period in CALENDAR
    if period in CALENDAR:
        assert window_at(period, effective, zone) != window_at(period, at, zone)


def limit(kind: K, period: P, amount: int, set_by: SetBy = SetBy.PLAYER) -> LimitDetails:
    money = None if kind.is_time else Money(amount, "EUR")
    minutes = amount if kind.is_time else None
    return LimitDetails(uuid4(), uuid4(), kind, period, money, minutes, set_by, "", "", utc("2026-01-01"), None)


@pytest.mark.rule(18)
@given(st.lists(st.builds(limit, st.sampled_from(K), st.sampled_from(P), st.integers(0, 99), st.sampled_from(SetBy))))
def test_the_lowest_of_all_who_set_one_binds(limits: list[LimitDetails]) -> None:
    binding = lowest(limits)
    assert set(binding) == {(one.kind, one.period) for one in limits}
    for one in limits:
        assert binding[(one.kind, one.period)].measure <= one.measure
    assert all(one in limits for one in binding.values())


@pytest.mark.parametrize(
    ("new", "old", "tighter"),
    [(5, 6, True), (6, 6, True), (7, 6, False), (7, None, True), (None, 6, False), (None, None, True)],
)
def test_what_is_tighter(new: int | None, old: int | None, tighter: bool) -> None:
    assert is_tighter_or_equal(new, old) is tighter


SE = [(K.DEPOSIT, P.DAY), (K.DEPOSIT, P.WEEK), (K.DEPOSIT, P.MONTH)]
NL = [(K.DEPOSIT, None), (K.LOGIN_TIME, None), (K.BALANCE, None)]


@pytest.mark.rule(19)
@pytest.mark.parametrize(
    ("demands", "have", "missing"),
    [
        (SE, [], SE),
        (SE, [(K.DEPOSIT, P.DAY), (K.DEPOSIT, P.MONTH)], [(K.DEPOSIT, P.WEEK)]),
        (SE, SE, []),
        ([(K.DEPOSIT, P.MONTH)], [(K.DEPOSIT, P.DAY)], [(K.DEPOSIT, P.MONTH)]),
        (NL, [(K.DEPOSIT, P.DAY)], [(K.LOGIN_TIME, None), (K.BALANCE, None)]),
        (NL, [(K.DEPOSIT, P.DAY), (K.LOGIN_TIME, P.DAY), (K.BALANCE, P.NONE)], []),
    ],
)
def test_what_is_missing_before_play(
    demands: list[tuple[K, P | None]], have: list[tuple[K, P]], missing: list[tuple[K, P | None]]
) -> None:
    assert missing_limits(demands, have) == missing


@pytest.mark.parametrize(
    ("before", "after", "limit", "percents"),
    [(0, 49, 100, []), (0, 50, 100, [50]), (50, 99, 100, []), (99, 100, 100, [100]), (0, 100, 100, [50, 100]),
     (100, 100, 100, []), (0, 1, 3, [])],
)  # fmt: skip
def test_warnings(before: int, after: int, limit: int, percents: list[int]) -> None:
    assert crossed(before, after, limit, (50, 100)) == percents


@pytest.mark.rule(25)
@pytest.mark.parametrize(
    ("birth", "day", "age"),
    [
        (date(2001, 6, 15), date(2026, 6, 14), 24),
        (date(2001, 6, 15), date(2026, 6, 15), 25),
        (date(2004, 2, 29), date(2026, 2, 28), 21),
        (date(2004, 2, 29), date(2026, 3, 1), 22),
    ],
)
def test_age_on_birthdays(birth: date, day: date, age: int) -> None:
    assert age_on(birth, day) == age


@pytest.mark.parametrize(
    ("birth", "at", "birthday"),
    [
        (date(2001, 6, 15), "2026-06-14T21:59", "2026-06-14T22:00"),
        (date(2001, 6, 15), "2026-06-14T22:00", "2027-06-14T22:00"),
        (date(2004, 2, 29), "2026-02-28T12:00", "2026-02-28T23:00"),
        (date(2004, 2, 29), "2027-12-28T12:00", "2028-02-28T23:00"),
    ],
)
def test_next_birthdays(birth: date, at: str, birthday: str) -> None:
    assert next_birthday(birth, utc(at), "Europe/Rome") == utc(birthday)


@pytest.mark.rule(25)
@pytest.mark.parametrize(("age", "value"), [(None, 50), (18, 50), (24, 50), (25, 100), (99, 100)])
def test_values_by_age_band(age: int | None, value: int) -> None:
    assert for_age({"young": 50, "default": 100}, {"young": 24}, age) == value
    assert for_age({"young": 50}, {"young": 24}, 30) is None
    assert for_age({"default": 7}, {}, age) == 7


@pytest.mark.rule(15)
@pytest.mark.parametrize(
    ("at", "months", "before"),
    [
        ("2026-08-31T10:00", 6, "2026-02-28T10:00"),
        ("2028-08-31T10:00", 6, "2028-02-29T10:00"),
        ("2026-01-15T10:00", 12, "2025-01-15T10:00"),
        ("2026-12-31T23:59", 1, "2026-11-30T23:59"),
        ("2026-03-31T00:00", 3, "2025-12-31T00:00"),
    ],
)
def test_months_before(at: str, months: int, before: str) -> None:
    assert months_before(utc(at), months) == utc(before)
