"""Personal data is masked by role, revealed with a reason for a while, and whoever looked is known."""

from __future__ import annotations

from datetime import date, timedelta

import pytest
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from events.selectors_audit import list_audit, list_looks
from events.types import AuditQuery
from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from players.selectors_reveals import list_standing_reveals
from players.services.reveals import TooManyReveals, note_view, reveal
from players.services.sealed import keep_sealed
from players.types import PersonalSection, PlayerDetails
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

AGENT = Actor(ActorKind.STAFF, "7", frozenset({"players.reveal_personal_data"}), frozenset({"support_agent"}))
CONTACT, NAME = PersonalSection.CONTACT, PersonalSection.NAME


@pytest.fixture
def anna(db: None) -> PlayerDetails:
    player = make_player(
        login="annakeller", email="anna.keller@example.com", first_name="Anna", last_name="Keller",
        phone="+4915112345678", birth_date=date(1990, 5, 17), city="Berlin", postcode="10115",
    )  # fmt: skip
    keep_sealed(player_id=player.id, values={"street": "Rosenweg 1"}, actor=ACTOR, at=AT)
    return player


def page(player: PlayerDetails) -> str:
    return reverse("admin:players_player_change", args=[player.id])


def reveal_page(player: PlayerDetails, section: PersonalSection = CONTACT) -> str:
    return reverse("admin:players_player_reveal", args=[player.id, section.value])


def looks(player: PlayerDetails) -> list[str]:
    return [entry.action for entry in list_looks(player.id)]


# --- the service ---


def test_a_reveal_lasts_for_minutes_and_for_this_person_and_section_alone(anna: PlayerDetails) -> None:
    found = reveal(player_id=anna.id, section=CONTACT, reason="Ticket 12", actor=AGENT, at=AT)
    assert found.until == AT + timedelta(minutes=10)
    assert set(list_standing_reveals(anna.id, AGENT, AT + timedelta(minutes=9))) == {CONTACT}
    assert not list_standing_reveals(anna.id, AGENT, found.until)
    assert not list_standing_reveals(anna.id, Actor(ActorKind.STAFF, "8"), AT)
    assert not list_standing_reveals(make_player().id, AGENT, AT)


def test_it_is_recorded_with_its_reason(anna: PlayerDetails) -> None:
    reveal(player_id=anna.id, section=CONTACT, reason="Ticket 12", actor=AGENT, at=AT)
    [entry] = list_audit(AuditQuery(action="players.reveal"))
    assert (entry.player_id, entry.reason, entry.actor_roles) == (anna.id, "Ticket 12", ("support_agent",))
    assert entry.after == {"section": "contact", "until": "2026-03-14T15:19:26+00:00"}


@pytest.mark.parametrize("reason", ["", "   ", "x"])
def test_it_needs_a_reason(anna: PlayerDetails, reason: str) -> None:
    with pytest.raises(FieldErrors):
        reveal(player_id=anna.id, section=CONTACT, reason=reason, actor=AGENT, at=AT)


def test_it_needs_the_right(anna: PlayerDetails) -> None:
    with pytest.raises(AccessDenied):
        reveal(player_id=anna.id, section=CONTACT, reason="Ticket 12", actor=Actor(ActorKind.STAFF, "7"), at=AT)
    assert list_audit(AuditQuery(action="players.reveal")) == []


def test_nobody_reveals_without_end_and_not_by_many_clicks_at_once(anna: PlayerDetails, settings: Settings) -> None:
    settings.REVEALS_PER_HOUR = 3

    def one() -> bool:
        try:
            reveal(player_id=anna.id, section=CONTACT, reason="Ticket 12", actor=AGENT, at=AT)
        except TooManyReveals:
            return False
        return True

    assert sorted(in_parallel([one] * 8, 8)) == [False] * 5 + [True] * 3
    other = Actor(ActorKind.STAFF, "8", AGENT.permissions)
    reveal(player_id=anna.id, section=CONTACT, reason="Ticket 13", actor=other, at=AT)
    reveal(player_id=anna.id, section=CONTACT, reason="Ticket 12", actor=AGENT, at=AT + timedelta(minutes=61))


def test_a_look_is_recorded_once_in_a_while() -> None:
    player, now = make_player(), clock.now()
    for minutes in (0, 5, 14):
        note_view(player_id=player.id, what="the player page", actor=AGENT, at=now + timedelta(minutes=minutes))
    assert len(looks(player)) == 1
    note_view(player_id=player.id, what="the player page", actor=AGENT, at=now + timedelta(minutes=16))
    assert len(looks(player)) == 2
    note_view(player_id=player.id, what="the player page", actor=Actor(ActorKind.STAFF, "8"), at=now)
    assert len(looks(player)) == 3


# --- the page ---


def test_an_agent_sees_masked_data_until_it_is_revealed(anna: PlayerDetails) -> None:
    client: Client = staff_client("support_agent")
    shown = text_of(client.get(page(anna)))
    assert "a•••@e•••" in shown
    assert "anna.keller@example.com" not in shown
    assert "Rosenweg" not in shown
    answer = client.post(reveal_page(anna), {"reason": "Ticket 12: cannot log in"}, headers={"HX-Request": "true"})
    assert "anna.keller@example.com" in text_of(answer)
    assert "A••• K•••" in text_of(answer), "only what was asked for"
    shown = text_of(client.get(page(anna)))
    assert "anna.keller@example.com" in shown
    assert "Revealed until" in shown
    assert looks(anna) == ["players.reveal"]


def test_without_script_it_is_a_page_of_its_own(anna: PlayerDetails) -> None:
    client = staff_client("support_agent")
    assert "Reveal email and phone" in text_of(client.get(reveal_page(anna)))
    assert "This field is required" in text_of(client.post(reveal_page(anna), {"reason": ""}))
    assert client.post(reveal_page(anna), {"reason": "Ticket 12"})["Location"] == page(anna)


def test_a_form_with_an_error_stays_in_its_place(anna: PlayerDetails, settings: Settings) -> None:
    settings.REVEALS_PER_HOUR = 0
    client = staff_client("support_agent")
    answer = client.post(reveal_page(anna), {"reason": "Ticket 12"}, headers={"HX-Request": "true"})
    assert answer["HX-Retarget"] == "#personal-contact"
    assert "You may reveal 0 times an hour" in text_of(answer)


def test_somebody_who_sees_names_still_says_why_before_seeing_the_street(anna: PlayerDetails) -> None:
    client = staff_client("compliance_officer")
    shown = text_of(client.get(page(anna)))
    assert "anna.keller@example.com" in shown
    assert "Rosenweg 1" not in shown
    client.post(reveal_page(anna, PersonalSection.ADDRESS), {"reason": "Address check of the case"})
    assert "Rosenweg 1" in text_of(client.get(page(anna)))
    assert looks(anna) == ["players.reveal", "players.view_personal_data"]


def test_somebody_who_may_not_reveal_is_refused_and_recorded(anna: PlayerDetails) -> None:
    client = staff_client("marketing_manager")
    assert "Reveal" not in text_of(client.get(page(anna)))
    assert "You may not reveal personal data." in text_of(client.post(reveal_page(anna), {"reason": "Ticket 12"}))
    assert "anna.keller@example.com" not in text_of(client.get(page(anna)))
    [entry] = list_audit(AuditQuery(action="access.refused"))
    assert entry.player_id == anna.id


def test_who_looked_is_on_the_players_page_for_those_who_control(anna: PlayerDetails) -> None:
    staff_client("support_agent").post(reveal_page(anna), {"reason": "Ticket 12"})
    staff_client("operations").get(page(anna))
    tab = reverse("admin:players_player_tab", args=[anna.id, "audit"])
    shown = text_of(staff_client("auditor").get(tab))
    looks_, deeds = shown.split("What staff and programs did<", 1)
    assert "support_agent-1" in looks_
    assert "Ticket 12" in looks_
    assert "operations-1" in looks_
    assert "players.keep_sealed" in deeds
    assert staff_client("operations").get(tab).status_code == 403
