"""The player's own bonuses over the API."""

from __future__ import annotations

import pytest

from bonuses.services.codes import import_codes
from bonuses.services.eligibility import NotEligible
from bonuses.services.grants import grant
from kernel import clock
from players.selectors import find_player_by_login
from tests.bonuses.offers import GIFT, MAKER, live_offer
from tests.factories import ACTOR, AT, make_player
from tests.identity.calls import Program, registered

pytestmark = pytest.mark.usefixtures("db")


@pytest.fixture
def anna() -> tuple[Program, object]:
    program, data = registered()
    found = find_player_by_login(data["username"])
    assert found
    return program, found.id


def test_offered_read_taken_and_given_up(anna: tuple[Program, object]) -> None:
    program, player_id = anna
    offer = live_offer(GIFT, claim="player", titles={"en": "A gift", "de": "Ein Geschenk"})
    found = grant(offer=offer.code, player_id=player_id, occasion="x", actor=ACTOR, at=clock.now())  # type: ignore[arg-type]
    assert program.api("PATCH", "me/preferences", {"language": "de"}).status_code == 200
    (shown,) = program.api("GET", "me/bonuses").json()["items"]
    assert (shown["state"], shown["title"], shown["terms"][0]) == (
        "offered",
        "Ein Geschenk",
        "10.00 EUR Bonusguthaben.",
    )
    for _ in range(2):
        taken = program.api("POST", f"me/bonuses/{found.id}/claim").json()
        assert (taken["state"], taken["wagering"]["required"], taken["wagering"]["percent"]) == ("active", "50.00", 0)
    for _ in range(2):
        assert program.api("POST", f"me/bonuses/{found.id}/forfeit").json()["ended_by"] == "player"
    answer = program.api("POST", f"me/bonuses/{found.id}/claim")
    assert (answer.status_code, answer.json()["code"]) == (409, "grant_moved")


def test_somebody_elses_bonus_is_not_there(anna: tuple[Program, object]) -> None:
    program, _ = anna
    offer = live_offer(GIFT, claim="player")
    other = grant(offer=offer.code, player_id=make_player().id, occasion="x", actor=ACTOR, at=clock.now())
    for deed in ("claim", "forfeit"):
        assert program.api("POST", f"me/bonuses/{other.id}/{deed}").status_code == 404
    assert program.api("GET", "me/bonuses").json()["items"] == []


def test_a_code_brings_its_bonus_and_a_wrong_one_says_no_more_than_that(anna: tuple[Program, object]) -> None:
    program, _ = anna
    offer = live_offer(GIFT, trigger={"kind": "code"}, wagering={"multiple": "0"})
    import_codes(offer=offer.code, name="x", codes=["HELLO"], idempotency_key="k", actor=MAKER, at=AT)
    answer = program.api("POST", "me/bonuses/codes", {"code": "hello"}).json()
    assert (answer["grant"]["state"], answer["waits_until"]) == ("redeemed", None)
    wrong = program.api("POST", "me/bonuses/codes", {"code": "WRONG"})
    assert (wrong.status_code, wrong.json()["code"]) == (422, "code_refused")
    assert program.api("POST", "me/bonuses/codes", {"code": ["x"]}).status_code == 422


def test_what_is_advertised_is_shown_to_whom_it_is_for(anna: tuple[Program, object]) -> None:
    program, _ = anna
    shown = live_offer(GIFT, public=True)
    live_offer(GIFT, public=True, eligibility={"jurisdictions": ["SE"]})
    live_offer(GIFT)
    (only,) = program.api("GET", "me/bonuses/offers").json()["items"]
    assert (only["code"], only["title"], len(only["terms"]) > 2) == (shown.code, "A gift", True)


def test_players_on_one_device_share_its_cap() -> None:
    offer = live_offer(GIFT, wagering={"multiple": "0"}, eligibility={"per_device": 1})
    first, first_data = registered()
    second, second_data = registered()
    alone, alone_data = registered()
    shared = Program(device=first.device)
    assert shared.login("email", second_data["email"]).status_code == 200
    assert shared.device == first.device not in (second.device, alone.device)

    def codes(data: dict[str, str]) -> list[str]:
        found = find_player_by_login(data["username"])
        assert found
        try:
            grant(offer=offer.code, player_id=found.id, occasion="x", actor=ACTOR, at=clock.now())
        except NotEligible as error:
            return [reason.code for reason in error.reasons]
        return []

    assert [codes(data) for data in (first_data, second_data, alone_data)] == [[], ["device_cap"], []]
