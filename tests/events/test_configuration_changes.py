"""What staff change in the admin's own forms is on the trail, without secrets, and found by the same search."""

from __future__ import annotations

import pytest
from allauth.idp.oidc.models import Client
from django.contrib.auth.models import Group, Permission
from django.db import connection

from events.selectors_audit import list_audit
from events.types import AuditEntry, AuditQuery
from players.models_staff import StaffNetwork
from pms.identity import ensure_client
from tests.staff import staff_client, staff_id
from wallet.models_payments import ApprovalRule, WithdrawalPolicy

pytestmark = pytest.mark.usefixtures("db")


def trail(object_type: str) -> list[AuditEntry]:
    """Oldest first."""
    return list(reversed(list_audit(AuditQuery(object_type=object_type, action="configuration."))))


def test_a_rule_made_and_changed_in_the_admin() -> None:
    client = staff_client("finance")
    form = client.get("/admin/wallet/withdrawalpolicy/add/").context["adminform"].form
    data = {name: form.get_initial_for_field(field, name) for name, field in form.fields.items()}
    data = {name: value for name, value in data.items() if value not in (None, False)}
    data |= {"country": "FR", "cooling_minutes": "60"}
    assert client.post("/admin/wallet/withdrawalpolicy/add/", data).status_code == 302
    policy = WithdrawalPolicy.objects.get(country="FR")
    change = f"/admin/wallet/withdrawalpolicy/{policy.pk}/change/"
    assert client.post(change, data | {"cooling_minutes": "77"}, headers={"User-Agent": "Browser/1"}).status_code == 302
    made, changed = trail("wallet.withdrawalpolicy")
    assert (made.action, made.object_id, made.before) == ("configuration.create", str(policy.pk), {})
    assert made.after is not None
    assert made.after["country"] == "FR"
    assert (changed.action, changed.after) == ("configuration.change", {"cooling_minutes": "77"})
    assert changed.actor == f"staff:{staff_id('finance')}"
    assert (changed.actor_roles, changed.ip, changed.user_agent) == (("finance",), "127.0.0.1", "Browser/1")
    assert changed.request_id


def test_what_is_saved_as_it_was_is_not_recorded() -> None:
    rule = ApprovalRule.objects.first() or pytest.skip("no rule is shipped")
    before = len(trail("wallet.approvalrule"))
    rule.save()
    assert len(trail("wallet.approvalrule")) == before


def test_permissions_of_a_role() -> None:
    group = Group.objects.create(name="helpers")
    group.permissions.add(Permission.objects.get(codename="view_player"))
    group.permissions.clear()
    made, added, *_ = trail("auth.group")
    assert (made.actor, made.after) == ("system:command", {"id": str(group.pk), "name": "helpers"})
    assert "view player" in str(added.after).lower()


def test_a_clients_secret_stays_out() -> None:
    ensure_client(client_id="acme", secret="not for the trail", name="Acme", scopes=["players:read"])
    [made] = trail("allauth_idp_oidc.client")
    assert made.object_id == "acme"
    assert made.after is not None
    assert "secret" not in made.after
    assert Client.objects.get(id="acme").secret not in str(made)


def test_a_network_that_staff_may_come_from() -> None:
    client = staff_client("administrator")
    role = Group.objects.get(name="finance")
    form = {"role": role.pk, "network": "203.0.113.0/24", "note": "Vienna"}
    assert client.post("/admin/players/staffnetwork/add/", form).status_code == 302
    network = StaffNetwork.objects.get()
    assert client.post(f"/admin/players/staffnetwork/{network.pk}/delete/", {"post": "yes"}).status_code == 302
    made, gone = trail("players.staffnetwork")
    assert made.after
    assert (made.actor, made.after["network"]) == (f"staff:{staff_id('administrator')}", "203.0.113.0/24")
    assert gone.before
    assert (gone.action, gone.before["network"]) == ("configuration.delete", "203.0.113.0/24")


def test_there_is_no_second_table() -> None:
    tables = connection.introspection.table_names()
    assert not [name for name in tables if "auditlog" in name or name == "events_configurationchange"]
