"""How lately a player proved to be themself: what allauth's session has recorded, read for every step-up."""

from __future__ import annotations

from datetime import datetime
from uuid import UUID

from allauth.account.authentication import AUTHENTICATION_METHODS_SESSION_KEY
from allauth.headless.internal.sessionkit import lookup_session
from allauth.mfa.models import Authenticator
from django.conf import settings
from django.contrib.auth import SESSION_KEY
from django.contrib.sessions.backends.base import SessionBase

from players.services import sessions

_PROOFS = {"password", "mfa", "code"}
STRONG = (Authenticator.Type.TOTP, Authenticator.Type.WEBAUTHN)


class PlayerSessions:
    """What the player API asks (kernel.rest.player_tokens)."""

    def find_player(self, session_id: UUID, at: datetime) -> UUID | None:
        try:
            return sessions.check(session_id=session_id, at=at)
        except sessions.SessionOver:
            return None

    def is_fresh(self, session_id: UUID, player_id: UUID, at: datetime) -> bool:
        key = sessions.find_store_key(session_id=session_id, player_id=player_id, at=at)
        session = lookup_session(key) if key else None
        return session is not None and is_fresh(session, at)


def is_fresh(session: SessionBase, at: datetime) -> bool:
    """Whether a proof of the last minutes stands in the session: the second factor's, where the player has one."""
    wanted = {"mfa"} if has_factor(int(session[SESSION_KEY])) else _PROOFS
    since = at.timestamp() - settings.PLAYER_STEP_UP_SECONDS
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY, ())
    return any(record["method"] in wanted and record["at"] >= since for record in records)


def has_factor(user_id: int) -> bool:
    """Whether an app, passkey or hardware key is set up."""
    return Authenticator.objects.filter(user_id=user_id, type__in=STRONG).exists()


def list_proofs(session: SessionBase) -> str:
    """By which means this login was proved: "password+totp"."""
    records = session.get(AUTHENTICATION_METHODS_SESSION_KEY, ())
    names = [record["type"] if record["method"] == "mfa" else record["method"] for record in records]
    return "+".join(dict.fromkeys("sms" if name == "code" else name for name in names))
