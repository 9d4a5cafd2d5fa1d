"""Money of players whose verification failed or was not finished in time: back to where it came from."""

from __future__ import annotations

import logging
from datetime import datetime
from uuid import UUID

from compliance.models_kyc import KycCase
from compliance.ports_exclusion import list_excluded_plays
from compliance.services.kyc_moves import move_funds
from compliance.types_kyc import CaseState, Funds
from events.services.log import holding
from kernel.actors import Actor

logger = logging.getLogger(__name__)


def return_due(*, actor: Actor, at: datetime, limit: int = 200) -> int:
    """Have the money of cases that were not finished in time go back, and send what is due. How many are done with.

    A player may still finish the case: what has not gone back by then is theirs to use. Publishes KycFundsMoved.
    """
    late = KycCase.objects.filter(funds=Funds.LOCKED, due_at__lte=at).exclude(state=CaseState.REJECTED_FINAL)
    for case_id, player_id in late.order_by("due_at").values_list("id", "player_id")[:limit]:
        _move(case_id, player_id, Funds.LOCKED, Funds.REFUND_DUE, actor, at)
    plays, done = list_excluded_plays(), 0
    rows = KycCase.objects.filter(funds=Funds.REFUND_DUE).order_by("id").values_list("id", "player_id")[:limit]
    for case_id, player_id in rows if plays else ():
        answers = {
            play.return_balance(player_id, unproved=True, key=f"kyc:{case_id}", actor=actor, at=at) for play in plays
        }
        if stuck := answers - {"done", "sent"}:
            logger.warning("the money of case %s cannot go back now: %s", case_id, ", ".join(stuck))
        if answers == {"done"}:
            _move(case_id, player_id, Funds.REFUND_DUE, Funds.REFUNDED, actor, at)
            done += 1
    return done


def _move(case_id: UUID, player_id: UUID, before: Funds, to: Funds, actor: Actor, at: datetime) -> None:
    with holding(player_id):
        case = KycCase.objects.select_for_update().get(id=case_id)
        if case.funds == before:
            move_funds(case, to, actor, at)
