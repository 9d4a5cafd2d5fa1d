"""Roles and custom roles by four eyes, and who could act as whom."""

from __future__ import annotations

from datetime import timedelta

import pytest
from pytest_django import Settings

from compliance.selectors import get_approval
from compliance.services import approvals
from compliance.services.role_changes import RolesMoved, change_role, change_staff_roles
from compliance.types import ApprovalDetails, ApprovalState
from kernel.access import AccessDenied
from kernel.errors import FieldErrors
from players.selectors_access import get_role, get_staff, get_staff_actor
from players.services.roles import RoleIsShipped, apply_roles, plan_roles, set_role_permissions, set_staff_roles
from players.services.staff_devices import reset_second_factors
from pms.roles import ROLES
from tests.compliance.access import BOSS, actor, approve, ask_for_roles, somebody, staff_id_of
from tests.factories import AT
from tests.staff import staff_id

pytestmark = pytest.mark.usefixtures("db")


# --- roles of staff ---


def test_roles_are_given_by_two_people_who_see_the_exact_difference() -> None:
    staff = somebody("analyst")
    found = ask_for_roles(staff, "analyst", "support_agent")
    assert get_staff(staff).roles == ("analyst",)
    assert found.before["role support_agent"] == "no"
    assert found.after["role support_agent"] == "yes"
    won = {
        name.removeprefix("may ") for name, value in found.after.items() if name.startswith("may ") and value == "yes"
    }
    assert won == ROLES["support_agent"] - ROLES["analyst"]
    approve(found, actor("compliance_officer"))
    assert get_staff(staff).roles == ("analyst", "support_agent")


def test_nobody_gives_roles_to_themselves_or_approves_their_own() -> None:
    with pytest.raises(AccessDenied, match="own roles"):
        ask_for_roles(staff_id("administrator"), "administrator", "finance")
    found = ask_for_roles(staff_id("compliance_officer"), "compliance_officer", "finance")
    with pytest.raises(AccessDenied, match="own roles"):
        approve(found, actor("compliance_officer"))
    with pytest.raises(approvals.SelfApproval):
        approve(found, actor("administrator"))
    assert get_staff(staff_id("compliance_officer")).roles == ("compliance_officer",)
    assert get_approval(found.id).state is ApprovalState.REQUESTED


@pytest.mark.parametrize("role", ["support_lead", "operations", "compliance_officer", "auditor"])
def test_only_some_may_ask(role: str) -> None:
    with pytest.raises(AccessDenied):
        ask_for_roles(somebody(), "analyst", by=role)


def test_what_moved_since_is_not_carried_out() -> None:
    staff = somebody("analyst")
    found = ask_for_roles(staff, "finance")
    set_staff_roles(staff_id=staff, roles=["auditor"], actor=BOSS, at=AT)
    with pytest.raises(RolesMoved):
        approve(found, actor("compliance_officer"))
    assert get_staff(staff).roles == ("auditor",)


def test_a_request_of_somebody_who_lost_the_right_is_not_carried_out() -> None:
    staff = somebody("analyst")
    other = somebody("administrator", login="second.admin")
    found = change_staff_roles(
        staff_id=staff, roles=["finance"], comment="x", idempotency_key="k", actor=get_staff_actor(other), at=AT
    )
    assert found
    set_staff_roles(staff_id=other, roles=[], actor=BOSS, at=AT)
    with pytest.raises(AccessDenied):
        approve(found, actor("compliance_officer"))


def test_requests_expire_and_change_nothing() -> None:
    staff = somebody("analyst")
    found = ask_for_roles(staff, "finance")
    with pytest.raises(approvals.ApprovalExpired):
        approve(found, actor("compliance_officer"), at=found.expires_at)
    assert approvals.expire_due(actor=BOSS, at=found.expires_at) == 1
    assert get_approval(found.id).state is ApprovalState.EXPIRED
    assert get_staff(staff).roles == ("analyst",)


def test_one_person_suffices_where_it_is_configured_so(settings: Settings) -> None:
    settings.FOUR_EYES = []
    staff = somebody()
    assert change_staff_roles(
        staff_id=staff, roles=["analyst"], comment="x", idempotency_key="k", actor=actor("administrator"), at=AT
    ) is None  # fmt: skip
    assert get_staff(staff).roles == ("analyst",)


# --- who could act as whom ---


def took_over(victim: int, by: int) -> None:
    reset_second_factors(user_id=victim, reason="x", actor=get_staff_actor(by), at=AT)


def test_whoever_was_reset_by_the_asker_does_not_decide_on_what_they_ask() -> None:
    administrator, officer = staff_id("administrator"), staff_id("compliance_officer")
    found = ask_for_roles(somebody("analyst"), "finance")
    took_over(officer, by=administrator)
    with pytest.raises(approvals.SelfApproval, match="third person"):
        approve(found, actor("compliance_officer"))
    assert get_approval(found.id).state is ApprovalState.REQUESTED
    second = somebody("compliance_officer", login="second.officer")
    approve(found, get_staff_actor(second))


def test_nor_on_the_way_round_nor_over_a_third_account() -> None:
    administrator, officer = staff_id("administrator"), staff_id("compliance_officer")
    other = somebody("administrator", login="second.admin")
    found = ask_for_roles(somebody("analyst", login="x.y"), "finance")
    took_over(administrator, by=officer)  # the asker was reset by whoever decides
    with pytest.raises(approvals.SelfApproval):
        approve(found, actor("compliance_officer"))
    took_over(other, by=officer)  # both by a third
    with pytest.raises(approvals.SelfApproval):
        approve(found, get_staff_actor(other))
    last = somebody("compliance_officer", login="second.officer")
    took_over(last, by=other)  # along a chain: the officer, by the second administrator, by the new officer
    with pytest.raises(approvals.SelfApproval):
        approve(found, get_staff_actor(last))


def test_after_two_weeks_they_are_two_people_again() -> None:
    administrator, officer = staff_id("administrator"), staff_id("compliance_officer")
    took_over(officer, by=administrator)
    edge = AT + timedelta(days=14)
    found = change_staff_roles(
        staff_id=somebody("analyst"), roles=["finance"], comment="x", idempotency_key="k",
        actor=get_staff_actor(administrator), at=edge - timedelta(days=1),
    )  # fmt: skip
    assert found
    with pytest.raises(approvals.SelfApproval):
        approve(found, actor("compliance_officer"), at=edge - timedelta(seconds=1))
    approve(found, actor("compliance_officer"), at=edge)


def test_ones_own_reset_and_the_systems_bind_nobody() -> None:
    officer = staff_id("compliance_officer")
    found = ask_for_roles(somebody("analyst"), "finance")
    took_over(officer, by=officer)
    reset_second_factors(user_id=officer, reason="x", actor=BOSS, at=AT)
    approve(found, actor("compliance_officer"))


# --- custom roles ---


def test_a_custom_role_is_made_and_edited_by_two_people() -> None:
    def ask(*permissions: str, key: str) -> ApprovalDetails:
        found = change_role(
            name="night_shift",
            description="Nights",
            permissions=permissions,
            comment="x",
            idempotency_key=key,
            actor=actor("administrator"),
            at=AT,
        )
        assert found
        return found

    approve(ask("players.view_player", key="1"), actor("compliance_officer"))
    assert get_role("night_shift").permissions == {"players.view_player"}
    found = ask("players.view_restriction", key="2")
    assert found.before == {
        "description": "Nights",
        "may players.view_player": "yes",
        "may players.view_restriction": "no",
    }
    assert found.after == {
        "description": "Nights",
        "may players.view_player": "no",
        "may players.view_restriction": "yes",
    }
    approve(found, actor("compliance_officer"))
    assert get_role("night_shift").permissions == {"players.view_restriction"}


def test_shipped_roles_and_ones_own_are_not_edited() -> None:
    def edit(name: str) -> None:
        change_role(
            name=name,
            description="",
            permissions=["players.view_player"],
            comment="x",
            idempotency_key="k",
            actor=actor("administrator"),
            at=AT,
        )

    staff_id("administrator")
    with pytest.raises(RoleIsShipped):
        edit("support_agent")
    set_role_permissions(name="mine", description="", permissions=[], actor=BOSS, at=AT)
    set_staff_roles(staff_id=staff_id("administrator"), roles=["administrator", "mine"], actor=BOSS, at=AT)
    person = get_staff_actor(staff_id_of("administrator-1"))
    with pytest.raises(AccessDenied, match="that they have"):
        change_role(
            name="mine", description="", permissions=["players.view_player"], comment="x", idempotency_key="k",
            actor=person, at=AT,
        )  # fmt: skip
    with pytest.raises(FieldErrors):
        edit("Not A Name")


def test_a_deployment_shows_its_difference_and_leaves_custom_roles_alone() -> None:
    staff_id("analyst")
    set_role_permissions(name="night_shift", description="", permissions=["players.view_player"], actor=BOSS, at=AT)
    assert {difference.state for difference in plan_roles(ROLES)} == {"same"}
    wanted = {**ROLES, "analyst": ROLES["analyst"] - {"players.view_player"} | {"players.add_user"}, "pilot": set()}
    del wanted["auditor"]
    plan = {difference.name: difference for difference in plan_roles(wanted) if difference.state != "same"}
    assert {name: difference.state for name, difference in plan.items()} == {
        "analyst": "changed", "pilot": "new", "auditor": "gone",
    }  # fmt: skip
    assert (plan["analyst"].added, plan["analyst"].removed) == (("players.add_user",), ("players.view_player",))
    assert plan["analyst"].members == 1
    assert get_role("analyst").permissions == ROLES["analyst"], "looking changes nothing"
    apply_roles(wanted, actor=BOSS, at=AT)
    assert {difference.state for difference in plan_roles(wanted)} == {"same", "gone"}
    assert get_role("auditor").permissions == frozenset()
    assert get_role("night_shift").permissions == {"players.view_player"}
