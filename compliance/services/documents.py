"""Documents: taken in by content, drawn anew, sealed; opened page by page, and who looked is on the audit trail."""

from __future__ import annotations

import hashlib
import json
import signal
import subprocess
import sys
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from compliance import rules_documents as rules
from compliance.models_documents import Document
from compliance.ports import ScannerUnavailable, get_scanner
from compliance.selectors_documents import details, get_document
from compliance.selectors_kyc import find_unfinished_case
from compliance.services import document_files as files
from compliance.services.document_steps import find_step, hand_over
from compliance.types_documents import DocumentDetails, DocumentKind, DocumentSide
from events.audit import record
from events.catalogue.compliance_documents import DocumentUploaded
from events.selectors_audit import list_audit
from events.services.log import holding, publish
from events.types import AuditOutcome, AuditQuery
from kernel import idempotency, vault
from kernel.access import AccessDenied, require
from kernel.actors import Actor, ActorKind
from kernel.counting import count
from kernel.errors import DomainError
from kernel.ids import uuid7
from players.selectors import get_player
from players.selectors_reveals import list_standing_reveals
from players.types import PersonalSection

MAX_BYTES = rules.MAX_BYTES
VIEW, ADD = "compliance.view_document", "compliance.add_document"
VIEWED = "compliance.view_document"
# The same person looking at the same document again is recorded once in this time.
VIEW_EVERY = timedelta(minutes=15)
UPLOADS_PER_HOUR = 30
# The reader's own limit is on its work; this one is on waiting for it.
_PATIENCE_SECONDS = rules.READING_SECONDS + 10
_OUT_OF_TIME = (signal.SIGXCPU, signal.SIGKILL)


class DocumentRefused(DomainError):
    """The file is not taken. ``reason`` is a key of ``rules_documents.REFUSALS``."""

    code = "document_refused"
    title = "This file is not taken"
    status = 422


class ScannerSilent(DomainError):
    """Uploads cannot be looked through now, so none is taken."""

    code = "scanner_unavailable"
    title = "Documents cannot be taken now"
    status = 503


class TooManyUploads(DomainError):
    """The player has handed in as many files as one may in an hour."""

    code = "too_many_uploads"
    title = "Too many uploads"
    status = 429


class RevealFirst(AccessDenied):
    """What is on the document is shown only to whoever said why they need to see it."""

    code = "reveal_first"
    title = "Reveal the player's documents first"


class DocumentGone(DomainError):
    """The player's data was erased: the document opens no more."""

    code = "document_gone"
    title = "This document was erased"
    status = 410


def store_document(
    *,
    player_id: UUID,
    kind: DocumentKind,
    side: DocumentSide,
    content: bytes,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
    step_id: UUID | None = None,
) -> DocumentDetails:
    """Take a file in: scan it, read it by its content, draw its pages anew, and keep those under the player's key.

    The file itself is not kept. It belongs to ``step_id``, or to the open step that such a document proves; that step
    goes to review. Publishes DocumentUploaded, KycDecided. Raises: AccessDenied, UnknownPlayer, FieldErrors,
    TooManyUploads, DocumentRefused, ScannerSilent, IdempotencyConflict, kernel.vault.Destroyed.
    """
    _may_add(actor, player_id)
    get_player(player_id)
    scope = f"documents:{actor}"
    digest = idempotency.digest_of(
        {
            "player": player_id,
            "kind": kind,
            "side": side,
            "step": step_id,
            "content": hashlib.sha256(content).hexdigest(),
        }
    )
    known = idempotency.find_result(scope, idempotency_key, digest)
    if known:
        return get_document(UUID(known))
    find_step(player_id=player_id, kind=kind, step_id=step_id)  # before any work
    if actor.kind is ActorKind.PLAYER and count(f"documents:{player_id}", 3_600) > UPLOADS_PER_HOUR:
        raise TooManyUploads(f"At most {UPLOADS_PER_HOUR} files can be sent in an hour; try again later.")
    try:
        scanner = _scan(content)
        came_as = rules.check_type(content)
        pages = _read(content)
    except rules.Unacceptable as refusal:
        _note_refusal(player_id, kind, refusal.code, actor, at)
        raise DocumentRefused(str(refusal), reason=refusal.code) from None
    document_id = uuid7()
    try:
        # The files first: a row without its files must never be; files without a row are swept away.
        files.write_pages(player_id=player_id, document_id=document_id, pages=pages, at=at)
        with holding(player_id):
            known = idempotency.find_result(scope, idempotency_key, digest)  # the same, sent twice at once
            if known:
                files.remove_pages(document_id=document_id, pages=len(pages))
                return get_document(UUID(known))
            step = find_step(player_id=player_id, kind=kind, step_id=step_id)
            row = Document.objects.create(
                id=document_id,
                player_id=player_id,
                step_id=step.id if step else None,
                kind=kind,
                side=side,
                came_as=came_as,
                pages=len(pages),
                kept_bytes=sum(map(len, pages)),
                scanned_by=scanner,
                uploaded_by=str(actor),
                uploaded_at=at,
            )
            idempotency.remember(scope, idempotency_key, digest, str(document_id), at)
            publish(DocumentUploaded(player_id=player_id, occurred_at=at, document_id=document_id, kind=kind))
            _record("compliance.store_document", row, actor, at)
            if step:
                hand_over(step=step, actor=actor, at=at)
    except BaseException:
        files.remove_pages(document_id=document_id, pages=len(pages))
        raise
    return details(row)


def open_page(*, document_id: UUID, page: int, actor: Actor, at: datetime) -> bytes:
    """One page as a JPEG, for staff who may see documents and have revealed this player's. On the audit trail.

    Raises: UnknownDocument, AccessDenied, RevealFirst, DocumentGone.
    """
    document = get_document(document_id)
    require(actor, VIEW, document.player_id, at)
    if not may_see(document.player_id, actor, at):
        raise RevealFirst("Say why you need to see this player's documents: reveal them on the page of the player.")
    try:
        content = files.read_page(player_id=document.player_id, document_id=document_id, page=page)
    except vault.Destroyed:
        raise DocumentGone("The player's data was erased; this document cannot be opened any more.") from None
    _note_view(document, actor, at)
    return content


def may_see(player_id: UUID, actor: Actor, at: datetime) -> bool:
    """Whether this person said why they see the player's documents: by a reveal, or with the player's case in hand."""
    case = find_unfinished_case(player_id)
    in_hand = case and case.claimed_by == str(actor) and case.claimed_until and case.claimed_until > at
    return bool(in_hand) or PersonalSection.DOCUMENTS in list_standing_reveals(player_id, actor, at)


def reseal(player_id: UUID, at: datetime) -> int:
    """Seal the pages of a player's documents under the newest key; how many pages."""
    with holding(player_id):
        rows = Document.objects.filter(player_id=player_id)
        return sum(files.reseal_pages(player_id=player_id, document_id=row.id, pages=row.pages, at=at) for row in rows)


def sweep_files(*, at: datetime) -> int:
    """Take away files that no document owns any more, left by an upload that failed or by a purge; how many."""
    gone = 0
    for document_id, path in files.list_files(older_than=at - timedelta(days=1)):
        if not Document.objects.filter(id=document_id).exists():
            path.unlink(missing_ok=True)
            gone += 1
    return gone


def _may_add(actor: Actor, player_id: UUID) -> None:
    """Players hand in their own; staff with the permission for others."""
    if actor.kind is ActorKind.PLAYER:
        if actor.id != str(player_id):
            raise AccessDenied("Players hand in their own documents only.", action=ADD)
        return
    require(actor, ADD, player_id)


def _scan(content: bytes) -> str:
    """The scanner that found nothing. Raises: Unacceptable, ScannerSilent."""
    rules.check_size(content)
    try:
        scanner = get_scanner()
        threat = scanner.scan(content)
    except ScannerUnavailable as error:
        raise ScannerSilent(
            "The virus scanner does not answer; nothing was kept. Try again in some minutes."
        ) from error
    if threat:
        raise rules.Unacceptable("infected")
    return scanner.name


def _read(content: bytes) -> list[bytes]:
    """The pages, drawn by a program of its own. Raises: Unacceptable."""
    try:
        done = subprocess.run(
            [sys.executable, "-s", "-m", "compliance.document_reading"],
            input=content,
            capture_output=True,
            timeout=_PATIENCE_SECONDS,
            cwd=settings.BASE_DIR,
            env={},
            check=False,
        )
    except subprocess.TimeoutExpired:
        raise rules.Unacceptable("too_slow") from None
    head, _, body = done.stdout.partition(b"\n")
    if done.returncode or not head:
        raise rules.Unacceptable("too_slow" if -done.returncode in _OUT_OF_TIME else "damaged")
    answer = json.loads(head)
    if "refused" in answer:
        raise rules.Unacceptable(answer["refused"])
    pages, start = [], 0
    for size in answer["sizes"]:
        pages.append(body[start : start + size])
        start += size
    return pages


def _note_refusal(player_id: UUID, kind: DocumentKind, code: str, actor: Actor, at: datetime) -> None:
    with transaction.atomic():
        record(
            action="compliance.store_document",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="compliance.document",
            outcome=AuditOutcome.FAILED,
            reason=code,
            after={"kind": kind.value},
        )


def _note_view(document: DocumentDetails, actor: Actor, at: datetime) -> None:
    known = AuditQuery(
        player_id=document.player_id,
        action=VIEWED,
        object_id=str(document.id),
        actor_kind=actor.kind.value,
        actor_id=actor.id,
        since=at - VIEW_EVERY,
    )
    if list_audit(known, limit=1):
        return
    record(
        action=VIEWED,
        actor=actor,
        at=at,
        player_id=document.player_id,
        object_type="compliance.document",
        object_id=str(document.id),
        after={"kind": document.kind.value},
    )


def _record(action: str, row: Document, actor: Actor, at: datetime) -> None:
    record(
        action=action,
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="compliance.document",
        object_id=str(row.id),
        after={"kind": row.kind, "side": row.side, "came_as": row.came_as, "pages": str(row.pages)},
    )
