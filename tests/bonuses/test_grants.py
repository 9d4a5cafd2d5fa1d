"""A bonus from the offer to its end."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from bonuses.selectors import get_grant, list_grants
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import claim, forfeit, grant
from bonuses.services.triggers import end_used_up
from bonuses.types import GrantDetails
from events.selectors import list_player_events
from events.services.rebuilding import rebuild
from kernel.actors import Actor, ActorKind
from kernel.money import Money, total
from tests.bonuses.offers import GIFT, MATCH, SPINS, live_offer, work
from tests.factories import ACTOR, AT, bet, fund, make_game, make_player
from wallet.selectors import get_balances, list_purses
from wallet.services.bets import credit_win, roll_back_bet
from wallet.services.purses import expire_bonus_purses
from wallet.types import AccountKind, GameCategory

pytestmark = pytest.mark.usefixtures("db")
LATER = AT + timedelta(minutes=1)


@pytest.fixture
def player() -> UUID:
    make_game()
    make_game("roulette", GameCategory.TABLE)
    return make_player().id


def held(player_id: UUID) -> tuple[str, str]:
    """Real and bonus money, whether the purse's time is over by now or not: the tests play in the past."""
    bonus = [purse.balance for purse in list_purses(player_id) if purse.kind is AccountKind.BONUS]
    return str(get_balances(player_id).real), str(total(bonus, "EUR"))


def only(player_id: UUID) -> GrantDetails:
    (found,) = list_grants(player_id)
    return found


def told(player_id: UUID) -> list[str]:
    events = reversed(list_player_events(player_id, limit=1000))
    return [event.type.split(".")[1] for event in events if event.type.startswith("bonuses.")]


def give(offer: str, player_id: UUID, occasion: str = "test", **more: Any) -> GrantDetails:
    return grant(offer=offer, player_id=player_id, occasion=occasion, actor=ACTOR, at=AT, **more)


def win(player_id: UUID, bet_key: str, amount: str) -> None:
    posting = credit_win(
        player_id=player_id, source="test", idempotency_key=f"win-{bet_key}", bet_key=bet_key,
        amount=Money.parse(amount, "EUR"), actor=ACTOR, at=LATER,
    )  # fmt: skip
    assert posting.ok, posting


def test_a_welcome_bonus_is_wagered_out_to_the_cent(player: UUID) -> None:
    live_offer(MATCH)
    fund(player, "50.00")
    work()
    found = only(player)
    assert (found.state, str(found.amount), found.occasion) == ("active", "50.00", "deposit:1")
    assert found.wagering
    assert (str(found.wagering.required), str(found.wagering.wagered)) == ("500.00", "0.00")
    assert held(player) == ("50.00", "50.00")
    for number in range(9):
        assert bet(player, "50.00", key=f"b{number}", at=LATER).ok
        win(player, f"b{number}", "50.00")
    assert bet(player, "49.99", key="almost", at=LATER).ok
    win(player, "almost", "49.99")
    work()
    found = only(player)
    assert found.wagering
    assert (found.state, str(found.wagering.left), found.wagering.percent) == ("active", "0.01", 99)
    assert bet(player, "0.01", key="last", at=LATER).ok
    work()
    found = only(player)
    assert (found.state, str(found.outcome)) == ("redeemed", "50.00")
    assert held(player) == ("99.99", "0.00")
    assert told(player) == ["bonus-granted", "bonus-wagered", "bonus-redeemed"]
    assert rebuild("bonuses.wagering", swap=False).equal


def test_games_count_what_the_offer_says_and_a_rollback_takes_back(player: UUID) -> None:
    offer = live_offer(
        GIFT, wagering={"contribution": {"table": "10", "live": "0"}, "game_contribution": {"fruits": "50"}}
    )
    fund(player, "100.00")
    give(offer.code, player)
    bet(player, "10.00", key="half")
    bet(player, "10.00", game="roulette", key="tenth")
    work()
    wagering = only(player).wagering
    assert wagering
    assert str(wagering.wagered) == "6.00"
    roll_back_bet(player_id=player, source="test", idempotency_key="undo", bet_key="half", actor=ACTOR, at=LATER)
    work()
    wagering = only(player).wagering
    assert wagering
    assert str(wagering.wagered) == "1.00"
    assert rebuild("bonuses.wagering", swap=False).equal


def test_what_is_rolled_back_after_completion_changes_nothing(player: UUID) -> None:
    offer = live_offer(GIFT)
    fund(player, "100.00")
    give(offer.code, player)
    bet(player, "50.00", key="all", at=LATER)
    work()
    assert only(player).state == "redeemed"
    roll_back_bet(player_id=player, source="test", idempotency_key="undo", bet_key="all", actor=ACTOR, at=LATER)
    work()
    assert only(player).state == "redeemed"
    assert held(player) == ("110.00", "0.00")
    assert rebuild("bonuses.wagering", swap=False).equal


def test_only_what_the_bonus_pays_counts_where_the_offer_says_so(player: UUID) -> None:
    offer = live_offer(GIFT, wagering={"counts": "bonus", "multiple": "1"})
    fund(player, "5.00")
    give(offer.code, player)
    bet(player, "7.00", at=LATER)
    work()
    wagering = only(player).wagering
    assert wagering
    assert str(wagering.wagered) == "2.00"


def test_above_the_cap_the_win_is_the_houses(player: UUID) -> None:
    offer = live_offer(GIFT, wagering={"max_conversion": {"EUR": "30.00"}, "multiple": "1"})
    give(offer.code, player)
    bet(player, "4.00", key="lucky", at=AT)
    win(player, "lucky", "90.00")
    bet(player, "6.00", key="last", at=LATER)
    work()
    found = only(player)
    assert (found.state, str(found.outcome)) == ("redeemed", "30.00")
    assert held(player) == ("30.00", "0.00")
    win(player, "last", "50.00")  # late, and above the most
    assert held(player) == ("30.00", "0.00")


def test_a_bonus_expires_with_half_of_it_wagered(player: UUID) -> None:
    offer = live_offer(GIFT)
    fund(player, "100.00")
    found = give(offer.code, player)
    bet(player, "25.00")
    work()
    assert found.expires_at == AT + timedelta(days=7)
    assert expire_bonus_purses(at=found.expires_at) == 1
    work()
    found = only(player)
    assert found.wagering
    assert (found.state, found.wagering.percent, str(found.outcome)) == ("expired", 50, "0.00")
    assert told(player)[-1] == "bonus-expired"
    bet(player, "25.00", at=AT + timedelta(days=8))
    work()
    assert only(player).state == "expired"
    assert held(player) == ("50.00", "0.00")


def test_a_player_gives_it_up_and_a_second_time_changes_nothing(player: UUID) -> None:
    offer = live_offer(GIFT)
    found = give(offer.code, player)
    me = Actor(ActorKind.PLAYER, str(player))
    for _ in range(2):
        ended = forfeit(grant_id=found.id, reason="", actor=me, at=LATER)
        assert (ended.state, ended.ended_by) == ("forfeited", "player")
    assert held(player) == ("0.00", "0.00")
    assert told(player) == ["bonus-granted", "bonus-forfeited"]


def test_of_two_bonuses_the_second_waits_for_the_first(player: UUID) -> None:
    first, second = live_offer(GIFT), live_offer(GIFT, stacking="queue")
    alone = live_offer(GIFT)
    fund(player, "100.00")
    give(first.code, player)
    assert give(second.code, player).state == "queued"
    with pytest.raises(NotEligible) as caught:
        give(alone.code, player)
    assert [reason.code for reason in caught.value.reasons] == ["another_bonus"]
    assert held(player) == ("100.00", "10.00")
    bet(player, "50.00", at=LATER)
    work()
    assert [(found.offer, found.state) for found in list_grants(player)] == [
        (second.code, "active"),
        (first.code, "redeemed"),
    ]
    assert held(player) == ("60.00", "10.00")
    bet(player, "50.00", at=LATER)
    work()
    assert {found.state for found in list_grants(player)} == {"redeemed"}
    assert rebuild("bonuses.wagering", swap=False).equal


def test_what_is_offered_is_taken_by_the_player(player: UUID) -> None:
    offer = live_offer(GIFT, claim="player", claim_days=3)
    found = give(offer.code, player)
    assert (found.state, found.claim_until) == ("offered", AT + timedelta(days=3))
    assert held(player) == ("0.00", "0.00")
    me = Actor(ActorKind.PLAYER, str(player))
    for _ in range(2):
        assert claim(grant_id=found.id, actor=me, at=LATER).state == "active"
    assert held(player) == ("0.00", "10.00")
    assert told(player) == ["bonus-offered", "bonus-granted"]


def test_without_wagering_it_is_real_money_at_once(player: UUID) -> None:
    offer = live_offer(GIFT, wagering={"multiple": "0"})
    found = give(offer.code, player)
    assert (found.state, found.wagering) == ("redeemed", None)
    assert held(player) == ("10.00", "0.00")


def test_breaches_are_kept_and_end_it_where_the_offer_says_so(player: UUID) -> None:
    kind = {"max_stake": {"EUR": "5.00"}, "excluded_games": ["roulette"]}
    lenient, strict = live_offer(GIFT, wagering=kind), live_offer(GIFT, wagering={**kind, "breach_forfeits": True})
    fund(player, "100.00")
    give(lenient.code, player)
    bet(player, "5.01", at=LATER)
    bet(player, "1.00", game="roulette", at=LATER)
    bet(player, "2.00", at=LATER)
    work()
    found = only(player)
    assert found.wagering
    assert (str(found.wagering.wagered), found.wagering.breaches) == ("2.00", 2)
    assert told(player).count("wagering-breached") == 2
    forfeit(grant_id=found.id, reason="done", actor=ACTOR, at=LATER)
    give(strict.code, player)
    bet(player, "1.00", game="roulette", at=LATER)
    work()
    newest = list_grants(player)[0]
    assert (newest.state, newest.ended_by) == ("forfeited", "breach")
    assert rebuild("bonuses.wagering", swap=False).equal


def test_spins_become_bonus_and_bonus_becomes_real(player: UUID) -> None:
    from wallet.services.free_spins import use_free_spins

    offer = live_offer(SPINS)
    fund(player, "100.00")
    found = give(offer.code, player)
    assert (found.state, found.spins) == ("active", 10)
    for number in range(10):
        posting = use_free_spins(
            player_id=player, source="test", idempotency_key=f"s{number}", game="fruits", round_id=f"s{number}",
            value=Money.parse("0.50", "EUR"), actor=ACTOR, at=LATER,
        )  # fmt: skip
        assert posting.ok, posting
    win(player, "s3", "4.00")
    win(player, "s7", "6.00")
    work()
    found = only(player)
    assert found.wagering
    assert str(found.wagering.required) == "30.00"
    assert held(player) == ("100.00", "10.00")
    bet(player, "30.00", at=LATER)
    work()
    assert (only(player).state, held(player)) == ("redeemed", ("80.00", "0.00"))
    assert rebuild("bonuses.wagering", swap=False).equal


def test_what_nothing_is_left_of_ends_after_a_day_and_the_next_begins(player: UUID) -> None:
    first, second = live_offer(GIFT), live_offer(GIFT, stacking="queue")
    give(first.code, player)
    give(second.code, player)
    bet(player, "10.00", at=LATER)
    work()
    assert end_used_up(at=LATER + timedelta(hours=23)) == 0
    assert end_used_up(at=LATER + timedelta(hours=25)) == 1
    newest, oldest = list_grants(player)
    assert (oldest.state, oldest.ended_by, newest.state) == ("forfeited", "used_up", "active")


def test_the_same_occasion_gives_the_same_bonus(player: UUID) -> None:
    offer = live_offer(GIFT)
    assert give(offer.code, player).id == give(offer.code, player).id == only(player).id
    assert get_grant(only(player).id).occasion == "test"
