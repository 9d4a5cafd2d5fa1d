"""Game providers that keep free spins on their own side; and levels that scale a bonus."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from uuid import UUID

import pytest

from bonuses import ports
from bonuses.selectors import list_grants
from bonuses.services.grants import forfeit, grant
from bonuses.services.handouts import work_handouts
from kernel.money import Money
from players.services.labels import set_label
from tests.bonuses.offers import GIFT, SPINS, live_offer
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_game, make_player

pytestmark = pytest.mark.usefixtures("db")


class Provider:
    """Knows the games that begin with "fruits"."""

    name = "orchard"

    def __init__(self) -> None:
        self.told: list[tuple[str, UUID]] = []
        self.away = False

    def serves(self, game: str) -> bool:
        return game.startswith("fruits")

    def hand_out(
        self, *, grant_id: UUID, player_id: UUID, games: tuple[str, ...], spins: int, value: Money, until: datetime
    ) -> None:
        assert (games, spins, value, until) == (("fruits",), 10, Money(50, "EUR"), AT + timedelta(days=7))
        self._tell("hand_out", grant_id)

    def take_back(self, *, grant_id: UUID) -> None:
        self._tell("take_back", grant_id)

    def _tell(self, what: str, grant_id: UUID) -> None:
        if self.away:
            raise ports.SpinsProviderUnavailable("503")
        self.told.append((what, grant_id))


@pytest.fixture
def provider() -> Iterator[Provider]:
    make_game()
    one = Provider()
    ports.register_spins_provider(one)
    yield one
    ports._providers.clear()


def test_the_provider_is_told_once_and_again_when_it_ends(provider: Provider) -> None:
    offer = live_offer(SPINS, award={"games": ["fruits"]})
    found = grant(offer=offer.code, player_id=make_player().id, occasion="x", actor=ACTOR, at=AT)
    in_parallel([lambda: work_handouts(at=AT)] * 6, 6)
    assert provider.told == [("hand_out", found.id)]
    forfeit(grant_id=found.id, reason="x", actor=ACTOR, at=AT)
    assert [work_handouts(at=AT) for _ in range(2)] == [1, 0]
    assert provider.told == [("hand_out", found.id), ("take_back", found.id)]


def test_who_does_not_answer_is_asked_again_later_each_time(provider: Provider) -> None:
    offer = live_offer(SPINS, award={"games": ["fruits"]})
    found = grant(offer=offer.code, player_id=make_player().id, occasion="x", actor=ACTOR, at=AT)
    provider.away = True
    assert [work_handouts(at=AT) for _ in range(3)] == [0, 0, 0]
    provider.away = False
    assert work_handouts(at=AT + timedelta(seconds=59)) == 0
    assert work_handouts(at=AT + timedelta(seconds=60)) == 1
    assert provider.told == [("hand_out", found.id)]


def test_what_was_never_handed_out_is_not_taken_back(provider: Provider) -> None:
    offer = live_offer(SPINS, award={"games": ["fruits"]})
    found = grant(offer=offer.code, player_id=make_player().id, occasion="x", actor=ACTOR, at=AT)
    forfeit(grant_id=found.id, reason="x", actor=ACTOR, at=AT)
    assert work_handouts(at=AT) == 1
    assert provider.told == []


def test_spins_on_games_of_others_stay_here(provider: Provider) -> None:
    make_game("roulette")
    for games in (["fruits", "roulette"], []):
        offer = live_offer(SPINS, award={"games": games})
        grant(offer=offer.code, player_id=make_player().id, occasion="x", actor=ACTOR, at=AT)
    assert work_handouts(at=AT) == 0


def test_a_level_scales_what_the_offer_says(provider: Provider) -> None:
    offer = live_offer(GIFT, award={"scale_with_level": True})
    gold, bronze = make_player().id, make_player().id
    set_label(player_id=gold, namespace="loyalty", key="level", value="gold", at=AT)
    for player in (gold, bronze):
        grant(offer=offer.code, player_id=player, occasion="x", actor=ACTOR, at=AT)
    assert [str(list_grants(player)[0].amount) for player in (gold, bronze)] == ["12.50", "10.00"]
