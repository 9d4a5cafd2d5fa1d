"""Restrictions: what an account may not do, imposed and lifted with a reason."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from events.audit import record
from events.catalogue.players import RestrictionImposed, RestrictionLifted
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors, NotFound
from kernel.idempotency import digest_of, find_result, remember
from players import rules
from players.models import Restriction
from players.selectors import get_player
from players.services.sessions import end_all
from players.types import PlayerAction, RestrictionKind
from players.types_identity import EndReason


class AlreadyLifted(DomainError):
    """The restriction is not in force any more."""

    code = "already_lifted"
    title = "This restriction was lifted before"
    status = 409


class RestrictionOwned(DomainError):
    """The restriction carries out something that is ended elsewhere."""

    code = "restriction_owned"
    title = "This restriction is not lifted by itself"
    status = 409


# What begins a source: the restriction carries out something that compliance keeps, and ends with it alone.
OWNED = "compliance:"


def impose(
    *,
    player_id: UUID,
    kind: RestrictionKind,
    reason: str,
    source: str,
    actor: Actor,
    at: datetime,
    active_until: datetime | None = None,
    idempotency_key: str = "",
) -> UUID:
    """Put a restriction on the account from ``at`` until ``active_until`` (None: until lifted); its id.

    ``source`` says where it comes from: "staff", "player", "rule …". Several of one kind may stand beside each other,
    but the same ``idempotency_key`` and content gives the one that was imposed first.
    One that blocks logins ends the player's sessions.
    Publishes RestrictionImposed. Raises: UnknownPlayer, FieldErrors, IdempotencyConflict.
    """
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    try:
        rules.check_until(at, active_until)
    except rules.Invalid as error:
        raise FieldErrors({"active_until": [str(error)]}) from None
    scope = f"players.impose:{actor}"
    digest = digest_of({"player": player_id, "kind": kind, "reason": reason, "source": source, "until": active_until})
    with holding(player_id):
        get_player(player_id)
        known = find_result(scope, idempotency_key, digest) if idempotency_key else None
        if known:
            return UUID(known)
        restriction = Restriction.objects.create(
            player_id=player_id,
            kind=kind,
            blocks=list(rules.BLOCKS[kind]),
            reason=reason,
            source=source,
            imposed_by=str(actor),
            active_from=at,
            active_until=active_until,
        )
        if idempotency_key:
            remember(scope, idempotency_key, digest, str(restriction.id), at)
        publish(
            RestrictionImposed(
                player_id=player_id,
                occurred_at=at,
                restriction_id=str(restriction.id),
                kind=kind,
                source=source,
                active_until=active_until,
            )
        )
        if PlayerAction.LOGIN in rules.BLOCKS[kind]:
            end_all(player_id=player_id, reason=EndReason.RESTRICTED, at=at)
        record(
            action="players.impose_restriction",
            actor=actor,
            at=at,
            player_id=player_id,
            object_type="players.restriction",
            object_id=str(restriction.id),
            reason=reason,
            after={"kind": kind, "source": source, "until": active_until.isoformat() if active_until else "lifted"},
        )
    return restriction.id


def lift(*, restriction_id: UUID, reason: str, actor: Actor, at: datetime, owner: str = "") -> None:
    """Take a restriction off. One that carries out an exclusion ("compliance:…") is lifted by its ``owner`` only.

    Publishes RestrictionLifted. Raises: NotFound, AlreadyLifted, RestrictionOwned, FieldErrors.
    """
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    found = Restriction.objects.filter(id=restriction_id).first()
    if found is None:
        raise NotFound(f"There is no restriction {restriction_id}.")
    with holding(found.player_id):
        restriction = Restriction.objects.get(id=restriction_id)
        if restriction.lifted_at is not None or (restriction.active_until and restriction.active_until <= at):
            raise AlreadyLifted("It is not in force any more.")
        if restriction.source.startswith(OWNED) and restriction.source != owner:
            raise RestrictionOwned("It carries out an exclusion: ask to end that, on the player's tab Exclusions.")
        restriction.lifted_at, restriction.lifted_by, restriction.lift_reason = at, str(actor), reason
        restriction.save(update_fields=["lifted_at", "lifted_by", "lift_reason"])
        publish(
            RestrictionLifted(
                player_id=restriction.player_id,
                occurred_at=at,
                restriction_id=str(restriction.id),
                kind=restriction.kind,
                reason=reason,
            )
        )
        record(
            action="players.lift_restriction",
            actor=actor,
            at=at,
            player_id=restriction.player_id,
            object_type="players.restriction",
            object_id=str(restriction.id),
            reason=reason,
            before={"kind": restriction.kind},
        )
