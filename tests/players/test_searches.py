"""Who finds whom by something personal, and that it is kept."""

from __future__ import annotations

from collections.abc import Callable
from datetime import timedelta
from uuid import UUID

import pytest
from django.urls import reverse

from events.selectors_audit import list_audit, list_looks
from events.types import AuditQuery
from kernel import clock, vault
from players.models import SettingChange
from players.selectors_access import get_staff_actor
from players.selectors_sealed import read_sealed
from players.services.sealed import keep_sealed
from players.services.searches import search_players
from players.types import PlayerDetails, SealedField
from tests.factories import ACTOR, AT, make_player
from tests.rest.conftest import Api, problem
from tests.rest.conftest import token_for as token_for
from tests.staff import staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")
NUMBER = "880320-0016"
PLAYERS = "admin:players_player_changelist"


@pytest.fixture
def player() -> PlayerDetails:
    player = make_player(country="SE", phone="+46701234567")
    keep_sealed(player_id=player.id, values={"national_id": NUMBER}, actor=ACTOR, at=AT)
    return player


def search(text: str, role: str, at=None) -> list[UUID]:  # type: ignore[no-untyped-def]
    return search_players(text=text, actor=get_staff_actor(staff_id(role)), at=at or clock.now())


def looks(player: PlayerDetails) -> list[str]:
    return [entry.action for entry in list_looks(player.id)]


def test_a_national_number_finds_its_player_for_whoever_may_reveal_it(player: PlayerDetails) -> None:
    for text in (NUMBER, "19880320-0016", f" {NUMBER} "):
        assert search(text, "support_agent") == [player.id], text
    for text, role in ((NUMBER, "analyst"), ("880320-0017", "support_agent"), ("880320", "support_agent")):
        assert search(text, role) == [], (text, role)
    page = text_of(staff_client("compliance_officer").get(reverse(PLAYERS), {"q": NUMBER}))
    assert player.login in page
    assert player.login not in text_of(staff_client("analyst").get(reverse(PLAYERS), {"q": NUMBER}))


def test_whoever_found_somebody_by_something_personal_is_kept_once_in_a_while(player: PlayerDetails) -> None:
    at = clock.now()
    for text in (NUMBER, player.email, player.phone):
        for later in (0, 1, 16):
            search(text, "support_agent", at + timedelta(minutes=later))
    ways = ["players.find_by_phone", "players.find_by_email", "players.find_by_national_id"]
    assert looks(player) == [way for way in ways for _ in (0, 16)]
    records = list_audit(AuditQuery(player_id=player.id, action="players."), limit=50)
    assert not any(text in str(record) for record in records for text in (NUMBER, player.email, player.phone))


def test_what_is_not_exact_or_finds_nobody_leaves_nothing(player: PlayerDetails) -> None:
    for text in (player.email[:5], player.login, str(player.id), "nobody@example.com", "+46709999999"):
        search(text, "support_agent")
    assert looks(player) == []
    assert list_audit(AuditQuery(action="players.find_by_email")) == []


def test_every_list_of_the_back_office_keeps_it(player: PlayerDetails) -> None:
    client = staff_client("administrator")
    for number, page in enumerate(("wallet_account", "compliance_exclusion", "loyalty_standing", "wallet_withdrawal")):
        with_mail = make_player(email=f"exactly{number}@example.com")
        client.get(reverse(f"admin:{page}_changelist"), {"q": with_mail.email})
        assert looks(with_mail) == ["players.find_by_email"], page


def test_programs_find_by_number_with_the_scope_alone(player: PlayerDetails, token_for: Callable[..., str]) -> None:
    api = Api(token_for("players:personal"))
    asked = {"national_id": "19880320-0016", "country": "SE"}
    assert [row["id"] for row in api.post("players/find", asked).json()["items"]] == [str(player.id)]
    assert sorted(looks(player)) == ["players.find_by_national_id", "players.view_personal_data"]
    assert api.post("players/find", asked | {"country": "DK"}).json()["items"] == []
    assert problem(api.post("players/find", {"country": "SE"}), 422, "validation_failed")["errors"].keys() == {
        "national_id"
    }


def test_programs_change_street_and_number(player: PlayerDetails, token_for: Callable[..., str]) -> None:
    api = Api(token_for("players:write"))
    body = {"street": "Storgatan 1", "national_id": "19900101-0017", "city": "Lund"}
    assert api.patch(f"players/{player.id}", body).status_code == 200
    assert read_sealed(player.id) == {SealedField.STREET: "Storgatan 1", SealedField.NATIONAL_ID: "900101-0017"}
    refused = problem(
        api.patch(f"players/{player.id}", {"city": "Ystad", "national_id": "1"}), 422, "validation_failed"
    )
    assert "personnummer" in refused["errors"]["national_id"][0]
    assert [row.name for row in SettingChange.objects.filter(player_id=player.id)] == ["city"], "all or nothing"
    vault.destroy(player.id, at=clock.now())
    erased = problem(api.patch(f"players/{player.id}", {"street": "Storgatan 2"}), 422, "validation_failed")
    assert "erased" in erased["errors"]["street"][0]
