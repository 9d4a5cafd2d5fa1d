"""Staff look for players; who was found by something personal is on the audit trail."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from uuid import UUID

from events.audit import record
from events.selectors_audit import list_audit
from events.types import AuditQuery
from kernel.access import allowed
from kernel.actors import Actor
from players.rules import national_id_forms
from players.selectors import find_exactly, list_matching_ids
from players.selectors_sealed import find_by_sealed
from players.services.reveals import VIEW_EVERY, may_reveal
from players.types import SealedField

VIEW, PERSONAL_SCOPE = "players.view_player", "players:personal"


def search_players(*, text: str, actor: Actor, at: datetime) -> list[UUID]:
    """Players whom the text names (``list_matching_ids``), or who have it as national number, at most 50.

    By national number only whoever may see or reveal that of the player finds them. Whom somebody found by their exact
    email, phone or national number is recorded, once in a while for each; what was typed never is.
    """
    way, exact = find_exactly(text)
    shown = [player_id for player_id in exact if allowed(actor, VIEW, player_id)]
    note_found(player_ids=shown, way=way, actor=actor, at=at)
    numbered = find_by_national_id(text=text, country="", actor=actor, at=at)
    return list(dict.fromkeys(numbered + list_matching_ids(text)))


def find_by_national_id(*, text: str, country: str, actor: Actor, at: datetime) -> list[UUID]:
    """Players with exactly this national number, of one country or ("") of any; those of whom the actor may see it.

    Recorded for each of them.
    """
    if not _sees_numbers(actor, None):
        return []
    forms = national_id_forms(text, country)
    found = [player_id for form in forms for player_id in find_by_sealed(SealedField.NATIONAL_ID, form)]
    seen = [player_id for player_id in dict.fromkeys(found) if _sees_numbers(actor, player_id)]
    note_found(player_ids=seen, way="national_id", actor=actor, at=at)
    return seen


def _sees_numbers(actor: Actor, player_id: UUID | None) -> bool:
    return may_reveal(actor, player_id) or bool(allowed(actor, PERSONAL_SCOPE, player_id))


def note_found(*, player_ids: Iterable[UUID], way: str, actor: Actor, at: datetime) -> None:
    """Record that the actor found these players by their exact email, phone or national number (``way``)."""
    for player_id in player_ids:
        action = f"players.find_by_{way}"
        known = AuditQuery(
            player_id=player_id, action=action, actor_kind=actor.kind.value, actor_id=actor.id, since=at - VIEW_EVERY
        )
        if not list_audit(known, limit=1):
            record(
                action=action,
                actor=actor,
                at=at,
                player_id=player_id,
                object_type="players.player",
                object_id=str(player_id),
            )
