"""One search over the audit trail, a page per record, and exports that can be shown to others."""

from __future__ import annotations

import csv
import io
import json
import zipfile
from datetime import UTC, datetime, timedelta
from pathlib import Path
from uuid import UUID

import pytest
from django.core.management import CommandError, call_command
from django.test import Client
from django.urls import reverse
from pytest_django import Settings

from events.audit import record
from events.selectors_audit import get_audit, list_actions, list_audit
from events.services.audit_exports import ExportFormat, ReasonMissing, export_audit
from events.services.audit_sealing import seal_audit
from events.types import AuditOutcome, AuditQuery
from kernel import clock
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind, system
from kernel.archives import MANIFEST, check_archive
from kernel.context import client_ip, request_id
from kernel.ids import uuid7
from kernel.sealing import SealStore, new_private_key
from tests.factories import AT, make_player
from tests.staff import staff_client, staff_id, text_of

pytestmark = pytest.mark.usefixtures("db")

PAGE = "/admin/events/auditrecord/"
AUDITOR = Actor(ActorKind.STAFF, "7", frozenset({"events.export_audit"}), frozenset({"auditor"}))
PLAYER = uuid7()


@pytest.fixture(autouse=True)
def keys(settings: Settings, tmp_path: Path) -> None:
    settings.SEALS_PATH = tmp_path / "seals"
    settings.SEAL_PRIVATE_KEYS = [new_private_key()]


@pytest.fixture
def trail(db: None) -> dict[str, UUID]:
    """Records that differ in one thing each."""
    made = {"plain": record(action="test.plain", actor=system("job"), at=AT)}
    made["player"] = record(action="test.player", actor=system("job"), at=AT, player_id=PLAYER)
    made["staff"] = record(action="players.lift_restriction", actor=AUDITOR, at=AT, reason="Case 118: 50 % off_hand")
    made["object"] = record(
        action="wallet.approve", actor=system("job"), at=AT, object_type="wallet.deposit", object_id="9"
    )
    made["denied"] = record(action="test.denied", actor=system("job"), at=AT, outcome=AuditOutcome.DENIED)
    ip, request = client_ip.set("203.0.113.9"), request_id.set("request-0009")
    made["address"] = record(action="test.address", actor=Actor(ActorKind.CLIENT, "acme"), at=AT)
    client_ip.reset(ip)
    request_id.reset(request)
    return made


NOW = {"since": lambda: clock.now() - timedelta(hours=1), "until": lambda: clock.now() + timedelta(hours=1)}


@pytest.mark.parametrize(
    ("query", "found"),
    [
        (AuditQuery(player_id=PLAYER), {"player"}),
        (AuditQuery(actor_kind="staff", actor_id="7"), {"staff"}),
        (AuditQuery(actor_id="acme"), {"address"}),
        (AuditQuery(role="auditor"), {"staff"}),
        (AuditQuery(object_type="wallet.deposit"), {"object"}),
        (AuditQuery(object_type="wallet.deposit", object_id="9"), {"object"}),
        (AuditQuery(object_type="wallet.deposit", object_id="8"), set()),
        (AuditQuery(action="players."), {"staff"}),
        (AuditQuery(action="test.plain"), {"plain"}),
        (AuditQuery(action="test."), {"plain", "player", "denied", "address"}),
        (AuditQuery(outcome=AuditOutcome.DENIED), {"denied"}),
        (AuditQuery(ip="203.0.113.9"), {"address"}),
        (AuditQuery(request_id="request-0009"), {"address"}),
        (AuditQuery(text="CASE 118"), {"staff"}),
        (AuditQuery(text="50 %"), {"staff"}),
        (AuditQuery(text="off_hand"), {"staff"}),
        (AuditQuery(text="off-hand"), set()),
        (AuditQuery(text="f%h"), set()),
        (AuditQuery(since=datetime(2100, 1, 1, tzinfo=UTC)), set()),
        (AuditQuery(until=datetime(2000, 1, 1, tzinfo=UTC)), set()),
        (AuditQuery(player_id=PLAYER, action="test.plain"), set()),
    ],
)
def test_each_filter_finds_what_it_names(trail: dict[str, UUID], query: AuditQuery, found: set[str]) -> None:
    assert {entry.id for entry in list_audit(query)} == {trail[name] for name in found}


def test_pages_follow_each_other_without_gaps_or_repeats(trail: dict[str, UUID]) -> None:
    seen, before = [], None
    while page := list_audit(AuditQuery(), before=before, limit=2):
        seen += [entry.id for entry in page]
        before = seen[-1]
    assert seen == sorted(trail.values(), reverse=True)


def test_what_lies_behind_the_newest_is_found_too(trail: dict[str, UUID], monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("events.selectors_audit.WINDOW", 1)
    assert [entry.id for entry in list_audit(AuditQuery(text="case 118"))] == [trail["staff"]]
    assert [entry.id for entry in list_audit(AuditQuery(role="auditor"), before=trail["denied"])] == [trail["staff"]]
    assert list_audit(AuditQuery(role="auditor"), before=trail["staff"]) == []


def test_the_actions_that_there_are(trail: dict[str, UUID]) -> None:
    assert list_actions() == sorted(
        ["players.lift_restriction", "test.address", "test.denied", "test.plain", "test.player", "wallet.approve"]
    )


# --- the pages ---


@pytest.mark.parametrize("role", ["administrator", "auditor", "compliance_officer", "mlro"])
def test_those_who_control_see_the_trail(role: str, trail: dict[str, UUID]) -> None:
    assert "test.plain" in text_of(staff_client(role).get(PAGE))


@pytest.mark.parametrize("role", ["support_agent", "operations", "marketing_manager", "finance", "integrator"])
def test_nobody_else_does(role: str, trail: dict[str, UUID]) -> None:
    client = staff_client(role)
    assert client.get(PAGE).status_code == 403
    assert client.get(f"{PAGE}{trail['plain']}/change/").status_code == 403
    assert client.post(f"{PAGE}export/", {"form": "csv", "reason": "x"}).status_code == 403


def test_people_are_found_by_login_and_shown_by_it() -> None:
    at = clock.now()
    number = staff_id("support_lead")
    player = make_player()
    record(action="test.deed", actor=Actor(ActorKind.STAFF, str(number)), at=at, player_id=player.id)
    record(action="test.other", actor=system("job"), at=at)
    client = staff_client("auditor")
    for asked in ({"person": "support_lead-1"}, {"person": f"staff:{number}"}, {"player": player.login}):
        shown = text_of(client.get(PAGE, asked))
        assert "test.deed" in shown.split("<tbody>")[1]
        assert "test.other" not in shown.split("<tbody>")[1]
        assert "support_lead-1" in shown.split("<tbody>")[1]
    assert "No player has this id or login." in text_of(client.get(PAGE, {"player": "nobody"}))


def test_a_records_page_shows_the_difference_and_its_place(trail: dict[str, UUID]) -> None:
    changed = record(
        action="test.change",
        actor=AUDITOR,
        at=AT,
        before={"status": "active", "kept": "x"},
        after={"status": "closed", "kept": "x"},
    )
    client = staff_client("auditor")
    page = reverse("admin:events_auditrecord_change", args=[changed])
    shown = text_of(client.get(page))
    assert "not yet: within a minute" in shown
    assert client.get(page).context["changes"] == [("kept", "x", "x", False), ("status", "active", "closed", True)]
    list(seal_audit(at=clock.now()))
    assert "by seal 1" in text_of(client.get(page))
    assert get_audit(changed).hash.hex() in shown
    assert client.get(f"{PAGE}{uuid7()}/change/").status_code == 404


# --- exports ---


def export(form: ExportFormat = ExportFormat.CSV, query: AuditQuery = AuditQuery()) -> bytes:  # noqa: B008  (frozen)
    return b"".join(export_audit(query=query, form=form, reason="Yearly audit", actor=AUDITOR, at=AT))


def unpack(archive: bytes, name: str) -> str:
    with zipfile.ZipFile(io.BytesIO(archive)) as opened:
        return opened.read(name).decode()


def test_an_export_holds_all_that_fits_and_the_record_of_itself(trail: dict[str, UUID]) -> None:
    rows = list(csv.DictReader(io.StringIO(unpack(export(), "audit.csv"))))
    assert [UUID(row["id"]) for row in rows[:-1]] == sorted(trail.values())
    assert (rows[-1]["action"], rows[-1]["reason"]) == ("events.export_audit", "Yearly audit")
    assert rows[2]["reason"] == "Case 118: 50 % off_hand"
    assert rows[2]["actor_roles"] == "auditor"


def test_json_lines_hold_the_same(trail: dict[str, UUID]) -> None:
    record(
        action="test.odd",
        actor=system("job"),
        at=AT,
        reason='back\\slash "quote"\nnew line, comma',
        after={"a": "b\\n"},
    )
    text = unpack(export(ExportFormat.JSON, AuditQuery(action="test.odd")), "audit.json")
    [row] = [json.loads(line) for line in text.splitlines()]
    assert row["reason"] == 'back\\slash "quote"\nnew line, comma'
    assert row["after"] == {"a": "b\\n"}
    assert row["occurred_at"] == "2026-03-14T15:09:26.000000Z"


def test_what_a_stranger_wrote_is_no_formula() -> None:
    record(action="test.odd", actor=Actor(ActorKind.CLIENT, "=cmd()"), at=AT, reason="=1+1")
    [row] = csv.DictReader(io.StringIO(unpack(export(query=AuditQuery(action="test.odd")), "audit.csv")))
    assert (row["actor_id"], row["reason"]) == ("'=cmd()", "'=1+1")


def test_an_export_can_be_checked_by_whoever_has_the_public_key(
    trail: dict[str, UUID], tmp_path: Path, settings: Settings
) -> None:
    list(seal_audit(at=clock.now()))
    archive, path = export(), tmp_path / "audit.zip"
    path.write_bytes(archive)
    manifest = check_archive(path, SealStore(settings.SEALS_PATH, "audit").keys())
    assert (manifest["exported_by"], manifest["reason"], manifest["last_seal"]["number"]) == (
        "staff:7",
        "Yearly audit",
        1,
    )
    out = io.StringIO()
    call_command("verify_export", str(path), stdout=out)
    assert "Sound" in out.getvalue()

    def forge(name: str, content: str | bytes) -> None:
        with zipfile.ZipFile(io.BytesIO(archive)) as old, zipfile.ZipFile(path, "w") as new:
            for each in old.namelist():
                new.writestr(each, content if each == name else old.read(each))

    for content, said in (
        (b"\xff\xfe\x00", "no JSON in UTF-8"),
        (b'{"what": "a\x00b"}', "no JSON in UTF-8"),
        (b"[]", "does not say which file"),
        (b"{}" + b" " * 2**20, "larger than any"),
    ):
        forge(MANIFEST, content)
        with pytest.raises(CommandError, match=said):
            call_command("verify_export", str(path))
    for other, content in (("audit.csv", archive), ("other.zip", b"PK no more"), ("empty.zip", b"")):
        (tmp_path / other).write_bytes(content)
        with pytest.raises(CommandError, match="no ZIP as exports are"):
            call_command("verify_export", str(tmp_path / other))
    path.write_bytes(archive)
    with zipfile.ZipFile(path, "a") as more:
        more.writestr("more.csv", "x")
    with pytest.raises(CommandError, match="nothing else"):
        call_command("verify_export", str(path))
    forge("audit.csv", unpack(archive, "audit.csv").replace("Case 118", "Case 119"))
    with pytest.raises(CommandError, match="not the file that was exported"):
        call_command("verify_export", str(path))
    forge(MANIFEST, unpack(archive, MANIFEST).replace("Yearly audit", "Nothing at all"))
    with pytest.raises(CommandError, match="signature does not fit"):
        call_command("verify_export", str(path))
    stranger = json.loads(unpack(archive, MANIFEST)) | {"key_id": "stranger"}
    forge(MANIFEST, json.dumps(stranger))
    with pytest.raises(CommandError, match="No published key"):
        call_command("verify_export", str(path))


def test_an_export_needs_the_right_and_a_reason() -> None:
    with pytest.raises(AccessDenied):
        export_audit(query=AuditQuery(), form=ExportFormat.CSV, reason="x", actor=Actor(ActorKind.STAFF, "8"), at=AT)
    with pytest.raises(ReasonMissing):
        export_audit(query=AuditQuery(), form=ExportFormat.CSV, reason=" ", actor=AUDITOR, at=AT)
    assert list_audit(AuditQuery(action="events.export_audit")) == []


def test_the_page_exports_what_it_shows(trail: dict[str, UUID]) -> None:
    client: Client = staff_client("auditor")
    response = client.post(f"{PAGE}export/", {"form": "json", "reason": "Case 118", "action": "test.plain"})
    archive = b"".join(response.streaming_content)  # type: ignore[attr-defined]
    [line] = unpack(archive, "audit.json").splitlines()
    assert json.loads(line)["id"] == str(trail["plain"])
    [written] = list_audit(AuditQuery(action="events.export_audit"))
    assert (written.reason, written.after) == ("Case 118", {"format": "json", "action": "test.plain"})
    assert written.ip == "127.0.0.1"
    assert written.actor_roles == ("auditor",)
