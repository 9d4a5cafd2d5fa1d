"""Roles, custom roles and service clients by four eyes; deputies, and what they cannot do."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from allauth.idp.oidc.models import Client
from django.contrib.auth.models import Group
from django.db import DatabaseError
from django.urls import reverse
from pytest_django import Settings

from compliance.models import Approval
from compliance.models_delegation import Delegation
from compliance.selectors import get_approval
from compliance.services import approvals
from compliance.services.client_changes import ClientMoved, change_client, make_client
from compliance.services.delegations import appoint_deputy, end_delegation
from compliance.services.provider_changes import ProviderMoved, change_provider
from compliance.services.role_changes import RolesMoved, change_role, change_staff_roles
from compliance.types import ApprovalDetails, ApprovalState
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import access, clients, clock
from kernel.access import AccessDenied
from kernel.actors import Actor, system
from kernel.clients import ClientSettings, create_client, get_settings
from kernel.errors import FieldErrors
from kernel.models_clients import ServiceClient
from kernel.money import Money
from players.selectors_access import get_role, get_staff, get_staff_actor
from players.selectors_staff import find_provider
from players.services.roles import RoleIsShipped, apply_roles, plan_roles, set_role_permissions, set_staff_roles
from players.services.staff import ensure_staff
from players.services.staff_devices import reset_second_factors
from players.services.staff_providers import save_provider
from players.types_staff import Protocol, ProviderSettings
from pms.roles import ROLES
from tests.factories import AT, fund, make_player
from tests.staff import staff_client, staff_id, text_of
from wallet.services.adjustments import adjust

pytestmark = pytest.mark.usefixtures("db")

LATER = AT + timedelta(hours=1)
BOSS = system("test")


def actor(role: str) -> Actor:
    return get_staff_actor(staff_id(role))


def somebody(*roles: str, login: str = "somebody") -> int:
    staff_id("analyst")
    return ensure_staff(login=login, email=f"{login}@example.com", password="long enough 1", roles=roles, at=AT)


def ask_for_roles(staff: int, *roles: str, by: str = "administrator", key: str = "k") -> ApprovalDetails:
    found = change_staff_roles(
        staff_id=staff, roles=roles, comment="New in the team", idempotency_key=key, actor=actor(by), at=AT
    )
    assert found
    return found


def approve(found: ApprovalDetails, who: Actor, **more: Any) -> ApprovalDetails:
    return approvals.approve(
        approval_id=found.id, seen_digest=found.digest, comment="", actor=who, **{"at": LATER, **more}
    )


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


def staff_id_of(login: str) -> int:
    from players.models import User

    return int(User.objects.get(username=login).pk)


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


# --- service clients ---


def test_a_client_is_made_by_two_people_and_has_no_secret_yet() -> None:
    data = ClientSettings("Game server", ("wallet:read",), allowed_ips=("203.0.113.0/24",), requests_per_minute=60)
    found = make_client(
        client_id="games", data=data, comment="x", idempotency_key="k", actor=actor("integrator"), at=AT
    )
    assert found
    assert not Client.objects.filter(id="games").exists()
    assert found.after["allowed_ips"] == "203.0.113.0/24"
    with pytest.raises(AccessDenied):
        approve(found, actor("finance"))
    approve(found, actor("compliance_officer"))
    row = ServiceClient.objects.select_related("client").get(pk="games")
    assert (row.allowed_ips, row.requests_per_minute, row.secret_issued_at) == (["203.0.113.0/24"], 60, None)
    assert not row.client.check_secret("")


def live_client(**data: Any) -> ClientSettings:
    known = ClientSettings("Game server", ("loyalty:read",), allowed_ips=("203.0.113.0/24",))
    create_client(client_id="games", data=known, actor=BOSS, at=AT)
    return replace(known, **data)


def change(data: ClientSettings, key: str = "k") -> ApprovalDetails | None:
    return change_client(
        client_id="games", data=data, comment="Why not", idempotency_key=key, actor=actor("integrator"), at=AT
    )


@pytest.mark.parametrize(
    "more",
    [
        {"scopes": ("loyalty:read", "wallet:write")},
        {"scopes": ("wallet:write",)},
        {"allowed_ips": ()},
        {"allowed_ips": ("203.0.113.0/24", "198.51.100.7")},
        {"allowed_ips": ("203.0.0.0/16",)},
        {"allowed_ips": ("2001:db8::/32",)},
    ],
)
def test_a_client_that_is_to_do_more_waits_for_a_second_person(more: dict[str, Any]) -> None:
    wanted = live_client(**more)
    before = get_settings("games")
    found = change(wanted)
    assert found
    assert get_settings("games") == before
    approve(found, actor("compliance_officer"))
    assert get_settings("games") == wanted
    [record] = list_audit(AuditQuery(action="compliance.change_client"))
    assert (record.actor, record.reason) == (str(actor("compliance_officer")), "Why not")


@pytest.mark.parametrize(
    "less",
    [
        {"scopes": ("loyalty:read",), "name": "Other", "contact": "x", "requests_per_minute": 7},
        {"allowed_ips": ("203.0.113.7",)},
        {"allowed_ips": ("203.0.113.0/25", "203.0.113.128/25")},
    ],
)
def test_a_client_that_does_less_is_changed_at_once(less: dict[str, Any]) -> None:
    wanted = live_client(**less)
    assert change(wanted) is None
    assert get_settings("games") == wanted


def test_a_narrow_scope_in_place_of_the_wide_one_is_less() -> None:
    wanted = live_client(scopes=("wallet:write",))
    clients.change_client(client_id="games", data=wanted, actor=BOSS, at=AT)
    assert change(replace(wanted, scopes=("bets:write",))) is None
    assert change(wanted, key="back")


def test_a_client_that_moved_meanwhile_is_not_given_more() -> None:
    found = change(live_client(scopes=("loyalty:read", "players:read")))
    assert found
    change(replace(get_settings("games"), contact="somebody else"), key="2")
    with pytest.raises(ClientMoved):
        approve(found, actor("compliance_officer"))
    assert get_settings("games").scopes == ("loyalty:read",)


# --- identity providers ---

CORP = ProviderSettings(
    "corp", "Corp", Protocol.OIDC, {"server_url": "https://idp.example.com"}, client_id="x",
    mfa_contexts=("mfa", "otp"), roles=frozenset({("ops", "operations"), ("fin", "finance")}),
)  # fmt: skip


def change_sign_on(data: ProviderSettings, key: str = "k", by: str = "administrator") -> ApprovalDetails | None:
    found = change_provider(data=data, comment="Why not", idempotency_key=key, actor=actor(by), at=AT)
    return get_approval(found) if found else None


def test_a_new_way_to_sign_on_takes_two_people_who_see_who_gets_which_role() -> None:
    staff_id("administrator")
    found = change_sign_on(CORP)
    assert found
    assert find_provider("corp") is None
    assert found.after["group ops brings"] == "operations"
    assert found.after["parameters"] == '{"server_url": "https://idp.example.com"}'
    with pytest.raises(approvals.SelfApproval):
        approve(found, actor("administrator"))
    approve(found, actor("compliance_officer"))
    assert find_provider("corp") == CORP
    [record] = list_audit(AuditQuery(action="players.change_identity_provider"))
    assert record.after
    assert (record.object_id, record.after["group fin brings"]) == ("corp", "finance")


@pytest.mark.parametrize(
    "more",
    [
        {"roles": CORP.roles | {("canteen", "administrator")}},
        {"roles": frozenset({("ops", "administrator")})},
        {"parameters": {"server_url": "https://mine.example.com"}},
        {"client_id": "y"},
        {"groups_claim": "nicknames"},
        {"mfa_contexts": ("mfa", "otp", "pwd")},
    ],
)
def test_one_person_alone_widens_no_way_to_sign_on(more: dict[str, Any]) -> None:
    staff_id("administrator")
    save_provider(data=CORP, actor=BOSS, at=AT)
    wanted = replace(CORP, **more)
    found = change_sign_on(wanted)
    assert found
    assert find_provider("corp") == CORP
    approve(found, actor("compliance_officer"))
    assert find_provider("corp") == wanted


@pytest.mark.parametrize(
    "less",
    [{"active": False}, {"roles": frozenset()}, {"mfa_contexts": ("otp",)}, {"name": "Another button"}],
)
def test_what_narrows_a_way_to_sign_on_is_done_at_once(less: dict[str, Any]) -> None:
    staff_id("administrator")
    save_provider(data=CORP, actor=BOSS, at=AT)
    assert change_sign_on(replace(CORP, **less)) is None
    assert find_provider("corp") == replace(CORP, **less)


def test_switching_a_way_to_sign_on_on_again_takes_two_people() -> None:
    staff_id("administrator")
    save_provider(data=replace(CORP, active=False), actor=BOSS, at=AT)
    found = change_sign_on(CORP)
    assert found
    assert (found.before["in use"], found.after["in use"]) == ("no", "yes")


def test_a_way_to_sign_on_that_moved_meanwhile_is_not_changed() -> None:
    staff_id("administrator")
    save_provider(data=CORP, actor=BOSS, at=AT)
    found = change_sign_on(replace(CORP, client_id="y"))
    assert found
    assert change_sign_on(replace(CORP, active=False), key="2") is None
    with pytest.raises(ProviderMoved):
        approve(found, actor("compliance_officer"))
    with pytest.raises(AccessDenied):
        change_sign_on(replace(CORP, active=False), by="compliance_officer")


# --- deputies ---


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
