"""Logins given to players by command, and second factors sealed anew after a change of SECRET_KEY."""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime

from allauth.account.models import EmailAddress
from allauth.mfa.models import Authenticator
from django.contrib.auth import get_user_model

from kernel.actors import system
from kernel.db import locked_batches
from kernel.secrets import is_current, seal, unseal
from players.services import security
from players.types import PlayerDetails
from players.types_identity import SecurityChange
from pms.player_auth.adapters import PURPOSE

_SEALED = ("secret", "seed")  # of an app, of recovery codes
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


def reseal_factors() -> Iterator[int]:
    """Seal anew what second factors keep under a former SECRET_KEY; how many, batch by batch.

    Raises: kernel.secrets.Unreadable.
    """
    for rows in locked_batches(Authenticator.objects.exclude(type=Authenticator.Type.WEBAUTHN)):
        changed = 0
        for row in rows:
            old = [name for name in _SEALED if name in row.data and not is_current(row.data[name].encode(), PURPOSE)]
            for name in old:
                row.data[name] = seal(unseal(row.data[name].encode(), PURPOSE), PURPOSE).decode()
            changed += len(old)
        Authenticator.objects.bulk_update(rows, ["data"])
        yield changed
