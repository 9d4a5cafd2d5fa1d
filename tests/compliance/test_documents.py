"""Documents: what is taken and what is refused and why; sealed where they lie; opened by whoever said why."""

from __future__ import annotations

import io
import os
import socket
import struct
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from pathlib import Path
from uuid import UUID, uuid4

import pytest
from PIL import Image
from pytest_django import Settings

from compliance import ports, rules_documents
from compliance.models_documents import Document
from compliance.ports import ScannerUnavailable
from compliance.scanners import EICAR, ClamdScanner, SandboxScanner, scanner_named
from compliance.selectors_documents import list_documents
from compliance.services import documents
from compliance.services.documents import (
    DocumentGone,
    DocumentRefused,
    RevealFirst,
    ScannerSilent,
    open_page,
    store_document,
    sweep_files,
)
from compliance.types_documents import DocumentDetails, DocumentKind, DocumentSide
from events.selectors import list_player_events
from events.selectors_audit import list_audit
from events.types import AuditOutcome, AuditQuery
from kernel import vault
from kernel.access import AccessDenied
from kernel.actors import Actor, ActorKind
from kernel.errors import IdempotencyConflict
from players.services.reveals import reveal
from players.types import PersonalSection
from tests.compliance.uploads import BAD, pdf, picture
from tests.connections import in_parallel
from tests.factories import ACTOR, AT, make_player

pytestmark = pytest.mark.usefixtures("db")

OFFICER = Actor(
    ActorKind.STAFF, "7", frozenset({"compliance.view_document", "compliance.add_document", "players.view_player",
                                     "players.view_personal_data"})
)  # fmt: skip


def hand_in(player_id: UUID, content: bytes = b"", *, key: str = "k", actor: Actor = ACTOR) -> DocumentDetails:
    return store_document(
        player_id=player_id,
        kind=DocumentKind.PASSPORT,
        side=DocumentSide.WHOLE,
        content=content or picture(),
        idempotency_key=key,
        actor=actor,
        at=AT,
    )


def look(document: DocumentDetails, page: int = 1, *, actor: Actor = OFFICER, after: timedelta = timedelta(0)) -> bytes:
    return open_page(document_id=document.id, page=page, actor=actor, at=AT + after)


def say_why(player_id: UUID) -> None:
    reveal(player_id=player_id, section=PersonalSection.DOCUMENTS, reason="case 12", actor=OFFICER, at=AT)


def files() -> list[Path]:
    return sorted(path for path in Path(documents.settings.DOCUMENTS_PATH).rglob("*") if path.is_file())


@pytest.mark.parametrize("what", BAD)
def test_a_bad_file_is_refused_with_the_reason_and_leaves_nothing(what: str) -> None:
    content, code = BAD[what]
    player = make_player()
    with pytest.raises(DocumentRefused) as refused:
        store_document(
            player_id=player.id,
            kind=DocumentKind.PASSPORT,
            side=DocumentSide.WHOLE,
            content=content,
            idempotency_key="k",
            actor=ACTOR,
            at=AT,
        )
    assert refused.value.data == {"reason": code}
    assert refused.value.detail == rules_documents.REFUSALS[code]
    assert list_documents(player.id) == []
    assert files() == []
    (told,) = list_audit(AuditQuery(player_id=player.id, action="compliance.store_document"))
    assert (told.outcome, told.reason) == (AuditOutcome.FAILED, code)


@pytest.mark.parametrize(
    ("content", "came_as"),
    [
        (picture("JPEG"), "image/jpeg"),
        (picture("PNG"), "image/png"),
        (picture("WEBP"), "image/webp"),
        (picture(size=(200, 200)), "image/jpeg"),
        (pdf(12), "application/pdf"),
    ],
    ids=["jpeg", "png", "webp", "smallest", "pdf of twelve pages"],
)
def test_a_good_file_is_kept_as_pages_drawn_anew(content: bytes, came_as: str) -> None:
    player = make_player()
    document = hand_in(player.id, content)
    say_why(player.id)
    assert (document.came_as, document.pages) == (came_as, 12 if came_as == "application/pdf" else 1)
    assert Image.open(io.BytesIO(look(document, document.pages))).format == "JPEG"
    (event,) = [event for event in list_player_events(player.id, limit=9) if "document" in event.type]
    assert event.payload == {"document_id": str(document.id), "kind": "passport"}


def test_the_type_is_told_by_the_content_and_what_hides_in_a_picture_is_gone() -> None:
    player = make_player()
    exif = Image.Exif()
    exif[0x010F] = "Ada's telephone"
    content = picture(exif=exif, comment=b"a note") + b"something behind the picture"
    document = hand_in(player.id, content)
    say_why(player.id)
    kept = look(document)
    for hidden in (b"telephone", b"a note", b"behind the picture"):
        assert hidden in content
        assert hidden not in kept


def test_a_large_picture_is_kept_as_large_as_a_reader_needs() -> None:
    player = make_player()
    document = hand_in(player.id, picture(size=(5_000, 2_500)))
    say_why(player.id)
    assert Image.open(io.BytesIO(look(document))).size == (3_000, 1_500)


def test_a_reader_that_takes_too_long_or_too_much_takes_nothing_with_it(monkeypatch: pytest.MonkeyPatch) -> None:
    player = make_player()
    monkeypatch.setattr(documents, "_PATIENCE_SECONDS", 0.01)
    with pytest.raises(DocumentRefused, match="too long") as refused:
        hand_in(player.id)
    assert refused.value.data == {"reason": "too_slow"}


def test_what_lies_on_the_disk_is_sealed_under_the_players_key() -> None:
    player, other = make_player(), make_player()
    document = hand_in(player.id)
    (path,) = files()
    assert path.stat().st_mode & 0o077 == 0
    sealed = path.read_bytes()
    assert b"JFIF" not in sealed
    for owner, number in ((other.id, 1), (player.id, 2)):  # nobody else's key, no other page
        with pytest.raises(vault.Damaged):
            vault.unseal_bytes(owner, f"compliance.document.{document.id}.{number}", sealed)
    say_why(player.id)
    path.write_bytes(sealed[:-1] + bytes([sealed[-1] ^ 1]))
    with pytest.raises(vault.Damaged):
        look(document)


def test_a_new_key_seals_documents_anew_and_its_destruction_erases_them() -> None:
    player = make_player()
    document = hand_in(player.id, pdf(2))
    say_why(player.id)
    before, shown = [path.read_bytes() for path in files()], look(document, 2)
    vault.renew(player.id, at=AT)
    assert vault.reseal(player.id, AT) >= 2
    assert documents.reseal(player.id, AT) == 0
    assert [path.read_bytes()[:2] for path in files()] == [b"\x00\x02", b"\x00\x02"]
    assert [path.read_bytes() for path in files()] != before
    assert look(document, 2) == shown
    vault.destroy(player.id, at=AT)
    with pytest.raises(DocumentGone):
        look(document, 2)


def test_whoever_looks_says_why_first_and_is_on_the_trail() -> None:
    player = make_player()
    document = hand_in(player.id)
    with pytest.raises(RevealFirst):
        look(document)
    with pytest.raises(AccessDenied, match=r"compliance\.view_document"):
        look(document, actor=Actor(ActorKind.STAFF, "8", frozenset({"players.view_player"})))
    say_why(player.id)
    for _ in range(3):
        look(document)
    seen = list_audit(AuditQuery(player_id=player.id, action="compliance.view_document"))
    assert [(row.actor, row.object_id) for row in seen] == [("staff:7", str(document.id))]
    with pytest.raises(RevealFirst):
        look(document, after=timedelta(minutes=10))  # a reveal ends


def test_the_same_key_takes_the_same_file_once() -> None:
    player = make_player()
    first = hand_in(player.id, key="twice")
    assert hand_in(player.id, key="twice").id == first.id
    with pytest.raises(IdempotencyConflict):
        hand_in(player.id, picture("PNG"), key="twice")
    assert len(files()) == 1


def test_the_same_file_sent_twice_at_once_is_kept_once() -> None:
    player = make_player()
    done = in_parallel([lambda: hand_in(player.id, key="twice") for _ in range(4)], 4)
    assert len({document.id for document in done}) == 1
    assert Document.objects.count() == len(files()) == 1


def test_players_hand_in_their_own_only_and_staff_need_the_permission() -> None:
    player, other = make_player(), make_player()
    own = Actor(ActorKind.PLAYER, str(player.id))
    assert hand_in(player.id, actor=own).uploaded_by == str(own)
    with pytest.raises(AccessDenied):
        hand_in(other.id, actor=own)
    with pytest.raises(AccessDenied):
        hand_in(player.id, actor=Actor(ActorKind.STAFF, "8", frozenset({"compliance.view_document"})))
    assert hand_in(player.id, actor=OFFICER, key="staff").uploaded_by == "staff:7"


def test_files_that_nobody_owns_are_swept_away() -> None:
    player = make_player()
    document = hand_in(player.id)
    folder = Path(documents.settings.DOCUMENTS_PATH) / "ab"
    folder.mkdir(exist_ok=True)
    lost, young, foreign = folder / f"{uuid4()}.1", folder / f"{uuid4()}.1", folder / "notes.txt"
    for path in (lost, young, foreign):
        path.write_bytes(b"x")
    for path in (lost, foreign, *files()):
        if path != young:
            os.utime(path, (AT.timestamp() - 90_000, AT.timestamp() - 90_000))
    os.utime(young, (AT.timestamp(), AT.timestamp()))
    assert sweep_files(at=AT) == 1
    assert not lost.exists()
    assert young.exists()
    assert foreign.exists()
    say_why(player.id)
    assert look(document)


# --- scanners ----------------------------------------------------------------------------------------------------------


@pytest.fixture
def scanner() -> Iterator[Callable[[object], None]]:
    before = list(ports._scanners)
    yield lambda scanner: ports._scanners.__setitem__(slice(None), [scanner] if scanner else [])
    ports._scanners[:] = before


class Silent:
    name = "silent"

    def scan(self, content: bytes) -> str:
        raise ScannerUnavailable("no answer")


@pytest.mark.parametrize("plugged", [Silent(), None], ids=["silent", "none plugged in"])
def test_without_a_scanners_answer_nothing_is_taken(scanner: Callable[[object], None], plugged: object) -> None:
    player = make_player()
    scanner(plugged)
    with pytest.raises(ScannerSilent):
        hand_in(player.id)
    assert files() == []
    scanner(SandboxScanner())
    assert hand_in(player.id).scanned_by == "sandbox"


def fake_clamd(answer: bytes, heard: list[bytes]) -> ClamdScanner:
    """A clamd for one call: it keeps what it hears."""
    server = socket.create_server(("127.0.0.1", 0))

    def serve() -> None:
        with server, server.accept()[0] as connection:
            file = connection.makefile("rb")
            heard.append(file.read(10))
            while size := struct.unpack("!I", file.read(4))[0]:
                heard.append(file.read(size))
            connection.sendall(answer)

    threading.Thread(target=serve, daemon=True).start()
    return ClamdScanner("127.0.0.1", server.getsockname()[1])


def test_clamd_is_asked_by_its_own_protocol() -> None:
    heard: list[bytes] = []
    assert fake_clamd(b"stream: OK\0", heard).scan(b"content") == ""
    assert heard == [b"zINSTREAM\0", b"content"]
    assert fake_clamd(b"stream: Win.Test.EICAR_HDB-1 FOUND\0", heard).scan(EICAR) == "Win.Test.EICAR_HDB-1"
    for answer in (b"INSTREAM size limit exceeded. ERROR\0", b"", b"stream: "):
        with pytest.raises(ScannerUnavailable):
            fake_clamd(answer, heard).scan(b"content")
    time.sleep(0.01)
    with pytest.raises(ScannerUnavailable):
        ClamdScanner("127.0.0.1", 1).scan(b"content")


def test_scanners_have_addresses(settings: Settings) -> None:
    assert isinstance(scanner_named("sandbox"), SandboxScanner)
    clamd = scanner_named("clamd://scanner.internal:3310")
    assert isinstance(clamd, ClamdScanner)
    assert clamd.address == ("scanner.internal", 3310)
    for nonsense in ("", "clamd", "clamd://host", "http://host:80"):
        with pytest.raises(ValueError, match="DOCUMENT_SCANNER"):
            scanner_named(nonsense)
