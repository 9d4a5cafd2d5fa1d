"""Permissions on single objects: of a person, or of everybody with a role."""

from __future__ import annotations

import pytest

from kernel.actors import Actor, ActorKind
from kernel.objects import UnknownRole, grant, list_holders, load_grants, withdraw
from tests.factories import make_player
from tests.staff import staff_id

pytestmark = pytest.mark.usefixtures("db")
CARE = "players.care_for_player"


@pytest.fixture
def care() -> dict[str, str]:
    return {"permission": CARE, "kind": "players.player", "key": str(make_player().id)}


def given(role: str) -> object:
    return load_grants(Actor(ActorKind.STAFF, str(staff_id(role))))


def test_what_a_role_is_given_everybody_of_it_has(care: dict[str, str]) -> None:
    assert given("support_agent") == {}
    assert grant(role="support_agent", **care)
    assert not grant(role="support_agent", **care), "they have it"
    assert given("support_agent") == {("players.player", care["key"]): {CARE}}
    assert given("finance") == {}
    assert list_holders(CARE, "players.player") == [], "no person was given it by name"
    assert withdraw(role="support_agent", **care)
    assert not withdraw(role="support_agent", **care)
    assert given("support_agent") == {}


def test_what_a_person_is_given_stays_when_the_roles_is_taken(care: dict[str, str]) -> None:
    person = staff_id("vip_manager")
    grant(staff_id=person, **care)
    grant(role="vip_manager", **care)
    withdraw(role="vip_manager", **care)
    assert given("vip_manager") == {("players.player", care["key"]): {CARE}}
    assert list_holders(CARE, "players.player") == [(person, care["key"])]


def test_exactly_one_holder_that_exists(care: dict[str, str]) -> None:
    with pytest.raises(UnknownRole, match="nobody"):
        grant(role="nobody", **care)
    for change in (grant, withdraw):
        with pytest.raises(ValueError, match="not both"):
            change(**care)
        with pytest.raises(ValueError, match="not both"):
            change(staff_id=1, role="finance", **care)
