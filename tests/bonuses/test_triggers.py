"""Occasions: each gives its bonus once, whatever is retried, and keeps why it gave none."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from uuid import UUID

import pytest

from bonuses.models import Occasion, Referral
from bonuses.selectors import list_grants
from bonuses.services.eligibility import explain
from bonuses.services.triggers import award_due, birthday_in, on_events
from compliance.services.exclusions import exclude
from compliance.types_exclusion import ExclusionKind
from events.catalogue.loyalty import LevelChanged
from events.selectors import Cursor, read_log
from events.services.log import holding, publish
from players.services.labels import set_label
from tests.bonuses.offers import GIFT, MATCH, live_offer, work
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player

pytestmark = pytest.mark.usefixtures("db")


def given(player_id: UUID) -> list[tuple[str, str]]:
    return [(found.offer, found.occasion) for found in reversed(list_grants(player_id))]


def refused(player_id: UUID) -> list[tuple[str, list[str]]]:
    rows = Occasion.objects.filter(player_id=player_id, grant=None).order_by("id")
    return [(row.occasion, [reason["code"] for reason in row.reasons]) for row in rows]


def test_registration_and_the_deposit_that_the_offer_names() -> None:
    hello = live_offer(GIFT, trigger={"kind": "registration"}, wagering={"multiple": "0"})
    second = live_offer(MATCH, trigger={"kind": "deposit", "nth": 2})
    player = make_player().id
    fund(player, "20.00")
    work()
    assert given(player) == [(hello.code, "registration")]
    fund(player, "9.99")
    work()
    assert refused(player) == [("deposit:2", ["deposit_too_small"])]
    fund(player, "50.00")
    work()
    assert second.code not in dict(given(player))


def test_what_is_read_twice_is_given_once() -> None:
    live_offer(MATCH)
    player = make_player().id
    fund(player, "20.00")
    work()
    events, _ = read_log(Cursor(), ["wallet.deposit-made.v1"], 100)
    with holding(player):
        on_events([event for event in events if event.player_id == player])
    assert len(given(player)) == 1


def test_levels_segments_and_the_care_of_a_manager() -> None:
    level = live_offer(GIFT, trigger={"kind": "level", "value": "gold"}, wagering={"multiple": "0"})
    segment = live_offer(
        GIFT, trigger={"kind": "segment", "label": "crm.lapsing", "value": "yes"}, wagering={"multiple": "0"}
    )
    vip = live_offer(GIFT, trigger={"kind": "vip"}, wagering={"multiple": "0"})
    player = make_player().id
    for from_level, to_level, up in (("platinum", "gold", False), ("silver", "gold", True)):
        with holding(player):
            publish(
                LevelChanged(
                    player_id=player,
                    occurred_at=AT,
                    programme="standard",
                    from_level=from_level,
                    to_level=to_level,
                    up=up,
                    reason="turnover",
                    turnover_eur=Decimal(50_000),
                )
            )
        work()
        assert len(given(player)) == int(up), "a level that the player fell to was not reached"
    set_label(player_id=player, namespace="crm", key="lapsing", value="no", at=AT)
    set_label(player_id=player, namespace="crm", key="lapsing", value="yes", at=AT)
    set_label(player_id=player, namespace="vip", key="active", value="yes", at=AT)
    work()
    assert [offer for offer, _ in given(player)] == [level.code, segment.code, vip.code]


@pytest.mark.parametrize(
    ("born", "year", "day"),
    [("1990-05-17", 2027, "2027-05-17"), ("1992-02-29", 2027, "2027-02-28"), ("1992-02-29", 2028, "2028-02-29")],
)
def test_birthdays_fall_on_a_day_in_every_year(born: str, year: int, day: str) -> None:
    assert birthday_in(date.fromisoformat(born), year) == date.fromisoformat(day)


def test_a_birthday_is_given_in_the_players_own_zone_and_once_a_year() -> None:
    offer = live_offer(GIFT, trigger={"kind": "birthday"}, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    tokyo = make_player(birth_date=date(1990, 5, 17), time_zone="Asia/Tokyo").id
    lima = make_player(birth_date=date(1990, 5, 17), time_zone="America/Lima").id
    leap = make_player(birth_date=date(1992, 2, 29), time_zone="Europe/Berlin").id
    before = datetime(2027, 5, 16, 14, 59, tzinfo=UTC)
    assert award_due(at=before) == 0
    assert award_due(at=before + timedelta(minutes=1)) == 1  # midnight in Tokyo
    assert [offer_ for offer_, _ in given(tokyo)] == [offer.code]
    assert given(lima) == []
    for hours in (14, 15, 37):
        award_due(at=before + timedelta(hours=hours, minutes=1))
    assert given(lima) == [(offer.code, "birthday:2027")]
    assert given(tokyo) == [(offer.code, "birthday:2027")]
    for at in (
        datetime(2027, 2, 28, 12, tzinfo=UTC),
        datetime(2028, 2, 28, 12, tzinfo=UTC),
        datetime(2028, 2, 29, 12, tzinfo=UTC),
    ):
        award_due(at=at)
    assert given(leap) == [(offer.code, "birthday:2027"), (offer.code, "birthday:2028")]
    assert award_due(at=before + timedelta(days=366, minutes=1)) == 1


def test_fifty_at_once_for_one_birthday_give_one() -> None:
    live_offer(GIFT, trigger={"kind": "birthday"}, wagering={"multiple": "0"})
    player = make_player(birth_date=date(1990, 5, 17)).id
    at = datetime(2027, 5, 17, 12, tzinfo=UTC)
    in_parallel([lambda: award_due(at=at)] * 50, 25)
    assert len(given(player)) == 1


def test_cashback_is_a_part_of_what_was_lost_in_whole_days() -> None:
    make_game()
    offer = live_offer(
        GIFT,
        trigger={"kind": "schedule", "weekday": 0, "hour": 6},
        award={"kind": "cashback", "percent": "10", "percent_by_level": {"gold": "20"}, "cap": {"EUR": "8.00"},
               "window_days": 7, "amount": {}},
        wagering={"multiple": "0"},
    )  # fmt: skip
    loser, gold, winner = (make_player().id for _ in range(3))
    set_label(player_id=gold, namespace="loyalty", key="level", value="gold", at=AT)
    for player in (loser, gold, winner):
        fund(player, "100.00")
        bet(player, "33.33", at=AT)
    fund(winner, "100.00")
    monday = datetime(2026, 3, 16, 6, tzinfo=UTC)
    assert monday > AT
    work()
    assert award_due(at=monday - timedelta(seconds=1)) == 0
    assert award_due(at=monday) == 3
    assert [str(found.outcome) for found in list_grants(loser) + list_grants(gold)] == ["3.33", "6.66"]
    assert given(loser) == [(offer.code, "schedule:2026-03-16")]
    assert award_due(at=monday + timedelta(hours=5)) == 0
    assert award_due(at=monday + timedelta(days=7)) == 0  # nobody has played since


def test_turnover_and_silence() -> None:
    make_game()
    reached = live_offer(GIFT, trigger={"kind": "turnover", "amount_eur": "50"}, wagering={"multiple": "0"})
    back = live_offer(GIFT, trigger={"kind": "inactivity", "days": 14}, wagering={"multiple": "0"})
    player = make_player().id
    fund(player, "100.00")
    bet(player, "49.99", at=AT)
    work()
    assert award_due(at=AT) == 0
    bet(player, "0.01", at=AT)
    work()
    assert [award_due(at=AT) for _ in range(2)] == [1, 0]
    assert [award_due(at=AT + timedelta(days=days)) for days in (13, 14, 15)] == [0, 1, 0]
    assert [offer for offer, _ in given(player)] == [reached.code, back.code]


def test_who_brings_a_friend_is_thanked_when_the_friend_pays_in() -> None:
    offer = live_offer(
        GIFT, trigger={"kind": "referral", "nth": 1}, wagering={"multiple": "0"}, eligibility={"per_player": 2}
    )
    friend = make_player(login="brings-friends")
    new = make_player(source="friend:brings-friends").id
    work()
    assert award_due(at=AT) == 0
    fund(new, "10.00")
    work()
    assert [award_due(at=AT) for _ in range(2)] == [1, 0]
    assert given(friend.id) == [(offer.code, f"referral:{new}")]
    assert Referral.objects.get(player_id=new).rewarded_at is not None


def test_who_is_excluded_loses_what_is_open_and_gets_nothing_new() -> None:
    live_offer(MATCH)
    player = make_player(country="AT").id
    fund(player, "20.00")
    work()
    exclude(
        player_id=player, kind=ExclusionKind.OPERATOR, term="1y", reason="found in the street", idempotency_key="x",
        actor=ACTOR, at=AT,
    )  # fmt: skip
    work()
    (found,) = list_grants(player)
    assert (found.state, found.ended_by) == ("forfeited", "exclusion")


def test_everything_that_stands_against_is_told() -> None:
    offer = live_offer(
        GIFT,
        eligibility={"jurisdictions": ["SE"], "labels": {"loyalty.level": ["gold"]}, "confirmed_only": True},
        starts_at="2027-01-01T00:00:00Z",
        award={"amount": {"EUR": "10.00"}},
    )
    player = make_player(country="DE")
    codes = [reason.code for reason in explain(offer=offer.code, player_id=player.id, at=AT)]
    assert codes == ["not_yet", "jurisdiction", "label", "not_confirmed"]
