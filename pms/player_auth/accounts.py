"""Logins given to players by command: for the demo, and for trials."""

from __future__ import annotations

from datetime import datetime

from allauth.account.models import EmailAddress
from django.contrib.auth import get_user_model

from kernel.actors import system
from players.services import security
from players.types import PlayerDetails
from players.types_identity import SecurityChange

ACTOR = system("demo-setup")


def ensure_login(*, player: PlayerDetails, password: str, at: datetime) -> None:
    """Let the player log in with this password, email and phone taken as verified. Again changes nothing more."""
    user = get_user_model().objects.get(username=player.login)
    if not user.check_password(password):
        user.set_password(password)
        security.change_password(
            player_id=player.id,
            password_hash=user.password,
            change=SecurityChange.PASSWORD_RESET,
            keep_session=None,
            at=at,
        )
    EmailAddress.objects.update_or_create(user=user, email=player.email, defaults={"verified": True, "primary": True})
    if player.phone:
        security.set_phone(player_id=player.id, phone=player.phone, actor=ACTOR, at=at, verified=True)
