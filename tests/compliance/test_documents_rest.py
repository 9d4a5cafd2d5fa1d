"""Documents over the player API, and in the back office."""

from __future__ import annotations

from uuid import UUID

import pytest
from django.core.files.uploadedfile import SimpleUploadedFile
from django.http import HttpResponse
from django.urls import reverse
from pytest_django import Settings

from compliance.rules_documents import MAX_BYTES, REFUSALS
from compliance.selectors_documents import list_documents
from compliance.services.documents import UPLOADS_PER_HOUR, store_document
from compliance.types_documents import DocumentKind, DocumentSide
from events.selectors_audit import list_audit
from events.types import AuditQuery
from tests.compliance.uploads import BAD, pdf, picture
from tests.factories import ACTOR, AT, make_player
from tests.identity.calls import Program, registered
from tests.identity.test_login import player_id
from tests.rest.conftest import problem
from tests.staff import staff_client, text_of

pytestmark = pytest.mark.usefixtures("db")

HERE = "me/verification/documents"


def send(program: Program, content: bytes, query: str = "kind=passport", **headers: str) -> HttpResponse:
    """The body is the file; a program says of it whatever it likes."""
    return program.api("POST", f"{HERE}?{query}", content, **headers)


def test_a_player_hands_in_and_sees_what_was_taken() -> None:
    program, data = registered()
    answer = send(program, picture("PNG"), "kind=id_card&side=front", **{"Content-Type": "image/jpeg"})
    assert answer.status_code == 201, answer.content
    made = answer.json()
    assert (made["kind"], made["side"], made["pages"]) == ("id_card", "front", 1)
    assert send(program, pdf(3), "kind=utility_bill").json()["pages"] == 3
    listed = program.api("GET", f"{HERE}?limit=1").json()
    assert [row["kind"] for row in listed["items"]] == ["utility_bill"]
    assert program.api("GET", listed["next"].partition("/api/v1/")[2]).json()["items"] == [made]
    assert {row.uploaded_by for row in list_documents(player_id(data))} == {f"player:{player_id(data)}"}


def test_refusals_name_the_reason() -> None:
    program, data = registered()
    for what in ("empty", "text", "a picture and an archive", "a bomb of points", "the EICAR file"):
        content, code = BAD[what]
        body = problem(send(program, content), 422, "document_refused")
        assert body["reason"] == code
    problem(send(program, picture() + bytes(10 * 1024 * 1024)), 413, "body_too_large")
    problem(send(program, picture(), "kind=poem"), 422, "validation_failed")
    problem(send(program, picture(), ""), 422, "validation_failed")
    problem(
        program.api("POST", f"{HERE}?kind=passport", picture(), **{"Idempotency-Key": ""}),
        400,
        "idempotency_key_missing",
    )
    assert list_documents(player_id(data)) == []


def test_a_key_takes_one_file_and_an_hour_only_so_many() -> None:
    program, data = registered()
    first = send(program, picture(), **{"Idempotency-Key": "one"})
    assert send(program, picture(), **{"Idempotency-Key": "one"}).json() == first.json()
    problem(send(program, pdf(), **{"Idempotency-Key": "one"}), 409, "idempotency_conflict")
    for _ in range(UPLOADS_PER_HOUR):  # refused ones cost work as well
        answer = send(program, b"x")
    problem(answer, 429, "too_many_uploads")
    assert len(list_documents(player_id(data))) == 1


@pytest.fixture
def document() -> tuple[UUID, UUID]:
    player = make_player()
    made = store_document(
        player_id=player.id,
        kind=DocumentKind.PASSPORT,
        side=DocumentSide.WHOLE,
        content=picture(),
        idempotency_key="k",
        actor=ACTOR,
        at=AT,
    )
    return player.id, made.id


def test_staff_say_why_before_they_see_a_page(document: tuple[UUID, UUID]) -> None:
    owner, found = document
    officer = staff_client("compliance_officer")
    page = reverse("admin:compliance_document_change", args=[found])
    image = reverse("admin:compliance_document_page", args=[found, 1])
    assert "Not shown" in text_of(officer.get(page))
    assert officer.get(image).status_code == 403
    shown = officer.post(reverse("admin:compliance_document_reveal", args=[found]), {"reason": "case 12"}, follow=True)
    assert image in text_of(shown)
    answer = officer.get(image)
    assert (answer["Content-Type"], "no-store" in answer["Cache-Control"]) == ("image/jpeg", True)
    assert answer.content.startswith(b"\xff\xd8")
    assert officer.get(reverse("admin:compliance_document_page", args=[found, 2])).status_code == 404
    actions = [row.action for row in list_audit(AuditQuery(player_id=owner), limit=20)]
    assert "players.reveal" in actions
    assert "compliance.view_document" in actions


@pytest.mark.parametrize(
    ("role", "sees"),
    [("auditor", True), ("support_agent", False), ("finance", False), ("operations", False)],
)
def test_roles_see_that_there_are_documents_or_not(role: str, sees: bool, document: tuple[UUID, UUID]) -> None:
    browser = staff_client(role)
    expected = 200 if sees else 403
    assert browser.get(reverse("admin:compliance_document_changelist")).status_code == expected
    assert browser.get(reverse("admin:compliance_document_change", args=[document[1]])).status_code == expected
    image = reverse("admin:compliance_document_page", args=[document[1], 1])
    assert browser.get(image).status_code == 403
    browser.post(reverse("admin:compliance_document_reveal", args=[document[1]]), {"reason": "curious about it"})
    assert browser.get(image).status_code == 403


def test_staff_hand_in_for_a_player_and_read_why_not(document: tuple[UUID, UUID]) -> None:
    owner, _ = document
    address = reverse("admin:compliance_document_upload", args=[owner])
    browser = staff_client("support_lead")

    def hand_in(content: bytes, key: str) -> HttpResponse:
        file = SimpleUploadedFile("passport.jpg", content)
        return browser.post(address, {"kind": "passport", "side": "whole", "file": file, "key": key})

    for what in ("empty", "huge", "a web page", "EICAR in a picture"):
        content, code = BAD[what]
        answer = hand_in(content, what)
        assert REFUSALS[code] in text_of(answer), what
    assert hand_in(picture(), "a").status_code == hand_in(picture(), "a").status_code == 302
    assert len(list_documents(owner)) == 2
    assert staff_client("support_agent").get(address).status_code == 403


def test_an_upload_is_never_written_to_a_disk_unsealed(settings: Settings) -> None:
    assert settings.FILE_UPLOAD_MAX_MEMORY_SIZE > MAX_BYTES
