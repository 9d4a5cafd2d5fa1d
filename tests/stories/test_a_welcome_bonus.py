"""A welcome bonus as the player sees it: wagered out to the cent; given up half-way; ended by an exclusion half-way."""

from __future__ import annotations

from typing import Any
from uuid import UUID

import pytest

from kernel import clock
from players.selectors import find_player_by_login
from tests.bonuses.offers import MATCH, live_offer, work
from tests.factories import fund, make_game
from tests.identity.calls import Program, registered
from tests.rest.conftest import Api
from tests.stories.faces import balance, heard
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
