"""What others found out about a player: how far verification has come, and the risk level with its factors."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import asdict
from datetime import datetime
from uuid import UUID

from events.audit import record
from events.catalogue.players import ConfirmStatusChanged, RiskLevelChanged
from events.services.log import holding, publish
from kernel.actors import Actor
from kernel.errors import FieldErrors
from players.models import Player, SettingChange
from players.models_risk import RiskAssessment
from players.selectors import UnknownPlayer
from players.types import ConfirmStatus, RiskFactor, RiskLevel


def set_confirm_status(*, player_id: UUID, to: ConfirmStatus, reason: str, actor: Actor, at: datetime) -> bool:
    """Say how far verification has come; False when it was there already. Compliance decides that, nobody else calls it.

    Publishes ConfirmStatusChanged. Raises: UnknownPlayer.
    """
    with holding(player_id):
        player = _get(player_id)
        before = ConfirmStatus(player.confirm_status)
        if before is to:
            return False
        player.confirm_status = to
        player.save(update_fields=["confirm_status"])
        _remember(player_id, "confirm_status", before, to, reason, actor, at)
        publish(ConfirmStatusChanged(player_id=player_id, occurred_at=at, from_status=before, to_status=to))
    return True


def set_risk_level(
    *, player_id: UUID, to: RiskLevel, factors: Sequence[RiskFactor], reason: str, actor: Actor, at: datetime
) -> bool:
    """Set the risk level and keep what it is made of; False when the level was that already (the factors are kept still,
    where they differ from the newest ones). Publishes RiskLevelChanged. Raises: UnknownPlayer, FieldErrors.
    """
    if not reason.strip():
        raise FieldErrors({"reason": ["Say in a few words why."]})
    with holding(player_id):
        player = _get(player_id)
        before = RiskLevel(player.risk_level)
        kept = [asdict(factor) for factor in factors]
        newest = RiskAssessment.objects.filter(player_id=player_id).order_by("-id").first()
        if before is to and (newest.factors if newest else []) == kept:
            return False
        RiskAssessment.objects.create(
            player_id=player_id, level=to, factors=kept, reason=reason, actor=str(actor), assessed_at=at
        )
        if before is to:
            return False
        player.risk_level = to
        player.save(update_fields=["risk_level"])
        _remember(player_id, "risk_level", before, to, reason, actor, at)
        publish(
            RiskLevelChanged(
                player_id=player_id,
                occurred_at=at,
                from_level=before,
                to_level=to,
                factors=" ".join(factor.code for factor in factors),
            )
        )
    return True


def _get(player_id: UUID) -> Player:
    player = Player.objects.filter(id=player_id).first()
    if player is None:
        raise UnknownPlayer(f"There is no player {player_id}.", player_id=str(player_id))
    return player


def _remember(player_id: UUID, name: str, before: str, to: str, reason: str, actor: Actor, at: datetime) -> None:
    SettingChange.objects.create(
        player_id=player_id,
        name=name,
        from_value=before,
        to_value=to,
        reason=reason,
        actor=str(actor),
        changed_at=at,
    )
    record(
        action=f"players.set_{name}",
        actor=actor,
        at=at,
        player_id=player_id,
        object_type="players.player",
        object_id=str(player_id),
        reason=reason,
        before={name: before},
        after={name: to},
    )
