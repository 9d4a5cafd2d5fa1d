"""A dry run on a small history against the same worked out plainly, player by player."""

from __future__ import annotations

import json
from collections import Counter
from datetime import UTC, date, datetime, timedelta
from typing import Any
from uuid import UUID

import pytest

from bonuses import rules
from bonuses.models import Grant, OfferVersion, Referral
from bonuses.models_play import PlayDay, PlayTotal
from bonuses.models_runs import OfferRun
from bonuses.ports import level_scale
from bonuses.selectors import read_rule
from bonuses.services.simulation import dry_run, request_run, work_runs
from bonuses.types_simulation import DryRunWanted
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors import get_player, list_labels
from players.services.labels import set_label
from tests.bonuses.offers import GIFT, MAKER, MATCH, live_offer, merged
from tests.factories import AT, fund, make_player

pytestmark = pytest.mark.usefixtures("db")
SINCE, UNTIL = AT - timedelta(days=30), AT + timedelta(days=30)


def version_of(rule: dict[str, Any] = MATCH, **changes: Any) -> UUID:
    offer = live_offer(rule, **changes)
    return OfferVersion.objects.get(offer_id=offer.id).id


def ran(version_id: UUID, since: datetime = SINCE, until: datetime = UNTIL) -> dict[str, Any]:
    return dry_run(version_id=version_id, since=since, until=until, at=AT)


def reasons(said: dict[str, Any]) -> dict[str, int]:
    return {line["reason"]: line["occasions"] for line in said["excluded"]}


def test_first_deposits_equal_a_plain_count(settings: Any) -> None:
    """Players of several countries, currencies and levels, deposits of many sizes; each judged as a grant would be."""
    settings.PLAYER_CURRENCIES = ["EUR", "SEK"]
    history = []
    for number in range(12):
        euro = number % 4 != 3
        player = make_player(country=("DE", "AT")[euro and number % 3 == 1], currency="EUR" if euro else "SEK")
        if number % 2:
            set_label(player_id=player.id, namespace="loyalty", key="level", value="gold", at=AT)
        for amount in ("8.00", "250.00")[number % 2 :]:
            fund(player.id, amount, currency="EUR" if euro else "SEK", at=AT + timedelta(hours=number))
            history.append((player.id, Money.parse(amount, "EUR" if euro else "SEK")))
    version_id = version_of(
        trigger={"kind": "deposit", "nth": 0},
        award={"percent": "50", "percent_by_level": {"gold": "75"}},
        eligibility={"jurisdictions": ["DE"], "labels": {"loyalty.level": ["gold"]}},
    )
    said = ran(version_id)

    rule = OfferVersion.objects.get(id=version_id)
    parsed, given, why = read_rule(rule), Counter[UUID](), Counter[str]()
    worth = 0
    for player_id, amount in history:
        player_, labels = get_player(player_id), {f"{x.namespace}.{x.key}": x.value for x in list_labels(player_id)}
        level = labels.get("loyalty.level", "")
        who = rules.Candidate(
            residence=player_.residence, currency=player_.currency, confirmed=False, labels=labels,
            given_to_player=given[player_id], given_to_household=0, given_to_devices=0,
        )  # fmt: skip
        against = [reason.code for reason in rules.why_not(parsed, who, AT)]
        if player_.currency == "EUR":
            award = rules.award_of(parsed, currency="EUR", base=amount, level=level, scale=level_scale(level, AT))
            if amount < Money.parse("10.00", "EUR"):
                against.append("deposit_too_small")
        if against:
            why.update(against)
        else:
            given[player_id] += 1
            worth += award.worth.amount_minor
    assert said["occasions"] == len(history)
    assert reasons(said) == why
    assert len(why) >= 4
    (line,) = said["given"]
    assert (line["bonuses"], line["players"], line["worth"]) == (
        sum(given.values()),
        len(given),
        str(Money(worth, "EUR")),
    )
    assert said["worth_eur"] == str(Money(worth, "EUR"))
    assert not Grant.objects.exists()


def test_caps_of_players_and_households_take_the_first() -> None:
    home = {"last_name": "Keller", "postcode": "10115"}
    anna, bert, other = make_player(**home).id, make_player(**home).id, make_player(last_name="Maier", postcode="1").id
    for number, player_id in enumerate((anna, anna, bert, other)):
        fund(player_id, "20.00", at=AT + timedelta(hours=number))
    said = ran(version_of(trigger={"kind": "deposit", "nth": 0}, eligibility={"per_household": 1}))
    assert reasons(said) == {"player_cap": 1, "household_cap": 1}
    assert said["given"] == [{"currency": "EUR", "bonuses": 2, "players": 2, "worth": "40.00"}]


def test_registrations_and_what_the_time_leaves_out() -> None:
    for days in (-40, -1, 0, 1, 40):
        make_player(at=AT + timedelta(days=days))
    gift = merged(GIFT, {"trigger": {"kind": "registration"}, "starts_at": AT.isoformat()})
    said = ran(version_of(gift))
    assert said["occasions"] == 3
    assert (said["given"][0]["bonuses"], reasons(said)) == (2, {"not_yet": 1})


def test_cashback_by_schedule_equals_a_plain_sum() -> None:
    first = date(2026, 1, 5)  # a Monday
    players = [make_player().id for _ in range(4)]
    for number, player_id in enumerate(players):
        for day in range(21):
            staked, won = 1_000 * (number + 1), (700, 1_300, 1_100, 400)[number] * (1 + day % 2)
            PlayDay.objects.create(
                player_id=player_id, day=first + timedelta(days=day), currency="EUR", staked_minor=staked, won_minor=won
            )
    version_id = version_of(
        GIFT,
        trigger={"kind": "schedule", "weekday": 0, "hour": 6},
        award={"kind": "cashback", "percent": "10", "cap": {"EUR": "12.00"}, "amount": {}, "window_days": 7},
    )
    since, until = datetime(2026, 1, 12, 7, tzinfo=UTC), datetime(2026, 1, 27, tzinfo=UTC)
    expected, lost_nothing = [], 0
    for monday in (date(2026, 1, 19), date(2026, 1, 26)):  # that of the 12th was at six, before the time
        for player_id in players:
            days = PlayDay.objects.filter(player_id=player_id, day__lt=monday, day__gte=monday - timedelta(days=7))
            lost = sum(day.staked_minor - day.won_minor for day in days)
            if lost > 0:
                expected.append(min(lost // 10, 1_200))
            else:
                lost_nothing += 1
    said = ran(version_id, since, until)
    assert said["given"][0]["bonuses"] == len(expected)
    assert said["given"][0]["worth"] == str(Money(sum(expected), "EUR"))
    assert reasons(said) == ({"nothing_lost": lost_nothing} if lost_nothing else {})
    assert 1_200 in expected


def test_silence_turnover_birthdays_levels_labels_and_friends() -> None:
    here, back = make_player(birth_date=date(1990, 2, 3)).id, make_player(birth_date=date(1992, 2, 29)).id
    day = AT.date()
    for player_id, offset in ((here, 0), (back, 0), (back, 5), (back, 100)):
        PlayDay.objects.create(
            player_id=player_id, day=day + timedelta(days=offset), currency="EUR", staked_minor=20_000, won_minor=0
        )
    PlayTotal.objects.create(player_id=here, turnover_eur=200, last_bet_at=AT)
    PlayTotal.objects.create(player_id=back, turnover_eur=600, last_bet_at=AT + timedelta(days=100))
    set_label(player_id=here, namespace="crm", key="dear", value="yes", at=AT)
    Referral.objects.create(player_id=back, friend_id=here, registered_at=AT, deposited_at=None)

    def count(until: datetime = UNTIL, since: datetime = SINCE, **trigger: Any) -> int:
        gift = merged(GIFT, {"trigger": trigger})
        return int(ran(version_of(gift), since, until)["occasions"])

    assert count(kind="inactivity", days=10) == 2  # one after the first day, one after the fifth
    assert count(kind="inactivity", days=3) == 3
    assert count(kind="turnover", amount_eur="300") == 1
    assert count(kind="turnover", amount_eur="500") == 0  # only on the hundredth day
    assert count(kind="turnover", amount_eur="500", until=AT + timedelta(days=120)) == 1
    year = {"since": datetime(2027, 1, 1, tzinfo=UTC), "until": datetime(2027, 12, 31, tzinfo=UTC)}
    assert count(kind="birthday", **year) == 2
    assert count(kind="birthday", since=datetime(2027, 2, 28, tzinfo=UTC), until=datetime(2027, 3, 1, tzinfo=UTC)) == 1
    assert count(kind="segment", label="crm.dear", value="yes") == 1
    assert count(kind="segment", label="crm.dear") == 1
    assert count(kind="segment", label="crm.dear", value="no") == 0
    assert count(kind="level", value="gold") == 0
    assert count(kind="vip") == 0
    assert count(kind="referral") == 1
    assert count(kind="referral", nth=1) == 0


@pytest.mark.parametrize("kind", ["manual", "code"])
def test_history_knows_no_occasions_by_hand_or_code(kind: str) -> None:
    said = ran(version_of(merged(GIFT, {"trigger": {"kind": kind}})))
    assert (said["known"], said["occasions"], said["given"]) == (False, 0, [])


def test_a_dry_run_is_asked_for_and_keeps_only_counts() -> None:
    player = make_player().id
    fund(player, "20.00", at=AT)
    version_id = version_of()
    request_run(version_id=version_id, wanted=DryRunWanted(since=SINCE, until=UNTIL), actor=MAKER, at=AT)
    assert work_runs(at=AT) == 1
    run = OfferRun.objects.get()
    assert run.result == ran(version_id)
    assert str(player) not in json.dumps(run.result)
    assert run.result["given"][0]["bonuses"] == 1


def test_a_time_that_cannot_be_is_refused() -> None:
    version_id = version_of()
    for since, until in ((UNTIL, SINCE), (SINCE, SINCE + timedelta(days=500)), (SINCE, UNTIL.replace(tzinfo=None))):
        with pytest.raises(FieldErrors):
            request_run(version_id=version_id, wanted=DryRunWanted(since=since, until=until), actor=MAKER, at=AT)
