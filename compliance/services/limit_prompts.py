"""Asking players for limits, and reminding them of what they have."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime
from uuid import UUID

from compliance.models_limit_changes import LimitPrompt, LimitReminder
from compliance.rules_limits import months_before
from compliance.selectors_limits import get_terms, list_limits
from compliance.selectors_packs import get_pack
from compliance.types_limits import SetBy
from events.audit import record
from events.catalogue.compliance_limits import LimitReviewDue
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.db import fetch_all
from kernel.errors import FieldErrors
from players.selectors import get_player
from players.types import PlayerDetails

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


def remind_due(*, at: datetime, batch: int = 500) -> int:
    """Remind the active players whose time has come; how many.

    The pack says after how many months: everybody is shown their activity, and who set no limit is asked again. The clock
    starts at the registration. Only residences whose pack has reminders are looked at. Publishes LimitReviewDue.
    """
    reminded = 0
    for country, region in _places_with_reminders(at):
        after = None
        while ids := _next_players(country, region, after, batch):
            after = ids[-1]
            reminded += sum(_remind(player_id, at) for player_id in ids)
    return reminded


def _remind(player_id: UUID, at: datetime) -> int:
    player = get_player(player_id)
    reminders = list(_due(player, at))
    for reminder in reminders:
        with holding(player_id):
            LimitReminder.objects.update_or_create(player_id=player_id, defaults={f"{reminder}_at": at})
            publish(LimitReviewDue(player_id=player_id, occurred_at=at, reminder=reminder))
    return len(reminders)


def _places_with_reminders(at: datetime) -> list[tuple[str, str]]:
    places = fetch_all("SELECT DISTINCT country, region FROM players_player")
    return [
        (place["country"], place["region"])
        for place in places
        if any(
            get_pack(country=place["country"], region=place["region"], at=at).find(key)
            for key in ("limits.activity_reminder_months", "limits.no_limit_review_months")
        )
    ]


def _next_players(country: str, region: str, after: UUID | None, limit: int) -> list[UUID]:
    rows = fetch_all(
        "SELECT id FROM players_player WHERE country = %s AND region = %s AND status = 'active' "
        "AND (%s::uuid IS NULL OR id > %s) ORDER BY id LIMIT %s",
        [country, region, after, after, limit],
    )
    return [row["id"] for row in rows]


def _due(player: PlayerDetails, at: datetime) -> Iterator[str]:
    terms = get_terms(player, at)
    last = LimitReminder.objects.filter(player_id=player.id).first()
    for reminder, months in (("activity", terms.activity_months), ("no_limit", terms.no_limit_months)):
        since = getattr(last, f"{reminder}_at", None) or player.registered_at
        if months is None or since > months_before(at, months):
            continue
        if reminder == "no_limit" and _has_own_limit(player.id, at):
            continue
        yield reminder


def _has_own_limit(player_id: UUID, at: datetime) -> bool:
    return any(one.set_by is SetBy.PLAYER for one in list_limits(player_id, at))
