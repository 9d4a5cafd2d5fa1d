"""Those who try to get more out of bonuses than they promise: hedgers, the impatient, those who stand on the edge of a clock."""

from __future__ import annotations

from datetime import UTC, date, datetime, timedelta
from uuid import UUID

import pytest

from bonuses.models import Grant, Occasion
from bonuses.selectors import list_grants
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from bonuses.services.triggers import award_due
from tests.bonuses.offers import GIFT, MATCH, live_offer, work
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances
from wallet.services.purses import expire_bonus_purses
from wallet.types import GameCategory

pytestmark = pytest.mark.usefixtures("db")
SECOND = timedelta(seconds=1)


def test_fifty_at_once_want_one_birthday() -> None:
    live_offer(GIFT, trigger={"kind": "birthday"}, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    player = make_player(birth_date=date(1990, 5, 17)).id
    at = datetime(2027, 5, 17, 12, tzinfo=UTC)
    in_parallel([lambda: award_due(at=at)] * 50, 25)
    assert Grant.objects.filter(player_id=player).count() == Occasion.objects.count() == 1
    assert get_balances(player).real.amount_minor == 1_000
    assert award_due(at=at) == 0


def test_hedging_at_the_highest_stake_brings_a_tenth_and_above_it_nothing() -> None:
    """Both sides of a table game in one round cost next to nothing, so they count a tenth; no stake above the cap counts."""
    make_game("roulette", GameCategory.TABLE)
    make_game()
    offer = live_offer(MATCH, wagering={"max_stake": {"EUR": "5.00"}, "multiple": "1"})
    player = make_player().id
    fund(player, "100.00")
    work()
    for round_ in range(4):
        for side in ("red", "black"):
            assert bet(player, "5.00", game="roulette", key=f"{round_}{side}").ok
    assert bet(player, "5.01", game="roulette", key="over").ok, "real money may be staked as anybody likes"
    assert bet(player, "50.00", key="all at once").ok
    work()
    (found,) = list_grants(player)
    assert found.wagering
    assert (str(found.wagering.wagered), found.wagering.breaches, found.state) == ("4.00", 2, "active")
    # The bonus itself is never staked above the cap.
    bet(player, "4.99", key="the last real money")
    assert bet(player, "5.01", key="from the bonus").reason == "stake_above_cap"
    assert offer.code == found.offer


def test_an_offer_ends_at_its_very_instant() -> None:
    end = AT + timedelta(hours=1)
    offer = live_offer(GIFT, starts_at=AT.isoformat(), ends_at=end.isoformat())
    early, last, late = (make_player().id for _ in range(3))
    for player, at, code in ((early, AT - SECOND, "not_yet"), (late, end, "over")):
        with pytest.raises(NotEligible) as error:
            grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=at)
        assert [reason.code for reason in error.value.reasons] == [code]
    assert grant(offer=offer.code, player_id=last, occasion="x", actor=ACTOR, at=end - SECOND).state == "active"


def test_a_bonus_is_there_until_its_very_instant_and_not_at_it() -> None:
    make_game()
    offer = live_offer(GIFT, wagering={"multiple": "5", "days": 7})
    in_time, too_late = make_player().id, make_player().id
    for player in (in_time, too_late):
        given = grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    assert given.expires_at == AT + timedelta(days=7)
    assert bet(in_time, "10.00", at=given.expires_at - SECOND).ok
    assert bet(too_late, "10.00", at=given.expires_at).reason == "insufficient_funds"
    assert expire_bonus_purses(at=given.expires_at - SECOND) == 0
    assert expire_bonus_purses(at=given.expires_at) == 2


@pytest.mark.parametrize(
    ("zone", "midnight"),
    [
        ("Europe/Berlin", datetime(2027, 3, 27, 23, tzinfo=UTC)),  # the day that loses an hour
        ("Europe/Berlin", datetime(2027, 10, 30, 22, tzinfo=UTC)),  # the day that has one twice
        ("America/New_York", datetime(2027, 11, 7, 4, tzinfo=UTC)),
        ("Asia/Kathmandu", datetime(2027, 5, 16, 18, 15, tzinfo=UTC)),
    ],
)
def test_birthdays_begin_at_the_players_own_midnight_whatever_the_clocks_do(zone: str, midnight: datetime) -> None:
    live_offer(GIFT, trigger={"kind": "birthday"}, wagering={"multiple": "0"}, eligibility={"per_player": 0})
    local = (midnight + timedelta(hours=12)).date()
    born = local.replace(year=1990)
    if zone == "America/New_York":
        born = date(1990, 11, 7)
    player: UUID = make_player(birth_date=born, time_zone=zone).id
    assert award_due(at=midnight - SECOND) == 0
    assert award_due(at=midnight) == 1
    for hours in range(1, 30):
        assert award_due(at=midnight + timedelta(hours=hours)) == 0
    assert get_balances(player).real.amount_minor == 1_000
