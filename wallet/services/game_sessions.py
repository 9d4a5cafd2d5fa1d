"""Game sessions: a player's admission to play through an integration, shown to it by a token."""

from __future__ import annotations

from datetime import datetime, timedelta
from uuid import UUID

from django.db import IntegrityError, transaction

from compliance.selectors_sessions import get_game_rules
from compliance.services.play_gate import leave_game
from compliance.services.play_sessions import begin_play
from events.audit import record
from events.services.log import holding
from kernel.actors import Actor
from kernel.errors import DomainError, FieldErrors
from kernel.idempotency import digest_of, find_result, remember
from kernel.ids import uuid7
from kernel.secrets import derive_token
from players.selectors import find_refusal, get_player
from players.types import PlayerAction
from wallet.models import Game
from wallet.models_adapters import GameSession
from wallet.rules_adapters import MAX_SESSION_SECONDS, MIN_SESSION_SECONDS, TOKEN_PURPOSE, hash_token
from wallet.selectors_adapters import get_game_session, get_integration
from wallet.types_adapters import GameSessionDetails, IntegrationStatus

SCOPE = "wallet.game-session"
ONE_GAME = "system:one-game-at-a-time"  # who ends other game sessions where games may not be played side by side


class GameSessionRefused(DomainError):
    """The player may not play now, or the integration takes no bets."""

    code = "game_session_refused"
    title = "A game cannot be opened for this player now"
    status = 403


def issue_session(
    *,
    player_id: UUID,
    integration: str,
    game: str,
    ttl_seconds: int,
    source: str,
    idempotency_key: str,
    actor: Actor,
    at: datetime,
) -> tuple[GameSessionDetails, str]:
    """Admit a player to a game for ``ttl_seconds``: the session, and the token that the game is launched with.

    The same key and content gives the same session and token again.
    Where the player's jurisdiction allows one game at a time, the player's other game sessions end with this one.
    Raises: UnknownPlayer, UnknownIntegration, FieldErrors, GameSessionRefused, PlayRefused, IdempotencyConflict.
    """
    if not MIN_SESSION_SECONDS <= ttl_seconds <= MAX_SESSION_SECONDS:
        raise FieldErrors({"ttl_seconds": [f"Use {MIN_SESSION_SECONDS} to {MAX_SESSION_SECONDS} seconds."]})
    digest = digest_of({"player": player_id, "integration": integration, "game": game, "ttl": ttl_seconds})
    scope = f"{SCOPE}:{source}"
    known = find_result(scope, idempotency_key, digest)
    if known is None:
        begin_play(player_id=player_id, actor=actor, at=at)
        try:
            known = _issue(player_id, integration, game, ttl_seconds, scope, idempotency_key, digest, actor, at)
        except IntegrityError:  # a parallel twin was quicker
            known = find_result(scope, idempotency_key, digest)
            if known is None:
                raise
    return get_game_session(UUID(known)), derive_token(known, TOKEN_PURPOSE)


def revoke_session(*, session_id: UUID, actor: Actor, at: datetime) -> GameSessionDetails:
    """No bet goes through this session any more; wins and rollbacks do. Raises: UnknownGameSession."""
    with transaction.atomic():
        revoked = GameSession.objects.filter(id=session_id, revoked_at=None).update(
            revoked_at=at, revoked_by=str(actor)
        )
        details = get_game_session(session_id)
        if revoked:
            record(
                action="wallet.revoke_game_session",
                actor=actor,
                at=at,
                player_id=details.player_id,
                object_type="wallet.gamesession",
                object_id=str(session_id),
            )
    return details


def _issue(
    player_id: UUID,
    integration: str,
    game: str,
    ttl_seconds: int,
    scope: str,
    key: str,
    digest: bytes,
    actor: Actor,
    at: datetime,
) -> str:
    player = get_player(player_id)
    if get_integration(integration).status is not IntegrationStatus.ACTIVE:
        raise GameSessionRefused("This integration is disabled.", reason="integration_disabled")
    if not Game.objects.filter(code=game, active=True).exists():
        raise FieldErrors({"game": ["There is no such game, or it is not active."]})
    refusal = find_refusal(player_id, PlayerAction.PLAY, at)
    if refusal:
        raise GameSessionRefused(f"Playing is refused: {refusal}.", reason=refusal)
    session_id = uuid7()
    with holding(player_id):
        if not get_game_rules(player_id, at).parallel_play:
            others = GameSession.objects.filter(player_id=player_id, revoked_at=None, expires_at__gt=at)
            others.update(revoked_at=at, revoked_by=ONE_GAME)
            leave_game(player_id=player_id)
        GameSession.objects.create(
            id=session_id,
            player_id=player_id,
            integration_id=integration,
            game_id=game,
            currency=player.currency,
            token_hash=hash_token(derive_token(str(session_id), TOKEN_PURPOSE)),
            issued_at=at,
            issued_by=str(actor),
            expires_at=at + timedelta(seconds=ttl_seconds),
        )
        remember(scope, key, digest, str(session_id), at)
    return str(session_id)
