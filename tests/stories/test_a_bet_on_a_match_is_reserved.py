"""A bet on a match: reserved while the odds are confirmed, captured in parts, the rest released; paid when it is won.

reserved → captured (in parts) | released; never more than was reserved, whoever asks and however often.
"""

from __future__ import annotations

import pytest

from players.services.restrictions import impose
from players.types import PlayerDetails, RestrictionKind
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.rest.conftest import Api
from tests.staff import staff_client
from tests.stories.faces import balance, heard, history, page
from tests.wallet.payments import held
from tests.wallet.test_services_bets import rollback, win
from tests.wallet.test_services_holds import capture, release, reserve
from wallet.selectors import list_transactions, sum_house
from wallet.types import AccountKind, Outcome

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def player(db: None) -> PlayerDetails:
    make_game()
    someone = make_player()
    fund(someone.id, "100.00")
    return someone


def test_captured_in_two_parts_the_rest_released_and_the_bet_won(api: Api, player: PlayerDetails) -> None:
    reserve(player, "60.00")
    assert (balance(api, player.id), held(player.id)) == ("40.00", "60.00")
    body = {"player_id": str(player.id), "game": "fruits", "round": "r", "stake": "40.01", "currency": "EUR"}
    assert api.post("wallet/bets", body).json()["code"] == "insufficient_funds"
    assert heard(player.id, "bet-") == ["bet-reserved"], "what is reserved is no turnover"
    capture(player, "25.00", "first leg")
    capture(player, "15.00", "second leg")
    for _ in range(2):
        release(player, key="rest")
    win(player, "first leg", "70.00")
    assert (balance(api, player.id), held(player.id)) == ("130.00", "0.00")
    assert history(api, player.id) == [
        ("deposit", "100.00", "100.00"),
        ("reserve", "0.00", "40.00"),
        ("release", "0.00", "65.00"),  # a capture gives back what is then staked
        ("bet", "-25.00", "40.00"),
        ("release", "0.00", "55.00"),
        ("bet", "-15.00", "40.00"),
        ("release", "0.00", "60.00"),
        ("win", "70.00", "130.00"),
    ]
    assert heard(player.id, "bet-", "hold-", "win-") == [
        "bet-reserved", "bet-placed", "bet-placed", "hold-released", "win-credited",
    ]  # fmt: skip
    assert str(sum_house(AccountKind.GAMING)["EUR"]) == "-30.00"
    line = next(row for row in list_transactions(player.id) if row.kind == "reserve")
    assert "60.00" in page(staff_client("finance"), "wallet_transfer", line.id)


def test_the_match_is_off(api: Api, player: PlayerDetails) -> None:
    reserve(player, "60.00")
    release(player)
    assert capture(player, "1.00").outcome is Outcome.REFUSED
    assert (balance(api, player.id), held(player.id)) == ("100.00", "0.00")


def test_the_game_is_voided_after_the_capture(api: Api, player: PlayerDetails) -> None:
    reserve(player, "60.00")
    capture(player, "60.00", "ticket")
    rollback(player, "ticket")
    assert balance(api, player.id) == "100.00"
    assert heard(player.id, "bet-") == ["bet-reserved", "bet-placed", "bet-rolled-back"]


def test_a_player_who_excludes_themselves_after_reserving_still_has_the_bet(api: Api, player: PlayerDetails) -> None:
    reserve(player, "60.00")
    impose(player_id=player.id, kind=RestrictionKind.PLAY_BLOCK, reason="asked", source="test", actor=ACTOR, at=AT)
    assert reserve(player, "1.00", "another").outcome is Outcome.REFUSED
    assert capture(player, "60.00").outcome is Outcome.APPLIED
    assert balance(api, player.id) == "40.00"
