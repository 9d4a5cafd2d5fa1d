"""Withdrawing while a bonus is wagered: as its offer says."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from bonuses.models import Grant
from bonuses.selectors import read_rule
from bonuses.services.grants import end_forfeited
from bonuses.types import ForfeitedBy, GrantState
from bonuses.types_offer import OnWithdrawal
from kernel.actors import Actor


class WageringGuard:
    """Asked by the wallet before it sets money aside; registered at start-up."""

    def before_withdrawal(self, *, player_id: UUID, actor: Actor, at: datetime) -> str | None:
        rows = Grant.objects.select_for_update(of=("self",)).select_related("version", "offer")
        for row in rows.filter(player_id=player_id, state=GrantState.ACTIVE, wagers=True):
            match read_rule(row.version).on_withdrawal:
                case OnWithdrawal.REFUSE:
                    return f"{row.offer.name} is being wagered: finish it, or give it up first."
                case OnWithdrawal.FORFEIT:
                    end_forfeited(row, ForfeitedBy.WITHDRAWAL, at, actor=actor)
        return None
