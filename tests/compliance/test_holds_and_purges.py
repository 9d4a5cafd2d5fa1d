"""What is past its retention is purged, unless a legal hold keeps it; both are on the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from io import StringIO
from uuid import UUID

import pytest
from django.apps import apps
from django.contrib.sessions.models import Session
from django.core.management import CommandError, call_command
from django.urls import reverse

from compliance.models_holds import LegalHold
from compliance.purge_rules import TablePurge, list_purges, register_purge
from compliance.selectors_holds import is_held
from compliance.services import purging
from compliance.services.holds import AlreadyReleased, place_hold, release_hold
from compliance.services.purging import Purged, UnknownPurge, purge
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.errors import FieldErrors
from kernel.protection import Retention
from players.models_reveals import Reveal
from tests.factories import AT, make_player
from tests.staff import staff_client, text_of
from wallet.models_adapters import AdapterRequest
from wallet.services.adapter_requests import KEPT, find_oldest_held

pytestmark = pytest.mark.usefixtures("db")

OFFICER = Actor(ActorKind.STAFF, "7", frozenset({"compliance.place_legal_hold", "compliance.run_purge"}))
LATER = AT + timedelta(days=40)


def old_reveal(player_id: UUID, at: datetime = AT) -> Reveal:
    return Reveal.objects.create(
        player_id=player_id, section="name", actor="staff:1", reason="x", revealed_at=at, revealed_until=at
    )


def run(name: str = "reveals", *, dry_run: bool = False, at: datetime = LATER) -> Purged:
    return purge(actor=OFFICER, at=at, names=[name], dry_run=dry_run)[0]


def hold(player_id: UUID, **more: object) -> UUID:
    return place_hold(player_id=player_id, reason="Case 118", actor=OFFICER, at=AT, **more)  # type: ignore[arg-type]


def test_only_what_is_past_its_retention_goes() -> None:
    player = make_player()
    old_reveal(player.id)
    young = old_reveal(player.id, LATER - timedelta(days=29))
    assert (run(dry_run=True).gone, Reveal.objects.count()) == (1, 2)
    assert run().gone == 1
    assert Reveal.objects.get() == young
    assert run().gone == 0


def test_a_hold_keeps_a_players_rows_and_nobody_elses() -> None:
    held, free = make_player(), make_player()
    kept = old_reveal(held.id)
    old_reveal(free.id)
    hold_id = hold(held.id)
    done = run()
    assert (done.gone, done.held) == (1, 1)
    assert Reveal.objects.get() == kept
    release_hold(hold_id=hold_id, reason="Case closed", actor=OFFICER, at=LATER)
    assert run().gone == 1


def test_a_hold_with_an_end_ends_by_itself() -> None:
    player = make_player()
    old_reveal(player.id)
    hold(player.id, ends_at=LATER)
    assert run(at=LATER - timedelta(seconds=1)).gone == 0
    assert is_held(player_id=player.id, at=LATER - timedelta(seconds=1))
    assert not is_held(player_id=player.id, at=LATER)
    assert run(at=LATER).gone == 1


def test_many_rows_go_in_batches_and_held_ones_do_not_stop_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(purging, "BATCH", 3)
    held, free = make_player(), make_player()
    for number in range(10):
        old_reveal(held.id if number < 4 else free.id)
    hold(held.id)
    done = run()
    assert (done.gone, done.held, Reveal.objects.count()) == (6, 4, 4)


def test_sessions_that_are_over_go_and_others_stay() -> None:
    now = clock.now()
    for number in range(3):
        Session.objects.create(session_key=f"over{number}", session_data="", expire_date=now - timedelta(hours=1))
    Session.objects.create(session_key="open", session_data="", expire_date=now + timedelta(hours=1))
    assert run("sessions", at=now).gone == 3
    assert Session.objects.get().session_key == "open"


def test_a_run_is_recorded_and_a_dry_one_is_not() -> None:
    old_reveal(make_player().id)
    run(dry_run=True)
    assert list_audit(AuditQuery(action="compliance.purge")) == []
    run()
    [entry] = list_audit(AuditQuery(action="compliance.purge"))
    assert (entry.object_id, entry.after) == ("reveals", {"gone": "1", "held": "0", "older_than_days": "30"})


def test_months_of_the_adapters_log_stay_from_the_first_that_is_held() -> None:
    player, now = make_player(), clock.now()
    assert find_oldest_held(now) is None
    row = AdapterRequest.objects.create(
        integration="hub", endpoint="bet", method="POST", query="", body="", signature_ok=True, remote_ip="",
        player_id=player.id, reference="", status_code=200, answer="", outcome="applied", duration_us=1, received_at=now,
        replayed_by="",
    )  # fmt: skip
    place_hold(player_id=player.id, reason="Case 118", actor=OFFICER, at=now - timedelta(hours=1))
    oldest = find_oldest_held(now)
    assert oldest is not None
    assert abs(oldest - now) < timedelta(minutes=1)
    far = now + KEPT + timedelta(days=400)
    assert purge(actor=OFFICER, at=far, names=["adapter-requests"])[0].gone == 0
    assert AdapterRequest.objects.get().id == row.id
    place_hold(object_type="wallet.adapterrequest", object_id=str(row.id), reason="x", actor=OFFICER, at=now)
    assert find_oldest_held(now) == oldest


@pytest.mark.parametrize(
    ("table", "days"),
    [
        ("events_event", 365),
        ("events_event", 5 * 365),
        ("players_sealeddetail", 10_000),  # kept as long as the account
        ("wallet_game", 10_000),  # kept as long as it is in use
        ("no_such_table", 10_000),
    ],
)
def test_a_rule_shorter_than_what_the_model_says_is_refused_at_start_up(table: str, days: int) -> None:
    with pytest.raises(ValueError, match=table):
        register_purge(TablePurge("x", "x", table, "id", "uuid", "occurred_at", timedelta(days=days)))


def test_every_rule_there_is_keeps_what_its_model_says() -> None:
    of_tables = {model._meta.db_table: model.__dict__.get("protection") for model in apps.get_models()}
    for rule in list_purges():
        protection = of_tables[rule.table]
        assert protection is None or protection.retention is Retention.OPERATIONAL, rule.name


def test_holds_need_the_right_a_scope_and_a_reason() -> None:
    player = make_player()
    with pytest.raises(AccessDenied):
        place_hold(player_id=player.id, reason="x", actor=Actor(ActorKind.STAFF, "8"), at=AT)
    with pytest.raises(AccessDenied):
        purge(actor=Actor(ActorKind.STAFF, "8"), at=AT)
    for wrong in ({}, {"object_type": "a.b"}, {"player_id": player.id, "object_type": "a.b", "object_id": "1"}):
        with pytest.raises(FieldErrors):
            place_hold(reason="x", actor=OFFICER, at=AT, **wrong)  # type: ignore[arg-type]
    with pytest.raises(FieldErrors):
        hold(player.id, ends_at=AT)
    assert LegalHold.objects.count() == 0


def test_a_hold_is_released_once_and_both_are_recorded() -> None:
    player = make_player()
    hold_id = hold(player.id)
    release_hold(hold_id=hold_id, reason="Case closed", actor=OFFICER, at=LATER)
    with pytest.raises(AlreadyReleased):
        release_hold(hold_id=hold_id, reason="again", actor=OFFICER, at=LATER)
    found = list_audit(AuditQuery(player_id=player.id, action="compliance."))
    assert [(entry.action, entry.reason) for entry in found] == [
        ("compliance.release_legal_hold", "Case closed"),
        ("compliance.place_legal_hold", "Case 118"),
    ]


def test_the_command_says_what_would_go_and_what_went() -> None:
    Session.objects.create(session_key="over", session_data="", expire_date=clock.now() - timedelta(hours=1))
    out = StringIO()
    call_command("purge", "sessions", "--dry-run", stdout=out)
    call_command("purge", stdout=out)
    assert "1 would go, 0 held" in out.getvalue()
    assert "1 gone, 0 held" in out.getvalue()
    with pytest.raises(CommandError, match="There is no purge nothing"):
        call_command("purge", "nothing")
    with pytest.raises(UnknownPurge):
        purge(actor=system("test"), at=AT, names=["nothing"])


def test_the_page_places_and_releases_holds_and_shows_what_would_go() -> None:
    player = make_player(login="held-one")
    client = staff_client("compliance_officer")
    place = reverse("admin:compliance_legalhold_place")
    assert "Name either a player" in text_of(client.post(place, {"reason": "Case 118"}))
    assert client.post(place, {"player": "held-one", "reason": "Case 118"}).status_code == 302
    standing = LegalHold.objects.get()
    assert standing.player_id == player.id
    shown = text_of(client.get(reverse("admin:compliance_legalhold_changelist")))
    assert "Case 118" in shown
    assert "Staff sessions that are over" in shown
    release = reverse("admin:compliance_legalhold_release", args=[standing.pk])
    assert client.post(release, {"reason": "Case closed"}).status_code == 302
    assert "Case closed" in text_of(client.get(reverse("admin:compliance_legalhold_change", args=[standing.pk])))
    assert staff_client("support_lead").get(reverse("admin:compliance_legalhold_changelist")).status_code == 403
    assert staff_client("auditor").get(place).status_code == 403
