"""Who calls the player API: a player, shown by the short-lived access token of an open session.

A token's signature and claims are checked here; whether its session is still open is asked of players on every call
(``register_sessions``), and so is how lately the person proved to be the player (``require_step_up``).
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from hashlib import sha256
from typing import Any, NoReturn, Protocol
from uuid import UUID

import jwt
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat, load_pem_private_key
from django.conf import settings
from django.http import HttpRequest

from kernel import clock
from kernel.actors import Actor, ActorKind
from kernel.errors import DomainError
from kernel.rest.tokens import MAX_TOKEN_LENGTH, Unauthenticated

ALGORITHM = "RS256"
AUDIENCE = "player-api"
# A token that says it was issued later than this from now was not issued by us.
SKEW_SECONDS = 30


class StepUpNeeded(DomainError):
    """The action needs a fresh proof that it is the player who acts."""

    code = "step_up_needed"
    title = "Prove again that it is you"
    status = 403


@dataclass(frozen=True, slots=True)
class PlayerToken:
    """A verified access token of an open session."""

    player_id: UUID
    session_id: UUID
    actor: Actor


class Sessions(Protocol):
    """What players answer about sessions."""

    def find_player(self, session_id: UUID, at: datetime) -> UUID | None:
        """The player of a session that is open and may be used; None when it is over."""
        ...

    def is_fresh(self, session_id: UUID, player_id: UUID, at: datetime) -> bool:
        """Whether the player proved to be themself lately, by the strongest means that they have set up."""
        ...


_sessions: list[Sessions] = []


def register_sessions(sessions: Sessions) -> None:
    """Plug in who knows about sessions; the last one counts."""
    _sessions[:] = [sessions]


def find_player_token(request: HttpRequest) -> PlayerToken | None:
    """The request's verified token; None when it brings none. Raises: Unauthenticated when it is not good (any more)."""
    header = request.META.get("HTTP_AUTHORIZATION")
    if not header:
        return None
    scheme, _, value = header.partition(" ")
    claims = read_claims(value, "access") if scheme.lower() == "bearer" else None
    if claims is None:
        _refuse("The access token is not valid or has expired; get a new one with the refresh token.")
    session_id = UUID(claims["sid"])
    player_id = _sessions[0].find_player(session_id, clock.now())
    if player_id is None or str(player_id) != claims["sub"]:
        _refuse("The session is over; log in again.")
    return PlayerToken(player_id, session_id, Actor(ActorKind.PLAYER, str(player_id)))


def get_player_token(request: HttpRequest) -> PlayerToken:
    """Raises: Unauthenticated."""
    return find_player_token(request) or _refuse("Send a player's access token: Authorization: Bearer <token>.")


def require_step_up(token: PlayerToken, at: datetime) -> None:
    """For sensitive actions. Raises: StepUpNeeded unless the player proved lately to be themself."""
    if not _sessions[0].is_fresh(token.session_id, token.player_id, at):
        raise StepUpNeeded(
            "Confirm with your password, or your second factor if you have one, and try again.",
            reauthenticate="/_allauth/app/v1/auth/reauthenticate",
            reauthenticate_with_factor="/_allauth/app/v1/auth/2fa/reauthenticate",
        )


def sign_claims(claims: dict[str, Any]) -> str:
    """A token with these claims; issuer and audience are added."""
    whole = claims | {"iss": settings.PLAYER_TOKEN_ISSUER, "aud": AUDIENCE}
    key = settings.PLAYER_JWT_PRIVATE_KEYS[-1]
    return jwt.encode(whole, _private_key(key), ALGORITHM, headers={"kid": _key_id(key)})


def read_claims(token: str, use: str) -> dict[str, Any] | None:
    """The claims of a token that we signed for ``use`` ("access" or "refresh") and that has not expired; else None."""
    if not token.isascii() or len(token) > MAX_TOKEN_LENGTH:
        return None
    claims = _decode(token, tuple(settings.PLAYER_JWT_PRIVATE_KEYS), settings.PLAYER_TOKEN_ISSUER)
    moment = clock.now().timestamp()
    if claims is None or claims["token_use"] != use or not claims["iat"] - SKEW_SECONDS <= moment < claims["exp"]:
        return None
    return claims


@lru_cache(maxsize=10_000)
def _decode(token: str, keys: tuple[str, ...], issuer: str) -> dict[str, Any] | None:
    """Everything but time, which the caller compares each time."""
    try:
        kid = jwt.get_unverified_header(token).get("kid")
        key = next((key for key in keys if _key_id(key) == kid), keys[-1])  # from before keys had names
        claims: dict[str, Any] = jwt.decode(
            token,
            _private_key(key).public_key(),
            algorithms=[ALGORITHM],
            audience=AUDIENCE,
            issuer=issuer,
            options={
                "require": ["exp", "iat", "sub", "sid", "jti", "token_use"],
                "verify_exp": False,
                "verify_iat": False,
            },
        )
        for name in ("sid", "sub", "jti"):
            UUID(claims[name])
    except (jwt.PyJWTError, ValueError, TypeError, AttributeError, IndexError):
        return None
    return claims if all(isinstance(claims[name], (int, float)) for name in ("exp", "iat")) else None


@lru_cache(maxsize=4)
def _private_key(pem: str) -> Any:
    return load_pem_private_key(pem.encode(), password=None)


@lru_cache(maxsize=4)
def _key_id(pem: str) -> str:
    """By its public half: the same on every machine."""
    public = _private_key(pem).public_key().public_bytes(Encoding.DER, PublicFormat.SubjectPublicKeyInfo)
    return sha256(public).hexdigest()[:16]


def _refuse(detail: str) -> NoReturn:
    raise Unauthenticated(detail)
