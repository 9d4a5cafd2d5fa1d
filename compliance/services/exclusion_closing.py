"""Accounts of excluded players that the pack has closed and paid out: done as soon as it can be, late ones are a case."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.models_exclusions import Exclusion
from compliance.ports_exclusion import list_excluded_plays
from compliance.selectors_exclusions import get_exclusion
from compliance.services.cases import open_case
from compliance.types_cases import CaseKind
from events.catalogue.compliance_exclusion import ExcludedAccountClosed
from events.services.log import holding, publish
from kernel.actors import Actor
from players.selectors import get_player
from players.services.accounts import change_status
from players.types import Status

BATCH = 200


def close_due_accounts(*, actor: Actor, at: datetime) -> int:
    """Pay out and close the accounts that exclusions ask to close, the soonest due first; how many were closed.

    What cannot be paid out yet is tried again with the next call. Publishes ExcludedAccountClosed, PlayerStatusChanged.
    """
    waiting = Exclusion.objects.filter(closed_at=None, ended_at=None, close_due_at__isnull=False)
    ids = list(waiting.order_by("close_due_at").values_list("id", flat=True)[:BATCH])
    return sum(close_account(exclusion_id=exclusion_id, actor=actor, at=at) for exclusion_id in ids)


def close_account(*, exclusion_id: UUID, actor: Actor, at: datetime) -> bool:
    """Send the balance to where it came from and close the account; whether it is closed. Again does nothing more.

    What can't be sent, or is not there by its time, becomes a case. Raises: NotFound.
    """
    found = get_exclusion(exclusion_id)
    if found.closed_at or found.close_due_at is None:
        return found.closed_at is not None
    answers = [
        play.return_balance(found.player_id, key=f"exclusion:{exclusion_id}", actor=actor, at=at)
        for play in list_excluded_plays()
    ]
    stuck = [answer for answer in answers if answer not in ("done", "sent")]
    late = at > found.close_due_at
    if any(answer != "done" for answer in answers):
        if stuck or late:
            open_case(
                kind=CaseKind.EXCLUSION_REFUND,
                player_id=found.player_id,
                facts={"exclusion": str(exclusion_id), "why": ", ".join(stuck) or "on its way for too long"},
                key=str(exclusion_id),
                actor=actor,
                at=at,
            )
        return False
    with holding(found.player_id):
        row = Exclusion.objects.get(id=exclusion_id)
        if row.closed_at is None:
            row.closed_at = at
            row.save(update_fields=["closed_at"])
            if get_player(row.player_id).status in (Status.ACTIVE, Status.SUSPENDED, Status.PENDING):
                change_status(
                    player_id=row.player_id,
                    to=Status.CLOSED,
                    reason=f"Excluded ({row.kind}); the rules of {row.pack} close the account.",
                    actor=actor,
                    at=at,
                )
            publish(ExcludedAccountClosed(player_id=row.player_id, occurred_at=at, exclusion_id=row.id, late=late))
    return True
