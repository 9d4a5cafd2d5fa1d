"""The tokens that a player's program keeps: a short-lived access token, and a refresh token that works once.

Both name the session by its id in players; allauth's own session stands behind it and is never told to anybody who is
logged in. What allauth calls the session token carries a login only until it is complete.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any
from uuid import UUID, uuid4

from allauth.core.internal.httpkit import get_authorization_credential
from allauth.headless.internal.sessionkit import lookup_session
from allauth.headless.tokens.strategies.base import AbstractTokenStrategy
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase
from django.http import HttpRequest

from kernel import clock
from kernel.rest.player_tokens import read_claims, sign_claims
from players.services import sessions

SESSION_ID = "player_session"  # in allauth's session: which session of players it stands behind
_BY_TOKEN = "token:"  # noqa: S105


@dataclass(frozen=True, slots=True)
class JustOpened:
    """What the answer to a login tells beside the access token; kept with the request (``just_opened``)."""

    refresh_id: UUID
    device_token: str


class PlayerTokens(AbstractTokenStrategy):
    """What allauth asks about tokens (HEADLESS_TOKEN_STRATEGY)."""

    def get_session_token(self, request: HttpRequest) -> str | None:
        value = get_authorization_credential(request, "Bearer")
        if not value:
            return super().get_session_token(request)
        claims = read_claims(value, "access")
        if claims is None:
            return None
        key = sessions.find_store_key(session_id=UUID(claims["sid"]), player_id=UUID(claims["sub"]), at=clock.now())
        return _BY_TOKEN + key if key else None

    def lookup_session(self, session_token: str) -> SessionBase | None:
        """A bare session token opens a login under way and nothing else: neither staff's sessions nor open ones."""
        by_token = session_token.startswith(_BY_TOKEN)
        session = lookup_session(session_token.removeprefix(_BY_TOKEN))
        if session is None or by_token is not (SESSION_ID in session) or by_token is not (SESSION_KEY in session):
            return None
        return session

    def create_session_token(self, request: HttpRequest) -> str:
        if SESSION_KEY in request.session:
            return ""  # whoever is logged in has better tokens
        if not request.session.session_key:
            request.session.save()
        return str(request.session.session_key)

    def create_access_token(self, request: HttpRequest) -> str:
        session_id = UUID(request.session[SESSION_ID])
        player_id = sessions.check(session_id=session_id, at=clock.now())
        return _token("access", player_id, session_id, uuid4(), settings.PLAYER_ACCESS_TOKEN_SECONDS)

    def create_access_token_payload(self, request: HttpRequest) -> dict[str, Any] | None:
        session_id = UUID(request.session[SESSION_ID])
        player_id = sessions.check(session_id=session_id, at=clock.now())
        opened: JustOpened = request.just_opened  # type: ignore[attr-defined]
        payload = {
            "access_token": self.create_access_token(request),
            "refresh_token": _token(
                "refresh", player_id, session_id, opened.refresh_id, settings.PLAYER_REFRESH_TOKEN_SECONDS
            ),
            "expires_in": settings.PLAYER_ACCESS_TOKEN_SECONDS,
        }
        return payload | ({"device_token": opened.device_token} if opened.device_token else {})

    def refresh_token(self, refresh_token: str) -> tuple[str, str] | None:
        claims = read_claims(refresh_token, "refresh")
        if claims is None:
            return None
        session_id, player_id, used, new = UUID(claims["sid"]), UUID(claims["sub"]), UUID(claims["jti"]), uuid4()
        try:
            sessions.rotate(session_id=session_id, player_id=player_id, used=used, new=new, at=clock.now())
        except sessions.SessionOver:
            return None
        return (
            _token("access", player_id, session_id, uuid4(), settings.PLAYER_ACCESS_TOKEN_SECONDS),
            _token("refresh", player_id, session_id, new, settings.PLAYER_REFRESH_TOKEN_SECONDS),
        )


def _token(use: str, player_id: UUID, session_id: UUID, token_id: UUID, seconds: int) -> str:
    moment = int(clock.now().timestamp())
    return sign_claims(
        {
            "sub": str(player_id),
            "sid": str(session_id),
            "jti": str(token_id),
            "token_use": use,
            "iat": moment,
            "exp": moment + seconds,
        }
    )
