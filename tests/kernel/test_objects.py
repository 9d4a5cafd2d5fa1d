"""Permissions on single objects: of a person, or of everybody with a role."""

from __future__ import annotations

import pytest

from kernel.actors import Actor, ActorKind
from kernel.objects import UnknownRole, grant, list_holders, load_grants, withdraw
from tests.staff import staff_id

pytestmark = pytest.mark.usefixtures("db")
CARE = {"permission": "players.care_for_player", "kind": "players.player", "key": "4711"}
FOUND = {("players.player", "4711"): frozenset({"players.care_for_player"})}


def given(role: str) -> object:
    return load_grants(Actor(ActorKind.STAFF, str(staff_id(role))))


def test_what_a_role_is_given_everybody_of_it_has() -> None:
    assert given("support_agent") == {}
    assert grant(role="support_agent", **CARE)
    assert not grant(role="support_agent", **CARE), "they have it"
    assert given("support_agent") == FOUND
    assert given("finance") == {}
    assert list_holders("players.care_for_player", "players.player") == [], "no person was given it by name"
    assert withdraw(role="support_agent", **CARE)
    assert not withdraw(role="support_agent", **CARE)
    assert given("support_agent") == {}


def test_what_a_person_is_given_stays_when_the_roles_is_taken() -> None:
    person = staff_id("vip_manager")
    grant(staff_id=person, **CARE)
    grant(role="vip_manager", **CARE)
    withdraw(role="vip_manager", **CARE)
    assert given("vip_manager") == FOUND
    assert list_holders("players.care_for_player", "players.player") == [(person, "4711")]


def test_exactly_one_holder_that_exists() -> None:
    with pytest.raises(UnknownRole, match="nobody"):
        grant(role="nobody", **CARE)
    for change in (grant, withdraw):
        with pytest.raises(ValueError, match="not both"):
            change(**CARE)
        with pytest.raises(ValueError, match="not both"):
            change(staff_id=1, role="finance", **CARE)
