"""Exclusions in the back office: the tab, the form that says what it will do, wishes to return, registers, matches."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from compliance.ports_exclusion import find_exclusion_register
from compliance.registers.sandbox import SandboxRegister
from compliance.selectors_cases import list_cases
from compliance.selectors_exclusions import get_end_request, list_exclusions, list_register_checks
from compliance.services.exclusion_ends import request_end
from compliance.services.exclusions import exclude
from compliance.types_cases import CaseKind
from compliance.types_exclusion import EndRequestState, ExclusionKind
from kernel import clock
from players.selectors import find_refusal
from players.types import PlayerAction
from tests.factories import ACTOR, make_player
from tests.packs import activate
from tests.staff import staff_client, text_of
from tests.stories.faces import page

pytestmark = pytest.mark.usefixtures("db")


def tab(client: object, player_id: object) -> str:
    return text_of(client.get(reverse("admin:players_player_tab", args=[player_id, "exclusions"])))  # type: ignore[attr-defined]


def test_support_gives_a_player_a_break_after_reading_what_it_does() -> None:
    player = make_player()
    client = staff_client("support_agent")
    assert "Not excluded" in tab(client, player.id)
    address = reverse("admin:compliance_exclusion_exclude", args=[player.id])
    form = text_of(client.get(address))
    assert "Self-exclusion, 6 months" in form
    data = {"choice": "self:6mo", "other": "", "reason": "By phone", "key": "k1"}
    preview = text_of(client.post(address, data))
    assert "The player can&#x27;t log in meanwhile" in preview
    assert list_exclusions(player_id=player.id) == []
    for _ in range(2):  # sent twice, it is one
        done = text_of(client.post(address, data | {"confirmed": "1"}, follow=True))
    assert "is excluded: self-exclusion, 6 months" in done
    (found,) = list_exclusions(player_id=player.id)
    assert (found.kind, found.term, found.reason) == (ExclusionKind.SELF, "6mo", "By phone")
    shown = page(client, "compliance_exclusion", found.id)
    assert "Self-exclusion, 6 months" in shown
    assert "Excluded" in text_of(client.get(reverse("admin:players_player_change", args=[player.id])))


def test_a_length_that_the_rules_do_not_allow_is_an_error_in_the_form() -> None:
    activate("GB")
    player = make_player(country="GB")
    client = staff_client("support_agent")
    address = reverse("admin:compliance_exclusion_exclude", args=[player.id])
    data = {"choice": "self:6mo", "other": "5mo", "reason": "", "key": "k1", "confirmed": "1"}
    assert "at least 6mo" in text_of(client.post(address, data))
    assert list_exclusions(player_id=player.id) == []


def test_the_wish_to_return_is_queued_and_decided() -> None:
    activate("MT")
    player = make_player(country="MT")
    found = exclude(
        player_id=player.id,
        kind=ExclusionKind.SELF,
        term="indefinite",
        idempotency_key="k",
        actor=ACTOR,
        at=clock.now(),
    )
    support, officer = staff_client("support_lead"), staff_client("compliance_officer")
    end = reverse("admin:compliance_exclusion_end", args=[found.id])
    assert "A colleague decides" in text_of(support.get(end))
    assert "it is part of what is decided" in text_of(support.post(end, {"reason": ""}))
    support.post(end, {"reason": "I feel better"})
    queue = text_of(officer.get(reverse("admin:compliance_endrequest_changelist")))
    assert player.login in queue
    request = request_end(exclusion_id=found.id, reason="again", actor=ACTOR, at=clock.now())
    decide = reverse("admin:compliance_endrequest_decide", args=[request.id])
    assert support.get(decide).status_code == 403
    assert "I feel better" in page(officer, "compliance_endrequest", request.id)
    officer.post(decide, {"accept": "yes", "comment": ""})
    assert get_end_request(request.id).state is EndRequestState.OPEN
    officer.post(decide, {"accept": "yes", "comment": "Spoke to her"})
    assert get_end_request(request.id).state is EndRequestState.ACCEPTED
    assert "Spoke to her" in page(officer, "compliance_endrequest", request.id)


def test_an_officer_asks_the_register() -> None:
    player = make_player(country="GB", first_name="Ann", last_name="Brown", birth_date=date(1990, 4, 7))
    activate("GB")
    officer = staff_client("compliance_officer")
    assert "Never asked" in tab(officer, player.id)
    register = find_exclusion_register("GAMSTOP")
    assert isinstance(register, SandboxRegister)
    register.list_person("Brown", date(1990, 4, 7))
    try:
        address = reverse("admin:compliance_exclusion_check", args=[player.id])
        assert "GAMSTOP lists" in text_of(officer.post(address, follow=True))
    finally:
        register.listed.clear()
    assert find_refusal(player.id, PlayerAction.PLAY, clock.now()) == "self_excluded"
    (check,) = list_register_checks(player.id)
    assert check.reply_id in page(officer, "compliance_registercheck", check.id)
    assert "GAMSTOP" in text_of(officer.get(reverse("admin:compliance_registercheck_changelist")))


def test_whether_an_excluded_person_is_back_is_decided_on_the_tab() -> None:
    who = {"first_name": "Anna", "last_name": "Gruber", "birth_date": date(1990, 4, 7)}
    first = make_player(**who, postcode="1010")
    at = clock.now()
    exclude(player_id=first.id, kind=ExclusionKind.SELF, term="1y", idempotency_key="k", actor=ACTOR, at=at)
    second = make_player(at=at, **who, postcode="8010")
    officer = staff_client("compliance_officer")
    assert "Is an excluded person back?" in tab(officer, second.id)
    (case,) = list_cases(kind=CaseKind.EXCLUSION_MATCH)
    address = reverse("admin:compliance_exclusion_match", args=[case.id])
    assert "birth" in text_of(officer.get(address)).lower()
    officer.post(address, {"same": "no", "comment": "Another Anna"})
    assert find_refusal(second.id, PlayerAction.PLAY, clock.now()) is None
    assert "Is an excluded person back?" not in tab(officer, second.id)


def test_what_is_in_force_and_what_is_to_be_closed_can_be_filtered() -> None:
    activate("CA-ON")
    player = make_player(country="CA", region="ON")
    exclude(player_id=player.id, kind=ExclusionKind.SELF, term="1y", idempotency_key="k", actor=ACTOR, at=clock.now())
    client = staff_client("operations")
    address = reverse("admin:compliance_exclusion_changelist")
    for state, there in (("standing", True), ("closing", True), ("over", False)):
        assert (player.login in text_of(client.get(address, {"state": state}))) is there, state
