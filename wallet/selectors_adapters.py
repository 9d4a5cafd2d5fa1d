"""Reads of integrations, game sessions and the log of requests."""

from __future__ import annotations

from uuid import UUID

from kernel.errors import NotFound
from kernel.secrets import unseal
from wallet.models import TransferKey
from wallet.models_adapters import AdapterRequest, GameMapping, GameSession, Integration, IntegrationKey
from wallet.rules_adapters import KEY_PURPOSE, hash_token
from wallet.types_adapters import (
    AdapterProtocol,
    AdapterRequestDetails,
    GameSessionDetails,
    IntegrationDetails,
    IntegrationKeyDetails,
    IntegrationStatus,
    LiveIntegration,
)


class UnknownIntegration(NotFound):
    """No integration has this code."""

    code = "unknown_integration"
    title = "No such integration"


class UnknownGameSession(NotFound):
    """No game session has this id."""

    code = "unknown_game_session"
    title = "No such game session"


def get_integration(code: str) -> IntegrationDetails:
    """Raises: UnknownIntegration."""
    row = Integration.objects.filter(code=code).first()
    if row is None:
        raise UnknownIntegration(f"There is no integration {code}.", integration=code)
    return _integration(row)


def find_live_integration(code: str) -> LiveIntegration | None:
    """The integration with its active keys in the clear and its games. Raises: Unreadable."""
    row = Integration.objects.filter(code=code).first()
    if row is None:
        return None
    keys = IntegrationKey.objects.filter(integration=row, revoked_at=None).order_by("-id")
    games = GameMapping.objects.filter(integration=row).values_list("their_code", "game_id")
    return LiveIntegration(
        details=_integration(row),
        keys=tuple(unseal(bytes(key.sealed), KEY_PURPOSE) for key in keys),
        games=dict(games),
    )


def list_integration_keys(code: str) -> list[IntegrationKeyDetails]:
    """Active ones first, then newest first; never the keys themselves."""
    rows = IntegrationKey.objects.filter(integration=code).order_by("-id")
    found = [
        IntegrationKeyDetails(
            row.id, row.name, row.fingerprint, row.added_at, row.added_by, row.revoked_at, row.revoked_by
        )
        for row in rows
    ]
    return sorted(found, key=lambda key: key.revoked_at is not None)


def list_game_mappings(code: str) -> list[tuple[str, str]]:
    """(the integration's code, our game), by the integration's code."""
    rows = GameMapping.objects.filter(integration=code).order_by("their_code")
    return list(rows.values_list("their_code", "game_id"))


def get_game_session(session_id: UUID) -> GameSessionDetails:
    """Raises: UnknownGameSession."""
    row = GameSession.objects.filter(id=session_id).first()
    if row is None:
        raise UnknownGameSession(f"There is no game session {session_id}.")
    return _session(row)


def find_session_by_token(integration: str, token: str) -> GameSessionDetails | None:
    """The session that the token shows, whether it is still open or not."""
    row = GameSession.objects.filter(token_hash=hash_token(token), integration=integration).first()
    return _session(row) if row else None


def knows_transaction(source: str, key: str) -> bool:
    """Has this key led to anything yet?"""
    return TransferKey.objects.filter(source=source, key=key).exists()


def list_game_sessions(player_id: UUID, *, before: UUID | None = None, limit: int = 50) -> list[GameSessionDetails]:
    """Newest first, older than the session ``before``."""
    rows = GameSession.objects.filter(player_id=player_id)
    if before:
        rows = rows.filter(id__lt=before)
    return [_session(row) for row in rows.order_by("-id")[:limit]]


def get_adapter_request(request_id: UUID) -> AdapterRequestDetails:
    """Raises: NotFound."""
    row = AdapterRequest.objects.filter(id=request_id).first()
    if row is None:
        raise NotFound(f"There is no logged request {request_id}.")
    names = AdapterRequestDetails.__dataclass_fields__
    return AdapterRequestDetails(**{name: getattr(row, name) for name in names})


def _integration(row: Integration) -> IntegrationDetails:
    return IntegrationDetails(
        code=row.code,
        name=row.name,
        protocol=AdapterProtocol(row.protocol),
        status=IntegrationStatus(row.status),
        currencies=row.currencies,
        amount_scale=row.amount_scale,
        allowed_ips=tuple(row.allowed_ips),
    )


def _session(row: GameSession) -> GameSessionDetails:
    return GameSessionDetails(
        id=row.id,
        player_id=row.player_id,
        integration=row.integration_id,
        game=row.game_id,
        currency=row.currency,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        revoked_at=row.revoked_at,
    )
