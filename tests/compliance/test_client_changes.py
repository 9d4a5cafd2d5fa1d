"""Service clients and ways to sign on by four eyes."""

from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest
from allauth.idp.oidc.models import Client

from compliance.selectors import get_approval
from compliance.services import approvals
from compliance.services.client_changes import ClientMoved, change_client, make_client
from compliance.services.provider_changes import ProviderMoved, change_provider
from compliance.types import ApprovalDetails
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clients
from kernel.access import AccessDenied
from kernel.clients import ClientSettings, create_client, get_settings
from kernel.models_clients import ServiceClient
from players.selectors_staff import find_provider
from players.services.staff_providers import save_provider
from players.types_staff import Protocol, ProviderSettings
from tests.compliance.access import BOSS, actor, approve
from tests.factories import AT
from tests.staff import staff_id

pytestmark = pytest.mark.usefixtures("db")


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
