"""Packs in the back office: seen with their sources, asked for with signatures, put in force by a second person."""

from __future__ import annotations

from datetime import date

import pytest
from django.urls import reverse

from compliance.models import Approval
from compliance.pack_files import load_packs
from compliance.selectors_packs import get_pack
from compliance.services.packs import activate_all
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clock
from players.selectors_access import get_staff_actor
from players.services.staff import ensure_staff
from tests.factories import AT, make_player
from tests.packs import activate
from tests.staff import client_of, staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")

LIST = "admin:compliance_packactivation_changelist"
GB = ("GB", "2025-10-31")


def version(*of: str) -> str:
    return reverse("admin:compliance_packactivation_version", args=of)


def another_officer() -> int:
    return ensure_staff(
        login="officer-2", email="o2@example.com", password="long enough 2", roles=["compliance_officer"], at=AT
    )


def test_the_page_warns_of_players_without_a_pack() -> None:
    make_player(country="GB")
    page = text_of(staff_client("auditor").get(reverse(LIST)))
    assert "No pack is in force for GB, where 1 players live" in page
    assert "Values without a seen source" in page
    activate("GB")
    page = text_of(staff_client("auditor").get(reverse(LIST)))
    assert "No pack is in force for GB" not in page


def test_a_version_shows_values_sources_and_what_changes_for_whom() -> None:
    for country in ("GB", "GB", "SE"):
        make_player(country=country)
    activate("GB", at=clock.now())
    page = text_of(staff_client("auditor").get(version("GB", "2026-09-30")))
    assert "What changes against 2026-01-19" in page
    assert "It concerns 2 players" in page
    assert "limits.deposit_basis" in page
    assert load_packs()["GB"][-1].values["limits.deposit_basis"].rule in page
    assert 'href="https://www.gamblingcommission.gov.uk/consultation-response/definition-of-deposit-limits' in page
    assert "Signed: For tests." in page
    assert staff_client("auditor").get(version("GB", "2020-01-01")).status_code == 404
    assert staff_client("auditor").get(version("GB", "soon")).status_code == 404


def test_two_people_put_a_version_in_force() -> None:
    officer = staff_client("compliance_officer")
    address = reverse("admin:compliance_packactivation_activate", args=GB)
    file = load_packs()["GB"][0]
    form = officer.get(address).context["form"]
    data = {"key": str(form["key"].value()), "comment": "Licence of 1 November"}
    refused = officer.post(address, data)  # nothing signed
    assert refused.status_code == 200
    assert not Approval.objects.exists()
    signed = {f"sign:{key}": f"Counsel on {key}" for key in file.unsourced}
    assert officer.post(address, {**data, **signed}).status_code == 302
    assert officer.post(address, {**data, **signed}).status_code == 302  # sent twice
    asked = Approval.objects.get()
    approve = reverse("admin:compliance_approval_approve", args=[asked.pk])
    decision = {"comment": "read", "digest": bytes(asked.digest).hex()}
    officer.post(approve, decision)
    assert get_pack(country="GB", at=clock.now()).pack_id == "default"  # not by oneself
    second = client_of(another_officer())
    page = text_of(second.get(reverse("admin:compliance_approval_change", args=[asked.pk])))
    assert "Signed without a source: age.min: Counsel on age.min" in page
    assert second.post(approve, decision).status_code == 302
    assert get_pack(country="GB", at=clock.now()).version == date(2025, 10, 31)
    [record] = [row for row in list_audit(AuditQuery(), limit=50) if row.action == "compliance.activate_pack"]
    assert record.reason == "Licence of 1 November"


def test_a_demo_activates_everything_at_once() -> None:
    people = [get_staff_actor(one) for one in (staff_id("compliance_officer"), staff_id("mlro"))]
    at = clock.now()
    found = activate_all(reason="The demo's packs.", asking=people[0], deciding=people[1], at=at)
    assert {row.pack_id for row in found} == set(load_packs()) - {"default"}
    assert get_pack(country="SE", at=at).pack_id == "SE"
    again = activate_all(reason="The demo's packs.", asking=people[0], deciding=people[1], at=at)
    assert [row.id for row in again] == [row.id for row in found]
