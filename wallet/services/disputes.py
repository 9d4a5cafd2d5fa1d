"""Disputes about money: opened, investigated, then resolved (with a correction where one is due) or rejected."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from uuid import UUID

from events.audit import record
from events.catalogue.wallet import DisputeStateChanged
from events.services.log import holding, publish
from kernel.access import require
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, IdempotencyConflict
from kernel.money import Money
from kernel.pan import refuse_pans
from players.selectors import get_player
from wallet.models_adjustments import Dispute
from wallet.selectors_adjustments import dispute_details, get_dispute
from wallet.services.adjustments import adjust
from wallet.services.posting import check_amount, check_references
from wallet.types_adjustments import DisputeDetails, DisputeState

WORK = "wallet.work_disputes"

_SETTLED = (DisputeState.RESOLVED, DisputeState.REJECTED)


class DisputeSettled(DomainError):
    """It was resolved or rejected before."""

    code = "dispute_settled"
    title = "This dispute is settled"
    status = 409


class TakenByAnother(DomainError):
    """Somebody else investigates it."""

    code = "taken_by_another"
    title = "Somebody else investigates this"
    status = 409


@dataclass(frozen=True, slots=True)
class Redress:
    """The correction that settles a dispute; ``amount`` is signed: positive credits the player."""

    amount: Money
    evidence: str


def open_dispute(
    *,
    player_id: UUID,
    subject: str,
    story: str,
    actor: Actor,
    idempotency_key: str,
    at: datetime,
    claimed: Money | None = None,
    reference: str = "",
) -> DisputeDetails:
    """Note down what a player says is wrong. The same key and content gives the dispute that it opened first.

    Publishes DisputeStateChanged. Raises: AccessDenied, UnknownPlayer, FieldErrors, IdempotencyConflict.
    """
    require(actor, WORK, player_id, at)
    check_references(idempotency_key=idempotency_key)
    if not subject.strip() or not story.strip():
        raise FieldErrors({"story": ["Say what the player says happened."]})
    refuse_pans(subject=subject, story=story, reference=reference)
    if claimed:
        check_amount("claimed", claimed)
    with holding(player_id):
        currency = get_player(player_id).currency
        if claimed and claimed.currency != currency:
            raise FieldErrors({"claimed": [f"This player's currency is {currency}."]})
        content = {
            "player_id": player_id,
            "subject": subject.strip()[:200],
            "story": story,
            "reference": reference,
            "claimed_minor": claimed.amount_minor if claimed else None,
        }
        row, made = Dispute.objects.get_or_create(
            opened_by=str(actor),
            key=idempotency_key,
            defaults={**content, "currency": currency, "opened_at": at},
        )
        if any(getattr(row, name) != value for name, value in content.items()):
            raise IdempotencyConflict("This idempotency key was used for another dispute.")
        if made:
            _tell(row, "open", story, actor, at)
    return dispute_details(row)


def investigate(*, dispute_id: UUID, actor: Actor, at: datetime, take_over: bool = False) -> DisputeDetails:
    """Take it up; ``take_over`` takes it from whoever has it. Publishes DisputeStateChanged the first time.

    Raises: NotFound, AccessDenied, DisputeSettled, TakenByAnother.
    """
    with _working(dispute_id, actor) as row:
        if row.assignee not in ("", str(actor)) and not take_over:
            raise TakenByAnother("Somebody else investigates it.", assignee=row.assignee)
        first, before = row.state == DisputeState.OPEN, row.assignee
        row.state, row.assignee = DisputeState.INVESTIGATING, str(actor)
        row.save(update_fields=["state", "assignee"])
        if first:
            _tell(row, "investigate", "", actor, at)
        elif before != str(actor):
            _record(row, "take_over", "", actor, at, before={"assignee": before})
    return dispute_details(row)


def settle(
    *,
    dispute_id: UUID,
    resolved: bool,
    resolution: str,
    actor: Actor,
    at: datetime,
    redress: Redress | None = None,
) -> DisputeDetails:
    """End it: resolved, with a correction of the real-money purse where one is due, or rejected.

    The correction is asked for in the same transaction, under the dispute's own key, and may wait for approval.
    Publishes DisputeStateChanged, and what ``adjust`` does.
    Raises: NotFound, AccessDenied, DisputeSettled, TakenByAnother, FieldErrors, and what ``adjust`` raises.
    """
    if not resolution.strip():
        raise FieldErrors({"resolution": ["Say what was found, and what the player is told."]})
    refuse_pans(resolution=resolution)
    if redress and not resolved:
        raise FieldErrors({"amount": ["A rejected dispute moves no money."]})
    with _working(dispute_id, actor) as row:
        if row.assignee not in ("", str(actor)):
            raise TakenByAnother("Somebody else investigates it.", assignee=row.assignee)
        if redress:
            row.adjustment_id = adjust(
                player_id=row.player_id,
                amount=redress.amount,
                reason="dispute",
                evidence=redress.evidence,
                reference=f"dispute {row.id}",
                actor=actor,
                idempotency_key=f"dispute:{row.id}",
                at=at,
            ).id
        row.state = DisputeState.RESOLVED if resolved else DisputeState.REJECTED
        row.assignee, row.resolution = row.assignee or str(actor), resolution
        row.settled_by, row.settled_at = str(actor), at
        row.save()
        _tell(row, "settle", resolution, actor, at)
    return dispute_details(row)


@contextmanager
def _working(dispute_id: UUID, actor: Actor) -> Iterator[Dispute]:
    require(actor, WORK, get_dispute(dispute_id))
    with holding(get_dispute(dispute_id).player_id):
        row = Dispute.objects.select_for_update().get(id=dispute_id)
        if row.state in _SETTLED:
            raise DisputeSettled(f"It is {row.state} already.", state=row.state)
        yield row


def _tell(row: Dispute, deed: str, reason: str, actor: Actor, at: datetime) -> None:
    publish(
        DisputeStateChanged(
            player_id=row.player_id,
            occurred_at=at,
            dispute_id=row.id,
            state=row.state,
            adjustment_id=row.adjustment_id,
        )
    )
    _record(row, deed, reason, actor, at)


def _record(
    row: Dispute, deed: str, reason: str, actor: Actor, at: datetime, before: dict[str, str] | None = None
) -> None:
    record(
        action=f"wallet.{deed}_dispute",
        actor=actor,
        at=at,
        player_id=row.player_id,
        object_type="wallet.dispute",
        object_id=str(row.id),
        reason=reason,
        before=before,
        after={"state": row.state, "assignee": row.assignee},
    )
