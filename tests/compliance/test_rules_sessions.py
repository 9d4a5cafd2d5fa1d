"""Rules of play sessions: caps by age, times of rounds, summaries, pauses. No database."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta

import pytest

from compliance import rules_sessions as rules
from compliance.types_packs import EffectivePack
from compliance.types_sessions import StakeTier
from kernel.money import Money
from tests.packs import pack_of

AT = datetime(2026, 3, 14, 12, tzinfo=UTC)
GB = pack_of(
    {
        "age.bands": {"young": 24},
        "games.slot_stake_cap": {"young": "2.00 GBP", "default": "5.00 GBP"},
        "games.min_cycle_ms": {"slots": 2500, "other": 5000},
    },
    currency="GBP",
)
DE = pack_of(
    {
        "age.bands": {"young": 20},
        "games.slot_stake_cap": {
            "default": "1.00 EUR",
            "from_21_optin": "3.00 EUR",
            "after_90d_monitoring": "5.00 EUR",
        },
        "games.table_games": False,
        "session.login_summary_days": 30,
        "session.login_summary_ack": True,
        "session.login_summary_repeat_hours": 24,
    }
)
NOTHING = pack_of({"age.min": 18})


@pytest.mark.parametrize(
    ("born", "at", "zone", "age"),
    [
        (date(2000, 3, 15), datetime(2025, 3, 14, 23, 59, tzinfo=UTC), "Europe/London", 24),
        (date(2000, 3, 15), datetime(2025, 3, 15, 0, 0, tzinfo=UTC), "Europe/London", 25),
        (date(2000, 7, 15), datetime(2025, 7, 14, 23, 0, tzinfo=UTC), "Europe/London", 25),  # summer: midnight there
        (date(2004, 2, 29), datetime(2029, 2, 28, 23, 59, tzinfo=UTC), "UTC", 24),
        (date(2004, 2, 29), datetime(2029, 3, 1, tzinfo=UTC), "UTC", 25),
    ],
)
def test_a_birthday_begins_at_midnight_where_the_pack_is_at_home(born: date, at: datetime, zone: str, age: int) -> None:
    assert rules.age_at(born, at, zone) == age
    assert rules.birthday(born, 25, zone) <= at if age == 25 else rules.birthday(born, 25, zone) > at


@pytest.mark.rule(30)
@pytest.mark.parametrize(
    ("pack", "age", "tier", "cap"),
    [
        (GB, 18, StakeTier.STANDARD, "2.00"),
        (GB, 24, StakeTier.STANDARD, "2.00"),
        (GB, 25, StakeTier.STANDARD, "5.00"),
        (GB, None, StakeTier.STANDARD, "2.00"),
        (GB, 30, StakeTier.RAISED, "5.00"),
        (DE, 30, StakeTier.STANDARD, "1.00"),
        (DE, 20, StakeTier.RAISED, "1.00"),
        (DE, 21, StakeTier.RAISED, "3.00"),
        (DE, 21, StakeTier.MONITORED, "5.00"),
        (DE, None, StakeTier.MONITORED, "1.00"),
    ],
)
def test_stakes_of_slots_are_capped_by_age_and_choice(
    pack: EffectivePack, age: int | None, tier: StakeTier, cap: str
) -> None:
    found = rules.slot_cap(pack, age, tier)
    assert found == Money.parse(cap, pack.currency)


def test_without_a_rule_there_is_no_cap_no_cycle_and_every_game() -> None:
    assert rules.slot_cap(NOTHING, 18, StakeTier.STANDARD) is None
    assert (rules.min_cycles(NOTHING), rules.games_offered(NOTHING)) == ({}, None)
    assert not rules.summary_due(NOTHING, AT, None, AT)
    assert not rules.is_idle(NOTHING, AT - timedelta(days=1), AT)


def test_a_row_is_good_until_the_next_birthday_that_counts() -> None:
    born = date(2001, 3, 20)
    assert rules.next_birthday_that_counts(GB, born, AT) == datetime(2026, 3, 20, tzinfo=UTC)
    assert rules.next_birthday_that_counts(GB, date(2005, 3, 20), AT) == datetime(2026, 3, 20, tzinfo=UTC)  # 21
    assert rules.next_birthday_that_counts(GB, date(1980, 3, 20), AT) is None
    assert rules.next_birthday_that_counts(GB, None, AT) is None


def test_times_of_rounds_and_games_offered() -> None:
    assert rules.min_cycles(GB) == {"slots": 2500, "*": 5000}
    assert rules.games_offered(DE) == ["slots", "crash", "other"]


@pytest.mark.rule(28)
@pytest.mark.parametrize(
    ("logged_in", "acknowledged", "due"),
    [
        (timedelta(0), None, True),
        (timedelta(0), timedelta(minutes=-1), True),  # before this login
        (timedelta(hours=-1), timedelta(minutes=-59), False),
        (timedelta(hours=-30), timedelta(hours=-23, minutes=-59), False),
        (timedelta(hours=-30), timedelta(hours=-24), True),
        (None, timedelta(hours=-23), False),
    ],
)
def test_the_summary_is_due_after_a_login_and_again_after_a_day(
    logged_in: timedelta | None, acknowledged: timedelta | None, due: bool
) -> None:
    login = AT + logged_in if logged_in is not None else None
    assert rules.summary_due(DE, login, AT + acknowledged if acknowledged else None, AT) is due


@pytest.mark.rule(29)
def test_after_thirty_minutes_a_pause_is_too_long() -> None:
    pack = pack_of({"session.idle_reauth_minutes": 30})
    assert not rules.is_idle(pack, AT - timedelta(minutes=29, seconds=59), AT)
    assert rules.is_idle(pack, AT - timedelta(minutes=30), AT)


@pytest.mark.rule(26)
@pytest.mark.parametrize(
    ("values", "chosen", "minutes"),
    [
        ({"session.reality_check": "customer_set"}, None, None),
        ({"session.reality_check": "customer_set"}, 20, 20),
        ({"session.reality_check": "fixed", "session.reality_check_minutes": 60}, None, 60),
        ({"session.reality_check": "fixed", "session.reality_check_minutes": 60}, 20, 20),
        ({"session.reality_check": "fixed", "session.reality_check_minutes": 30}, 45, 30),
    ],
)
def test_a_player_is_interrupted_as_often_as_they_choose_and_never_more_seldom_than_the_pack_says(
    values: dict[str, object], chosen: int | None, minutes: int | None
) -> None:
    assert rules.reality_check_minutes(pack_of(values), chosen) == minutes


@pytest.mark.parametrize(
    ("tier", "age", "raised_days_ago", "allowed"),
    [
        (StakeTier.STANDARD, 18, None, True),
        (StakeTier.RAISED, 20, None, False),
        (StakeTier.RAISED, 21, None, True),
        (StakeTier.RAISED, None, None, False),
        (StakeTier.MONITORED, 30, None, False),
        (StakeTier.MONITORED, 30, 89, False),
        (StakeTier.MONITORED, 30, 90, True),
    ],
)
def test_who_may_ask_for_higher_stakes(
    tier: StakeTier, age: int | None, raised_days_ago: int | None, allowed: bool
) -> None:
    since = AT - timedelta(days=raised_days_ago) if raised_days_ago else None
    if allowed:
        rules.check_tier(DE, tier, age, since, AT)
    else:
        with pytest.raises(rules.InvalidChoice):
            rules.check_tier(DE, tier, age, since, AT)


def test_where_there_is_one_cap_nobody_asks_for_more() -> None:
    with pytest.raises(rules.InvalidChoice, match="one cap"):
        rules.check_tier(GB, StakeTier.RAISED, 40, None, AT)
