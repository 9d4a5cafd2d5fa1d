"""Deputies, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from datetime import timedelta
from typing import Any

import pytest
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.urls import reverse
from pytest_django import Settings

from compliance.models import Approval
from compliance.models_delegation import Delegation
from compliance.selectors import get_approval
from compliance.services import approvals
from compliance.services.delegations import appoint_deputy, end_delegation
from compliance.types import ApprovalDetails, ApprovalState
from kernel import access, clock
from kernel.access import AccessDenied
from kernel.errors import FieldErrors
from kernel.money import Money
from players.selectors_access import get_staff, get_staff_actor
from players.services.roles import set_role_permissions, set_staff_roles
from tests.compliance.access import BOSS, LATER, actor, approve, ask_for_roles, somebody, staff_id_of
from tests.factories import AT, fund, make_player
from tests.staff import staff_client, staff_id, text_of
from wallet.services.adjustments import adjust

pytestmark = pytest.mark.usefixtures("db")


def appoint(principal: str, deputy: str, *kinds: str, **more: Any) -> Any:
    call = {"active_from": AT, "active_until": AT + timedelta(days=7), "reason": "Holidays", "at": AT, **more}
    return appoint_deputy(
        principal_id=staff_id(principal), deputy_id=staff_id(deputy), kinds=kinds or ("wallet.adjustment",),
        **{"actor": actor(principal), **call},
    )  # fmt: skip


def correction(amount: str = "150.00") -> ApprovalDetails:
    player = make_player()
    fund(player.id, "10.00")
    done = adjust(
        player_id=player.id, amount=Money.parse(amount, "EUR"), reason="goodwill", evidence="x", idempotency_key="a",
        actor=actor("operations"), at=AT,
    )  # fmt: skip
    assert done.approval_id
    return get_approval(done.approval_id)


def test_a_deputy_decides_in_anothers_place_for_a_period_and_it_is_kept() -> None:
    found = correction()
    appoint("finance", "compliance_officer")
    approvals.claim(approval_id=found.id, actor=actor("finance"), at=LATER)
    done = approve(found, actor("compliance_officer"), acting_for=str(actor("finance")))
    assert (done.state, done.decided_by) == ("approved", str(actor("compliance_officer")))
    assert done.decided_for == str(actor("finance")), "the claim of the other does not stand in the way"


def test_a_deputy_has_the_others_ceiling_and_their_own_permissions(settings: Settings) -> None:
    settings.ACCESS_POLICIES = {
        "amount_ceilings": {"ceilings": {"wallet.approve_adjustment": {"compliance_officer": {"EUR": "100.00"}}}}
    }
    access.forget_policies()
    try:
        found = correction()
        with pytest.raises(AccessDenied, match="above the ceiling"):
            approve(found, actor("compliance_officer"))
        appoint("finance", "compliance_officer")
        approve(found, actor("compliance_officer"), acting_for=str(actor("finance")))
    finally:
        settings.ACCESS_POLICIES = {}
        access.forget_policies()


def test_a_deputy_needs_the_permission_themselves() -> None:
    with pytest.raises(FieldErrors) as refused:
        appoint("finance", "support_lead")
    assert "deputy" in refused.value.errors
    with pytest.raises(FieldErrors) as refused:
        appoint("support_lead", "finance", actor=actor("administrator"))
    assert "kinds" in refused.value.errors
    found, officer = correction(), staff_id("compliance_officer")
    appoint("finance", "compliance_officer")
    set_staff_roles(staff_id=officer, roles=["support_lead"], actor=BOSS, at=AT)
    with pytest.raises(AccessDenied):
        approve(found, get_staff_actor(officer), acting_for=str(actor("finance")))


def test_nobody_approves_their_own_through_a_deputy() -> None:
    administrator, officer = actor("administrator"), actor("compliance_officer")
    appoint("administrator", "compliance_officer", "compliance.staff_roles")
    found = ask_for_roles(somebody(), "analyst")
    for acting_for in ("", str(administrator)):
        with pytest.raises(approvals.SelfApproval):
            approve(found, officer, acting_for=acting_for)
    with pytest.raises(DatabaseError, match="no_deputy_of_asker"):
        Approval.objects.filter(id=found.id).update(
            state="approved", decided_at=LATER, decided_by="staff:99", decided_for=str(administrator)
        )
    assert get_staff(staff_id_of("somebody")).roles == ()


@pytest.mark.parametrize(
    ("kind", "minutes", "ended"),
    [("wallet.write_off", 60, False), ("wallet.adjustment", -1, False), ("wallet.adjustment", 60 * 24 * 7, False),
     ("wallet.adjustment", 60, True)],
)  # fmt: skip
def test_outside_its_kinds_and_its_period_a_delegation_is_nothing(kind: str, minutes: int, ended: bool) -> None:
    found = correction()
    delegation = appoint("finance", "compliance_officer", kind)
    if ended:
        end_delegation(delegation_id=delegation.id, actor=actor("finance"), at=AT)
    with pytest.raises((approvals.NotADeputy, approvals.ApprovalExpired)):
        approve(
            found, actor("compliance_officer"), acting_for=str(actor("finance")), at=AT + timedelta(minutes=minutes)
        )
    assert get_approval(found.id).state is ApprovalState.REQUESTED


@pytest.fixture
def never(settings: Settings) -> Iterator[Callable[..., None]]:
    """Makes these actions be outside working hours whenever it is."""

    def close(*actions: str) -> None:
        settings.ACCESS_POLICIES = {"working_hours": {"actions": list(actions), "days": []}}
        access.forget_policies()

    yield close
    settings.ACCESS_POLICIES = {}
    access.forget_policies()


def test_policies_hold_for_pages_of_approvals_too(never: Callable[..., None]) -> None:
    player = make_player()
    fund(player.id, "10.00")
    adjust(
        player_id=player.id,
        amount=Money.parse("150.00", "EUR"),
        reason="goodwill",
        evidence="x",
        idempotency_key="a",
        actor=actor("operations"),
        at=clock.now(),
    )
    pk, finance = Approval.objects.get().pk, staff_client("finance")
    assert "Approve" in text_of(finance.get(reverse("admin:compliance_approval_change", args=[pk])))
    never("wallet.approve_adjustment")
    assert finance.post(reverse("admin:compliance_approval_claim", args=[pk])).status_code == 403
    assert finance.post(reverse("admin:compliance_approval_approve", args=[pk])).status_code == 403
    assert Approval.objects.get().claimed_by == ""


def test_policies_hold_for_whoever_appoints(never: Callable[..., None]) -> None:
    delegation = appoint("finance", "compliance_officer", actor=actor("administrator"))
    never("compliance.appoint_deputy")
    with pytest.raises(AccessDenied):
        appoint("finance", "compliance_officer", actor=actor("administrator"))
    with pytest.raises(AccessDenied):
        end_delegation(delegation_id=delegation.id, actor=actor("administrator"), at=AT)
    end_delegation(delegation_id=delegation.id, actor=actor("finance"), at=AT)


def test_a_roles_page_tells_the_policies_of_that_role_alone(settings: Settings) -> None:
    for name in ("support", "agent"):  # parts of the names of shipped roles
        set_role_permissions(name=name, description="x", permissions=["players.view_player"], actor=BOSS, at=AT)
    administrator, said = staff_client("administrator"), "may not act on players at level"
    for name, told in (("support_agent", True), ("support", False), ("agent", False), ("finance", False)):
        group = Group.objects.get(name=name)
        page = text_of(administrator.get(reverse("admin:auth_group_change", args=[group.pk])))
        assert (said in page) is told, name
    page = text_of(
        administrator.get(reverse("admin:auth_group_change", args=[Group.objects.get(name="operations").pk]))
    )
    assert "up to" in page


def test_who_appoints_whom() -> None:
    with pytest.raises(AccessDenied):
        appoint("finance", "compliance_officer", actor=actor("operations"))
    appoint("finance", "compliance_officer", actor=actor("administrator"))
    for wrong in (
        {"active_until": AT - timedelta(days=1)},
        {"active_until": AT + timedelta(days=200)},
        {"reason": " "},
    ):
        with pytest.raises(FieldErrors):
            appoint("finance", "compliance_officer", **wrong)
    delegation = Delegation.objects.get()
    with pytest.raises(AccessDenied):
        end_delegation(delegation_id=delegation.id, actor=actor("operations"), at=AT)
