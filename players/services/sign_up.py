"""Opening one's own account: what the country asks for, the password and the first consents, in one transaction."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from events.services.log import holding
from kernel.actors import Actor, ActorKind
from kernel.errors import FieldErrors
from kernel.ids import uuid7
from players.rules_identity import age_on
from players.selectors_identity import get_demands
from players.services.consents import change_consents
from players.services.registration import Registration, ask_gates, register
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
    check_demands(data=data, at=at)
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


def check_demands(*, data: Registration, at: datetime) -> None:
    """Raises: FieldErrors naming every field that the law asks for and that is missing; what ``get_demands`` raises."""
    demands = get_demands(data.country, data.region, at)
    errors = {
        name: [f"This is needed to open an account in {data.country}."]
        for name in demands.required
        if not getattr(data, name)
    }
    if demands.affirmation and not data.affirmed:
        errors["affirmed"] = ["The person has to say that what they gave is right."]
    if data.birth_date and age_on(data.birth_date, at.date()) < demands.minimum_age:
        errors["birth_date"] = [f"Players in {data.country} must be at least {demands.minimum_age} years old."]
    if errors:
        raise FieldErrors(errors)
