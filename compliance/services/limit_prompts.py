"""Asking players for limits, and reminding them of what they have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from compliance.models_limit_changes import LimitPrompt, LimitReminder
from compliance.rules_limits import months_before
from compliance.selectors_limits import get_terms, list_limits
from compliance.types_limits import LimitSetBy
from events.audit import record
from events.catalogue.compliance_limits import LimitReviewDue
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import FieldErrors
from players.selectors import get_player, list_player_ids
from players.types import PlayerDetails, Status

POINTS = ("registration", "first_deposit")


def decline_prompt(*, player_id: UUID, point: str, actor: Actor, at: datetime) -> None:
    """The player was asked for a limit and says themself that they want none; said again it is the same.

    Raises: UnknownPlayer, FieldErrors.
    """
    if point not in POINTS:
        raise FieldErrors({"point": [f"Use one of: {', '.join(POINTS)}."]})
    with holding(get_player(player_id).id):
        _, made = LimitPrompt.objects.get_or_create(player_id=player_id, point=point, defaults={"answered_at": at})
        if made:
            record(
                action="compliance.decline_limits",
                actor=actor,
                at=at,
                player_id=player_id,
                object_type="compliance.limitprompt",
                object_id=point,
                after={"limits": "none wanted"},
            )


def remind_due(*, at: datetime, after: UUID | None = None, limit: int = 500) -> tuple[int, UUID | None]:
    """Remind active players whose time has come; how many of the next ``limit`` players, and the last one looked at.

    The pack says after how many months: everybody is shown their activity, and who set no limit is asked again. The clock
    starts at the registration. Publishes LimitReviewDue.
    """
    reminded = 0
    ids = list_player_ids(after=after, limit=limit)
    for player_id in ids:
        player = get_player(player_id)
        for reminder in _due(player, at):
            with holding(player_id):
                LimitReminder.objects.update_or_create(player_id=player_id, defaults={f"{reminder}_at": at})
                publish(LimitReviewDue(player_id=player_id, occurred_at=at, reminder=reminder))
            reminded += 1
    return reminded, ids[-1] if ids else None


def _due(player: PlayerDetails, at: datetime) -> Iterator[str]:
    terms = get_terms(player, at)
    if player.status is not Status.ACTIVE or not (terms.activity_months or terms.no_limit_months):
        return
    last = LimitReminder.objects.filter(player_id=player.id).first()
    for reminder, months in (("activity", terms.activity_months), ("no_limit", terms.no_limit_months)):
        since = getattr(last, f"{reminder}_at", None) or player.registered_at
        if months is None or since > months_before(at, months):
            continue
        if reminder == "no_limit" and _has_own_limit(player.id, at):
            continue
        yield reminder


def _has_own_limit(player_id: UUID, at: datetime) -> bool:
    return any(one.set_by is LimitSetBy.PLAYER for one in list_limits(player_id, at))
