"""Opening one's own account: what the country asks for, the password and the first consents, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from events.services.log import holding
from kernel.actors import Actor, ActorKind
from kernel.ids import uuid7
from players.services.consents import change_consents
from players.services.registration import Registration, ask_gates, check_registration, register
from players.types import PlayerDetails
from players.types_identity import ConsentChannel, ConsentProduct

SOURCE = "registration"


def sign_up(
    *,
    data: Registration,
    password_hash: str,
    consents: Iterable[tuple[ConsentProduct, ConsentChannel]],
    text_version: str,
    device_token: str = "",
    at: datetime,
) -> PlayerDetails:
    """Open the account that a person asks for themself; ``password_hash`` is Django's encoded form.

    ``device_token`` is what the person's browser or app kept of an earlier login, by whomever.
    Publishes PlayerRegistered and ConsentChanged. Raises: FieldErrors (fields that the country asks for are missing, too
    young there, taken), RegistrationRefused.
    """
    check_registration(data=data, at=at)
    player_id = uuid7()
    actor = Actor(ActorKind.PLAYER, str(player_id))
    ask_gates(data=data, device_token=device_token, actor=actor, at=at)
    granted = dict.fromkeys(consents, True)
    with holding(player_id):
        player = register(
            data=data,
            actor=actor,
            idempotency_key=str(player_id),
            at=at,
            player_id=player_id,
            password_hash=password_hash,
            device_token=device_token,
        )
        if granted:
            change_consents(player_id=player_id, answers=granted, text_version=text_version, source=SOURCE, at=at)
    return player
