"""Points moved by another way than play: given by other systems, corrected by staff, set aside and written off.

Every movement is a line of the ledger and its account's row, in a transaction that holds the player.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from compliance.services.approvals import request_approval
from compliance.types import ApprovalDetails
from events.audit import record
from events.catalogue.loyalty import PointsAdded
from events.services.log import holding, publish
from kernel.access import require
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.idempotency import digest_of
from kernel.ids import uuid7
from kernel.pan import refuse_pans
from loyalty.models import PointsAccount, PointsEntry
from loyalty.selectors import entry_details, find_account
from loyalty.types import CorrectionDetails, EntryKind, PointsEntryDetails
from players.selectors import get_player

CORRECT, APPROVE = "loyalty.correct_points", "loyalty.approve_points"
CORRECTION_KIND = "loyalty.correction"
MOST = 10**9


class NotEnoughPoints(DomainError):
    """The player has fewer points to spend than this takes."""

    code = "not_enough_points"
    title = "There are not enough points"
    status = 409


def add_points(
    *, player_id: UUID, points: int, reason: str, idempotency_key: str, actor: Actor, at: datetime
) -> PointsEntryDetails:
    """Give points (or take them, below zero), once for a key of the actor's: for service clients and jobs.

    ``reason`` is a code, such as "quest". Publishes PointsAdded. Raises: AccessDenied, UnknownPlayer, FieldErrors,
    NotEnoughPoints, IdempotencyConflict.
    """
    if actor.kind is ActorKind.STAFF:
        require(actor, APPROVE, player_id, at)
    _check(points, reason, idempotency_key)
    digest = digest_of({"player": player_id, "points": points, "reason": reason})
    with holding(player_id):
        get_player(player_id)
        key = f"addition:{actor}:{idempotency_key}"
        known = find_known(key, digest)
        if known:
            return entry_details(known)
        row = move(player_id, EntryKind.ADDITION, points, key=key, digest=digest, reference=reason, actor=actor, at=at)
        _tell(row)
    return entry_details(row)


def correct_points(
    *, player_id: UUID, points: int, reason: str, evidence: str, idempotency_key: str, actor: Actor, at: datetime
) -> CorrectionDetails:
    """Correct a player's points. Up to ``LOYALTY_CORRECTION_ABOVE`` it is posted at once; beyond, it waits for a second person.

    The audit trail keeps reason and evidence. Publishes PointsAdded when posted, else ApprovalRequested. Raises:
    AccessDenied, UnknownPlayer, FieldErrors, NotEnoughPoints, IdempotencyConflict.
    """
    require(actor, CORRECT, player_id, at)
    _check(points, reason, idempotency_key)
    refuse_pans(evidence=evidence)
    if reason not in settings.LOYALTY_CORRECTION_REASONS:
        raise FieldErrors({"reason": [f"Choose one of: {', '.join(settings.LOYALTY_CORRECTION_REASONS)}."]})
    if not evidence.strip() or len(evidence) > 1000:
        raise FieldErrors({"evidence": ["Say in at most 1,000 characters what shows that this is right."]})
    digest = digest_of({"player": player_id, "points": points, "reason": reason, "evidence": evidence})
    key = f"correction:{actor}:{idempotency_key}"
    with holding(player_id):
        get_player(player_id)
        known = find_known(key, digest)
        if known:
            return CorrectionDetails(entry_details(known), None)
        if not would_wait(player_id=player_id, points=points, actor=actor, at=at):
            row = _correct(player_id, points, reason, key, digest, actor, at)
            _record(row.player_id, points, reason, evidence, str(row.id), actor, at)
            return CorrectionDetails(entry_details(row), None)
        _check_enough(player_id, points)
        approval = _request(player_id, points, reason, evidence, idempotency_key, actor, at)
        _record(player_id, points, reason, evidence, str(approval.id), actor, at)
    return CorrectionDetails(None, approval.id)


def would_wait(*, player_id: UUID, points: int, actor: Actor, at: datetime) -> bool:
    """Does a correction of so many points by this actor need a second person now? Only reads.

    What the same person corrected of the player within 24 hours counts with it, whatever its sign.
    """
    since = at - timedelta(hours=24)
    rows = PointsEntry.objects.filter(
        player_id=player_id, kind=EntryKind.CORRECTION, actor=str(actor), occurred_at__gt=since, occurred_at__lte=at
    ).exclude(key__startswith="correction:approval:")
    moved = sum(abs(row) for row in rows.values_list("points", flat=True))
    return abs(points) + moved > settings.LOYALTY_CORRECTION_ABOVE


class CorrectionApproval:
    """How an approved correction is posted; registered at start-up."""

    kind = CORRECTION_KIND
    title = "Correction of loyalty points"
    request_permission = CORRECT
    decide_permission = APPROVE
    expires_after = timedelta(days=7)

    def effects(self, approval: ApprovalDetails, at: datetime) -> Sequence[str]:
        points = int(approval.content["points"])
        account = find_account(UUID(approval.content["player_id"]))
        balance = account.balance if account else 0
        lines = [f"The points change by {points:+,}: from {balance:,} to {balance + points:,}."]
        if balance + points < 0:
            lines.append("There are not so many points left: it cannot be carried out now.")
        return lines

    def execute(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> str:
        said = approval.content
        key = f"correction:approval:{approval.id}"
        row = _correct(UUID(said["player_id"]), int(said["points"]), said["reason"], key, None, actor, at)
        return str(row.id)

    def declined(self, approval: ApprovalDetails, actor: Actor, at: datetime) -> None:
        """Nothing was set aside for it."""


def move(
    player_id: UUID,
    kind: EntryKind,
    points: int,
    *,
    held: int = 0,
    key: str,
    digest: bytes | None = None,
    reference: str = "",
    actor: Actor,
    at: datetime,
    active: bool = False,
) -> PointsEntry:
    """One line: ``points`` to the balance, ``held`` to what is set aside; in the caller's transaction, which holds the player.

    ``active``: it counts as activity, so that points do not expire. Raises: NotEnoughPoints.
    """
    _check_enough(player_id, points)
    account = PointsAccount.objects.filter(player_id=player_id).first() or PointsAccount(
        player_id=player_id, balance=0, active_at=at
    )
    account.balance += points
    account.held += held
    if active and at > account.active_at:
        account.active_at, account.warned_days = at, None
    account.save()
    return PointsEntry.objects.create(
        id=uuid7(),
        player_id=player_id,
        kind=kind,
        points=points,
        held=held,
        balance_after=account.balance,
        held_after=account.held,
        key=key,
        digest=digest,
        reference=reference,
        actor=str(actor),
        occurred_at=at,
    )


def find_known(key: str, digest: bytes) -> PointsEntry | None:
    """What a key led to before. Raises: IdempotencyConflict for other content."""
    row = PointsEntry.objects.filter(key=key).first()
    if row is not None and (row.digest is None or bytes(row.digest) != digest):
        raise IdempotencyConflict("This idempotency key was used with other content; use a new key for a new request.")
    return row


def _correct(
    player_id: UUID, points: int, reason: str, key: str, digest: bytes | None, actor: Actor, at: datetime
) -> PointsEntry:
    row = move(player_id, EntryKind.CORRECTION, points, key=key, digest=digest, reference=reason, actor=actor, at=at)
    _tell(row)
    return row


def _request(
    player_id: UUID, points: int, reason: str, evidence: str, key: str, actor: Actor, at: datetime
) -> ApprovalDetails:
    account = find_account(player_id)
    balance = account.balance if account else 0
    return request_approval(
        kind=CORRECTION_KIND,
        player_id=player_id,
        subject=f"{points:+,} points",
        content={"player_id": str(player_id), "points": points, "reason": reason},
        before={"points": f"{balance:,}"},
        after={"points": f"{balance + points:,}", "reason": reason, "evidence": evidence.strip()},
        comment=evidence.strip()[:500],
        idempotency_key=f"points:{key}",
        actor=actor,
        at=at,
    )


def _tell(row: PointsEntry) -> None:
    publish(
        PointsAdded(
            player_id=row.player_id,
            occurred_at=row.occurred_at,
            entry_id=row.id,
            kind=row.kind,
            points=row.points,
            balance=row.balance_after,
            reason=row.reference,
        )
    )


def _check_enough(player_id: UUID, points: int) -> None:
    if points >= 0:
        return
    account = find_account(player_id)
    balance = account.balance if account else 0
    if balance + points < 0:
        raise NotEnoughPoints(f"The player has {balance:,} points to spend; this takes {-points:,}.", points=balance)


def _check(points: int, reason: str, key: str) -> None:
    errors = {}
    if points == 0 or abs(points) > MOST:
        errors["points"] = [f"Give a number of points other than zero, at most {MOST:,}."]
    if not 0 < len(reason) <= 60 or not all(c.isascii() and (c.isalnum() or c in "-_.") for c in reason):
        errors["reason"] = ["Name the reason by a code of 1 to 60 letters, digits, dots, hyphens and underscores."]
    if not 0 < len(key) <= 150 or not key.isprintable():
        errors["idempotency_key"] = ["Use 1 to 150 printable characters."]
    if errors:
        raise FieldErrors(errors)


def _record(
    player_id: UUID, points: int, reason: str, evidence: str, object_id: str, actor: Actor, at: datetime
) -> None:
    record(
        action="loyalty.correct_points",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="loyalty.points",
        object_id=object_id,
        reason=evidence.strip(),
        after={"points": f"{points:+}", "reason": reason},
    )
