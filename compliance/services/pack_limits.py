"""What a pack caps, as rows beside the players' own limits: for the posting function, and for looks back."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from compliance.models_limits import Limit
from compliance.selectors_limits import get_terms, pack_limits
from compliance.types_limits import SetBy
from players.selectors import get_player


def sync_pack_limits(*, player_id: UUID, at: datetime) -> None:
    """Bring the rows of what the pack caps in line with it, so that bets and looks back see them. The caller holds the
    player. Nobody is told: the pack's coming into force was."""
    player = get_player(player_id)
    wanted = {(one.kind.value, one.period.value): one for one in pack_limits(player, get_terms(player, at), at)}
    rows = Limit.objects.filter(player_id=player_id, set_by=SetBy.PACK.value, active_until=None)
    for row in rows:
        one = wanted.get((row.kind, row.period))
        if one and (row.amount_minor, row.minutes) == (one.amount.amount_minor if one.amount else None, one.minutes):
            del wanted[(row.kind, row.period)]
        else:
            row.active_until = max(at, row.active_from)
            row.save(update_fields=["active_until"])
    for one in wanted.values():
        Limit.objects.create(
            player_id=player_id,
            kind=one.kind.value,
            period=one.period.value,
            amount_minor=one.amount.amount_minor if one.amount else None,
            minutes=one.minutes,
            set_by=SetBy.PACK.value,
            reason=one.reason,
            active_from=at,
        )
