"""What staff and programs do is on the trail, in the transaction of the deed; what they may not do, too."""

from __future__ import annotations

import pytest
from django.test import Client
from django.urls import reverse

from compliance.services.approvals import approve, reject
from events.audit_display import changes_of
from events.selectors_audit import list_audit
from events.services.dead_letters import pause_consumer, resume_consumer
from events.types import AuditEntry, AuditOutcome, AuditQuery
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from kernel.money import Money
from players.services.accounts import change_settings, change_status
from players.services.restrictions import impose, lift
from players.services.sealed import keep_sealed
from players.types import RestrictionKind, Status
from tests.factories import ACTOR, AT, fund, make_game, make_player
from tests.staff import staff_client, text_of
from wallet.services import integrations
from wallet.services.adjustments import adjust
from wallet.services.disputes import investigate, open_dispute, settle
from wallet.types_adapters import AdapterProtocol, IntegrationStatus

pytestmark = pytest.mark.usefixtures("db")

LEAD = Actor(
    ActorKind.STAFF, "7", frozenset({"wallet.adjust_balance", "wallet.work_disputes"}), frozenset({"support_lead"})
)
CHIEF = Actor(ActorKind.STAFF, "8", frozenset({"wallet.approve_adjustment"}), frozenset({"finance"}))


def trail(action: str = "", **query: object) -> list[AuditEntry]:
    """Oldest first."""
    return list(reversed(list_audit(AuditQuery(action=action, **query))))  # type: ignore[arg-type]


def test_status_and_settings_are_recorded_with_before_and_after() -> None:
    player = make_player(phone="+4915112345678", language="de")
    change_status(player_id=player.id, to=Status.SUSPENDED, reason="asked to", actor=LEAD, at=AT)
    change_settings(player_id=player.id, changes={"language": "fr", "first_name": "Ada"}, actor=LEAD, at=AT)
    status, settings = trail(player_id=player.id, actor_kind="staff")
    assert (status.action, status.reason, status.actor_roles) == (
        "players.change_status",
        "asked to",
        ("support_lead",),
    )
    assert (status.before, status.after) == ({"status": "active"}, {"status": "suspended"})
    assert (settings.before or {})["language"] == "de"
    assert (settings.after or {})["language"] == "fr"
    assert "Ada" not in str(settings)
    assert ("first_name", "(changed)", "(changed)", True) in changes_of(settings)
    assert ("first_name", "", "Ada", True) in changes_of(settings, opened=True)


def test_what_changes_nothing_is_not_recorded() -> None:
    player = make_player()
    change_status(player_id=player.id, to=Status.ACTIVE, reason="is so", actor=LEAD, at=AT)
    change_settings(player_id=player.id, changes={"language": player.language}, actor=LEAD, at=AT)
    assert trail(actor_kind="staff") == []


def test_restrictions_and_sealed_facts() -> None:
    player = make_player()
    held = impose(
        player_id=player.id, kind=RestrictionKind.COOLING_OFF, reason="a pause", source="staff", actor=LEAD, at=AT
    )
    lift(restriction_id=held, reason="over", actor=LEAD, at=AT)
    keep_sealed(player_id=player.id, values={"street": "Rosenweg 1"}, actor=LEAD, at=AT)
    found = trail(player_id=player.id, actor_kind="staff")
    assert [entry.action for entry in found] == [
        "players.impose_restriction",
        "players.lift_restriction",
        "players.keep_sealed",
    ]
    assert [entry.reason for entry in found] == ["a pause", "over", ""]
    assert "Rosenweg" not in str(found)


def test_a_correction_and_the_decision_on_it() -> None:
    player = make_player()
    fund(player.id, "500.00")
    args = {"player_id": player.id, "reason": "goodwill", "evidence": "Ticket 12", "actor": LEAD, "at": AT}
    adjust(amount=Money.parse("10.00", "EUR"), idempotency_key="one", **args)  # type: ignore[arg-type]
    big = adjust(amount=Money.parse("250.00", "EUR"), idempotency_key="two", **args)  # type: ignore[arg-type]
    assert big.approval_id
    from compliance.selectors import get_approval

    approve(
        approval_id=big.approval_id,
        seen_digest=get_approval(big.approval_id).digest,
        comment="fine",
        actor=CHIEF,
        at=AT,
    )
    found = trail(player_id=player.id, actor_kind="staff")
    assert [(entry.action, entry.actor) for entry in found] == [
        ("wallet.adjust_balance", "staff:7"),
        ("compliance.request_approval", "staff:7"),
        ("wallet.adjust_balance", "staff:7"),
        ("compliance.approve", "staff:8"),
    ]
    assert found[0].after is not None
    assert (found[0].after["amount"], found[0].after["state"]) == ("+10.00 EUR", "posted")
    assert (found[3].reason, found[3].object_id) == ("fine", str(big.approval_id))


def test_a_rejected_correction() -> None:
    player = make_player()
    fund(player.id, "500.00")
    asked = adjust(
        player_id=player.id, amount=Money.parse("-250.00", "EUR"), reason="goodwill", evidence="x", actor=LEAD,
        idempotency_key="k", at=AT,
    )  # fmt: skip
    assert asked.approval_id
    reject(approval_id=asked.approval_id, comment="no evidence", actor=CHIEF, at=AT)
    assert [(entry.actor_id, entry.reason) for entry in trail("compliance.reject_approval")] == [("8", "no evidence")]


def test_disputes() -> None:
    player = make_player()
    case = open_dispute(
        player_id=player.id, subject="Win", story="It is missing", actor=LEAD, idempotency_key="k", at=AT
    )
    investigate(dispute_id=case.id, actor=LEAD, at=AT)
    settle(dispute_id=case.id, resolved=False, resolution="The round was void", actor=LEAD, at=AT)
    assert [(entry.action, entry.reason) for entry in trail("wallet.", player_id=player.id)] == [
        ("wallet.open_dispute", "It is missing"),
        ("wallet.investigate_dispute", ""),
        ("wallet.settle_dispute", "The round was void"),
    ]


def test_integrations_and_their_keys_without_the_keys() -> None:
    make_game()
    integrations.create_integration(code="hub", name="Hub", protocol=AdapterProtocol.SWIPEGAMES, actor=LEAD, at=AT)
    key = integrations.add_key(integration="hub", name="first", actor=LEAD, at=AT)
    integrations.map_games(integration="hub", games={"theirs": "fruits"}, actor=LEAD, at=AT)
    integrations.change_integration(
        code="hub", name="Hub", status=IntegrationStatus.DISABLED, currencies={}, amount_scale=100_000, allowed_ips=(),
        actor=LEAD, at=AT,
    )  # fmt: skip
    found = trail(object_type="wallet.integration", object_id="hub")
    assert [entry.action for entry in found] == [
        "wallet.create_integration", "wallet.add_integration_key", "wallet.map_games", "wallet.change_integration",
    ]  # fmt: skip
    assert found[3].before is not None
    assert (found[3].before["status"], found[3].after["status"]) == ("active", "disabled")  # type: ignore[index]
    assert key not in str(found)


def test_the_machinerys_desk() -> None:
    pause_consumer(name="loyalty.accrual", reason="Provider is down", actor=LEAD, at=AT)
    resume_consumer(name="loyalty.accrual", actor=LEAD, at=AT)
    assert [(entry.object_id, entry.reason, entry.after) for entry in trail("events.change_consumer")] == [
        ("loyalty.accrual", "Provider is down", {"change": "paused"}),
        ("loyalty.accrual", "", {"change": "resumed"}),
    ]


def test_a_deed_that_fails_leaves_no_record() -> None:
    player = make_player()
    with pytest.raises(DomainError):
        adjust(
            player_id=player.id, amount=Money.parse("-10.00", "EUR"), reason="goodwill", evidence="x", actor=LEAD,
            idempotency_key="k", at=AT,
        )  # fmt: skip
    assert trail(actor_kind="staff") == []


def test_bets_and_deposits_leave_no_record() -> None:
    make_game()
    player = make_player()
    fund(player.id)
    assert trail() == []
    assert ACTOR.kind is ActorKind.SYSTEM


# --- what they may not do ---


def test_a_page_that_somebody_may_not_see_is_recorded() -> None:
    player = make_player()
    client: Client = staff_client("analyst")
    address = reverse("admin:players_player_impose", args=[player.id])
    assert client.get(address).status_code == 403
    [entry] = trail("access.refused")
    assert (entry.outcome, entry.object_id, entry.player_id) == (AuditOutcome.DENIED, address, player.id)
    assert "players.impose_restriction" in entry.reason
    assert (entry.actor_roles, entry.ip) == (("analyst",), "127.0.0.1")


def test_a_page_that_somebody_may_see_is_not() -> None:
    staff_client("analyst").get(reverse("admin:players_player_change", args=[make_player().id]))
    assert trail("access.refused") == []


def test_somebody_who_is_not_logged_in_is_nobody_to_record(client: Client) -> None:
    client.get(reverse("admin:players_player_changelist"))
    assert trail() == []


def test_staff_accounts_made_and_switched_off() -> None:
    client = staff_client("administrator")
    account = {
        "username": "newcomer",
        "email": "new@example.com",
        "password1": "long enough 99",
        "password2": "long enough 99",
    }
    assert client.post("/admin/players/user/add/", account).status_code == 302
    [made] = trail("players.create_staff")
    assert made.after == {"username": "(changed)", "email": "(changed)"}
    page = f"/admin/players/user/{made.object_id}/change/"
    assert f"person=staff%3A{made.object_id}" in text_of(client.get(page))
    assert client.post(page, {"username": "newcomer", "email": "new@example.com"}).status_code == 302
    [changed] = trail("players.change_staff")
    assert (changed.before, changed.after) == ({"is_active": "True"}, {"is_active": "False"})
