"""A player as of a moment."""

from __future__ import annotations

from collections.abc import Callable
from datetime import date, timedelta
from uuid import uuid4

import pytest
from django.urls import reverse

from kernel import clock
from players.models import User
from players.selectors import UnknownPlayer, get_player
from players.selectors_as_of import NotYetRegistered, get_player_as_of, list_labels_as_of
from players.services.accounts import change_settings, change_status
from players.services.consents import change_consents
from players.services.labels import set_label
from players.services.restrictions import impose, lift
from players.services.security import changing_email
from players.types import PlayerDetails, RestrictionKind, Status
from players.types_identity import ConsentChannel, ConsentProduct
from tests.factories import ACTOR, AT, make_player
from tests.rest.conftest import Api, problem
from tests.rest.conftest import token_for as token_for
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")
DAY = timedelta(days=1)


@pytest.fixture
def player() -> PlayerDetails:
    """Registered on day 0; moved on days 2 and 4, suspended on day 3, gold from day 1 to day 5, blocked on day 2 for a day."""
    player = make_player(city="Berlin", phone="+4915112345678", birth_date=date(1990, 5, 17))

    def change(day: int, **changes: object) -> None:
        change_settings(player_id=player.id, changes=changes, actor=ACTOR, at=AT + day * DAY)

    set_label(player_id=player.id, namespace="loyalty", key="level", value="gold", at=AT + DAY)
    change(2, city="Hamburg", phone="")
    block = impose(
        player_id=player.id,
        kind=RestrictionKind.PLAY_BLOCK,
        reason="asked",
        source="player",
        actor=ACTOR,
        at=AT + 2 * DAY,
    )
    lift(restriction_id=block, reason="over", actor=ACTOR, at=AT + 3 * DAY)
    change_status(player_id=player.id, to=Status.SUSPENDED, reason="checks", actor=ACTOR, at=AT + 3 * DAY)
    change(4, city="Wien", country="AT", birth_date=date(1991, 5, 17))
    set_label(player_id=player.id, namespace="loyalty", key="level", value=None, at=AT + 5 * DAY)
    return player


@pytest.mark.parametrize(
    ("day", "city", "country", "status", "phone", "born", "level"),
    [
        (0, "Berlin", "DE", "active", "+4915112345678", 1990, None),
        (1, "Berlin", "DE", "active", "+4915112345678", 1990, "gold"),
        (2, "Hamburg", "DE", "active", "", 1990, "gold"),
        (3, "Hamburg", "DE", "suspended", "", 1990, "gold"),
        (4, "Wien", "AT", "suspended", "", 1991, "gold"),
        (5, "Wien", "AT", "suspended", "", 1991, None),
    ],
)
def test_every_field_is_what_it_was(
    player: PlayerDetails, day: int, city: str, country: str, status: str, phone: str, born: int, level: str | None
) -> None:
    was = get_player_as_of(player.id, AT + day * DAY)
    assert (was.city, was.country, was.status, was.phone) == (city, country, status, phone)
    assert was.birth_date == date(born, 5, 17)
    assert [label.value for label in list_labels_as_of(player.id, AT + day * DAY)] == ([level] if level else [])


def test_now_is_as_of_now_and_before_the_beginning_is_nothing(player: PlayerDetails) -> None:
    assert get_player_as_of(player.id, clock.now()) == get_player(player.id)
    with pytest.raises(NotYetRegistered):
        get_player_as_of(player.id, AT - timedelta(seconds=1))
    with pytest.raises(UnknownPlayer):
        get_player_as_of(uuid4(), AT)


def test_the_api_answers_for_a_moment(player: PlayerDetails, token_for: Callable[..., str]) -> None:
    api = Api(token_for("players:read", "players:personal"))
    moment = (AT + 2 * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
    assert api.get(f"players/{player.id}", at=moment).json()["city"] == "Hamburg"
    assert [row["kind"] for row in api.get(f"players/{player.id}/restrictions", at=moment).json()["items"]] == [
        "play_block"
    ]
    assert [row["value"] for row in api.get(f"players/{player.id}/labels", at=moment).json()["items"]] == ["gold"]
    assert api.get(f"players/{player.id}/labels").json()["items"] == []
    problem(api.get(f"players/{player.id}", at="2001-01-01T00:00:00Z"), 404, "not_yet_registered")
    for nonsense in ("yesterday", "2026-13-01T00:00:00Z", "10000-01-01T00:00:00Z"):
        problem(api.get(f"players/{player.id}", at=nonsense), 422, "validation_failed")


def test_consents_email_and_what_is_sealed_are_those_of_the_moment(
    player: PlayerDetails, token_for: Callable[..., str]
) -> None:
    casino = (ConsentProduct.CASINO, ConsentChannel.EMAIL)
    for day, granted in ((1, True), (3, False)):
        change_consents(
            player_id=player.id, answers={casino: granted}, text_version="1", source="test", at=AT + day * DAY
        )
    change_settings(player_id=player.id, changes={"street": "Alter Weg 7"}, actor=ACTOR, at=AT + DAY)
    with changing_email(player_id=player.id, actor=ACTOR, at=AT + 2 * DAY):
        User.objects.filter(username=player.login).update(email="new@example.com")
    api, operations = Api(token_for("players:read", "players:personal")), staff_client("operations")
    address = reverse("admin:players_player_tab", args=[player.id, "as-of"])
    for day, email, consent, street in (
        (0.5, player.email, None, False),
        (1.5, player.email, True, True),
        (3.5, "new@example.com", False, True),
    ):
        moment = (AT + day * DAY).strftime("%Y-%m-%dT%H:%M:%SZ")
        assert get_player_as_of(player.id, AT + day * DAY).email == email
        items = api.get(f"players/{player.id}/consents", at=moment).json()["items"]
        assert [row["granted"] for row in items] == ([] if consent is None else [consent])
        page = text_of(operations.get(address, {"at": moment})).partition("As of ")[2]
        assert email in page
        assert player.login in page
        assert ("Casino by email" in page) is (consent is not None)
        assert ("yes, text 1" in page, "no, text 1" in page) == (consent is True, consent is False)
        assert ("Street and house number" in page) is street
        assert "Alter Weg" not in page


def test_the_player_page_shows_a_moment_masked_by_role(player: PlayerDetails) -> None:
    address = reverse("admin:players_player_tab", args=[player.id, "as-of"])
    moment = (AT + 2 * DAY + timedelta(minutes=1)).strftime("%Y-%m-%dT%H:%M")
    operations = staff_client("operations")
    assert "Choose a moment" in text_of(operations.get(address))
    page = text_of(operations.get(address, {"at": moment}))
    for shown in ("Hamburg", "Play block", "asked", "loyalty.level", "gold", "Real money", "Balances"):
        assert shown in page
    assert "Wien" not in page.partition("As of ")[2]
    analyst = text_of(staff_client("analyst").get(address, {"at": moment}))
    assert "Hamburg" not in analyst
    for wrong, said in (
        ("nonsense", "Give a moment"),
        ("2999-01-01T00:00", "yet to come"),
        ("2001-01-01T00:00", "was opened at"),
    ):
        assert said in text_of(operations.get(address, {"at": wrong}))
