"""Seeing personal data: what is masked is revealed with a reason for a while; who has seen what is on the audit trail."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings
from django.db import transaction

from events.audit import record
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel.access import AccessDenied, allowed
from kernel.actors import Actor, ActorKind
from kernel.db import fetch_one
from kernel.errors import DomainError, FieldErrors
from players.models_reveals import Reveal
from players.selectors import get_player
from players.selectors_reveals import count_reveals
from players.types import PersonalSection, RevealDetails

REVEAL, SEE = "players.reveal_personal_data", "players.view_personal_data"
VIEWED = "players.view_personal_data"
# A page that shows personal data is recorded once in this time per person and player; for a program once a day.
VIEW_EVERY = timedelta(minutes=15)
VIEW_EVERY_PROGRAM = timedelta(days=1)
SHORTEST_REASON = 5


class TooManyReveals(DomainError):
    """This person has revealed as much as one may in an hour."""

    code = "too_many_reveals"
    title = "Too many reveals"
    status = 429


def may_reveal(actor: Actor, player_id: UUID | None) -> bool:
    """Of this player; without one, of people in general.

    Whoever sees personal data anyway still says why before seeing what lies under a player's own key.
    """
    return bool(allowed(actor, REVEAL, player_id)) or bool(allowed(actor, SEE, player_id))


def reveal(*, player_id: UUID, section: PersonalSection, reason: str, actor: Actor, at: datetime) -> RevealDetails:
    """Let this person see one section of a player's personal data for REVEAL_MINUTES. On the audit trail, always.

    Raises: AccessDenied, UnknownPlayer, FieldErrors (no reason), TooManyReveals.
    """
    if not may_reveal(actor, player_id):
        raise AccessDenied("You may not reveal personal data.", action=REVEAL)
    if len(reason.strip()) < SHORTEST_REASON:
        raise FieldErrors({"reason": ["Say in a few words why you need to see it."]})
    get_player(player_id)
    until = at + timedelta(minutes=settings.REVEAL_MINUTES)
    with transaction.atomic():
        # One after another for each person: two at once would both be the last that is allowed.
        fetch_one("SELECT pg_advisory_xact_lock(hashtextextended(%s, 2))::text", [str(actor)])
        if count_reveals(actor, at - timedelta(hours=1)) >= settings.REVEALS_PER_HOUR:
            raise TooManyReveals(
                f"You may reveal {settings.REVEALS_PER_HOUR} times an hour; ask a lead to look with you."
            )
        row = Reveal.objects.create(
            player_id=player_id, section=section, actor=str(actor), reason=reason, revealed_at=at, revealed_until=until
        )
        record(
            action="players.reveal",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="players.player",
            object_id=str(player_id),
            reason=reason,
            after={"section": section.value, "until": until.isoformat()},
        )
    return RevealDetails(section, row.actor, reason, at, until)


def note_view(*, player_id: UUID, what: str, actor: Actor, at: datetime) -> None:
    """Record that personal data of this player was shown to somebody; the same person again only after a while."""
    every = VIEW_EVERY_PROGRAM if actor.kind is ActorKind.CLIENT else VIEW_EVERY
    known = AuditQuery(
        player_id=player_id, action=VIEWED, actor_kind=actor.kind.value, actor_id=actor.id, since=at - every
    )
    if list_audit(known, limit=1):
        return
    record(
        action=VIEWED,
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="players.player",
        object_id=str(player_id),
        after={"seen": what},
    )
