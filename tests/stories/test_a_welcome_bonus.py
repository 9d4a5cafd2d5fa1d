"""A welcome bonus as the player sees it: wagered out to the cent, given up, excluded, expired, capped, and another behind it."""

from __future__ import annotations

from datetime import timedelta
from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from players.selectors import find_player_by_login
from tests.bonuses.offers import GIFT, MATCH, live_offer, work
from tests.factories import fund, make_game
from tests.identity.calls import Program, registered
from tests.rest.conftest import Api
from tests.stories.faces import balance, heard
from wallet.services.purses import expire_bonus_purses
from wallet.types import GameCategory

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def anna(db: None) -> tuple[Program, UUID]:
    """Registered, and paid in 50.00 under an offer of 100 % to be wagered ten times; table games count a tenth."""
    make_game()
    make_game("cards", GameCategory.TABLE)
    live_offer(MATCH, code="welcome", wagering={"max_conversion": {"EUR": "60.00"}})
    program, data = registered()
    found = find_player_by_login(data["username"])
    assert found
    fund(found.id, "50.00", at=clock.now())
    work()
    return program, found.id


def bonus(program: Program) -> dict[str, Any]:
    (row,) = program.api("GET", "me/bonuses").json()["items"]
    return dict(row)


def play(api: Api, player_id: UUID, number: int, stake: str, win: str = "", game: str = "fruits") -> None:
    body = {"player_id": str(player_id), "game": game, "round": f"r{number}", "currency": "EUR"}
    assert api.post("wallet/bets", body | {"stake": stake}, key=f"b{number}").json()["outcome"] == "applied"
    if win:
        paid = {"player_id": str(player_id), "bet_key": f"b{number}", "amount": win, "currency": "EUR"}
        assert api.post("wallet/wins", paid).json()["outcome"] == "applied"
    work()


def test_it_is_wagered_out_to_the_cent(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    shown = bonus(program)
    assert (shown["state"], shown["amount"], shown["wagering"]["required"]) == ("active", "50.00", "500.00")
    play(api, player_id, 1, "50.00", "50.00", game="cards")
    assert bonus(program)["wagering"]["wagered"] == "5.00"
    for number in range(2, 11):
        play(api, player_id, number, "50.00", "50.00")
    shown = bonus(program)
    assert (shown["state"], shown["wagering"]["wagered"], shown["wagering"]["percent"]) == ("active", "455.00", 91)
    play(api, player_id, 11, "44.99", "44.99")
    assert bonus(program)["state"] == "active"
    play(api, player_id, 12, "0.01", "0.01")
    shown = bonus(program)
    assert (shown["state"], shown["wagering"]["wagered"], shown["outcome"]) == ("redeemed", "500.00", "50.00")
    assert balance(api, player_id) == "100.00"
    steps = heard(player_id, "bonus")
    assert steps == ["bonus-granted", "bonus-wagered", "bonus-redeemed"]


def test_given_up_half_way_what_is_left_of_it_is_the_houses(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    play(api, player_id, 1, "80.00")
    found = bonus(program)
    assert found["wagering"]["wagered"] == "80.00"
    ended = program.api("POST", f"me/bonuses/{found['id']}/forfeit").json()
    assert (ended["state"], ended["ended_by"]) == ("forfeited", "player")
    assert balance(api, player_id) == "0.00"
    assert program.api("GET", "me/balance").json()["bonus"] == "0.00"
    assert heard(player_id, "bonus") == ["bonus-granted", "bonus-forfeited"]


def test_an_exclusion_half_way_ends_it(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    play(api, player_id, 1, "20.00")
    assert program.api("POST", "me/exclusions", {"kind": "cooling_off", "term": "1w"}).status_code == 201
    work()
    (found,) = api.get(f"players/{player_id}/bonuses").json()["items"]
    assert (found["state"], found["ended_by"]) == ("forfeited", "exclusion")
    assert balance(api, player_id) == "30.00", "the player's own money stays the player's"


def test_with_half_of_it_wagered_its_time_is_over(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    for number in range(1, 6):
        play(api, player_id, number, "50.00", "50.00")
    assert bonus(program)["wagering"]["percent"] == 50
    assert expire_bonus_purses(at=clock.now() + timedelta(days=30)) == 1
    work()
    shown = bonus(program)
    assert (shown["state"], shown["outcome"], balance(api, player_id)) == ("expired", "0.00", "50.00")
    assert heard(player_id, "bonus") == ["bonus-granted", "bonus-expired"]


def test_what_is_rolled_back_after_the_end_takes_nothing_back(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    for number in range(1, 11):
        play(api, player_id, number, "50.00", "50.00")
    assert bonus(program)["state"] == "redeemed"
    undone = {"player_id": str(player_id), "bet_key": "b10"}
    assert api.post("wallet/rollbacks", undone).json()["outcome"] == "applied"
    work()
    shown = bonus(program)
    assert (shown["state"], shown["wagering"]["wagered"], shown["outcome"]) == ("redeemed", "500.00", "50.00")
    assert balance(api, player_id) == "100.00", "stake back, win taken back"


def test_a_win_above_the_cap_is_the_houses(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    play(api, player_id, 1, "50.00")  # all of the player's own money
    play(api, player_id, 2, "50.00", "450.00")  # from the bonus, and so is the win
    for number in range(3, 11):
        play(api, player_id, number, "50.00", "50.00")
    shown = bonus(program)
    assert (shown["state"], shown["outcome"], balance(api, player_id)) == ("redeemed", "60.00", "60.00")


def test_of_two_bonuses_the_second_begins_when_the_first_has_ended(api: Api, anna: tuple[Program, UUID]) -> None:
    program, player_id = anna
    second = live_offer(GIFT, stacking="queue")
    said = api.post("bonuses/grants", {"offer": second.code, "player_id": str(player_id)}, key="g").json()
    assert said["state"] == "queued"
    first = next(row for row in program.api("GET", "me/bonuses").json()["items"] if row["state"] == "active")
    program.api("POST", f"me/bonuses/{first['id']}/forfeit")
    states = {row["id"]: row["state"] for row in program.api("GET", "me/bonuses").json()["items"]}
    assert states == {first["id"]: "forfeited", said["id"]: "active"}
    assert heard(player_id, "bonus") == ["bonus-granted", "bonus-queued", "bonus-forfeited", "bonus-granted"]
